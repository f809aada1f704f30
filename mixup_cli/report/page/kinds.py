"""The ways in which rows were mixed, and the law of lam in each, counted in the bins of a histogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT, cumulative
from mixup_cli.methods import build
from mixup_cli.methods.base import Method
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.storage.card import methods_of

BINS = 32
"""Bins between 0 and 1. What is exactly 0, or exactly 1, has a bin of its own before and behind them."""


@dataclass(frozen=True)
class Kind:
    """A method with its options. `law` are a and b of the Beta law of lam; None where lam is not drawn from one, or
    where a plan file has decided it."""

    name: str
    words: str
    method: Method
    law: tuple[float, float] | None

    @property
    def mixes(self) -> bool:
        """Whether its rows have more than one parent."""
        return self.method.parent_count > 1

    @property
    def keeps_lam(self) -> bool:
        """Whether the base's share is lam itself, not what a mask or a box makes of it."""
        return self.method.weighs and not self.method.has_mask

    @cached_property
    def expected(self) -> NDArray[np.float64] | None:
        """The law's probability of each bin: float64 (BINS + 2), which sum to 1."""
        if self.law is None:
            return None
        if 0 in self.law:
            return np.append(np.zeros(BINS + 1), 1.0)
        until = np.append(cumulative(*self.law), 1.0)
        ends = [0, *(UNIT // BINS * number - 1 for number in range(1, BINS + 1)), UNIT]
        return np.diff(until[ends], prepend=0.0)


def kinds_of(recipe: Recipe, names: Sequence[str]) -> list[Kind]:
    """What the numbers of methods mean in rows of a recipe, whose methods are called `names`."""
    words = dict(zip((each.name for each in recipe.methods), methods_of(recipe.to_dict()), strict=True))
    choices = {each.name: each for each in recipe.methods}
    found = [choices.get(name, MethodChoice(name)) for name in names]
    return [Kind(each.name, words.get(each.name, each.name), build(each), _law(each)) for each in found]


def _law(choice: MethodChoice) -> tuple[float, float] | None:
    method, alpha = build(choice), choice.options.get("alpha")
    if not isinstance(alpha, float) or "alpha" in method.idle:
        return None
    return float(choice.options.get("base", alpha)), alpha * (method.parent_count - 1)


def bins_of(share: NDArray[np.float32]) -> NDArray[np.int64]:
    """The bin of each share in 0 … 1: int64 (m)."""
    inside = 1 + np.floor(share * np.float32(BINS)).astype(np.int64)
    return np.where(share == 0, 0, np.where(share == 1, BINS + 1, inside.clip(1, BINS)))
