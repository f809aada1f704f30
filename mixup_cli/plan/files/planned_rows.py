"""A plan from a file as rows of decisions, instead of a plan that is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.methods import Decisions
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.plan_file import Entries, PlanFile
from mixup_cli.plan.plan import Rows


@dataclass(frozen=True)
class PlannedRows:
    """A plan from a file, ready to be carried out. Its rows are put together when they are asked for."""

    methods: MethodSet
    file: PlanFile
    notices: tuple[str, ...] = ()

    def rows(self, start: int, stop: int) -> Rows:
        """See `Planned.rows`."""
        entries, room = self.entries(start, stop), self.methods.parent_count
        used = self.used(entries)[:, :room]
        views = entries.views
        if views is not None:
            views = np.where(used[..., None], views[:, :room], views[:, :1])
        decisions = Decisions(
            parts=np.where(used, entries.parts[:, :room], np.int32(0)),
            box=np.where(entries.box == MISSING, np.int32(0), entries.box),
            mask_seed=entries.mask_seed,
        )
        parents = self._parents(entries, used)
        return Rows(np.arange(start, start + len(entries)), parents, self.numbers(entries), decisions, views)

    def parents(self, start: int, stop: int) -> NDArray[np.int64]:
        """See `Planned.parents`."""
        entries = self.entries(start, stop)
        return self._parents(entries, self.used(entries)[:, : self.methods.parent_count])

    def _parents(self, entries: Entries, used: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.where(used, entries.parents[:, : used.shape[1]], entries.parents[:, :1]).astype(np.int64)

    def entries(self, start: int, stop: int) -> Entries:
        """The cells of rows start … stop−1, with slots for as many parents as the file or the recipe has at most."""
        found = self.file.entries[start:stop]
        missing = self.methods.parent_count - found.parents.shape[1]
        if missing <= 0:
            return found
        views = None if found.views is None else _padded(found.views, missing)
        parents, parts = _padded(found.parents, missing), _padded(found.parts, missing)
        return Entries(found.method, parents, parts, found.box, found.mask_seed, views)

    def numbers(self, entries: Entries) -> NDArray[np.uint8]:
        """The method of each row, as `MethodSet` numbers it: uint8 (m)."""
        names = self.methods.names
        return np.array([names.index(name) if name in names else 0 for name in METHOD_NAMES], np.uint8)[entries.method]

    def used(self, entries: Entries) -> NDArray[np.bool_]:
        """Which slots each row's method uses: bool (m, S)."""
        used = np.zeros(entries.parents.shape, bool)
        used[:, : self.methods.parent_count] = self.methods.used(self.numbers(entries))
        return used


def _padded(slots: NDArray[Any], missing: int) -> NDArray[Any]:
    """More slots, all of them empty, on the second axis."""
    return np.pad(slots, [(0, 0), (0, missing), (0, 0)][: slots.ndim], constant_values=MISSING)
