"""The methods of a recipe, numbered as the column `method` numbers them, on one grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.rng import RowWord, Words, uniforms
from mixup_cli.errors import UsageError
from mixup_cli.kernels import Weights
from mixup_cli.methods import Decisions, Grid, Method, build, shares
from mixup_cli.methods.base import DonorMaps
from mixup_cli.methods.none import Unmixed
from mixup_cli.recipe import Recipe

MapsOf: TypeAlias = Callable[[str], DonorMaps]

BLOCK_ROWS = 4096
"""Rows of the plan are computed this many at a time …"""

BLOCK_BYTES = 8 << 20
"""… or fewer, so that their masks take about this much."""


class MethodSet:
    """The recipe's methods in their order, and then `none` if some rows stay unmixed and the recipe does not name it.

    `grid` is None for samples without height and width. Raises UsageError if a method needs them.
    """

    def __init__(self, recipe: Recipe, grid: Grid | None, leaves_unmixed: bool = False) -> None:
        self.methods: list[Method] = [build(choice) for choice in recipe.methods]
        probabilities = np.array([choice.probability for choice in recipe.methods], np.float64)
        self._thresholds = np.cumsum(probabilities / probabilities.sum())[:-1]
        for method in self.methods:
            if method.needs_picture and not (grid and (grid.has_plane or method.has_span)):
                found = "it places something in an image, and these samples have no height and width. Use mixup."
                raise UsageError(found, field="methods", value=method.name)
            if method.needs_frames and not (grid and grid.length > 1 and grid.has_plane):
                found = "over chooses frames of a clip, and these samples have none. Leave it out."
                raise UsageError(found, field="methods", value=method.name)
        if leaves_unmixed and Unmixed.name not in self.names:
            self.methods.append(Unmixed())
        self.grid = grid or Grid(1, 1)
        self.parent_count = max(method.parent_count for method in self.methods)

    @property
    def names(self) -> list[str]:
        return [method.name for method in self.methods]

    @property
    def unmixed(self) -> int:
        """The number of `none`."""
        return self.names.index(Unmixed.name)

    @property
    def block_rows(self) -> int:
        """How many rows to compute at a time."""
        masks = [1 if method.places else 4 * method.parent_count for method in self.methods if method.has_mask]
        row_bytes = max(masks, default=0) * self.grid.position_count
        return min(BLOCK_ROWS, max(1, BLOCK_BYTES // max(1, row_bytes)))

    def drawn(self, words: Words) -> NDArray[np.uint8]:
        """The method of each row, by its random words (m, ROW_WORDS): uint8 (m)."""
        return np.searchsorted(self._thresholds, uniforms(words[:, RowWord.METHOD]), side="right").astype(np.uint8)

    def used(self, method: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """The slots for parents that each row's method uses: bool (m, P)."""
        counts = np.array([each.parent_count for each in self.methods])[method]
        used: NDArray[np.bool_] = np.arange(self.parent_count) < counts[:, None]
        return used

    def groups(self, method: NDArray[np.uint8]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """The rows of each method that occurs: (method, positions int64)."""
        for number in range(len(self.methods)):
            positions = np.flatnonzero(method == number)
            if len(positions):
                yield number, positions

    def own(self, number: int, decisions: Decisions) -> Decisions:
        """Decisions with room for just the parents of one method."""
        return decisions.own(self.methods[number].parent_count)

    def weights(self, number: int, decisions: Decisions, maps_of: MapsOf | None = None) -> Weights:
        """The weights of rows that are all of one method, with that method's own count of parents. `maps_of` gives the
        donors' index maps by their column. Raises UsageError where a method needs them, and nothing gives them."""
        method, own = self.methods[number], self.own(number, decisions)
        if not method.needs_map:
            return method.weights(own, self.grid)
        if maps_of is None:
            found = f"which pixels it pastes is known once each {method.needs_map} is read, which generate does."
            raise UsageError(f"{found} Leave it out.", field="methods", value=method.name)
        return method.weights_by(own, maps_of(method.needs_map))

    def shares(self, number: int, decisions: Decisions, weights: Weights) -> NDArray[np.float32]:
        """The shares of parents of rows that are all of one method, with that method's own count of them: as decided,
        or by their weights."""
        own = self.own(number, decisions).share
        return own if self.methods[number].shares_apart and own is not None else shares(weights, self.grid)
