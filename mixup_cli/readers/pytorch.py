"""A finished data set as a PyTorch `Dataset`: by number (`MixedDataset`), or read in order (`MixedStream`)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from mixup_cli.errors import UsageError
from mixup_cli.readers.pytorch_batch import NamedSample, ReadBatch, TupleSample
from mixup_cli.readers.pytorch_targets import Target, detection_batch, segmentation_batch
from mixup_cli.readers.samples import PAIR
from mixup_cli.readers.view import Choices, View
from mixup_cli.readers.words import check_whole
from mixup_cli.wording import counted

__all__ = ["MixedDataset", "MixedStream", "Target", "Transform", "detection_batch", "segmentation_batch"]

Transform: TypeAlias = Callable[[Tensor], Any]


class _Reader:
    """What both data sets have in common: the rows and parts that are shown, as tensors, and the epoch."""

    def __init__(self, folder: str | Path, transform: Transform | None = None, **choices: Unpack[Choices]) -> None:
        self.view = View(folder, "chw", **choices)
        self.arrays = self.view.arrays
        self.class_names = self.arrays.class_names
        self.label_kind = self.arrays.label_kind
        self._transform = transform
        self._first = self.arrays.manifest.signals[0].name
        if transform is not None and all(part.name != self._first for part in self.view.parts):
            raise UsageError("samples have no images.", "Leave it out, or choose images.", field="transform")
        self._epoch = torch.tensor(choices.get("epoch") or 0)
        if self._has_epochs:  # workers that stay from epoch to epoch must see it
            self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    @property
    def _has_epochs(self) -> bool:
        return self.view.has_epochs

    @property
    def set_epoch(self) -> Callable[[int], None]:
        """Show the pass of an epoch, in another order if rows are shuffled. Call it between epochs: workers see it with
        the next batch that they fetch.

        Where epochs do not differ, this method does not exist: trainers call it if they find it, and it would change
        nothing.
        """
        if not self._has_epochs:
            raise AttributeError(
                "set_epoch: this data set shows the same rows in every epoch. Open it with epoch=0 to see one pass in "
                "each."
            )
        return self._set_epoch

    def _set_epoch(self, epoch: int) -> None:
        self._epoch.fill_(epoch)

    def _read(self, positions: Sequence[int] | NDArray[np.int64]) -> list[NDArray[Any]]:
        """The parts of some samples of this epoch, in one read."""
        rows = self.view.rows(positions, int(self._epoch))
        return [part.read(rows) for part in self.view.parts]

    def _batch(self, values: Sequence[NDArray[Any]]) -> ReadBatch:
        names = [part.name for part in self.view.parts]
        parts: list[Any] = [torch.from_numpy(each) for each in values]
        for place, name in enumerate(names):
            if name == self._first and self._transform is not None:
                parts[place] = [self._transform(image) for image in parts[place]]
            if name in PAIR[:2]:
                parts[place] = parts[place].long()  # as `cross_entropy` takes classes
        return ReadBatch(parts, names if self.view.is_named else None)


class MixedDataset(_Reader, Dataset[Any]):
    """Samples as (image, label) tensors, the label float32 (K); only images if the data set has no labels. Further
    signals stand between the two, in the order of the manifest. `sample` gives other forms, and other `choices` other
    rows (`readers.view.Choices`): (image, y_a, y_b, lam) with classes of int64, or dictionaries.

    `label_kind` decides the loss: labels of the kinds "classes" and "soft" sum to 1, "multi" are any number of classes
    in 0 … 1, and "real" are numbers to predict. `class_names` are their K names.

    Images come channels first, (C, H, W), as PyTorch's models and torchvision's transforms take them, in their stored
    dtype; those of axes "hw" as (1, H, W). `transform` is applied to each image.

    With `epoch`, one pass is shown at a time: number `epoch` modulo the count of passes, until `set_epoch` moves on.
    These passes have one length, so that samplers can be made once. Raises what `readers.view.View` raises.

    A `DataLoader` fetches whole batches at once, and its default `collate_fn` recognises them and stacks nothing but
    what `transform` made, and images without labels. Images stored as NHWC then are a view, channels first and in
    torch's memory format `channels_last`. Each process maps the shards for itself.
    """

    def __len__(self) -> int:
        return len(self.view)

    def __getitem__(self, row: int) -> Any:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        sample: Any = self.__getitems__([row % len(self)])[0]
        if isinstance(sample, NamedSample):
            return dict(sample)
        return tuple(sample) if isinstance(sample, TupleSample) else sample

    def __getitems__(self, rows: list[int]) -> Sequence[Any]:
        """Several samples in one read; what PyTorch's `DataLoader` calls for a batch."""
        batch = self._batch(self._read(rows))
        return list(batch.parts[0]) if batch.is_single else batch  # torch knows no batch of bare tensors


