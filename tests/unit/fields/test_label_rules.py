"""Which label rule goes with which labels and methods, and what the resolved recipe says."""

from __future__ import annotations

from typing import get_args

import pytest

from mixup_cli.choices import LabelKind, LabelRule
from mixup_cli.errors import UsageError
from mixup_cli.fields.label_rules import KINDS, TAKES, mixed_kind, with_label_rule
from mixup_cli.recipe import MethodChoice, Recipe

ALLOWED = {
    "soft": "classes soft multi real none",
    "base": "classes soft multi real",
    "union": "classes multi",
    "remix": "classes",
}


@pytest.mark.parametrize("rule", get_args(LabelRule))
@pytest.mark.parametrize("kind", get_args(LabelKind))
def test_each_rule_takes_some_kinds_and_refuses_the_rest(rule: LabelRule, kind: LabelKind) -> None:
    recipe = Recipe(label_rule=rule)
    if kind in ALLOWED[rule].split():
        assert with_label_rule(recipe, kind).label_rule == rule
        return
    with pytest.raises(UsageError, match=f"^label_rule={rule}: the source has {KINDS[kind]}, which take soft"):
        with_label_rule(recipe, kind)


def test_every_rule_and_kind_is_there() -> None:
    assert set(TAKES) == set(get_args(LabelRule))
    assert set(KINDS) == set(get_args(LabelKind))


def test_remix_has_the_papers_numbers_unless_others_are_given() -> None:
    filled_in = with_label_rule(Recipe(label_rule="remix"), "classes")
    assert (filled_in.remix_kappa, filled_in.remix_tau) == (3.0, 0.5)
    asked = Recipe(label_rule="remix", remix_kappa=2, remix_tau=0)
    assert (
        with_label_rule(asked, "classes").recipe_id
        == with_label_rule(asked.with_(remix_kappa=2.0), "classes").recipe_id
    )
    assert with_label_rule(asked, "classes").remix_tau == 0.0


def test_other_rules_leave_the_recipe_as_it_is() -> None:
    recipe = Recipe(label_rule="base", label_smoothing=0.1)
    assert with_label_rule(recipe, "soft") is recipe


def test_remix_is_for_two_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixup_cli.fields.label_rules.parent_count", lambda _: 3)
    with pytest.raises(UsageError, match=r"^label_rule=remix: .* a method mixes 3 samples"):
        with_label_rule(Recipe(label_rule="remix"), "classes")
    with_label_rule(Recipe(label_rule="union"), "classes")


@pytest.mark.parametrize("kind", ["multi", "real", "none"])
def test_smoothing_is_for_rows_that_sum_to_one(kind: LabelKind) -> None:
    with pytest.raises(UsageError, match=f"^label_smoothing: .* the source has {KINDS[kind]}"):
        with_label_rule(Recipe(label_smoothing=0.1), kind)


def test_smoothing_a_union_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^label_smoothing: .*label_rule=union makes several ones"):
        with_label_rule(Recipe(label_smoothing=0.1, label_rule="union"), "classes")


def test_a_union_of_classes_makes_multiple_labels() -> None:
    assert mixed_kind(Recipe(label_rule="union"), "classes") == "multi"
    assert mixed_kind(Recipe(methods=(MethodChoice("none"),), label_rule="base"), "classes") == "classes"
    assert mixed_kind(Recipe(), "real") == "real"
