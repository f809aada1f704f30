"""`per_class`: at most N samples of each class, the same in every pass."""

from __future__ import annotations

import numpy as np

from mixup_cli.pairing.base import Population
from mixup_cli.pairing.passes import CHOICE_LANE, Runs, order
from mixup_cli.pairing.request import classes_for
from mixup_cli.recipe import Recipe
from mixup_cli.wording import setting


def chosen(recipe: Recipe, population: Population) -> Population:
    """The first N samples of each class in an order that the seed decides; all of a class that has fewer."""
    if recipe.per_class is None:
        return population
    classes = classes_for(population, "per_class", recipe.per_class)
    shuffled = order(recipe.seed, CHOICE_LANE, len(population))
    return population[np.sort(shuffled[Runs.of(classes[shuffled]).rank < recipe.per_class])]


def choice_notices(recipe: Recipe, population: Population) -> tuple[str, ...]:
    """What the user should know of the choice: classes that have fewer samples."""
    if recipe.per_class is None:
        return ()
    present, counts = np.unique(classes_for(population, "per_class", recipe.per_class), return_counts=True)
    few = present[counts < recipe.per_class].tolist()
    if not few:
        return ()
    asked = setting("per_class", recipe.per_class)
    return (f"{asked}: {population.named(few)} have fewer samples; all of them are taken.",)
