"""Pairing: the base and the donors of each row.

Every way of pairing is a function of (seed, row): any range of rows, of any pass, costs the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mixup_cli.pairing.balanced import Balanced
from mixup_cli.pairing.base import InOrder, Paired, Pairing, Population
from mixup_cli.pairing.bases import Bases, ClassesEvenly, EachOnce
from mixup_cli.pairing.choose import choice_notices, chosen
from mixup_cli.pairing.cycles import open_any, open_cross_class, open_same_class
from mixup_cli.pairing.nearest import DEFAULT_BANDWIDTH, Nearest
from mixup_cli.pairing.passes import ORIGINALS_LANE, order, parents
from mixup_cli.pairing.request import PairingRequest, classes_for
from mixup_cli.pairing.separate import SeparateDonors
from mixup_cli.pairing.windows import Visit, Windows, WindowSchedule, windows_of
from mixup_cli.recipe import Recipe

__all__ = [
    "DEFAULT_BANDWIDTH",
    "ORIGINALS_LANE",
    "EachOnce",
    "Paired",
    "Pairing",
    "Population",
    "Visit",
    "WindowSchedule",
    "Windows",
    "choice_notices",
    "chosen",
    "open_pairing",
    "order",
    "parents",
    "pass_rows",
    "windows_of",
]

PAIRINGS: Mapping[str, Callable[[PairingRequest], Pairing]] = {
    "any": open_any,
    "same-class": open_same_class,
    "cross-class": open_cross_class,
    "balanced": Balanced,
    "nearest": Nearest,
}


def open_pairing(recipe: Recipe, population: Population, parent_count: int) -> Pairing:
    """The recipe's way of pairing, for rows of at most `parent_count` parents, which with one parent only has bases.
    Raises UsageError for labels of another kind than it needs, DataError if no sample has a partner."""
    windows = windows_of(recipe, len(population), parent_count)
    bases = _bases(recipe, population, windows)
    if parent_count == 1:
        return InOrder(population, bases)
    if population.donors is not None:
        return SeparateDonors(recipe.seed, population, bases)
    return PAIRINGS[recipe.pair](PairingRequest(recipe, population, bases, parent_count, windows))


def pass_rows(recipe: Recipe, population: Population) -> int:
    """Rows of one pass over a population (after `chosen`)."""
    return _bases(recipe, population, None).pass_rows


def _bases(recipe: Recipe, population: Population, windows: Windows | None) -> Bases:
    if windows is not None or recipe.balance == "none":
        return EachOnce(recipe.seed, len(population), windows)
    return ClassesEvenly(recipe.seed, classes_for(population, "balance", recipe.balance))
