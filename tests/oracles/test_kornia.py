"""kornia 0.9.0: RandomMixUpV2 and RandomCutMixV2, whose lambda is the donor's (golden/kornia.npz)."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.draws.beta import UNIT
from mixup_cli.methods import Grid, shares
from mixup_cli.methods.base import pure
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.mixup import Mixup
from tests.oracles.recorded import SIZE_NUMBERS, Arrays, blended, draws_of, integer_words, recorded


def met(arrays: Arrays) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.stack([np.arange(len(arrays["pairs"])), arrays["pairs"]], axis=1)


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_mixup_gives_the_same_images_for_the_donors_part(number: int) -> None:
    kornia = recorded("kornia", f"{number}/mixup/")
    donor = np.rint(kornia["donor_share"].astype(np.float64) * UNIT).astype(np.int32)
    parts = np.stack([UNIT - donor, donor], axis=1)
    weights = Mixup().weights(decided(parts), Grid(*kornia["images"].shape[2:]))
    ours = blended(kornia["images"].astype(np.float32) / 255, met(kornia), weights)
    np.testing.assert_allclose(ours, kornia["mixed_images"], rtol=0, atol=0.5 / UNIT + 1e-6)
    assert (kornia["triples"][:, :2] == kornia["labels"][met(kornia)]).all()
    np.testing.assert_allclose(parts[:, 1] / UNIT, kornia["triples"][:, 2], rtol=0, atol=0.5 / UNIT)


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_cutmix_gives_the_same_images_and_areas(number: int) -> None:
    kornia = recorded("kornia", f"{number}/cutmix/")
    grid = Grid(*kornia["images"].shape[2:])
    weights = CutMix().weights(decided(pure(6, 0, 2), kornia["box"].astype(np.int32)), grid)
    ours = blended(kornia["images"].astype(np.float32) / 255, met(kornia), weights)
    np.testing.assert_allclose(ours, kornia["mixed_images"], rtol=0, atol=1e-7)
    share = shares(weights, grid)
    np.testing.assert_allclose(share[:, 1], kornia["donor_triples"][:, 2], rtol=0, atol=1e-6)
    np.testing.assert_allclose(share[:, 0], kornia["base_triples"][:, 2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_cutmix_inside_can_draw_each_of_its_boxes(number: int) -> None:
    kornia = recorded("kornia", f"{number}/cutmix/")
    grid = Grid(*kornia["images"].shape[2:])
    top, left, bottom, right = kornia["box"].T
    height, width = bottom - top, right - left
    # the part of the side that gives both lengths when it is truncated: halfway between the least and the largest
    least = np.maximum(height / grid.height, width / grid.width)
    largest = np.minimum((height + 1) / grid.height, (width + 1) / grid.width)
    assert (least < largest).all()
    level = UNIT - ((least + largest) / 2) ** 2 * UNIT
    words = {
        "LAM": (np.maximum(level, 0) * 2.0**48).astype(np.uint64),
        "CENTRE_Y": integer_words(top, grid.height - height + 1),
        "CENTRE_X": integer_words(left, grid.width - width + 1),
    }
    assert CutMix(box="inside").decide(draws_of(**words), grid).box.tolist() == kornia["box"].tolist()
