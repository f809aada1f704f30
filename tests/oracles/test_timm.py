"""timm 1.0.31: Mixup per sample, on floats and bytes, and the boxes of both kinds of its CutMix (golden/timm.npz)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.fields.labels import dense_from_classes
from mixup_cli.methods import Grid, shares
from mixup_cli.methods.base import pure
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.mixup import Mixup
from tests.oracles.recorded import (
    CLASS_COUNT,
    SIZE_NUMBERS,
    Arrays,
    blended,
    draws_of,
    integer_words,
    lam_words,
    recorded,
)

LEVELS = recorded("timm")["levels"]
PARTS = np.stack([LEVELS, UNIT - LEVELS], axis=1).astype(np.int32)
SHARE = (PARTS / UNIT).astype(np.float32)
PAIRS = np.stack([np.arange(len(LEVELS)), np.arange(len(LEVELS))[::-1]], axis=1)
"""timm's donor of row i is row n − 1 − i."""


@pytest.fixture(params=SIZE_NUMBERS)
def elem(request: pytest.FixtureRequest) -> Arrays:
    return recorded("timm", f"{request.param}/elem/")


def grid_of(images: NDArray[np.uint8]) -> Grid:
    return Grid(*images.shape[2:])


def labels(elem: Arrays, share: NDArray[np.float32]) -> NDArray[np.float32]:
    return dense_from_classes(elem["labels"].astype(np.int32)[PAIRS], share, CLASS_COUNT)


def test_mixup_gives_the_same_floats_and_labels(elem: Arrays) -> None:
    weights = Mixup().weights(decided(PARTS), grid_of(elem["images"]))
    floats = blended(elem["images"].astype(np.float32), PAIRS, weights)
    np.testing.assert_allclose(floats, elem["mixup_images"], rtol=0, atol=255 * 2.0**-23)
    np.testing.assert_allclose(labels(elem, SHARE), elem["mixup_labels"], rtol=0, atol=1e-7)


def test_mixup_gives_the_same_bytes_but_at_ties(elem: Arrays) -> None:
    """timm rounds half to even, and we half up: they differ where the sum is an odd number of halves."""
    ours = blended(elem["images"], PAIRS, Mixup().weights(decided(PARTS), grid_of(elem["images"])))
    exact = (PARTS.T[:, :, None, None, None] * elem["images"].astype(np.int64)[PAIRS.T]).sum(axis=0)
    is_tie = exact % UNIT == UNIT // 2
    assert is_tie.any()
    assert (ours[~is_tie] == elem["mixup_bytes"][~is_tie]).all()
    assert (elem["mixup_bytes"][is_tie] % 2 == 0).all()
    assert (ours[is_tie] == exact[is_tie] // UNIT + 1).all()


def test_label_smoothing_is_the_same_where_it_is_asked_for(elem: Arrays) -> None:
    """timm smooths before it mixes, and we after it: that is the same, but for rounding."""
    smoothed = 0.9 * labels(elem, SHARE) + 0.1 / CLASS_COUNT
    np.testing.assert_allclose(smoothed, elem["mixup_smoothed_labels"], rtol=0, atol=1e-6)


def timm_box(level: int, centre: NDArray[np.int64], grid: Grid) -> list[int]:
    """timm's box around a centre (y, x), which keeps odd sides: from −c div 2 to +(c+1) div 2."""
    near, far = [], []
    for middle, side in zip(centre.tolist(), (grid.height, grid.width), strict=True):
        cut = int(side * np.sqrt(1 - level / UNIT))
        near.append(max(0, middle - cut // 2))
        far.append(min(side, middle + (cut + 1) // 2))
    return [*near, *far]


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_cutmix_has_the_same_boxes_where_sides_are_even(number: int) -> None:
    """Where timm's side c is odd, ours is c − 1, as the authors' and torchvision's is: the far border is one nearer."""
    box = recorded("timm", f"{number}/box/")
    grid = grid_of(recorded("timm", f"{number}/elem/")["images"])
    (height, width), centres = (grid.height, grid.width), box["draws"][:, :, 2]
    words = {"CENTRE_Y": integer_words(centres[:, 0], height), "CENTRE_X": integer_words(centres[:, 1], width)}
    ours = CutMix(alpha=1.0).decide(draws_of(LAM=lam_words(box["level"]), **words), grid).box
    even = 0
    for level, centre, mine, timms in zip(box["level"].tolist(), centres, ours, box["box"], strict=True):
        assert timm_box(level, centre, grid) == timms.tolist()
        assert (mine[:2] == timms[:2]).all()
        cuts = np.array([int(side * np.sqrt(1 - level / UNIT)) for side in (height, width)])
        odd = cuts % 2 == 1
        assert (mine[2:] == np.minimum(centre + cuts // 2, (height, width))).all()
        assert (mine[2:][~odd] == timms[2:][~odd]).all()
        even += not odd.any()
    assert even > 4, "so that this shows something"


def test_cutmix_with_timms_boxes_gives_the_same_images_and_labels(elem: Arrays) -> None:
    draws = iter(elem["cutmix_draws"][:, 2].tolist())
    grid = grid_of(elem["images"])
    centres = [(0, 0) if level == UNIT else (next(draws), next(draws)) for level in LEVELS.tolist()]
    boxes = [timm_box(level, np.array(centre), grid) for level, centre in zip(LEVELS.tolist(), centres, strict=True)]
    box = np.where(LEVELS[:, None] == UNIT, 0, np.array(boxes)).astype(np.int32)
    weights = CutMix().weights(decided(pure(len(box), 0, 2), box), grid)
    images = blended(elem["images"].astype(np.float32), PAIRS, weights)
    assert (images == elem["cutmix_images"]).all()
    np.testing.assert_allclose(labels(elem, shares(weights, grid)), elem["cutmix_labels"], rtol=0, atol=1e-7)


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_minmax_gives_the_same_boxes_from_the_same_draws(number: int) -> None:
    """Only the range of the sides differs: timm excludes the upper bound, and we include it."""
    minmax = recorded("timm", f"{number}/minmax/")
    grid = grid_of(recorded("timm", f"{number}/elem/")["images"])
    method, draws = CutMix(box="minmax"), minmax["draws"]
    assert [int(0.8 * side) for side in (grid.height, grid.width)] == draws[0, :2, 1].tolist()
    sides = draws[:, :2, 2]
    low, high = draws[:, :2, 0], draws[:, :2, 1]
    words = integer_words(sides - low, high + 1 - low)
    rooms = np.array([grid.height, grid.width]) - sides + 1
    assert (draws[:, 2:, 1] == rooms).all(), "a place at the far border too"
    places = integer_words(draws[:, 2:, 2], rooms)
    ours = method.decide(
        draws_of(LAM=words[:, 0], SPARE=words[:, 1], CENTRE_Y=places[:, 0], CENTRE_X=places[:, 1]), grid
    )
    assert ours.box.tolist() == minmax["box"].tolist()
    np.testing.assert_allclose(shares(method.weights(ours, grid), grid)[:, 0], minmax["lam"], rtol=0, atol=2.0**-24)
