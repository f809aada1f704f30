from __future__ import annotations

import math
import re
from dataclasses import fields

import numpy as np
import pytest

from mixup_cli.choices import METHOD_ALIASES, METHOD_NAMES
from mixup_cli.draws.beta import UNIT
from mixup_cli.draws.rng import Draws
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods import METHODS, Grid, Method, asked, build, resolve, shares
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.cutout import Cutout
from mixup_cli.methods.mixup import Mixup
from mixup_cli.methods.none import Unmixed
from mixup_cli.recipe import MethodChoice
from tests.plain_methods import PLAIN
from tests.unit.methods.making import VARIANTS, decided_by

GRID = Grid(20, 30)
NAN, INF = math.nan, math.inf
MINMAX = {"box": "minmax"}


def areas(box: np.ndarray[tuple[int, ...], np.dtype[np.int32]]) -> list[int]:
    return [int((bottom - top) * (right - left)) for top, left, bottom, right in box]


def check_terms(method: Method, grid: Grid, rows: int) -> None:
    decisions = decided_by(method, grid, rows)
    weights = method.weights(decisions, grid)
    shape = (rows, method.parent_count)
    for each in (weights.parts, weights.inside, weights.mask):
        if each is not None:
            assert each.dtype == np.int32
            assert each.shape in (shape, (*shape, grid.height, grid.width))
            assert each.min() >= 0
            assert each.sum(axis=1).max() <= UNIT
    top, left, bottom, right = decisions.box.T
    assert ((top >= 0) & (top <= bottom) & (bottom <= grid.height)).all()
    assert ((left >= 0) & (left <= right) & (right <= grid.width)).all()
    assert method.has_mask == (weights.mask is not None or weights.choice is not None)
    if weights.choice is not None:
        assert weights.choice.dtype == np.uint8
        assert weights.choice.shape == (rows, grid.height, grid.width)
        assert weights.choice.max() < method.parent_count
    share = shares(weights, grid)
    assert (share.sum(axis=1, dtype=np.float64) == 1).all()
    assert share.min() >= 0


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("grid", [Grid(1, 1), Grid(1, 9), Grid(2, 3), GRID])
def test_every_method_keeps_to_the_kernels_terms(variant: str, grid: Grid) -> None:
    check_terms(build(VARIANTS[variant]), grid, 200)


SLOW_WHERE_LARGE = {"fmix"}
"""Ten seconds and a gigabyte for sixteen million positions; the others take half a second."""


