"""A finished data set as a PyTorch `Dataset`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from mixup_cli.readers.numpy import MixedArrays

Sample = tuple[Tensor, Tensor] | Tensor


class MixedDataset(Dataset[Any]):
    """Samples as (image, label) tensors, the label float32 (K); images alone where the data set has no labels.

    `label_kind` tells the loss: labels of the kinds "classes" and "soft" sum to 1, those of "multi" are any number of
    classes in 0 … 1, and "real" are numbers to predict. `class_names` has their K names.

    Pictures come channels first, (C, H, W), as PyTorch's models and torchvision's transforms take them, in the dtype in
    which they are stored. `transform` is applied to each image. A `DataLoader` fetches whole batches at once.
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
        return self.__getitems__([row % len(self)])[0]

    def __getitems__(self, rows: list[int]) -> list[Sample]:
        """Several samples in one read; what PyTorch's `DataLoader` calls for a batch."""
        images = torch.from_numpy(self.arrays.images(rows))
        if self.arrays.axes == "hwc":
            images = images.permute(0, 3, 1, 2)
        labels = self.arrays.labels(rows)
        shown = list(images) if self._transform is None else [self._transform(image) for image in images]
        return shown if labels is None else list(zip(shown, torch.from_numpy(labels), strict=True))
