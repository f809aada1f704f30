"""The data sets as users of torchvision open them: uint8 tensors (C, H, W) and a class each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torchvision
from torchvision.datasets import CIFAR10, ImageFolder
from torchvision.transforms import v2

torchvision.disable_beta_transforms_warning()


class AnyCIFAR10(CIFAR10):  # type: ignore[misc]
    """torchvision's, without the check that the files are the published ones: the measured ones need not be."""

    meta = {**CIFAR10.meta, "md5": None}  # noqa: RUF012  # as torchvision declares it

    def _check_integrity(self) -> bool:
        return True


def open_source(folder: Path) -> tuple[Any, int]:
    """A map-style data set and the count of its classes: an extracted CIFAR-10, or a folder of pictures per class,
    made 224 × 224."""
    if (folder / "cifar-10-batches-py").is_dir():
        return AnyCIFAR10(folder, train=True, transform=v2.PILToTensor()), 10
    shape = v2.Compose([v2.Resize(224), v2.CenterCrop(224), v2.PILToTensor()])
    pictures = ImageFolder(folder, transform=shape)
    return pictures, len(pictures.classes)
