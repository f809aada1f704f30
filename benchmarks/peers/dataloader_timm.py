"""(b) The same with timm's Mixup. Its batches must be even, and the measured amounts see to that."""

from __future__ import annotations

from batches_to_file import write  # type: ignore[import-not-found]  # beside this script
from timm.data import Mixup


class OnCpu(Mixup):  # type: ignore[misc]
    """timm's mixup, one lam a batch, without its default label smoothing."""

    def __init__(self, class_count: int) -> None:
        super().__init__(mixup_alpha=0.2, cutmix_alpha=0.0, label_smoothing=0.0, num_classes=class_count)


if __name__ == "__main__":
    write(OnCpu)
