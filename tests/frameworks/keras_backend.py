"""The Keras reader with the backend of this process. `test_keras.py` runs it once for each backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np
import pytest

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.readers.keras import MixedDataset
from mixup_cli.readers.keras_texts import BlendedWords
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.view import Batch
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from tests.contracts.reader_contract import PASSES, ReaderContract, write_mixed
from tests.timed_sources import tokens


def small_model(shape: Sequence[int] = (4, 6, 3)) -> Any:
    layers = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(3, kernel_initializer="zeros"),
    ]
    model = keras.Sequential([keras.Input(tuple(shape), dtype="uint8"), *layers])
    model.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
    return model


def flat(batch: Any) -> Batch:
    """Inputs and targets, one after another."""
    if isinstance(batch, dict):
        return batch
    return tuple(each for side in batch for each in (side if isinstance(side, tuple) else (side,)))


class TestMixedDataset(ReaderContract):
    axes: ClassVar[Axes] = "hwc"

    def open(self, folder: Path, **choices: Any) -> MixedDataset:
        return MixedDataset(folder, 8, **choices)

    def batches(self, reader: MixedDataset) -> Iterable[Batch]:
        return map(flat, reader)

    def losses(self, reader: MixedDataset) -> Sequence[float]:
        model, batch = small_model(), reader[0]
        return [float(model.train_on_batch(*batch)) for _ in range(3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("keras"))


@pytest.fixture
def channels_first() -> Iterator[None]:
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    "how", [{}, {"workers": 2}, {"workers": 2, "use_multiprocessing": True}], ids=["inline", "threads", "processes"]
)
def test_fit_moves_from_pass_to_pass(how: dict[str, Any], folder: Path) -> None:
    if how.get("use_multiprocessing") and keras.backend.backend() == "jax":
        pytest.skip("Keras forks its workers, and JAX warns of a fork beside its threads")
    data = MixedDataset(folder, 5, seed=1, epoch=0, **how)
    history = small_model().fit(data, epochs=3, verbose=0, shuffle=False).history["loss"]
    assert history[0] > history[2]
    peeked = 1  # at a batch, before the first epoch, which Keras counts as one
    np.testing.assert_array_equal(data[0][0], MixedDataset(folder, 5, seed=1, epoch=3 + peeked)[0][0])


def test_epochs_are_shuffled_and_show_the_next_pass(folder: Path) -> None:
    data = MixedDataset(folder, 4, seed=1, epoch=1, sample=["index"])
    epochs = []
    for _ in range(3):
        epochs.append([row for batch in data for row in batch["index"].tolist()])
        data.on_epoch_end()
    assert [sorted(rows) for rows in epochs] == [[*PASSES[1]], [*PASSES[0]], [*PASSES[1]]]
    assert epochs[0] != epochs[2]


@pytest.mark.usefixtures("channels_first")
def test_images_have_the_axes_that_keras_is_set_to(folder: Path) -> None:
    images, _ = MixedDataset(folder, 8)[0]
    np.testing.assert_array_equal(images, np.moveaxis(MixedArrays(folder).images(range(8)), 3, 1))


def test_a_loss_of_pairs(folder: Path) -> None:
    class OfPairs(keras.Model):  # type: ignore[misc]
        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            y_a, y_b, lam = y
            of_a, of_b = (keras.losses.sparse_categorical_crossentropy(each, y_pred, True) for each in (y_a, y_b))
            return keras.ops.mean(lam * of_a + (1 - lam) * of_b)

    found = []
    for sample, kind in (("pair", OfPairs), ("soft", keras.Model)):
        plain = small_model()
        model = kind(plain.inputs, plain.outputs)
        model.compile(keras.optimizers.SGD(0.05), keras.losses.CategoricalCrossentropy(from_logits=True))
        data = MixedDataset(folder, 8, sample=sample, drop_remainder=True)
        found.append(model.fit(data, epochs=2, verbose=0, shuffle=False).history["loss"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4)


def test_mistakes(folder: Path) -> None:
    with pytest.raises(IndexError, match="batch 6 of 6"):
        MixedDataset(folder, 8)[6]
    with pytest.raises(UsageError, match="batch_size=0: expected a whole number, 1 or more"):
        MixedDataset(folder, 0)


TEXTS = ["input_ids", "attention_mask", "share", "span"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Token numbers of two parents, averaged or cut, with what is beside them."""
    out = tmp_path_factory.mktemp("texts") / "out"
    methods = (MethodChoice("mixup"), MethodChoice("ssmix"), MethodChoice("none"))
    generate(tokens(), Recipe(methods=methods), Run(out=out, passes=4))
    return dict(MixedDataset(out, 48, sample=TEXTS)[0])


def test_words_are_averaged_by_share(texts: dict[str, Any], tmp_path: Path) -> None:
    """As the formula has it, place by place; also after the model was saved and loaded."""
    given = {name: keras.Input(texts[name].shape[1:], dtype=texts[name].dtype.name, name=name) for name in TEXTS}
    model = keras.Model(given, BlendedWords(keras.layers.Embedding(100, 5))(*given.values()))
    found = np.asarray(keras.ops.convert_to_numpy(model(texts)))
    table, expected = np.asarray(model.get_weights()[0], np.float64), np.zeros(found.shape)
    for row, slot, place in np.argwhere(texts["attention_mask"] == 1).tolist():
        weight = 1.0 if texts["span"][row, 0] < texts["span"][row, 1] else float(texts["share"][row, slot])
        expected[row, place] += weight * table[texts["input_ids"][row, slot, place]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(texts)), found)


def test_one_text_a_row_has_its_own_embeddings(texts: dict[str, Any]) -> None:
    layer = BlendedWords(keras.layers.Embedding(100, 5))
    ids = texts["input_ids"][:, 0]
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(each(ids)) for each in (layer, layer.embedding)))
