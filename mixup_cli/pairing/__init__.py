"""Which samples are mixed with which: base and donors of each row.

Every way of pairing is a function of (seed, row): any range of rows, of any pass, costs the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mixup_cli.pairing.asked import Asked, classes_for
from mixup_cli.pairing.balanced import Balanced
from mixup_cli.pairing.base import InOrder, Meeting, Pairing, Population
from mixup_cli.pairing.bases import Bases, ClassesEvenly, EachOnce, WindowByWindow
from mixup_cli.pairing.choose import choice_notices, chosen
from mixup_cli.pairing.circles import open_any, open_cross_class, open_same_class
from mixup_cli.pairing.nearest import DEFAULT_BANDWIDTH, Nearest
from mixup_cli.pairing.passes import ORIGINALS_LANE, order, parents
from mixup_cli.pairing.windows import Itinerary, Visit, Windows, windows_of
from mixup_cli.recipe import Recipe

__all__ = [
    "DEFAULT_BANDWIDTH",
    "ORIGINALS_LANE",
    "Itinerary",
    "Meeting",
    "Pairing",
    "Population",
    "Visit",
    "Windows",
    "choice_notices",
    "chosen",
    "open_pairing",
    "order",
    "parents",
    "pass_rows",
    "windows_of",
]

PAIRINGS: Mapping[str, Callable[[Asked], Pairing]] = {
    "any": open_any,
    "same-class": open_same_class,
    "cross-class": open_cross_class,
    "balanced": Balanced,
    "nearest": Nearest,
}


def open_pairing(recipe: Recipe, population: Population, parent_count: int) -> Pairing:
    """The recipe's way of pairing, for rows of at most `parent_count` parents. With one parent nobody is met, and only
    the bases count. Raises UsageError where the labels are not of the right kind, DataError where nobody can meet."""
    windows = windows_of(recipe, len(population), parent_count)
    bases = _bases(recipe, population, windows)
    if parent_count == 1:
        return InOrder(population, bases)
    return PAIRINGS[recipe.pair](Asked(recipe, population, bases, parent_count, windows))


def pass_rows(recipe: Recipe, population: Population) -> int:
    """Rows of one pass over a population (after `chosen`)."""
    return _bases(recipe, population, None).pass_rows


def _bases(recipe: Recipe, population: Population, windows: Windows | None) -> Bases:
    if windows is not None:
        return WindowByWindow(recipe.seed, windows)
    if recipe.balance == "none":
        return EachOnce(recipe.seed, len(population))
    return ClassesEvenly(recipe.seed, classes_for(population, f"--balance {recipe.balance}"))