@pytest.mark.parametrize(
    "variant", [pytest.param(each, marks=[pytest.mark.slow] * (each in SLOW_WHERE_LARGE)) for each in PLAIN]
)
def test_every_method_manages_4000_by_4000(variant: str) -> None:
    check_terms(build(VARIANTS[variant]), Grid(4000, 4000), 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_row_is_decided_alone(variant: str) -> None:
    method = build(VARIANTS[variant])
    many = decided_by(method, GRID, 20)
    weights = method.weights(many, GRID)
    for row in (0, 7, 19):
        alone = method.weights(many[row : row + 1], GRID)
        for name in ("parts", "box", "inside", "mask"):
            one, of_many = getattr(alone, name), getattr(weights, name)
            assert (one is None) == (of_many is None)
            assert one is None or (one[0] == of_many[row]).all()


def test_methods_are_those_of_the_command_line() -> None:
    assert tuple(METHODS) == METHOD_NAMES
    assert set(METHOD_ALIASES.values()) <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_methods_say_what_they_are(name: str) -> None:
    method = METHODS[name]
    assert method.name == name
    assert 5 < len(method.summary) < 70
    assert not method.summary.endswith(".")
    assert method.paper.startswith("@") or name in ("none", "dirichlet", "snr")


@pytest.mark.parametrize("name", METHODS)
def test_recipes_hold_every_number_that_a_method_goes_by(name: str) -> None:
    """The same row again, whatever the defaults of a later version."""
    resolved = resolve([MethodChoice(name)])[0]
    built = build(resolved)
    for option, value in resolved.options.items():
        assert isinstance(value, float)
        assert getattr(built, option) == value
    assert {field.name for field in fields(built)} - set(resolved.options) == LEFT_OPEN.get(name, set())  # type: ignore[arg-type]  # every method is a dataclass


LEFT_OPEN = {"mixup": {"base"}, "cutmix": {"box", "over", "low", "high"}, "erase": {"fill"}, "ssmix": {"alpha"}}


def test_mixup_divides_everything_between_base_and_donor() -> None:
    parts = Mixup(alpha=1.0).decide(Draws.of_rows(0, 0, 100), GRID).parts
    assert (parts.sum(axis=1) == UNIT).all()
    assert len(np.unique(parts[:, 0])) > 90


def test_mixup_without_alpha_is_the_base() -> None:
    assert Mixup(alpha=0.0).decide(Draws.of_rows(0, 0, 2), GRID).parts.tolist() == [[UNIT, 0], [UNIT, 0]]


def test_cutmix_shares_what_is_really_visible() -> None:
    method = CutMix()
    decisions = method.decide(Draws.of_rows(0, 0, 300), GRID)
    share = shares(method.weights(decisions, GRID), GRID)
    visible = 1 - np.array(areas(decisions.box)) / GRID.position_count
    np.testing.assert_allclose(share[:, 0], visible, rtol=0, atol=2.0**-24)
    assert visible.min() < 0.2
    assert visible.max() > 0.99


def test_cutmix_boxes_reach_the_whole_picture() -> None:
    box = CutMix(alpha=1.0).decide(Draws.of_rows(0, 0, 5000), Grid(4, 4)).box
    covered = np.zeros((4, 4), bool)
    for top, left, bottom, right in box:
        covered[top:bottom, left:right] = True
    assert covered.all()


def test_cutout_hides_a_clipped_square_and_keeps_the_label() -> None:
    method = Cutout(side=0.5)
    decisions = method.decide(Draws.of_rows(0, 0, 300), GRID)
    top, left, bottom, right = decisions.box.T
    assert (bottom - top).max() == (right - left).max() == 10
    assert (bottom - top).min() == (right - left).min() == 5
    assert (shares(method.weights(decisions, GRID), GRID) == 1).all()


def test_unmixed_is_the_base_alone() -> None:
    assert Unmixed().decide(Draws.of_rows(0, 0, 1), GRID).parts.tolist() == [[UNIT]]


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
    chosen = resolve([MethodChoice("mixup"), MethodChoice("cutmix", 2.0, {"alpha": 0.5}), MethodChoice("none")])
    assert [dict(each.options) for each in chosen] == [{"alpha": 0.2}, {"alpha": 0.5}, {}]
    assert [dict(each.options) for each in asked(chosen[1:], None)] == [{"alpha": 0.5}, {}]
    assert [dict(each.options) for each in asked([MethodChoice("mixup"), *chosen[1:]], 0.7)] == [
        {"alpha": 0.7},
        {"alpha": 0.5},
        {},
    ]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (MethodChoice("blur"), "methods: unknown method 'blur'. The methods are mixup, cutmix, "),
        (MethodChoice("mixpu"), "methods: unknown method 'mixpu'; did you mean mixup? The methods are "),
        (MethodChoice("CutMix"), "methods: unknown method 'CutMix'; did you mean cutmix? The methods are "),
        (
            MethodChoice("mixup", options={"alpah": 1.0}),
            "methods=mixup: unknown option 'alpah'; did you mean alpha? Its options are alpha, base.",
        ),
        (
            MethodChoice("cutmix", options={"box": "insid"}),
            "box=insid is not one of paper, inside, minmax; did you mean inside?",
        ),
        (
            MethodChoice("mixup", options={"side": 1.0}),
            "methods=mixup: unknown option 'side'. Its options are alpha, base.",
        ),
        (
            MethodChoice("none", options={"side": 1.0}),
            "methods=none: unknown option 'side'. It has no options: leave it out.",
        ),
        (MethodChoice("mixup", options={"alpha": -1.0}), "methods=mixup: alpha=-1.0 is not a number from 0 to 1000."),
        (MethodChoice("mixup", options={"alpha": NAN}), "methods=mixup: alpha=nan is not a number from 0 to 1000."),
        (MethodChoice("mixup", options={"alpha": INF}), "methods=mixup: alpha=inf is not a number from 0 to 1000."),
        (MethodChoice("mixup", options={"alpha": "x"}), "methods=mixup: alpha=x is not a number from 0 to 1000."),
        (MethodChoice("zetamix", options={"k": 2.5}), "methods=zetamix: k=2.5 is not a whole number from 2 to 16."),
        (
            MethodChoice("dirichlet", options={"k": 17}),
            "methods=dirichlet: k=17.0 is not a whole number from 2 to 16.",
        ),
        (
            MethodChoice("dirichlet", options={"k": INF}),
            "methods=dirichlet: k=inf is not a whole number from 2 to 16.",
        ),
        (MethodChoice("cutmix", options={"box": "x"}), "methods=cutmix: box=x is not one of paper, inside, minmax."),
        (MethodChoice("cutmix", options={"box": 1.0}), "methods=cutmix: box=1.0 is not one of paper, inside, minmax."),
        (MethodChoice("cutmix", options={"low": 0.2}), "methods=cutmix: low and high go with box=minmax."),
        (MethodChoice("cutmix", options={**MINMAX, "low": 0.9}), "methods=cutmix: low=0.9 is above high=0.8."),
        (
            MethodChoice("cutmix", options={**MINMAX, "high": 1.5}),
            "methods=cutmix: high=1.5 is not a number from 0 to 1.",
        ),
        (MethodChoice("erase", options={"area_low": 0.5}), "methods=erase: area_low=0.5 is above area_high=0.33."),
        (MethodChoice("erase", options={"aspect_low": 5}), "methods=erase: aspect_low=5 is above aspect_high=3.3."),
        (MethodChoice("resizemix", options={"low": 0.9}), "methods=resizemix: low=0.9 is above high=0.8."),
        (MethodChoice("smoothmix", options={"low": 0.9}), "methods=smoothmix: low=0.9 is above high=0.5."),
        (MethodChoice("mosaic", options={"low": 0.9}), "methods=mosaic: low=0.9 is above high=0.7."),
        (MethodChoice("gridmix", options={"holes_low": 9}), "methods=gridmix: holes_low=9 is above holes_high=6."),
        (MethodChoice("fmix", options={"decay": 21}), "methods=fmix: decay=21.0 is not a number from 0 to 20."),
    ],
)
def test_what_no_method_knows_is_refused(choice: MethodChoice, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        build(choice)


def test_other_names_mean_the_same() -> None:
    assert resolve([MethodChoice("patchmix")]) == resolve([MethodChoice("jigsaw")])
    assert asked([MethodChoice("patchmix")]) == (MethodChoice("jigsaw"),)


@pytest.mark.parametrize(
    ("choices", "alpha", "message"),
    [
        ([MethodChoice("none")], 0.2, "alpha: nothing here draws lam from it (methods=none). Leave it out."),
        ([MethodChoice("cutmix", options={"box": "minmax"})], 0.2, "alpha: nothing here draws lam from it"),
        ([MethodChoice("mixup", options={"alpha": 1})], 0.2, "alpha: each method that takes it has its own (mixup)."),
        (
            [MethodChoice("cutmix", options={"box": "minmax", "alpha": 1})],
            None,
            "methods=cutmix: alpha has no effect beside box=minmax. Leave it out.",
        ),
        (
            [MethodChoice("jigsaw"), MethodChoice("none"), MethodChoice("patchmix")],
            None,
            "methods: jigsaw is named twice (patchmix is another name of it). Name it once, with its probability.",
        ),
        ([MethodChoice("none"), MethodChoice("none")], None, "methods: none is named twice. Name it once"),
    ],
)
def test_what_has_no_effect_is_refused(choices: list[MethodChoice], alpha: float | None, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        asked(choices, alpha)


CHANGED: dict[str, float | str] = {
    "alpha": 0.7,
    "base": 3.0,
    "box": "inside",
    "over": "time",
    "side": 0.1,
    "gamma": 1.0,
}
CHANGED |= {"area_low": 0.1, "area_high": 0.2, "aspect_low": 0.5, "aspect_high": 2.0}


@pytest.mark.parametrize("name", PLAIN)
def test_what_a_plan_decides_is_not_looked_at_when_it_is_carried_out(name: str) -> None:
    method = METHODS[name]()
    decisions = decided_by(method, GRID, 50)
    for option in METHODS[name].decided - {"low", "high"}:
        other = build(MethodChoice(name, options={option: CHANGED[option]}))
        before, now = method.weights(decisions, GRID), other.weights(decisions, GRID)
        for field in fields(Weights):
            assert np.array_equal(getattr(before, field.name), getattr(now, field.name)), (option, field.name)
