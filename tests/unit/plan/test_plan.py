from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.methods import METHODS, Grid, Peaks, build
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.pairing import Population
from mixup_cli.plan.plan import Plan, joined
from mixup_cli.plan.views import ViewRules, peaks_in_view
from mixup_cli.recipe import MethodChoice, Recipe

BOTH = Recipe(methods=(MethodChoice("mixup", 3.0), MethodChoice("cutout", 1.0)))


def plan(recipe: Recipe, count: int) -> Plan:
    return Plan(recipe, Population(np.arange(count)), Grid(8, 8))


def test_methods_come_in_the_asked_proportion() -> None:
    rows = plan(BOTH, 10).rows(0, 20_000)
    assert (rows.method == 0).mean() == pytest.approx(0.75, abs=0.01)


def test_a_word_on_the_border_is_the_later_methods() -> None:
    chosen = MethodSet(BOTH, Grid(8, 8)).drawn(
        np.array([[0], [3 << 62], [(3 << 62) - (1 << 11)], [2**64 - 1]], np.uint64)
    )
    assert chosen.tolist() == [0, 1, 0, 1]


def test_unused_slots_repeat_the_base() -> None:
    rows = plan(BOTH, 10).rows(0, 100)
    alone = rows.method == 1
    assert (rows.parents[alone, 1] == rows.parents[alone, 0]).all()
    assert (rows.parents[~alone, 1] != rows.parents[~alone, 0]).all()
    assert (rows.decisions.parts[alone, 1] == 0).all()


def test_only_usable_samples_are_taken() -> None:
    usable = np.array([2, 3, 5, 7, 11])
    rows = Plan(Recipe(), Population(usable), None).rows(0, 10)
    assert sorted(set(rows.parents.ravel().tolist())) == usable.tolist()


def test_rows_know_their_number() -> None:
    assert plan(Recipe(), 4).rows(6, 9).index.tolist() == [6, 7, 8]


def test_a_range_may_be_empty() -> None:
    rows = plan(BOTH.with_(keep_originals=True), 4).rows(3, 3)
    assert len(rows) == 0
    assert rows.parents.shape == (0, 2)


def test_rows_of_one_method_give_weights_of_its_parents_only() -> None:
    both = plan(BOTH, 10)
    rows = both.rows(0, 50)
    widths = {
        number: both.methods.weights(number, rows[at].decisions).parts.shape[1]
        for number, at in both.methods.groups(rows.method)
    }
    assert widths == {0: 2, 1: 1}


def test_originals_bring_their_own_method() -> None:
    assert plan(Recipe(keep_originals=True), 4).methods.names == ["mixup", "none"]
    asked = Recipe(methods=(MethodChoice("none"), MethodChoice("mixup")), keep_originals=True)
    assert plan(asked, 4).methods.names == ["none", "mixup"]


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(DataError, match="1 usable sample, and mixup mixes 2 different ones"):
        plan(Recipe(), 1)


def test_boxes_need_pictures() -> None:
    with pytest.raises(UsageError, match=r"^methods=cutmix: "):
        Plan(Recipe(methods=(MethodChoice("cutmix"),)), Population(np.arange(5)), None)


@dataclass
class Asked:
    """Peaks of samples, and which were asked for."""

    samples: list[int] = field(default_factory=list)

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> Peaks:
        self.samples += samples.tolist()
        return np.stack([samples % 8, samples % 5], axis=1).astype(np.int32)


def test_saliencymix_asks_for_the_peaks_of_its_donors() -> None:
    both = Recipe(methods=(MethodChoice("saliencymix"), MethodChoice("mixup")))
    asked = Asked()
    rows = Plan(both, Population(np.arange(10)), Grid(8, 8), finder=asked).rows(0, 40)
    assert asked.samples == rows.parents[rows.method == 0, 1].tolist()


def test_peaks_are_seen_as_the_donor_is() -> None:
    recipe = Recipe(methods=(MethodChoice("saliencymix", options={"alpha": 1000.0}),), flip=0.5, crop_pad=2)  # lam is ½
    grid = Grid(8, 8)
    rows = Plan(recipe, Population(np.arange(10)), grid, ViewRules.of(recipe, grid, grid), Asked()).rows(0, 40)
    assert rows.views is not None
    peaks = peaks_in_view(Asked().of(rows.parents[:, 1]), rows.views[:, 1], grid)
    assert (rows.decisions.box[:, 0] == np.maximum(0, peaks[:, 0] - 2)).all()
    assert (rows.decisions.box[:, 3] == np.minimum(8, peaks[:, 1] + 2)).all()


def test_without_somebody_to_ask_there_are_no_peaks() -> None:
    with pytest.raises(ValueError, match="without a finder"):
        plan(Recipe(methods=(MethodChoice("saliencymix"),)), 3).rows(0, 1)


def test_a_row_has_room_for_the_method_with_most_parents() -> None:
    rows = plan(Recipe(methods=(MethodChoice("mosaic"), MethodChoice("mixup"))), 6).rows(0, 60)
    assert rows.parents.shape == (60, 4)
    for method, parents in zip(rows.method, rows.parents.tolist(), strict=True):
        assert len(set(parents)) == (4 if method == 0 else 2)


@pytest.mark.parametrize(("name", "needed"), [("mosaic", 4), ("zetamix", 4), ("dirichlet", 3)])
def test_methods_need_as_many_samples_as_they_mix(name: str, needed: int) -> None:
    recipe = Recipe(methods=(MethodChoice("mixup"), MethodChoice(name)))
    with pytest.raises(DataError, match=f"and {name} mixes {needed} different ones"):
        plan(recipe, needed - 1)
    assert len(plan(recipe, needed).rows(0, 10)) == 10


@pytest.mark.parametrize("name", sorted(name for name, method in METHODS.items() if not method.needs_levels))
def test_methods_that_place_something_need_pictures(name: str) -> None:
    recipe = Recipe(methods=(MethodChoice(name),))
    if not build(recipe.methods[0]).needs_picture:
        assert len(Plan(recipe, Population(np.arange(5)), None).rows(0, 5)) == 5
        return
    with pytest.raises(UsageError, match=rf"^methods={name}: it places something in an image"):
        Plan(recipe, Population(np.arange(5)), None)


def test_masks_are_made_a_few_rows_at_a_time() -> None:
    def block_rows(name: str, side: int) -> int:
        return MethodSet(Recipe(methods=(MethodChoice("mixup"), MethodChoice(name))), Grid(side, side)).block_rows

    assert block_rows("cutmix", 4000) == 4096
    assert block_rows("fmix", 1) == 4096
    assert block_rows("fmix", 32) == 1024  # 8 KiB each
    assert block_rows("jigsaw", 32) == 1024
    assert block_rows("mosaic", 640) == 20  # a byte says which parent is where
    assert block_rows("fmix", 4000) == 1


def test_ranges_join_again() -> None:
    recipe = BOTH.with_(keep_originals=True, flip=0.5)
    grid = Grid(8, 8)
    all_rows = Plan(recipe, Population(np.arange(5)), grid, ViewRules.of(recipe, grid, grid))
    whole, parts = all_rows.rows(2, 30), joined([all_rows.rows(2, 4), all_rows.rows(4, 11), all_rows.rows(11, 30)])
    assert (whole.index == parts.index).all()
    assert (whole.parents == parts.parents).all()
    assert (whole.method == parts.method).all()
    assert whole.views is not None
    assert parts.views is not None
    assert (whole.views == parts.views).all()
    assert (whole.decisions.parts == parts.decisions.parts).all()
    assert (whole.decisions.box == parts.decisions.box).all()
