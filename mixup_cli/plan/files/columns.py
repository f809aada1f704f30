"""The columns of a plan file, as docs/format.md describes them: those that decide a row, and informative ones, which
follow from the others and the source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mixup_cli.errors import DataError

BOX = ("top", "left", "bottom", "right")
VIEW = (*BOX, "mirrored")
SPAN = ("span_start", "span_stop")
GAINS = ("share", "scale")
COLUMN_LIMIT = 1 << 12


@dataclass(frozen=True)
class PlanColumns:
    """The columns of a plan whose rows have room for `parent_count` parents, with or without views; of samples that go
    on in time, with or without spans, the places from which parents are seen, and how loud waves become."""

    parent_count: int
    has_views: bool
    has_span: bool = False
    has_starts: bool = False
    has_gains: bool = False

    def of_parents(self, kind: str) -> list[str]:
        """`parent_0`, `parent_1` … for "parent"."""
        return [f"{kind}_{parent}" for parent in range(self.parent_count)]

    @property
    def views(self) -> list[str]:
        """`view_0_top` …; none without views."""
        return [f"{view}_{side}" for view in self.of_parents("view") for side in VIEW] if self.has_views else []

    @property
    def numbers(self) -> list[str]:
        """The deciding columns of whole numbers."""
        decided = [*self.of_parents("parent"), *self.of_parents("part"), *BOX, "mask_seed", *self.views]
        return [*decided, *self.in_time]

    @property
    def in_time(self) -> list[str]:
        """Those of samples that go on in time."""
        starts = self.of_parents("start") if self.has_starts else []
        gains = [*self.of_parents("share"), "scale"] if self.has_gains else []
        return [*SPAN * self.has_span, *starts, *gains]

    @property
    def informative(self) -> list[str]:
        """The columns that follow from the others and the source."""
        return ["lam", *self.of_parents("label"), *self.of_parents("key")]

    @property
    def all(self) -> list[str]:
        """Every column, in order."""
        return ["index", "method", *self.numbers, *self.informative]


def columns_of(header: list[str], name: str) -> PlanColumns:
    """The columns that the header of the file `name` means. Raises DataError if it is not the header of a plan."""
    parent_count = sum(column.startswith("parent_") for column in header)
    kinds = {column.partition("_")[0] for column in header}
    columns = PlanColumns(parent_count, "view" in kinds, "span" in kinds, "start" in kinds, not kinds.isdisjoint(GAINS))
    if len(header) > COLUMN_LIMIT:
        raise DataError(f"{name}: the header has {len(header)} columns, expected at most {COLUMN_LIMIT}. {KEEP_HEADER}")
    required, known = ["method", *columns.numbers], {*columns.all}
    for problem, found in (
        ("is missing", [each for each in required if each not in header]),
        ("is not a column of a plan", [each for each in header if each not in known]),
        ("occurs twice", [each for each, count in Counter(header).items() if count > 1]),
    ):
        if found:
            shown = repr(",".join(header))
            shown = shown if len(shown) <= 200 else f"{shown[:200]}… and so on"
            raise DataError(f"{name}: the column {found[0][:40]!r} {problem}. The header is {shown}. {KEEP_HEADER}")
    return columns


KEEP_HEADER = "Keep the header that mixup-gen plan wrote."
