"""Records what torchvision's v2.MixUp and v2.CutMix do for given lam, box and partner (the batch rolled by one).

torchvision cannot be imported beside the torch that the project pins, so this script ran once in an environment of its
own, and `test_torchvision.py` reads what it wrote:

    python3 -m venv /tmp/tv && /tmp/tv/bin/pip install torch==2.14.1 torchvision==0.29.1
    /tmp/tv/bin/python tests/oracles/make_torchvision_golden.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import torchvision
from torchvision.transforms import v2

GOLDEN = Path(__file__).parent / "golden" / "torchvision.npz"
SIZES = [(8, 8), (5, 7), (12, 17), (1, 1), (1, 9)]
LEVELS = [0, 1, 655, 16384, 32768, 40000, 65535, 65536]
CLASS_COUNT = 5


def cutmix_params(cutmix: v2.CutMix, level: int, centre: tuple[int, int], size: tuple[int, int]) -> dict[str, Any]:
    """What make_params gives where it draws this lam and this centre (y, x)."""
    drawn = [torch.tensor([centre[1]]), torch.tensor([centre[0]])]  # it draws x first
    with (
        mock.patch.object(cutmix, "_dist", mock.Mock(**{"sample.return_value": level / 65536})),
        mock.patch("torch.randint", side_effect=drawn),
    ):
        params: dict[str, Any] = cutmix.make_params([torch.zeros(2, 3, *size)])
    return params


def record(size: tuple[int, int], rng: np.random.Generator) -> dict[str, list[Any]]:
    """A batch of one size, mixed at every level by both transforms."""
    images = torch.from_numpy(rng.random((3, 3, *size), np.float32))
    labels = torch.from_numpy(rng.integers(0, CLASS_COUNT, 3))
    mixup, cutmix = v2.MixUp(num_classes=CLASS_COUNT), v2.CutMix(num_classes=CLASS_COUNT)
    shared = {"labels": labels, "batch_size": 3}
    kept: dict[str, list[Any]] = {"images": [images], "labels": [labels]}
    for level in LEVELS:
        centre = (int(rng.integers(size[0])), int(rng.integers(size[1])))
        blend = {**shared, "lam": level / 65536}
        paste = {**shared, **cutmix_params(cutmix, level, centre, size)}
        left, top, right, bottom = paste["box"]
        for name, value in {
            "centre": centre,
            "box": (top, left, bottom, right),
            "mixup_images": mixup.transform(images, blend),
            "mixup_labels": mixup.transform(labels, blend),
            "cutmix_images": cutmix.transform(images, paste),
            "cutmix_labels": cutmix.transform(labels, paste),
        }.items():
            kept.setdefault(name, []).append(np.asarray(value))
    return kept


def main() -> None:
    rng = np.random.default_rng(20240601)
    arrays: dict[str, Any] = {"levels": np.array(LEVELS), "torchvision": np.array(torchvision.__version__)}
    for number, size in enumerate(SIZES):
        for name, values in record(size, rng).items():
            arrays[f"{number}/{name}"] = np.stack([np.asarray(value) for value in values])
    np.savez_compressed(GOLDEN, **arrays)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


if __name__ == "__main__":
    main()
