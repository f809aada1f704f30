"""A finished data set as a PyTorch `Dataset`: by number (`MixedDataset`), or read in order (`MixedStream`)."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, Unpack

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from mixup_cli.errors import UsageError
from mixup_cli.fields.objects import KEYPOINTS, OBJECT_COLUMNS
from mixup_cli.fields.signal import FIRST, INSTANCES, MASK
from mixup_cli.readers.pytorch_batch import NamedSample, ReadBatch, TupleSample
from mixup_cli.readers.samples import PAIR
from mixup_cli.readers.view import Choices, View
from mixup_cli.readers.words import check_whole
from mixup_cli.wording import counted

Transform: TypeAlias = Callable[[Tensor], Any]


class _Reader:
    """What both data sets have in common: the rows and parts that are shown, as tensors, and the epoch."""

    def __init__(self, folder: str | Path, transform: Transform | None = None, **choices: Unpack[Choices]) -> None:
        self.view = View(folder, "chw", **choices)
        self.arrays = self.view.arrays
        self.class_names = self.arrays.class_names
        self.label_kind = self.arrays.label_kind
        self._transform = transform
        if transform is not None and all(part.name != FIRST for part in self.view.parts):
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
            if name == FIRST and self._transform is not None:
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


Target: TypeAlias = dict[str, Any]


def detection_batch(
    batch: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, first_label: int = 1, crowds: bool = False
) -> tuple[list[Tensor], list[Target]]:
    """What torchvision's detection models take: images, and a target for each. A `collate_fn` for a `DataLoader` over a
    `MixedDataset` or a `MixedStream` with `sample="objects"`; it also takes what such a data set gives by itself.

    An image is float32 (C, H, W), integers scaled to 0 … 1. A target has, for its n objects:

    - `boxes` float32 (n, 4): x1, y1, x2, y2 in pixels; `area` float32 (n), theirs in square pixels
    - `labels` int64 (n): `first_label` is the first class. torchvision's models keep 0 for the background; other
      libraries count from 0
    - `weights` and `visible`, float32 (n) in 0 … 1: the shares of the parents that objects come from, and the parts of
      them that are seen, for a loss of yours
    - `parents` int64 (n), 0 for the base; `ids` int64 (n), by which the source knows them; `iscrowd` int64 (n)
    - `keypoints` float32 (n, J, 3), if there are any: x, y and COCO's visibility
    - `masks` uint8 (n, H, W) of zeros and ones, if the samples have instances
    - `image_id`, an int: the number of the row

    Boxes around crowds are left out unless `crowds` asks for them: models would learn them as single objects, and
    torchvision's own references leave them out too. Raises UsageError for samples without objects.
    """
    columns = _by_name(batch)
    needed = {FIRST, "index", *OBJECT_COLUMNS} - {KEYPOINTS}
    if missing := sorted(needed - columns.keys()):
        raise UsageError(f"samples have no {missing[0]}.", 'Open the data set with sample="objects".', field="batch")
    images = [_as_floats(image) for image in columns[FIRST]]
    objects, target_of = _objects_of(columns, first_label), zip(columns["index"], columns["object_count"], strict=True)
    targets = []
    for place, (row, count) in enumerate(target_of):
        target = {name: values[place, :count] for name, values in objects.items()}
        if INSTANCES in columns:
            target["masks"] = _masks(columns[INSTANCES][place], int(count))
        if not crowds and target["iscrowd"].any():
            target = {name: values[target["iscrowd"] == 0] for name, values in target.items()}
        targets.append({**target, "image_id": int(row)})
    return images, targets


def segmentation_batch(
    batch: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, first_label: int = 1
) -> tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor]:
    """What a network for semantic segmentation takes: images float32 (B, C, H, W), integers scaled to 0 … 1, and the
    class of each pixel, int64 (B, H, W). A `collate_fn` for a `DataLoader` over a `MixedDataset` or a `MixedStream`
    with `sample=["images", "mask", "share"]`; it also takes what such a data set gives by itself.

    A mask has the data set's `ignore_index` (255) where it has no class, which losses take by that name. With
    `sample="objects"` classes come from instances: 0 where no object is, and `first_label` for the first class.

    Of a data set with the masks of all parents (`--masks both`) masks are (B, P, H, W), and the parents' shares,
    float32 (B, P), come third, for the loss Σ share · loss(mask). Raises UsageError for samples without masks.
    """
    columns = _by_name(batch)
    images = columns.get(FIRST)
    if images is None or not columns.keys() & {MASK, INSTANCES}:
        remedy = 'Open the data set with sample=["images", "mask", "share"], or "objects".'
        raise UsageError("samples have no masks.", remedy, field="batch")
    masks = columns[MASK].long() if MASK in columns else _classes_of(columns, first_label)
    images = _as_floats(images if isinstance(images, Tensor) else torch.stack(images))
    if masks.ndim == 3:
        return images, masks
    if "share" not in columns:
        found = "samples have masks of several parents, and not their shares."
        raise UsageError(found, 'Open the data set with sample=["images", "mask", "share"].', field="batch")
    return images, masks, columns["share"]


def _classes_of(columns: Mapping[str, Tensor], first_label: int) -> Tensor:
    """The class of each pixel by its object, 0 of one without: int64, in the shape of the instances."""
    instances = columns[INSTANCES].int().long()
    known = torch.cat(
        [torch.zeros(len(instances), 1, dtype=torch.int64), columns["object_class"].long() + first_label], 1
    )
    return known.gather(1, instances.flatten(1)).reshape(instances.shape)


def _masks(instances: Tensor, count: int) -> Tensor:
    """The pixels of each of some objects: uint8 (count, H, W)."""
    places = torch.arange(1, count + 1).reshape(-1, *[1] * instances.ndim)
    seen = instances.int() == places
    return (seen if seen.ndim == 3 else seen.any(dim=1)).to(torch.uint8)


def _by_name(batch: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Mapping[str, Any]:
    """The parts of all samples by name, the images perhaps as a list."""
    if isinstance(batch, Mapping):
        return batch
    if isinstance(batch, ReadBatch):
        return dict(zip(batch.names or (), batch.parts, strict=False))
    if not all(isinstance(sample, Mapping) for sample in batch):
        return {}
    together = {name: [sample[name] for sample in batch] for name in batch[0]}
    return {name: values if name == FIRST else torch.stack(values) for name, values in together.items()}


def _objects_of(columns: Mapping[str, Tensor], first_label: int) -> dict[str, Tensor]:
    """The parts of targets for all places for objects (m, O, …), empty ones too."""
    boxes = columns["object_box"]
    objects = {
        "boxes": boxes,
        "labels": columns["object_class"].long() + first_label,
        "weights": columns["object_weight"],
        "visible": columns["object_visible"],
        "ids": columns["object_id"],
        "parents": columns["object_parent"].long(),
        "iscrowd": columns["object_crowd"].long(),
        "area": (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1),
    }
    return {**objects, KEYPOINTS: columns[KEYPOINTS]} if KEYPOINTS in columns else objects


def _as_floats(image: Tensor) -> Tensor:
    """float32, integers scaled to 0 … 1; floats are as the data set or a transform made them."""
    return image.float() if image.is_floating_point() else image.float() / torch.iinfo(image.dtype).max
