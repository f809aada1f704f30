"""A plan from a file held against recipe and source: every row is checked before any is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.beta import UNIT
from mixup_cli.errors import DataError, UsageError
from mixup_cli.method_set import MethodSet
from mixup_cli.methods import Decisions
from mixup_cli.plan import Rows
from mixup_cli.plan_files.columns import BOX, VIEW
from mixup_cli.plan_files.reading import MISSING, PlanFile
from mixup_cli.plan_files.writing import Recorder
from mixup_cli.views import ViewRules, Views

FARTHEST = 1 << 20
"""How far a view may stick out, in pixels."""

LAM_TOLERANCE = 1e-6
"""Half a unit of the last digit that is written, and something for those who round."""

Finding = tuple[NDArray[np.bool_], str, NDArray[Any]]
"""Which rows are right, what to say of the first that is not, and what it has."""


@dataclass(frozen=True)
class PlannedRows:
    """A plan from a file, ready to be carried out."""

    methods: MethodSet
    all_rows: Rows
    notices: tuple[str, ...] = ()

    def rows(self, start: int, stop: int) -> Rows:
        """See `Planned.rows`."""
        return self.all_rows[slice(start, stop)]


def checked(
    file: PlanFile, methods: MethodSet, usable: NDArray[np.int64], view_rules: ViewRules | None, recorder: Recorder
) -> PlannedRows:
    """The rows of a file. Raises DataError where a row cannot be made, naming the first, and UsageError where the file
    as a whole does not fit the recipe."""
    _check_whole(file, methods, view_rules)
    rows = _rows(file, methods)
    for findings in (_parents(rows, file, methods, usable), _places(rows, methods)):
        _refuse(file, findings)
    if rows.views is not None and view_rules is not None:
        _refuse(file, _views(rows.views, view_rules))
    rows = _narrowed(rows)
    _check_telling(file, rows, recorder)
    return PlannedRows(methods, rows)


def _refuse(file: PlanFile, findings: Iterator[Finding]) -> None:
    for right, problem, found in findings:
        if not right.all():
            row = int(np.argmin(right))
            raise DataError(f"{file.place(row)}: {problem} Found: {_listed(found[row])}.")


def _listed(values: NDArray[Any]) -> str:
    return ", ".join("nothing" if value == MISSING else str(value) for value in np.ravel(values).tolist())


def _check_whole(file: PlanFile, methods: MethodSet, view_rules: ViewRules | None) -> None:
    for number, name in enumerate(file.method_names):
        if name not in methods.names:
            row = int(np.argmax(file.method == number))
            raise UsageError(
                f"{file.place(row)}: method is {name!r}, and --method has {', '.join(methods.names)}. Name it there."
            )
    if file.columns.has_views != (view_rules is not None):
        there = "has views (columns view_…), and the recipe none" if file.columns.has_views else "has no views"
        raise UsageError(
            f"{file.name}: {there}. Pass the --flip, --crop-pad or --random-resized-crop with which it was planned."
        )


def _rows(file: PlanFile, methods: MethodSet) -> Rows:
    """The file's columns as rows of a plan, unused slots repeating the base. Numbers are as wide as they came."""
    room = methods.parent_count
    numbers = np.array([methods.names.index(name) for name in file.method_names], np.uint8)
    method = numbers[file.method]
    used = methods.used(method)
    parents, parts = (_widened(file.array(kind), room) for kind in ("parent", "part"))
    views: NDArray[Any] | None = None
    if file.columns.has_views:
        seen = np.stack([file.numbers[name] for name in file.columns.views], axis=1)
        views = _widened(seen.reshape(len(file), -1, len(VIEW)), room)
        views = np.where(used[..., None], views, views[:, :1])
    box = np.stack([file.numbers[name] for name in BOX], axis=1)
    decisions = Decisions(np.where(used, parts, 0), box, file.mask_seed)  # type: ignore[arg-type]  # narrowed once checked
    return Rows(np.arange(len(file)), np.where(used, parents, parents[:, :1]), method, decisions, views)


def _narrowed(rows: Rows) -> Rows:
    """The rows in the plan's own dtypes."""
    decisions = rows.decisions
    narrow = Decisions(decisions.parts.astype(np.int32), decisions.box.astype(np.int32), decisions.mask_seed)
    views = None if rows.views is None else rows.views.astype(np.int32)
    return Rows(rows.index, rows.parents, rows.method, narrow, views)


