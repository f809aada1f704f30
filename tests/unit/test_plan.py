from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.errors import DataError, UsageError
from mixup_cli.methods import Grid
from mixup_cli.pairing import Population
from mixup_cli.plan import Plan
from mixup_cli.recipe import MethodChoice, Recipe

BOTH = Recipe(methods=(MethodChoice("mixup", 3.0), MethodChoice("cutout", 1.0)))


def plan(recipe: Recipe, count: int) -> Plan:
    return Plan(recipe, Population(np.arange(count)), Grid(8, 8))


def test_methods_come_in_the_asked_proportion() -> None:
    rows = plan(BOTH, 10).rows(0, 20_000)
    assert (rows.method == 0).mean() == pytest.approx(0.75, abs=0.01)


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
    with pytest.raises(UsageError, match=r"^--method cutmix: "):
        Plan(Recipe(methods=(MethodChoice("cutmix"),)), Population(np.arange(5)), None)
