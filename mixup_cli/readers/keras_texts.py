"""Texts of several parents, mixed in the embeddings of a Keras model by their shares: see `readers.pytorch_texts`."""

from __future__ import annotations

from typing import Any

from mixup_cli.errors import from_extra

with from_extra("keras", "this reader"):
    import keras


@keras.saving.register_keras_serializable(package="mixup_gen")
class BlendedWords(keras.layers.Layer):  # type: ignore[misc]
    """Takes what `embedding` makes of the tokens of all parents to one text a row, as `pytorch_texts.blended_words`.

    Called with `input_ids` (B, P, L), `attention_mask` (B, P, L), `share` (B, P) and `span` (B, 2), it gives the
    embeddings (B, L, D); with `input_ids` (B, L) alone, as where a model is used after training, those of one text.
    `embedding` is a layer from numbers (…) to (…, D), as `keras.layers.Embedding` is.
    """

    def __init__(self, embedding: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self.embedding = embedding

    def call(self, input_ids: Any, attention_mask: Any = None, share: Any = None, span: Any = None) -> Any:
        """See the class."""
        found = self.embedding(input_ids)
        if len(input_ids.shape) == 2:
            return found
        is_cut = (span[:, 0] < span[:, 1])[:, None]
        weights = keras.ops.where(is_cut, keras.ops.ones_like(share), share)
        at_places = keras.ops.cast(weights[:, :, None], found.dtype) * keras.ops.cast(attention_mask, found.dtype)
        return keras.ops.sum(at_places[..., None] * found, axis=1)

    def get_config(self) -> dict[str, Any]:
        """As Keras saves a layer."""
        return {**super().get_config(), "embedding": keras.saving.serialize_keras_object(self.embedding)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> BlendedWords:
        """As Keras loads it again."""
        return cls(**{**config, "embedding": keras.saving.deserialize_keras_object(config["embedding"])})
