"""The same blend, labels and clipped boxes as torchvision's v2.MixUp and v2.CutMix, which are recorded in golden/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.fields.labels import dense_from_classes
from mixup_cli.kernels import Kernel, Surface, Weights
from mixup_cli.kernels.cpu import CpuKernel
from mixup_cli.kernels.torch import TorchKernel
from mixup_cli.methods import Grid, shares
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.mixup import Mixup
from tests.oracles.recorded import draws_of, integer_words, lam_words

GOLDEN = Path(__file__).parent / "golden" / "torchvision.npz"
CLASS_COUNT = 5
SIZE_COUNT = 5


@dataclass(frozen=True)
class Recorded:
    """What torchvision made of one batch (3, C, H, W) at every level of lam."""

    levels: NDArray[np.int64]
    arrays: dict[str, NDArray[Any]]

    @property
    def images(self) -> NDArray[np.float32]:
        images: NDArray[np.float32] = self.arrays["images"][0]
        return images

    @property
    def grid(self) -> Grid:
        return Grid(*self.images.shape[2:])

    def pairs(self) -> NDArray[np.int64]:
        """Base and donor: torchvision's donor is the sample before, the batch being rolled by one."""
        return np.stack([np.arange(3), np.roll(np.arange(3), 1)], axis=1)

    def rows(self, method: str) -> Iterator[tuple[int, NDArray[Any], NDArray[Any]]]:
        """Each level's number, images and labels."""
        yield from zip(
            range(len(self.levels)), self.arrays[f"{method}_images"], self.arrays[f"{method}_labels"], strict=True
        )


@pytest.fixture(params=range(SIZE_COUNT))
def recorded(request: pytest.FixtureRequest) -> Recorded:
    with np.load(GOLDEN) as golden:
        prefix = f"{request.param}/"
        arrays = {name.removeprefix(prefix): golden[name] for name in golden.files if name.startswith(prefix)}
        return Recorded(golden["levels"], arrays)


@pytest.fixture(params=["numba", "torch"])
def kernel(request: pytest.FixtureRequest, recorded: Recorded) -> Kernel:
    channels, height, width = recorded.images.shape[1:]
    zero, one = np.zeros((channels, 1), np.float32), np.ones((channels, 1), np.float32)
    surface = Surface(channels, height, width, 1, fill=zero, mean=zero, scale=one)
    return CpuKernel(surface) if request.param == "numba" else TorchKernel(surface, "cpu")


def check(recorded: Recorded, kernel: Kernel, weights: Weights, images: NDArray[Any], labels: NDArray[Any]) -> None:
    blended = np.empty_like(recorded.images)
    kernel.blend(recorded.images, recorded.pairs(), weights, blended, np.arange(3))
    np.testing.assert_allclose(blended, images, rtol=0, atol=1e-6)
    classes = recorded.arrays["labels"][0].astype(np.int32)[recorded.pairs()]
    mixed = dense_from_classes(classes, shares(weights, recorded.grid), CLASS_COUNT)
    np.testing.assert_allclose(mixed, labels, rtol=0, atol=1e-6)


def test_mixup_gives_the_same_images_and_labels(recorded: Recorded, kernel: Kernel) -> None:
    for number, images, labels in recorded.rows("mixup"):
        lam = recorded.levels[number]
        parts = np.tile(np.array([[lam, UNIT - lam]], np.int32), (3, 1))
        check(recorded, kernel, Mixup().weights(decided(parts), recorded.grid), images, labels)


def test_cutmix_gives_the_same_images_and_labels(recorded: Recorded, kernel: Kernel) -> None:
    for number, images, labels in recorded.rows("cutmix"):
        box = np.tile(recorded.arrays["box"][number].astype(np.int32), (3, 1))
        parts = np.tile(np.array([[UNIT, 0]], np.int32), (3, 1))
        check(recorded, kernel, CutMix().weights(decided(parts, box), recorded.grid), images, labels)


def test_cutmix_clips_to_the_same_box(recorded: Recorded) -> None:
    centre, grid = recorded.arrays["centre"], recorded.grid
    words = {"CENTRE_Y": integer_words(centre[:, 0], grid.height), "CENTRE_X": integer_words(centre[:, 1], grid.width)}
    decisions = CutMix(alpha=1.0).decide(draws_of(LAM=lam_words(recorded.levels), **words), grid)
    assert decisions.box.tolist() == recorded.arrays["box"].tolist()
