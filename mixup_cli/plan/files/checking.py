"""A plan from a file held against recipe and source: every row is checked before any is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.errors import DataError, UsageError
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.none import Unmixed
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import BOX, PlanColumns
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.plan.files.planned_rows import Cells, PlannedRows
from mixup_cli.plan.files.telling import Telling
from mixup_cli.plan.files.writing import Recorder
from mixup_cli.plan.views import ViewRules

FARTHEST = 1 << 20
"""How far a view may stick out, in pixels."""

WEIGHED = frozenset({"mixup", "dirichlet", "zetamix", "fmix", "gridmix", "jigsaw"})
"""The methods whose parts say something. In the others the base has all of them, and a box or a mask decides."""


@dataclass(frozen=True)
class Rule:
    """Something that must hold of some rows: whether it does, bool (m) or, column by column, (m, columns); which cells
    to show where it does not, what was expected there, and what to do about it."""

    holds: NDArray[np.bool_]
    columns: Sequence[str]
    expected: str
    remedy: str

    def broken(self, file: PlanFile, start: int) -> str | None:
        """The message about the first row that breaks it, or None. `start` is the number of its first row."""
        in_rows = self.holds.reshape(len(self.holds), -1)
        wrong = ~in_rows.all(axis=1)
        if not wrong.any():
            return None
        row = int(np.argmax(wrong))
        shown = [name for name, holds in zip(self.columns, self._by_column(row), strict=True) if not holds]
        known = {*file.numbers, "mask_seed"}
        found = ", ".join(f"{name} is {file.cell(name, start + row) if name in known else 'missing'}" for name in shown)
        return f"{file.place(start + row)}: {found}. Expected: {self.expected}. {self.remedy}"

    def _by_column(self, row: int) -> list[bool]:
        if self.holds.ndim == 1:
            return [False] * len(self.columns)
        return [bool(holds) for holds in self.holds[row]]


def checked(
    file: PlanFile, methods: MethodSet, usable: NDArray[np.int64], view_rules: ViewRules | None, recorder: Recorder
) -> PlannedRows:
    """The rows of a file. Raises DataError where a row cannot be made, naming the first, and UsageError where the file
    as a whole does not fit the recipe."""
    if "none" in file.methods and "none" not in methods.names:
        methods = _with_unmixed(methods)
    _check_whole(file, methods, view_rules)
    planned = PlannedRows(methods, file)
    rules = _Rules(methods, PlanColumns(planned.slot_count, file.columns.has_views), view_rules, usable, recorder.keys)
    telling = Telling(file, replace(recorder, methods=methods))
    for cells in planned.blocks():
        for rule in rules.about(cells):
            if problem := rule.broken(file, cells.start):
                raise DataError(problem)
        telling.check(planned.rows(cells.start, cells.start + len(cells)))
    return planned


def _with_unmixed(methods: MethodSet) -> MethodSet:
    """The same methods, and after them that of originals, which a recipe does not name."""
    wider = copy(methods)
    wider.methods = [*methods.methods, Unmixed()]
    return wider


def _check_whole(file: PlanFile, methods: MethodSet, view_rules: ViewRules | None) -> None:
    for number, name in enumerate(file.methods):
        if name not in methods.names:
            row = int(np.argmax(file.method == number))
            raise UsageError(
                f"{file.place(row)}: --method has {', '.join(methods.names)}, and not {name}. Add it there, or leave "
                "--method out."
            )
    if file.columns.has_views != (view_rules is not None):
        there = "has views (columns view_…), and the recipe none" if file.columns.has_views else "has no views"
        remedy = "Pass" if file.columns.has_views else "Leave out"
        raise UsageError(
            f"{file.name}: {there}. {remedy} --flip, --crop-pad and --random-resized-crop, as when it was planned."
        )


@dataclass(frozen=True)
class _Rules:
    """What must hold of rows of a recipe (`methods`, `view_rules`) and a source (`usable` samples of `keys`)."""

    methods: MethodSet
    columns: PlanColumns
    view_rules: ViewRules | None
    usable: NDArray[np.int64]
    keys: Sequence[str]

    def about(self, cells: Cells) -> Iterator[Rule]:
        """The rules for some rows; each relies on those before it."""
        used = np.zeros(cells.parents.shape, bool)
        used[:, : self.methods.parent_count] = self.methods.used(cells.method)
        yield from self._slots(cells, used)
        yield from self._parents(cells, used)
        yield from self._parts(cells)
        yield from self._box(cells)
        yield from self._seed(cells)
        if cells.views is not None and self.view_rules is not None:
            yield from self._views(cells.views, used, self.view_rules)

    def _slots(self, cells: Cells, used: NDArray[np.bool_]) -> Iterator[Rule]:
        groups = [("parent", cells.parents), ("part", cells.parts)]
        for kind, found in groups:
            columns = self.columns.of_parents(kind)
            yield Rule(~used | (found != MISSING), columns, "a number for each parent that the method takes", FILL_IN)
            yield Rule(used | (found == MISSING), columns, "nothing beyond the method's own parents", EMPTY)
        if cells.views is not None:
            found = cells.views.reshape(len(cells), -1)
            seen = np.repeat(used, cells.views.shape[2], axis=1)
            yield Rule(~seen | (found != MISSING), self.columns.views, "a view of each parent", FILL_IN)
            yield Rule(seen | (found == MISSING), self.columns.views, "nothing beyond the method's own parents", EMPTY)

    def _parents(self, cells: Cells, used: NDArray[np.bool_]) -> Iterator[Rule]:
        columns, count = self.columns.of_parents("parent"), len(self.keys)
        there = ~used | ((cells.parents >= 0) & (cells.parents < count))
        yield Rule(there, columns, f"a source_index, 0 … {count - 1}", "Was it planned for another source? Plan anew.")
        is_usable = np.zeros(count, bool)
        is_usable[self.usable] = True
        was_read = ~used | is_usable[np.where(used, cells.parents, 0)]
        yield Rule(was_read, columns, "inputs that can be read, and this one was left out", LEAVE_OUT)

    def _parts(self, cells: Cells) -> Iterator[Rule]:
        columns = self.columns.of_parents("part")
        parts = np.where(cells.parts == MISSING, 0, cells.parts).astype(np.int64)
        is_whole = _every((parts >= 0) & (parts <= UNIT)) & (parts.sum(axis=1) == UNIT)
        yield Rule(is_whole, columns, f"65536ths, 0 … {UNIT}, whose sum is {UNIT}", "Change them so that they add up.")
        weighed = self._flags([method.name in WEIGHED for method in self.methods.methods], cells)
        expected = f"part_0 {UNIT} and else 0, since the method's box or mask decides"
        yield Rule(weighed | (parts[:, 0] == UNIT), columns, expected, "Change the box or the mask_seed instead.")

    def _box(self, cells: Cells) -> Iterator[Rule]:
        given = cells.box != MISSING
        yield Rule(_every(given) | ~given.any(axis=1), BOX, "all four, or none", "Fill them in, or empty them.")
        box = np.where(given, cells.box, 0)
        has_box = self._flags([method.has_box for method in self.methods.methods], cells)
        yield Rule(has_box | ~box.any(axis=1), BOX, "nothing, since the method has no box", EMPTY)
        top, left, bottom, right = box.T
        picture = f"a box in the picture, which is {self.methods.grid}"
        yield Rule(self.methods.grid.holds(box), BOX, picture, "Plan anew for this --size, or move the box.")
        is_pasted = self._flags([method.name == "resizemix" for method in self.methods.methods], cells)
        filled = (top < bottom) & (left < right)
        yield Rule(~is_pasted | filled, BOX, "a box that is not empty: the donor goes there", "Make it larger.")
        is_point = self._flags([method.name == "mosaic" for method in self.methods.methods], cells)
        yield Rule(~is_point | ((top == 0) & (left == 0)), BOX, "top and left 0", "Move bottom and right instead.")

    def _seed(self, cells: Cells) -> Iterator[Rule]:
        has_seed = self._flags([method.has_seed for method in self.methods.methods], cells)
        expected = "nothing, since the method with these options draws nothing from it"
        yield Rule(has_seed | (cells.mask_seed == 0), ["mask_seed"], expected, SAME_OPTIONS)

    def _views(self, views: NDArray[np.int32], used: NDArray[np.bool_], rules: ViewRules) -> Iterator[Rule]:
        """What is seen of parents: a part of the output's size, or one that can be resized to it."""
        seen = np.where(used[..., None], views, 0).astype(np.int64)
        yield self._of_views(~used | (seen[..., 4] == 0) | (seen[..., 4] == 1), "mirrored 0 or 1")
        near = (abs(seen[..., :2]) <= FARTHEST).all(axis=-1)
        same = near & (seen[..., 2:4] - seen[..., :2] == rules.output.sides).all(axis=-1)
        size = f"a view {rules.output}, no more than {FARTHEST} pixels outside"
        if rules.crop_area is None:
            yield self._of_views(~used | same, size)
            return
        inside = rules.cached.holds(seen[..., :4]) & (seen[..., 2:4] > seen[..., :2]).all(axis=-1)
        cached = f"one within the cached picture, which is {rules.cached}"
        yield self._of_views(~used | inside | same, f"{size}, or {cached}")

    def _of_views(self, holds: NDArray[np.bool_], expected: str) -> Rule:
        """A rule about the view of each slot: bool (m, S)."""
        each = np.repeat(holds, len(self.columns.views) // holds.shape[1], axis=1)
        return Rule(each, self.columns.views, expected, "Plan anew for this --size and --cache-size, or move the view.")

    def _flags(self, flags: list[bool], cells: Cells) -> NDArray[np.bool_]:
        """What holds of each row's method: bool (m)."""
        return np.array(flags)[cells.method]


EMPTY = "Empty these cells, or change the method."
FILL_IN = "Fill these cells in, or change the method."
LEAVE_OUT = "Leave the row out, or plan anew with --on-error skip."
SAME_OPTIONS = "Empty it, or pass the --method with which it was planned."


def _every(flags: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether something holds of all columns: bool (m) from bool (m, columns)."""
    return np.asarray(flags.all(axis=1))
