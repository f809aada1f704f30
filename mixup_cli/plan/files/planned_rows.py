"""A plan from a file as rows of decisions, in place of a plan that is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.methods import Decisions
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import BOX, VIEW
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.plan.plan import Rows


@dataclass(frozen=True)
class Cells:
    """What stands in the cells of m rows, MISSING where one is empty (`mask_seed`: 0). There are S slots for parents:
    as many as the file or the recipe has at most.

    `method` uint8 (m) as in `MethodSet.names`; `parents` and `parts` int32 (m, S); `box` int32 (m, 4); `mask_seed`
    uint64 (m); `views` int32 (m, S, 5), or None where the file has none.
    """

    start: int
    method: NDArray[np.uint8]
    parents: NDArray[np.int32]
    parts: NDArray[np.int32]
    box: NDArray[np.int32]
    mask_seed: NDArray[np.uint64]
    views: NDArray[np.int32] | None

    def __len__(self) -> int:
        return len(self.method)


@dataclass(frozen=True)
class PlannedRows:
    """A plan from a file, ready to be carried out. Its rows are put together when they are asked for."""

    methods: MethodSet
    file: PlanFile
    notices: tuple[str, ...] = ()

    def rows(self, start: int, stop: int) -> Rows:
        """See `Planned.rows`."""
        cells, room = self.cells(start, stop), self.methods.parent_count
        used = self.methods.used(cells.method)
        parents = np.where(used, cells.parents[:, :room], cells.parents[:, :1]).astype(np.int64)
        parts = np.where(used, cells.parts[:, :room], np.int32(0))
        box = np.where(cells.box == MISSING, np.int32(0), cells.box)
        views = None
        if cells.views is not None:
            views = np.where(used[..., None], cells.views[:, :room], cells.views[:, :1])
        decisions = Decisions(parts, box, cells.mask_seed)
        return Rows(np.arange(start, start + len(cells)), parents, cells.method, decisions, views)

    def blocks(self) -> Iterator[Cells]:
        """All rows, some at a time."""
        step = self.methods.block_rows
        for start in range(0, len(self.file), step):
            yield self.cells(start, min(start + step, len(self.file)))

    def cells(self, start: int, stop: int) -> Cells:
        """What stands in rows start … stop−1."""
        part, columns = slice(start, stop), self.file.columns
        numbers = np.array([self.methods.names.index(name) for name in self.file.methods], np.uint8)
        views = None
        if columns.has_views:
            views = self._slots(columns.views, part).reshape(-1, self.slot_count, len(VIEW))
        return Cells(
            start=start,
            method=numbers[self.file.method[part]],
            parents=self._slots(columns.of_parents("parent"), part),
            parts=self._slots(columns.of_parents("part"), part),
            box=np.stack([self.file.numbers[name][part] for name in BOX], axis=1),
            mask_seed=self.file.mask_seed[part],
            views=views,
        )

    @property
    def slot_count(self) -> int:
        """As many parents as the file or the recipe has room for."""
        return max(self.methods.parent_count, self.file.columns.parent_count)

    def _slots(self, columns: list[str], part: slice) -> NDArray[np.int32]:
        """Columns of parents side by side, and empty ones where the recipe has more parents than the file."""
        found = [self.file.numbers[name][part] for name in columns]
        width = len(columns) // self.file.columns.parent_count * self.slot_count
        missing = np.full(len(found[0]), MISSING, np.int32)
        return np.stack([*found, *[missing] * (width - len(found))], axis=1)
