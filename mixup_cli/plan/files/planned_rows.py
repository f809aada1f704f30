"""A plan from a file as rows of decisions, instead of a plan that is computed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.methods import Decisions
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.shares import SHARE_UNIT
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.plan_file import Entries, PlanFile
from mixup_cli.plan.plan import Rows
from mixup_cli.plan.timeline import Timeline


@dataclass(frozen=True)
class PlannedRows:
    """A plan from a file, ready to be carried out. Its rows are put together when they are asked for."""

    methods: MethodSet
    file: PlanFile
    notices: tuple[str, ...] = ()
    timeline: Timeline = field(default_factory=Timeline)

    def rows(self, start: int, stop: int) -> Rows:
        """See `Planned.rows`."""
        entries, room = self.entries(start, stop), self.methods.parent_count
        used = self.used(entries)[:, :room]
        views = entries.views
        if views is not None:
            views = np.where(used[..., None], views[:, :room], views[:, :1])
        parents = self._parents(entries, used)
        decisions = Decisions(
            parts=np.where(used, entries.parts[:, :room], np.int32(0)),
            box=_or_zero(entries.box),
            mask_seed=entries.mask_seed,
            span=None if entries.span is None else _or_zero(entries.span),
            start=None if entries.starts is None else _starts(entries.starts[:, :room]),
            scale=None if entries.scale is None else _scales(entries.scale),
            share=None if entries.share is None else _shares(entries.share[:, :room]),
            content=None if self.timeline.content is None else self.timeline.content[parents[:, 0]],
        )
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
        slots = {name: getattr(found, name) for name in ("parents", "parts", "views", "starts", "share")}
        return replace(found, **{name: _padded(each, missing) for name, each in slots.items() if each is not None})

    def numbers(self, entries: Entries) -> NDArray[np.uint8]:
        """The method of each row, as `MethodSet` numbers it: uint8 (m)."""
        names = self.methods.names
        return np.array([names.index(name) if name in names else 0 for name in METHOD_NAMES], np.uint8)[entries.method]

    def used(self, entries: Entries) -> NDArray[np.bool_]:
        """Which slots each row's method uses: bool (m, S)."""
        used = np.zeros(entries.parents.shape, bool)
        used[:, : self.methods.parent_count] = self.methods.used(self.numbers(entries))
        return used


def _or_zero(cells: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.where(cells == MISSING, np.int32(0), cells)


def _starts(cells: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where each parent is first seen; without a cell for a slot that is not used, where the base is."""
    return np.where(cells == MISSING, cells[:, :1], cells).astype(np.int64)


def _shares(cells: NDArray[np.int32]) -> NDArray[np.float32]:
    return (_or_zero(cells) / SHARE_UNIT).astype(np.float32)


def _scales(cells: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.where(cells == 0, 1.0, cells / SHARE_UNIT).astype(np.float32)


def _padded(slots: NDArray[Any], missing: int) -> NDArray[Any]:
    """More slots, all of them empty, on the second axis."""
    return np.pad(slots, [(0, 0), (0, missing), (0, 0)][: slots.ndim], constant_values=MISSING)
