"""A plan file against recipe and source: every row is checked before the first is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.draws.beta import UNIT
from mixup_cli.errors import UsageError
from mixup_cli.plan.files.block import EMPTY, FILL_IN, Block
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import BOX, PlanColumns
from mixup_cli.plan.files.in_time import InTime
from mixup_cli.plan.files.informative import Comparison
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.plan.files.planned_rows import PlannedRows
from mixup_cli.plan.files.writing import Recorder
from mixup_cli.plan.timeline import Timeline
from mixup_cli.plan.views import ViewRules
from mixup_cli.wording import setting

FARTHEST = 1 << 20
"""How far a view may stick out, in pixels."""


def checked(
    file: PlanFile,
    recorder: Recorder,
    usable: NDArray[np.int64],
    view_rules: ViewRules | None,
    timeline: Timeline | None = None,
) -> PlannedRows:
    """The rows of a file, whose informative columns are compared with what `recorder` writes of them. `timeline` knows
    samples that go on in time. Raises DataError for the first row that cannot be made, UsageError if the file as a
    whole does not fit the recipe."""
    _check_whole(file, recorder.methods.names, view_rules)
    _check_time(file, recorder.columns)
    planned = PlannedRows(recorder.methods, file, timeline=timeline or Timeline())
    is_usable = np.zeros(len(recorder.keys), bool)
    is_usable[usable] = True
    comparison = Comparison(file, recorder)
    step = recorder.methods.block_rows
    for start in range(0, len(file), step):
        block = planned.entries(start, min(start + step, len(file)))
        _Block(planned, start, block, view_rules).check(is_usable)
        InTime(planned, start, block).check()
        comparison.add(planned.rows(start, start + len(block)))
    return replace(planned, notices=comparison.notices())


def _check_whole(file: PlanFile, names: Sequence[str], view_rules: ViewRules | None) -> None:
    if unknown := {*file.methods} - {*names}:
        name = min(unknown, key=METHOD_NAMES.index)
        row = int(np.argmax(file.entries.method == METHOD_NAMES.index(name)))
        raise UsageError(
            f"{file.place(row)}: {setting('methods')} has {', '.join(names)}, and not {name}. Add it there, or leave "
            f"{setting('methods')} out."
        )
    if file.has_views != (view_rules is not None):
        found = "has views (columns view_…), and the recipe has none" if file.has_views else "has no views"
        remedy = "Pass" if file.has_views else "Leave out"
        fields = f"{setting('flip')}, {setting('crop_pad')} and {setting('crop_area')}"
        raise UsageError(f"{file.name}: {found}. {remedy} {fields}, as when it was planned.")


def _check_time(file: PlanFile, needed: PlanColumns) -> None:
    """Raises UsageError for a file without the columns that these samples and methods need."""
    if missing := [column for column in needed.in_time if column not in file.entries.columns.in_time]:
        found = f"has no column {missing[0]}, which these samples and methods need."
        raise UsageError(f"{file.name}: {found} Plan again with the same options.")


@dataclass(frozen=True)
class _Block(Block):
    """Some rows of a file, from row `start` on, and what must hold of them."""

    view_rules: ViewRules | None

    def check(self, is_usable: NDArray[np.bool_]) -> None:
        """Each requirement relies on those before it. `is_usable` bool (n), of each sample of the source."""
        used = self.planned.used(self.entries)
        self._check_slots(used)
        self._check_parents(used, is_usable)
        self._check_parts()
        self._check_box()
        has_seed = self._of_method("has_seed")
        self._require(
            has_seed | (self.entries.mask_seed == 0),
            ["mask_seed"],
            "nothing, since the method with these options draws nothing from it",
            f"Empty it, or pass the {setting('methods')} with which it was planned.",
        )
        if self.entries.views is not None and self.view_rules is not None:
            self._check_views(self.entries.views, used, self.view_rules)

    def _check_slots(self, used: NDArray[np.bool_]) -> None:
        columns, entries = self._columns, self.entries
        groups = [(columns.of_parents("parent"), entries.parents), (columns.of_parents("part"), entries.parts)]
        if entries.views is not None:
            groups.append((columns.views, entries.views))
        for names, found in groups:
            is_filled = (found != MISSING).reshape(len(found), -1)
            is_used = np.repeat(used, len(names) // used.shape[1], axis=1)
            self._require(~is_used | is_filled, names, "a number for each parent of the method", FILL_IN)
            self._require(is_used | ~is_filled, names, "nothing beyond the method's own parents", EMPTY)

    def _check_parents(self, used: NDArray[np.bool_], is_usable: NDArray[np.bool_]) -> None:
        parents, columns = self.entries.parents, self._columns.of_parents("parent")
        last = len(is_usable) - 1
        is_index = ~used | ((parents >= 0) & (parents <= last))
        self._require(
            is_index, columns, f"a source_index, 0 … {last}", "Plan again if it was planned for another source."
        )
        was_read = ~used | is_usable[np.where(used, parents, 0)]
        remedy = f"Leave the row out, or plan again with {setting('on_error', 'skip')}."
        self._require(was_read, columns, "inputs that can be read, and this one was left out", remedy)

    def _check_parts(self) -> None:
        columns = self._columns.of_parents("part")
        parts = np.where(self.entries.parts == MISSING, 0, self.entries.parts).astype(np.int64)
        whole, is_less = parts.sum(axis=1), self._of_method("shares_apart")
        is_whole = ((parts >= 0) & (parts <= UNIT)).all(axis=1) & ((whole == UNIT) | (is_less & (whole < UNIT)))
        remedy = "Change them so that they add up."
        self._require(is_whole | is_less, columns, f"65536ths, 0 … {UNIT}, whose sum is {UNIT}", remedy)
        self._require(is_whole, columns, f"65536ths, 0 … {UNIT}, whose sum is {UNIT} or less", remedy)
        expected = f"part_0 {UNIT} and the others 0, since the method's box or mask decides"
        is_pure = parts[:, 0] == UNIT
        self._require(
            self._of_method("weighs") | is_pure, columns, expected, "Change the box or the mask_seed instead."
        )

    def _check_box(self) -> None:
        methods, given = self.planned.methods, self.entries.box != MISSING
        all_or_none = given.all(axis=1) | ~given.any(axis=1)
        self._require(all_or_none, BOX, "all four, or none", "Fill them in, or empty them.")
        box = np.where(given, self.entries.box, 0)
        is_allowed = (self._of_method("has_box") & methods.grid.has_plane) | ~box.any(axis=1)
        self._require(is_allowed, BOX, "nothing, since the method has no box", EMPTY)
        expected = f"a box in the image, which is {methods.grid}"
        self._require(
            methods.grid.holds(box), BOX, expected, f"Plan again for this {setting('size')}, or move the box."
        )
        for number, positions in methods.groups(self.planned.numbers(self.entries)):
            accepted = np.ones(len(box), bool)
            accepted[positions] = methods.methods[number].accepts(box[positions])
            self._require(accepted, BOX, methods.methods[number].accepted_box, "Move its sides.")

    def _check_views(self, views: NDArray[np.int32], used: NDArray[np.bool_], rules: ViewRules) -> None:
        """A view has the output's size, or can be resized to it."""
        seen = np.where(used[..., None], views, 0).astype(np.int64)
        first, last, mirrored = seen[..., :2], seen[..., 2:4], seen[..., 4]
        self._require_view(~used | (mirrored == 0) | (mirrored == 1), "mirrored 0 or 1")
        holds = ((last - first == rules.output.sides) & (abs(first) <= FARTHEST)).all(axis=-1)
        expected = f"a view {rules.output}, no more than {FARTHEST} pixels outside"
        if rules.crop_area is not None:
            holds |= rules.cached.holds(seen[..., :4]) & (first < last).all(axis=-1)
            expected += f", or one within the cached image, which is {rules.cached}"
        self._require_view(~used | holds, expected)

    def _require_view(self, holds: NDArray[np.bool_], expected: str) -> None:
        """Require something of each slot's view: bool (m, S)."""
        each = np.repeat(holds, len(self._columns.views) // holds.shape[1], axis=1)
        remedy = f"Plan again for this {setting('size')} and {setting('cache_size')}, or move the view."
        self._require(each, self._columns.views, expected, remedy)
