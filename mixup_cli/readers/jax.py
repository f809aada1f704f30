"""A finished data set for JAX: a source of samples, a source of batches, and batches on the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar, Unpack

from mixup_cli.errors import from_extra
from mixup_cli.readers.batches import Batches
from mixup_cli.readers.view import Choices, View
from mixup_cli.readers.words import check_whole

Value = TypeVar("Value")


class MixedDataset:
    """Samples as (image, label), NumPy arrays: the image (height, width, channels) in its stored dtype, the label
    float32 (K); only images if the data set has no labels. Further signals stand between the two. `sample` gives other
    forms, and other `choices` other rows (`readers.view.Choices`): (image, y_a, y_b, lam), or dictionaries.

    A random-access source of grain's, for its `DataLoader` and `MapDataset`, in any number of workers; it imports
    neither JAX nor grain. grain asks for one sample at a time: `MixedBatches` is many times as fast. With `epoch`, the
    pass of this number is shown. Raises what `readers.view.View` raises.
    """

    def __init__(self, folder: str | Path, **choices: Unpack[Choices]) -> None:
        self.view = View(folder, "hwc", **choices)
        self.class_names = self.view.arrays.class_names
        self.label_kind = self.view.arrays.label_kind

    def __repr__(self) -> str:
        """The same for the same samples: grain compares it when it goes on from a checkpoint."""
        return _words(self.view)

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, number: int) -> Any:
        if not -len(self) <= number < len(self):
            raise IndexError(f"sample {number} of {len(self)}")
        found = self.view.read(self.view.rows([number % len(self)], self.view.choices.get("epoch") or 0))
        if isinstance(found, dict):
            return {name: values[0] for name, values in found.items()}
        return tuple(values[0] for values in found) if len(found) > 1 else found[0][0]


class MixedBatches:
    """Whole batches of such samples: (images, labels) with images (m, height, width, channels), as a random-access
    source, for grain's `MapDataset` or by themselves. Do not shuffle it nor batch it again.

    It has the batches of `epochs` epochs, one after another: `batches[2 * n]` begins the third, if each has n. Rows
    come in order, or shuffled by `seed` in each epoch. With `epoch`, the first epoch shows the pass of this
    number, and each further one the next pass. A last, smaller batch of an epoch is left out with `drop_remainder`.
    """

    def __init__(
        self,
        folder: str | Path,
        batch_size: int,
        *,
        seed: int | None = None,
        drop_remainder: bool = False,
        epochs: int = 1,
        **choices: Unpack[Choices],
    ) -> None:
        check_whole(1, epochs=epochs)
        self.view = View(folder, "hwc", **choices)
        self.class_names = self.view.arrays.class_names
        self.label_kind = self.view.arrays.label_kind
        self._batches = Batches(self.view, batch_size, seed, drop_remainder)
        self._words = f"{_words(self.view)} in batches of {batch_size}, {seed=}, {drop_remainder=}, {epochs=}"
        self._epochs = epochs

    def __repr__(self) -> str:
        """As that of `MixedDataset`."""
        return self._words

    def __len__(self) -> int:
        return self._epochs * len(self._batches)

    def __iter__(self) -> Iterator[Any]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, number: int) -> Any:
        if not -len(self) <= number < len(self):
            raise IndexError(f"batch {number} of {len(self)}")
        epoch, place = divmod(number % len(self), len(self._batches))
        found = self._batches.read(place, epoch + (self.view.choices.get("epoch") or 0))
        return found[0] if isinstance(found, tuple) and len(found) == 1 else found


def _words(view: View) -> str:
    manifest = view.arrays.manifest
    return f"{manifest.recipe_id} of {manifest.source.fingerprint}, {len(view)} rows of {view.choices}"


def on_device(batches: Iterable[Value], device: Any = None) -> Iterator[Value]:
    """Batches of NumPy arrays as arrays on a device: JAX's first one, a `jax.Device` or a `jax.sharding.Sharding`. The
    next batch is on its way there while one is used."""
    with from_extra("jax", "this reader"):
        import jax
    ahead: Value | None = None
    for batch in batches:
        moved = jax.device_put(batch, device)
        if ahead is not None:
            yield ahead
        ahead = moved
    if ahead is not None:
        yield ahead
