"""A finished data set as a `keras.utils.PyDataset`, for any backend of Keras 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from mixup_cli.errors import from_extra
from mixup_cli.fields.axes import Axes
from mixup_cli.readers.batches import Batches
from mixup_cli.readers.view import Choices, View

with from_extra("keras", "this reader"):
    import keras

AXES: dict[str, Axes] = {"channels_last": "hwc", "channels_first": "chw"}


class MixedDataset(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches as `fit`, `evaluate` and `predict` take them: (images, labels), the images in their stored dtype and with
    the axes of `keras.config.image_data_format()`, the labels float32 (m, K); only images if the data set has none.

    Of other forms (`sample` in `readers.view.Choices`), too, what is mixed is the input and all else the target, and
    several of either are a tuple: (images, (y_a, y_b, lam)), ((images, masks), labels), (images, (labels, logits)). A
    `compute_loss` of yours gets such a target. Dictionaries stay as they are. `choices` also say which rows are shown.

    Rows come in order, or shuffled by `seed` in each epoch. By default `fit` shuffles the order of batches on
    top; `fit(…, shuffle=False)` leaves it. With `epoch`, one pass is shown at a time, beginning with that of this
    number; `fit` moves on at the end of each epoch. (It looks at a batch of a new model's data first, and counts that
    as an epoch.) A last, smaller batch is left out with `drop_remainder`.

    `workers`, `use_multiprocessing` and `max_queue_size` are those of `PyDataset`. Raises what `readers.view.View`
    raises.
    """

    def __init__(  # noqa: PLR0913  # given by name, as those of a PyDataset
        self,
        folder: str | Path,
        batch_size: int,
        *,
        seed: int | None = None,
        drop_remainder: bool = False,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
        **choices: Unpack[Choices],
    ) -> None:
        super().__init__(workers, use_multiprocessing, max_queue_size)
        self.view = View(folder, AXES[keras.config.image_data_format()], **choices)
        self.class_names = self.view.arrays.class_names
        self.label_kind = self.view.arrays.label_kind
        self._batches = Batches(self.view, batch_size, seed, drop_remainder)
        self._signals = {signal.name for signal in self.view.arrays.manifest.signals}
        self._epoch = choices.get("epoch") or 0

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, number: int) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number} of {len(self)}")
        found = self._batches.read(number, self._epoch)
        if isinstance(found, dict):
            return found
        named = [(part.name in self._signals, values) for part, values in zip(self.view.parts, found, strict=True)]
        sides = [tuple(values for is_signal, values in named if is_signal is side) for side in (True, False)]
        return tuple(side if len(side) > 1 else side[0] for side in sides if side)

    def on_epoch_end(self) -> None:
        """Keras calls this after each epoch: the next one is shuffled again and, with `epoch`, shows the next pass."""
        self._epoch += 1
