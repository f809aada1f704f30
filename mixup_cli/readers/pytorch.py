"""A finished data set as a PyTorch `Dataset`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torch.utils.data._utils.collate import default_collate_fn_map

from mixup_cli.readers.numpy import MixedArrays

Sample = tuple[Tensor, Tensor] | Tensor


class MixedDataset(Dataset[Any]):
    """Samples as (image, label) tensors, the label float32 (K); images alone where the data set has no labels.

    `label_kind` tells the loss: labels of the kinds "classes" and "soft" sum to 1, those of "multi" are any number of
    classes in 0 … 1, and "real" are numbers to predict. `class_names` has their K names.

    Pictures come channels first, (C, H, W), as PyTorch's models and torchvision's transforms take them, in the dtype in
    which they are stored; those of axes "hw" as (1, H, W). `transform` is applied to each image.

    A `DataLoader` fetches whole batches at once and, for samples with labels and without a `transform`, hands them on
    as they were read: its default `collate_fn` recognises them and stacks nothing. Pictures stored as NHWC then are a
    view, channels first and in torch's memory format `channels_last`. A process maps the shards for itself.
    """

    def __init__(self, folder: str | Path, transform: Callable[[Tensor], Tensor] | None = None) -> None:
        self.arrays = MixedArrays(folder)
        self.class_names = self.arrays.class_names
        self.label_kind = self.arrays.label_kind
        self._transform = transform

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, row: int) -> Sample:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        sample: Sample = self.__getitems__([row % len(self)])[0]
        return (sample[0], sample[1]) if isinstance(sample, _Pair) else sample

    def __getitems__(self, rows: list[int]) -> Sequence[Sample]:
        """Several samples in one read; what PyTorch's `DataLoader` calls for a batch."""
        images = torch.from_numpy(self.arrays.images(rows))
        if self.arrays.axes == "hwc":
            images = images.permute(0, 3, 1, 2)
        elif self.arrays.axes == "hw":  # a convolution would take a batch of them for one picture of many channels
            images = images.unsqueeze(1)
        labels = self.arrays.labels(rows)
        if labels is not None and self._transform is None:
            return _Batch(images, torch.from_numpy(labels))
        shown = list(images) if self._transform is None else [self._transform(image) for image in images]
        return shown if labels is None else list(zip(shown, torch.from_numpy(labels), strict=True))


class _Pair(tuple[Tensor, Tensor]):
    """An (image, label) of a `_Batch`. Of a type of its own, for by the first sample's type torch chooses how a batch
    is collated."""

    __slots__ = ()


class _Batch(Sequence[Any]):
    """Samples that were read at once, `images` (m, …) and `labels` (m, K). A sequence of pairs to anybody else."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: Any) -> Any:
        if isinstance(position, slice):
            return _Batch(self.images[position], self.labels[position])
        return _Pair((self.images[position], self.labels[position]))


def _collate(batch: Sequence[Any], *, collate_fn_map: dict[Any, Any] | None = None) -> list[Tensor]:
    """What torch's `default_collate` makes of a batch: [images, labels], without a copy where it was read at once."""
    if isinstance(batch, _Batch):
        return [batch.images, batch.labels]
    images, labels = zip(*batch, strict=True)  # somebody's selection of such samples
    return [torch.stack(images), torch.stack(labels)]


default_collate_fn_map[_Pair] = _collate  # how `default_collate`'s documentation says that it is extended