class MixedStream(_Reader, IterableDataset[Any]):
    """Batches of a data set that is read in order, for disks and networks on which only that is fast: pass it to
    `DataLoader(stream, batch_size=None)`. `transform` and `choices` are those of `MixedDataset`.

    `part` (k, n) is the k-th of n processes that share an epoch; default: the rank and the world size of
    `torch.distributed`, or what `torchrun` says of them (`RANK`, `WORLD_SIZE`), or (0, 1). Each process, and in it each
    worker of a `DataLoader`, reads a stretch of its own: together they give every row once. Each process has
    `len(stream)` batches, the same count in all, at any number of workers. Batches have `batch_size` rows or, since the
    rows seldom divide evenly, a few less in all of them; with `drop_last` exactly `batch_size`, and less than a batch a
    process is left out.

    Each worker holds `shuffle_buffer` rows in memory and draws batches from them; 0 leaves the order as it is. If it
    shuffles, each epoch begins at another row: what is left out differs, and what each process reads. The order follows
    from `seed`, the epoch, `part` and the number of workers; call `set_epoch` between epochs.

    Raises UsageError if there are fewer rows than batches need, and what `readers.view.View` raises.
    """

    def __init__(  # noqa: PLR0913  # given by name, as those of a DataLoader
        self,
        folder: str | Path,
        batch_size: int,
        transform: Transform | None = None,
        *,
        shuffle_buffer: int = 1024,
        seed: int = 0,
        drop_last: bool = False,
        part: tuple[int, int] | None = None,
        **choices: Unpack[Choices],
    ) -> None:
        check_whole(1, batch_size=batch_size)
        check_whole(0, shuffle_buffer=shuffle_buffer, seed=seed)
        self._batch_size, self._drop_last = batch_size, drop_last
        self._buffer_rows = max(shuffle_buffer, batch_size) if shuffle_buffer else 0
        self._seed = seed
        self._part = part or _part_of_this_process()
        if not 0 <= self._part[0] < self._part[1]:
            raise UsageError("expected (k, n) with k in 0 … n − 1.", field="part", value=self._part)
        super().__init__(folder, transform, **choices)
        self._length = self._count_batches()

    @property
    def _has_epochs(self) -> bool:
        return self.view.has_epochs or self._buffer_rows > 0

    def _count_batches(self) -> int:
        rows, size, processes = len(self.view), self._batch_size, self._part[1]
        least = rows // processes
        found = least // size if self._drop_last else math.ceil(math.ceil(rows / processes) / size)
        if not 1 <= found <= least:
            each = f"{counted(processes, 'process')} with batches of {size}"
            raise UsageError(f"{counted(rows, 'row')} are too few for {each}.", field="batch_size")
        return found

    def __len__(self) -> int:
        """How many batches each process has."""
        return self._length

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        own = self._borders()[number * len(self) // workers : (number + 1) * len(self) // workers + 1]
        stretches = [range(start, stop) for start, stop in pairwise(own)]
        batches = self._shuffled(stretches) if self._buffer_rows else map(self._read_stretch, stretches)
        yield from (self._batch(values).collated() for values in batches)

    def _borders(self) -> list[int]:
        """Where each batch of this process begins, and where the last ends."""
        (number, processes), rows = self._part, len(self.view)
        if self._drop_last:
            size = len(self) * self._batch_size
            return list(range(number * size, (number + 1) * size + 1, self._batch_size))
        start, stop = number * rows // processes, (number + 1) * rows // processes
        return [start + place * (stop - start) // len(self) for place in range(len(self) + 1)]

    def _read_stretch(self, stretch: range, start: int = 0) -> list[NDArray[Any]]:
        """Consecutive samples of an epoch that begins at `start`, and goes round."""
        return self._read((np.arange(stretch.start, stretch.stop) + start) % len(self.view))

    def _shuffled(self, stretches: Sequence[range]) -> Iterator[list[NDArray[Any]]]:
        """As many samples as in each stretch, drawn from a buffer that is filled with all of them, block by block."""
        if not stretches:
            return
        first, stop, epoch = stretches[0].start, stretches[-1].stop, int(self._epoch)
        start = int(np.random.default_rng([self._seed, epoch]).integers(len(self.view)))
        draw = np.random.default_rng([self._seed, epoch, first + 1])
        buffer = self._read_stretch(range(first, min(first + self._buffer_rows, stop)), start)
        filled, free = np.arange(len(buffer[0])), np.empty(0, np.int64)
        next_row, block_rows = first + len(filled), max(self._batch_size, self._buffer_rows // 4)
        for stretch in stretches:
            if len(free) >= block_rows or len(filled) < len(stretch):
                block = range(next_row, min(next_row + len(free), stop))
                places, free, next_row = free[: len(block)], free[len(block) :], block.stop
                for held, values in zip(buffer, self._read_stretch(block, start), strict=True):
                    held[places] = values
                filled = np.concatenate([filled, places])
            drawn = draw.choice(len(filled), len(stretch), replace=False)
            yield [held[filled[drawn]] for held in buffer]
            free, filled = np.concatenate([free, filled[drawn]]), np.delete(filled, drawn)


def _part_of_this_process() -> tuple[int, int]:
    """Rank and world size: also before `torch.distributed` is initialised, since every rank would read everything."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
