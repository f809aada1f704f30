"""The plan: one row of decisions per output sample, any range of it computed from (recipe, samples, seed, row).

Rows come in this order: the originals, where they are kept, and then pass after pass. Nothing before a range is needed
to compute it, so that row 10¹² costs what row 0 costs and any worker can make any shard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods import Decisions, Grid, Method, build
from mixup_cli.methods.none import Unmixed
from mixup_cli.pairing import ORIGINALS_LANE, order, parents
from mixup_cli.recipe import Recipe
from mixup_cli.rng import RowWord, Words, row_words, uniforms
from mixup_cli.wording import plural


@dataclass(frozen=True)
class Rows:
    """Rows start … stop−1 of the plan, one entry each (m of them).

    `index` int64 (m); `parents` int64 (m, P): source indices, base first, unused slots repeating the base; `method`
    uint8 (m): index into `Plan.method_names`; `decisions` as in `methods.base`, parts padded with zeros to P.
    """

    index: NDArray[np.int64]
    parents: NDArray[np.int64]
    method: NDArray[np.uint8]
    decisions: Decisions

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, part: slice | NDArray[np.int64]) -> Rows:
        decisions = self.decisions
        return Rows(
            self.index[part],
            self.parents[part],
            self.method[part],
            Decisions(decisions.parts[part], decisions.box[part], decisions.mask_seed[part]),
        )


class Plan:
    """The plan of a recipe over `usable` int64 (n): the source indices of the samples that can be mixed."""

    def __init__(self, recipe: Recipe, usable: NDArray[np.int64], grid: Grid | None) -> None:
        self.recipe = recipe
        self.usable = usable
        self.grid = grid or Grid(1, 1)
        self._methods = [build(choice) for choice in recipe.methods]
        probabilities = np.array([choice.probability for choice in recipe.methods], np.float64)
        self._thresholds = np.cumsum(probabilities / probabilities.sum())[:-1]
        for method in self._methods:
            self._check(method, has_positions=grid is not None)
        self.original_count = len(usable) if recipe.keep_originals else 0
        if self.original_count and "none" not in self.method_names:
            self._methods.append(Unmixed())
        self.parent_count = max(method.parent_count for method in self._methods)

    def _check(self, method: Method, has_positions: bool) -> None:
        count = len(self.usable)
        if method.parent_count > count:
            raise DataError(
                f"the source has {count} usable {plural(count, 'sample')}, and {method.name} mixes "
                f"{method.parent_count} different ones. Add samples, or pass --method none."
            )
        if method.needs_picture and not has_positions:
            raise UsageError(
                f"--method {method.name}: it places a box, and these samples have no height and width. Use mixup."
            )

    @property
    def method_names(self) -> list[str]:
        return [method.name for method in self._methods]

    def rows(self, start: int, stop: int) -> Rows:
        """Rows start … stop−1."""
        mixed_start, mixed_stop = (max(0, row - self.original_count) for row in (start, stop))
        words = row_words(self.recipe.seed, mixed_start, mixed_stop)
        chosen = np.searchsorted(self._thresholds, uniforms(words[:, RowWord.METHOD]), side="right").astype(np.uint8)
        original_count = (stop - start) - len(words)
        method = np.concatenate([np.full(original_count, self._original_method, np.uint8), chosen])
        all_words = np.concatenate([np.zeros((original_count, words.shape[1]), np.uint64), words])
        meeting = np.concatenate(list(self._parents(start, stop)))
        return Rows(np.arange(start, stop), self._used(meeting, method), method, self._decide(all_words, method))

    @property
    def _original_method(self) -> int:
        return self.method_names.index("none") if self.original_count else 0

    def _parents(self, start: int, stop: int) -> Iterator[NDArray[np.int64]]:
        """The parents of the rows, pass by pass: source indices, int64 (·, P)."""
        count, row = len(self.usable), start
        yield np.empty((0, self.parent_count), np.int64)
        while row < stop:
            lane, position = divmod(row - self.original_count, count)
            if row < self.original_count:
                lane, position = ORIGINALS_LANE, row
            end = min(position + stop - row, count)
            cycle = order(self.recipe.seed, lane, count)
            yield self.usable[parents(cycle, position, end, self.parent_count)]
            row += end - position

    def _used(self, meeting: NDArray[np.int64], method: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Parents, with the base repeated in the slots that a row's method does not use."""
        counts = np.array([each.parent_count for each in self._methods])[method]
        used = np.arange(self.parent_count) < counts[:, None]
        return np.where(used, meeting, meeting[:, :1])

    def _decide(self, words: Words, method: NDArray[np.uint8]) -> Decisions:
        rows = len(words)
        parts = np.zeros((rows, self.parent_count), np.int32)
        box, mask_seed = np.zeros((rows, 4), np.int32), np.zeros(rows, np.uint64)
        for number, positions in self.groups(method):
            decided = self._methods[number].decide(words[positions], self.grid)
            parts[positions, : decided.parts.shape[1]] = decided.parts
            box[positions], mask_seed[positions] = decided.box, decided.mask_seed
        return Decisions(parts, box, mask_seed)

    def groups(self, method: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The rows of each method that occurs: (method, positions int64)."""
        for number in range(len(self._methods)):
            positions = np.flatnonzero(method == number)
            if len(positions):
                yield number, positions

    def weights(self, rows: Rows, number: int) -> Weights:
        """The weights of rows that are all of method `number`, with that method's own count of parents."""
        method, decisions = self._methods[number], rows.decisions
        own = Decisions(
            np.ascontiguousarray(decisions.parts[:, : method.parent_count]), decisions.box, decisions.mask_seed
        )
        return method.weights(own, self.grid)
