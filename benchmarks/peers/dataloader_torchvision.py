"""(a) The script that a user writes today: DataLoader, torchvision's v2.MixUp, h5py. One lam a batch is its nature."""

from __future__ import annotations

from batches_to_file import write  # type: ignore[import-not-found]  # beside this script
from torchvision.transforms import v2


def mix_of(class_count: int) -> v2.MixUp:
    """torchvision's mixup at the paper's alpha."""
    return v2.MixUp(alpha=0.2, num_classes=class_count)


if __name__ == "__main__":
    write(mix_of)
