"""A finished data set as a `tf.data.Dataset`."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import from_extra
from mixup_cli.readers.batches import Batches
from mixup_cli.readers.view import Choices, View

with from_extra("tensorflow", "this reader"):
    import tensorflow as tf

READERS = 2
"""Threads that read batches. More do not help: a read is a copy in memory."""

AHEAD = 2
"""Batches that are ready before they are asked for."""

READ_BYTES = 4 << 20
"""Small batches are read together, up to this size: TensorFlow's call of Python takes as long as a read of 256 CIFAR
images, and to cut what was read into batches a fifth of that."""


@atexit.register
def _end_iterators() -> None:
    """Drop the iterators that are left when the program ends, and with them TensorFlow's threads. One that came into
    Python while the interpreter is taken down would never return, and TensorFlow would wait for it for ever."""
    for each in gc.get_objects():
        if issubclass(type(each), tf.data.Iterator):
            vars(each).clear()


def mixed_dataset(
    folder: str | Path,
    batch_size: int,
    *,
    seed: int | None = None,
    drop_remainder: bool = False,
    **choices: Unpack[Choices],
) -> tf.data.Dataset:
    """Batches of (images, labels), the images (m, height, width, channels) in their stored dtype, the labels float32
    (m, K); only images if the data set has no labels. Further signals stand between the two. `sample` gives other
    forms, and other `choices` other rows (`readers.view.Choices`): (images, y_a, y_b, lam), or dictionaries.

    Rows come in order, or shuffled by `seed`. Each iteration over the data set is an epoch, shuffled again; so is
    each of `repeat`. With `epoch`, the first iteration shows the pass of that number, and each further one the next
    pass. The same calls give the same batches.

    `element_spec` has static shapes, but for m; with `drop_remainder` m is `batch_size`. Whole batches are read, by
    some threads ahead, small ones several at once. Reading calls Python, so the data set cannot be saved as a graph or
    sent to another process. Raises what `readers.view.View` raises.
    """
    view = View(folder, "hwc", **choices)
    batches = Batches(view, batch_size, seed, drop_remainder)
    rows = batch_size if drop_remainder else None
    specs = [tf.TensorSpec([rows, *part.shape], tf.as_dtype(part.dtype), part.name) for part in view.parts]
    reads, epochs = _Reads(batches, batch_size, specs), count(choices.get("epoch") or 0)
    begun = tf.data.Dataset.range(1).map(lambda _: tf.numpy_function(lambda: np.int64(next(epochs)), [], tf.int64))
    data = begun.flat_map(reads.of_epoch).apply(tf.data.experimental.assert_cardinality(len(batches)))
    return data.prefetch(AHEAD)


@dataclass(frozen=True)
class _Reads:
    """How TensorFlow's threads read batches; `specs` are those of the parts of a batch."""

    batches: Batches
    batch_size: int
    specs: Sequence[tf.TensorSpec]

    def of_epoch(self, epoch: tf.Tensor) -> tf.data.Dataset:
        """The batches of an epoch, in order."""
        threads = {"num_parallel_calls": READERS, "deterministic": True}
        view = self.batches.view
        together = max(1, READ_BYTES // max(1, self.batch_size * sum(part.row_bytes for part in view.parts)))

        def one(number: tf.Tensor) -> Any:
            return self._shaped(*self._read(epoch, number, 1))

        def several(number: tf.Tensor) -> tuple[tf.Tensor, ...]:
            """Whole batches: (together, batch_size, *shape) each."""
            found = zip(self._read(epoch, number, together), self.specs, strict=True)
            return tuple(tf.reshape(each, [-1, self.batch_size, *spec.shape[1:]]) for each, spec in found)

        if together == 1:
            return tf.data.Dataset.range(len(self.batches)).map(one, **threads)
        stop = len(view) // self.batch_size // together * together
        data = tf.data.Dataset.range(0, stop, together).map(several, **threads).unbatch().map(self._shaped)
        return data.concatenate(tf.data.Dataset.range(stop, len(self.batches)).map(one))

    def _read(self, epoch: tf.Tensor, number: tf.Tensor, batch_count: int) -> Any:
        def parts(epoch: np.int64, number: np.int64) -> list[NDArray[Any]]:
            found = self.batches.read(int(number), int(epoch), batch_count)
            return list(found.values() if isinstance(found, dict) else found)

        return tf.numpy_function(parts, [epoch, number], [spec.dtype for spec in self.specs], stateful=False)

    def _shaped(self, *parts: tf.Tensor) -> Any:
        found = [tf.ensure_shape(each, spec.shape) for each, spec in zip(parts, self.specs, strict=True)]
        if self.batches.view.is_named:
            return {spec.name: part for spec, part in zip(self.specs, found, strict=True)}
        return tuple(found) if len(found) > 1 else found[0]
