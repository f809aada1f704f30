"""A finished data set as a `tf.data.Dataset`."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Condition
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.readers.batches import Batches
from mixup_cli.readers.view import Choices, View

try:
    import tensorflow as tf
except ModuleNotFoundError as problem:
    remedy = "Run pip install 'mixup-gen[tensorflow]'."
    raise UsageError(f"this reader needs a library: {problem}.", remedy) from None

READERS = 2
"""Threads that read batches. More do not help: a read is a copy in memory."""

AHEAD = 2
"""Batches that are ready before they are asked for."""

LAST_SECONDS = 0.05
"""What a thread has to come from TensorFlow into Python, when the program ends."""


class _Calls:
    """The calls from TensorFlow's threads. A thread that comes into Python while the interpreter is taken down never
    returns, and TensorFlow would wait for it for ever. So when the program ends, running calls are awaited and later
    ones refused, before anything is taken down: TensorFlow's buffers fill, and its threads rest."""

    def __init__(self) -> None:
        self._running, self._are_over, self._changed = 0, False, Condition()
        atexit.register(self._end)

    @contextmanager
    def one(self) -> Iterator[None]:
        """A call. Raises RuntimeError when the program ends."""
        with self._changed:
            if self._are_over:
                raise RuntimeError("the program ends")
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._are_over = True
            self._changed.wait_for(lambda: not self._running)
        time.sleep(LAST_SECONDS)


_calls = _Calls()


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
    some threads ahead. Reading calls Python once a batch, so the data set cannot be saved as a graph or sent to another
    process. Raises what `readers.view.View` raises.
    """
    view = View(folder, "hwc", **choices)
    batches = Batches(view, batch_size, seed, drop_remainder)
    rows = batch_size if drop_remainder else None
    specs = [tf.TensorSpec([rows, *part.shape], tf.as_dtype(part.dtype), part.name) for part in view.parts]
    epochs = count(choices.get("epoch") or 0)

    def read(epoch: np.int64, number: np.int64) -> list[NDArray[Any]]:
        with _calls.one():
            found = batches.read(int(number), int(epoch))
        return list(found.values() if isinstance(found, dict) else found)

    def batch(epoch: tf.Tensor, number: tf.Tensor) -> Any:
        found = tf.numpy_function(read, [epoch, number], [spec.dtype for spec in specs], stateful=False)
        parts = [tf.ensure_shape(each, spec.shape) for each, spec in zip(found, specs, strict=True)]
        if view.is_named:
            return {spec.name: part for spec, part in zip(specs, parts, strict=True)}
        return tuple(parts) if len(parts) > 1 else parts[0]

    def of_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        numbers = tf.data.Dataset.range(len(batches))
        return numbers.map(lambda number: batch(epoch, number), num_parallel_calls=READERS, deterministic=True)

    begun = tf.data.Dataset.range(1).map(lambda _: tf.numpy_function(lambda: np.int64(next(epochs)), [], tf.int64))
    data = begun.flat_map(of_epoch).apply(tf.data.experimental.assert_cardinality(len(batches)))
    return data.prefetch(AHEAD)
