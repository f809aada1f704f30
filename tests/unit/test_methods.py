from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.beta import UNIT
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods import METHODS, Grid, build, resolve, shares
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.cutout import Cutout
from mixup_cli.methods.mixup import Mixup
from mixup_cli.methods.none import Unmixed
from mixup_cli.recipe import MethodChoice
from mixup_cli.rng import row_words

GRID = Grid(20, 30)


def areas(box: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> list[int]:
    return [int((bottom - top) * (right - left)) for top, left, bottom, right in box]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(1, 9), GRID, Grid(4000, 4000)])
def test_every_method_keeps_to_the_kernels_terms(name: str, grid: Grid) -> None:
    method = build(MethodChoice(name))
    decisions = method.decide(row_words(1, 0, 500), grid)
    weights = method.weights(decisions, grid)
    for each in (weights.parts, weights.inside):
        if each is not None:
            assert each.dtype == np.int32
            assert each.shape == (500, method.parent_count)
            assert each.min() >= 0
            assert each.sum(axis=1).max() <= UNIT
    top, left, bottom, right = decisions.box.T
    assert ((top >= 0) & (top <= bottom) & (bottom <= grid.height)).all()
    assert ((left >= 0) & (left <= right) & (right <= grid.width)).all()


def test_mixup_divides_everything_between_base_and_donor() -> None:
    parts = Mixup(alpha=1.0).decide(row_words(0, 0, 100), GRID).parts
    assert (parts.sum(axis=1) == UNIT).all()
    assert len(np.unique(parts[:, 0])) > 90


def test_mixup_without_alpha_is_the_base() -> None:
    assert Mixup(alpha=0.0).decide(row_words(0, 0, 2), GRID).parts.tolist() == [[UNIT, 0], [UNIT, 0]]


def test_cutmix_shares_what_is_really_visible() -> None:
    method = CutMix()
    decisions = method.decide(row_words(0, 0, 300), GRID)
    share = shares(method.weights(decisions, GRID), GRID)
    visible = 1 - np.array(areas(decisions.box)) / GRID.position_count
    np.testing.assert_allclose(share[:, 0], visible, rtol=0, atol=2.0**-24)
    assert visible.min() < 0.2
    assert visible.max() > 0.99


def test_cutmix_boxes_reach_the_whole_picture() -> None:
    box = CutMix(alpha=1.0).decide(row_words(0, 0, 5000), Grid(4, 4)).box
    covered = np.zeros((4, 4), bool)
    for top, left, bottom, right in box:
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_cutout_hides_a_clipped_square_and_keeps_the_label() -> None:
    method = Cutout(side=0.5)
    decisions = method.decide(row_words(0, 0, 300), GRID)
    top, left, bottom, right = decisions.box.T
    assert (bottom - top).max() == (right - left).max() == 10
    assert (bottom - top).min() == (right - left).min() == 5
    assert (shares(method.weights(decisions, GRID), GRID) == 1).all()


def test_unmixed_is_the_base_alone() -> None:
    assert Unmixed().decide(row_words(0, 0, 1), GRID).parts.tolist() == [[UNIT]]


def test_shares_of_masks_are_their_means() -> None:
    mask = np.zeros((1, 2, 2, 2), np.int32)
    mask[0, 0], mask[0, 1] = [[UNIT, UNIT], [UNIT // 2, 0]], [[0, 0], [UNIT // 2, UNIT]]
    weights = Weights(np.zeros((1, 2), np.int32), mask=mask)
    assert shares(weights, Grid(2, 2)).tolist() == [[0.625, 0.375]]


def test_shares_count_parents_only() -> None:
    weights = Weights(np.array([[UNIT // 4, UNIT // 4], [0, 0]], np.int32))
    assert shares(weights, Grid(1, 1)).tolist() == [[0.5, 0.5], [1.0, 0.0]]


def test_shares_of_thirds_still_sum_to_one() -> None:
    share = shares(Weights(np.array([[1, 1, 1]], np.int32)), Grid(1, 1))
    assert (share * 2**24).tolist() == [[5592406, 5592405, 5592405]]


def test_options_are_filled_in_where_alpha_is_taken() -> None:
    chosen = resolve([MethodChoice("mixup"), MethodChoice("cutmix", 2.0, {"alpha": 0.5}), MethodChoice("none")], None)
    assert [dict(each.options) for each in chosen] == [{"alpha": 0.2}, {"alpha": 0.5}, {}]
    assert dict(resolve([MethodChoice("mixup")], 0.7)[0].options) == {"alpha": 0.7}


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (MethodChoice("blur"), "'blur' is not a method"),
        (MethodChoice("mixup", options={"side": 1.0}), "no option 'side'"),
        (MethodChoice("mixup", options={"alpha": -1.0}), "--alpha"),
        (MethodChoice("mixup", options={"alpha": float("nan")}), "--alpha"),
        (MethodChoice("mixup", options={"alpha": float("inf")}), "--alpha"),
    ],
)
def test_what_no_method_knows_is_refused(choice: MethodChoice, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(choice)


def test_alpha_is_refused_where_nothing_takes_it() -> None:
    with pytest.raises(UsageError, match="--alpha: none has none"):
        resolve([MethodChoice("none")], 0.2)
