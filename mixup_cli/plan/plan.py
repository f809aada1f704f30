"""The plan: one row of decisions per output sample, any range of it computed from (recipe, samples, seed, row).

First come the originals, if they are kept, and then pass after pass. A range needs nothing that lies before it: row
10¹² costs what row 0 costs, and any worker can make any shard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import Draws
from mixup_cli.errors import DataError
from mixup_cli.fields.labels import Labels
from mixup_cli.methods import Decisions, Grid, Known, Method, parent_count
from mixup_cli.methods.base import pure
from mixup_cli.methods.decisions import decided, put_together
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.pairing import (
    ORIGINALS_LANE,
    EachOnce,
    Population,
    WindowSchedule,
    choice_notices,
    chosen,
    open_pairing,
    windows_of,
)
from mixup_cli.plan.timeline import Timeline
from mixup_cli.plan.views import ViewRules, Views, peaks_in_view
from mixup_cli.recipe import Recipe
from mixup_cli.wording import counted, plural, setting


@dataclass(frozen=True)
class Rows:
    """Rows start … stop−1 of the plan, one entry each (m of them).

    `index` int64 (m); `parents` int64 (m, P): source indices, base first, unused slots repeating the base; `method`
    uint8 (m): index into `MethodSet.names`; `decisions` as in `methods.base`, parts padded with zeros to P; `views`
    int32 (m, P, 5) as in `views`, or None where every parent is seen as it is; `share` float32 (m, P) where all shares
    are known, and need not be computed from weights.
    """

    index: NDArray[np.int64]
    parents: NDArray[np.int64]
    method: NDArray[np.uint8]
    decisions: Decisions
    views: Views | None = None
    share: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, part: slice | NDArray[np.int64]) -> Rows:
        views = None if self.views is None else self.views[part]
        share = None if self.share is None else self.share[part]
        return Rows(self.index[part], self.parents[part], self.method[part], self.decisions[part], views, share)


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows one after another."""
    if len(parts) == 1:
        return parts[0]
    starts = [0, *accumulate(map(len, parts))]

    def column(of: Callable[[Rows], NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([of(part) for part in parts])

    return Rows(
        column(lambda rows: rows.index),
        column(lambda rows: rows.parents),
        column(lambda rows: rows.method),
        put_together(
            [(np.arange(first, first + len(part)), part.decisions) for first, part in zip(starts, parts, strict=False)],
            starts[-1],
            parts[0].parents.shape[1],
        ),
        None if parts[0].views is None else np.concatenate([part.views for part in parts if part.views is not None]),
    )


class Planned(Protocol):
    """Rows of decisions, computed or read from a file."""

    @property
    def methods(self) -> MethodSet: ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should know."""

    def rows(self, start: int, stop: int) -> Rows:
        """Rows start … stop−1."""

    def parents(self, start: int, stop: int) -> NDArray[np.int64]:
        """Their parents alone, int64 (m, P), which follow from no sample's values."""


@dataclass(frozen=True)
class Moved:
    """A plan whose parents lie elsewhere: `places` turns their indices, int64 (m, P), into others."""

    plan: Planned
    places: Callable[[NDArray[np.int64]], NDArray[np.int64]]

    @property
    def methods(self) -> MethodSet:
        return self.plan.methods

    @property
    def notices(self) -> tuple[str, ...]:
        """See `Planned`."""
        return self.plan.notices

    def rows(self, start: int, stop: int) -> Rows:
        """See `Planned`."""
        rows = self.plan.rows(start, stop)
        return replace(rows, parents=self.places(rows.parents))

    def parents(self, start: int, stop: int) -> NDArray[np.int64]:
        """See `Planned`."""
        return self.places(self.plan.parents(start, stop))


Seen: TypeAlias = tuple[Views | None, NDArray[np.int64] | None]
"""What rows show of their parents: their views, and from which place in time on; None: all."""


class Finder(Protocol):
    """Finds what methods must know of cached samples: where images are salient, how loud waves are."""

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """What is found of some samples (m) by source index, or of what rows show of them from `starts` (m) on: (m, …),
        see `methods.decisions.Known`."""


class Plan:
    """The plan of a recipe over a population of samples that can be mixed.

    `grid` is None for samples without axes, `view_rules` is None if parents are seen unchanged; some methods ask a
    `finder` about the samples, and `timeline` knows those that go on in time. Raises DataError or UsageError if the
    recipe does not fit these samples.
    """

    def __init__(
        self,
        recipe: Recipe,
        population: Population,
        grid: Grid | None,
        view_rules: ViewRules | None = None,
        finder: Finder | None = None,
        timeline: Timeline | None = None,
    ) -> None:
        self._seed = recipe.seed
        self._view_rules, self._finder, self._timeline = view_rules, finder, timeline or Timeline()
        self._population = chosen(recipe, population)
        count = len(self._population)
        for choice in recipe.methods:
            if (needed := parent_count([choice])) > count and (population.donors is None or not count):
                raise _too_few(recipe, count, choice.name, needed)
        most_parents = parent_count(recipe.methods)
        self._windows = windows_of(recipe, count, most_parents)
        self._pairing = open_pairing(recipe, self._population, most_parents)
        self.methods = MethodSet(recipe, grid, recipe.keep_originals or self._pairing.leaves_alone)
        self.original_count = count if recipe.keep_originals else 0
        self.notices = (*choice_notices(recipe, population), *self._pairing.notices)

    def asking(self, finder: Finder | None) -> Self:
        """The same plan, which asks there about samples."""
        plan = copy(self)
        plan._finder = finder
        return plan

    def parents(self, start: int, stop: int) -> NDArray[np.int64]:
        """See `Planned`."""
        first, last = (max(0, row - self.original_count) for row in (start, stop))
        mixed = self._met(Draws.of_rows(self._seed, first, last), first, last)[2]
        if start >= self.original_count:
            return mixed
        base = self._population.samples[self._originals_order[start : min(stop, self.original_count)]]
        return np.concatenate([np.repeat(base[:, None], self.methods.parent_count, axis=1), mixed])

    def rows(self, start: int, stop: int) -> Rows:
        """Rows start … stop−1."""
        first, last = (max(0, row - self.original_count) for row in (start, stop))
        mixed = self._mixed(first, last)
        if start >= self.original_count:
            return mixed
        return joined([self._originals(start, min(stop, self.original_count)), mixed])

    @property
    def schedule(self) -> WindowSchedule | None:
        """How the rows go through the windows, if the recipe has windows."""
        if self._windows is None:
            return None
        return WindowSchedule(self._seed, self._windows, self._population.samples, bool(self.original_count))

    @cached_property
    def _originals_order(self) -> NDArray[np.int64]:
        return EachOnce(self._seed, self.original_count, self._windows).of_pass(ORIGINALS_LANE)

    def _originals(self, start: int, stop: int) -> Rows:
        """The samples themselves, each once."""
        base = self._population.samples[self._originals_order[start:stop]]
        count = self.methods.parent_count
        views = None if self._view_rules is None else self._view_rules.whole(stop - start, count)
        parents = np.repeat(base[:, None], count, axis=1)
        return Rows(
            np.arange(start, stop),
            parents,
            np.full(stop - start, self.methods.unmixed, np.uint8),
            self._timed(decided(pure(stop - start, 0, count)), parents, self._timeline.middle(parents)),
            views,
        )

    def _mixed(self, start: int, stop: int) -> Rows:
        """Mixed rows start … stop−1, counted from the first behind the originals."""
        draws = Draws.of_rows(self._seed, start, stop)
        method, used, parents = self._met(draws, start, stop)
        views = None
        if self._view_rules is not None:
            drawn = self._view_rules.decide(self._seed, start, stop, self.methods.parent_count)
            views = np.where(used[..., None], drawn, drawn[:, :1])
        starts = self._timeline.starts(self._seed, start, stop, parents)
        decisions = self._timed(self._decide(draws, method, parents, (views, starts)), parents, starts)
        return Rows(np.arange(start, stop) + self.original_count, parents, method, decisions, views)

    def _met(
        self, draws: Draws, start: int, stop: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]:
        """The method of mixed rows, the slots that it uses, and the parents."""
        paired = self._pairing.meet(start, stop, self.methods.parent_count)
        method = self.methods.drawn(draws.words)
        if paired.alone.any():
            method[paired.alone] = self.methods.unmixed
        used = self.methods.used(method)
        return method, used, paired.parents if used.all() else np.where(used, paired.parents, paired.parents[:, :1])

    def _decide(self, draws: Draws, method: NDArray[np.uint8], parents: NDArray[np.int64], seen: Seen) -> Decisions:
        rows, parent_count = len(draws), self.methods.parent_count
        blocks = []
        for number, positions in self.methods.groups(method):
            deciding = self.methods.methods[number]
            known = self._known(deciding, parents, seen, positions)
            everywhere = len(positions) == rows
            made = deciding.decide(draws if everywhere else draws[positions], self.methods.grid, known)
            if everywhere and made.parts.shape == (rows, parent_count):
                return made
            blocks.append((positions, made))
        nothing = decided(np.zeros((0, parent_count), np.int32))
        return put_together([*blocks, (np.arange(0), nothing)], rows, parent_count)

    def _known(self, method: Method, parents: NDArray[np.int64], seen: Seen, positions: NDArray[np.int64]) -> Known:
        """What a method must know of the parents of some rows."""
        views, starts = seen
        chosen, content = parents[positions, : method.parent_count], self._timeline.content
        known = Known(content=None if content is None else content[chosen])
        if not method.looks_ahead:
            return known
        if self._finder is None:
            raise ValueError("a method must know the samples, and this plan was opened without a finder")
        if method.needs_levels:
            heard = None if starts is None else starts[positions, : method.parent_count].ravel()
            return replace(known, levels=self._finder.of(chosen.ravel(), heard).reshape(*chosen.shape, -1))
        peaks = self._finder.of(chosen[:, 1])
        return Known(peaks if views is None else peaks_in_view(peaks, views[positions, 1], self.methods.grid))

    def _timed(self, decisions: Decisions, parents: NDArray[np.int64], starts: NDArray[np.int64] | None) -> Decisions:
        """Decisions with what the timeline says of their parents. Methods that move parents in time themselves go with
        samples that are shown whole."""
        content = self._timeline.content
        if content is not None:
            decisions = replace(decisions, content=content[parents[:, 0]])
        return decisions if starts is None else replace(decisions, start=starts)


def _too_few(recipe: Recipe, count: int, method: str, needed: int) -> DataError:
    """The error of a method that mixes more different samples than there are."""
    none = setting("methods", "none")
    if recipe.per_class is None:
        found = f"the source has {count} usable {plural(count, 'sample')}, and {method} mixes {needed} different ones."
        return DataError(found, f"Add samples, or pass {none}.")
    found = f"it takes {counted(count, 'sample')}, and {method} mixes {needed} different ones."
    return DataError(found, f"Raise it, or pass {none}.", field="per_class", value=recipe.per_class)


def population_of(labels: Labels, usable: NDArray[np.int64]) -> Population:
    """The population of the samples `usable` int64 (n), by source index, ascending."""
    groups, donors = None, None
    if labels.base_count is not None:
        usable, donors = np.split(usable, [np.searchsorted(usable, labels.base_count)])
    if labels.groups is not None:
        numbers = np.unique(np.array(labels.groups), return_inverse=True)[1]
        groups = numbers[usable].astype(np.int32)
    return Population(
        samples=usable,
        classes=None if labels.classes is None else labels.classes[usable],
        values=None if labels.values is None else labels.values[usable],
        groups=groups,
        class_names=labels.class_names,
        donors=donors,
    )