def _widened(values: NDArray[np.int64], room: int) -> NDArray[np.int64]:
    """Values (m, P, …) with room for more parents, or for fewer."""
    wide = np.full((len(values), room, *values.shape[2:]), MISSING, np.int64)
    kept = min(room, values.shape[1])
    wide[:, :kept] = values[:, :kept]
    return wide


def _parents(rows: Rows, file: PlanFile, methods: MethodSet, usable: NDArray[np.int64]) -> Iterator[Finding]:
    """Parents and their weights."""
    room, stored = methods.parent_count, file.array("parent")
    used, given = methods.used(rows.method), _widened(stored, room) != MISSING
    yield _every(given | ~used), "a parent is empty. A row has as many as its method takes.", stored
    few = _every(used | ~given) & _every(stored[:, room:] == MISSING)
    yield few, "has more parents than its method takes. Empty the others.", stored
    yield (
        _every(np.isin(rows.parents, usable)),
        "a parent is no source_index of an input that can be mixed.",
        rows.parents,
    )
    parts = rows.decisions.parts
    whole = _every((parts >= 0) & (parts <= UNIT))
    yield (
        whole & (np.clip(parts, 0, UNIT).sum(axis=1) == UNIT),
        f"its parts are not in 0 … {UNIT} with that sum.",
        parts,
    )


def _places(rows: Rows, methods: MethodSet) -> Iterator[Finding]:
    """Boxes and mask seeds."""
    decisions, height, width = rows.decisions, methods.grid.height, methods.grid.width
    top, left, bottom, right = decisions.box.T
    sound = (top >= 0) & (top <= bottom) & (bottom <= height) & (left >= 0) & (left <= right) & (right <= width)
    yield sound, f"its box does not lie in the picture, which is {height} high and {width} wide.", decisions.box
    has_box, has_seed, is_pasted = (
        np.array(flags)[rows.method]
        for flags in (
            [method.has_box for method in methods.methods],
            [method.has_seed for method in methods.methods],
            [method.name == "resizemix" for method in methods.methods],
        )
    )
    yield (
        has_box | _every(decisions.box == 0),
        "its method has no box. Empty top, left, bottom and right.",
        decisions.box,
    )
    yield (
        ~is_pasted | ((top < bottom) & (left < right)),
        "its box is empty, and resizemix puts a picture there.",
        decisions.box,
    )
    yield (
        has_seed | (decisions.mask_seed == 0),
        "nothing is drawn from a seed in its method. Empty mask_seed.",
        decisions.mask_seed,
    )


def _views(views: Views, rules: ViewRules) -> Iterator[Finding]:
    """What is seen of parents: a part of the output's size, or one that can be resized to it."""
    yield _every(views != MISSING), "a view is empty. Each parent has one.", views
    top, left, bottom, right, mirrored = np.moveaxis(views, -1, 0)
    yield _every(np.isin(mirrored, (0, 1))), "mirrored is neither 0 nor 1.", mirrored
    height, width = rules.output.height, rules.output.width
    same = (bottom - top == height) & (right - left == width) & (abs(top) <= FARTHEST) & (abs(left) <= FARTHEST)
    if rules.crop_area is None:
        yield _every(same), f"a view is not {height} high and {width} wide, as the output is, or is far outside.", views
    within = (top >= 0) & (top < bottom) & (bottom <= rules.cached.height)
    within &= (left >= 0) & (left < right) & (right <= rules.cached.width)
    cached = f"{rules.cached.height} high and {rules.cached.width} wide"
    yield (
        _every(within | same),
        f"a view that is to be resized sticks out of the cached picture, which is {cached}.",
        views,
    )


def _every(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether something holds of everything in a row: bool (m) from bool (m, …)."""
    return np.asarray(flags.reshape(len(flags), -1).all(axis=1))


def _check_telling(file: PlanFile, rows: Rows, recorder: Recorder) -> None:
    """Refuse a file in which what only tells is not true: it was edited, or made for another source."""
    if not file.texts:
        return
    step = recorder.methods.block_rows
    for start in range(0, len(rows), step):
        table = recorder.table(rows[slice(start, start + step)])
        for column, texts in file.texts.items():
            for number, (found, true) in enumerate(zip(texts[start : start + step], table[column], strict=True)):
                if found != true and not _same_lam(column, found, true):
                    raise DataError(
                        f"{file.place(start + number)}: {column} is {found!r}, and the row's is {true!r}. It decides "
                        "nothing: change the deciding columns instead, or plan anew for this source."
                    )


def _same_lam(column: str, found: str | None, true: str) -> bool:
    if column != "lam" or found is None:
        return False
    try:
        return abs(float(found) - float(true)) <= LAM_TOLERANCE
    except ValueError:
        return False
