"""What the charts of the page show, as numbers that stand in tables, too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mixup_cli.recipe import Recipe
from mixup_cli.report.object_counts import PARTS, ObjectCounts
from mixup_cli.report.page.content import Content
from mixup_cli.report.page.kinds import BINS, Kind

MOST_HISTOGRAMS = 12
MOST_CLASSES = 40
"""Classes in the table of balance; of more, the largest and the smallest."""

INSIDE = [f"{low:.3f} … {high:.3f}" for low, high in pairwise(np.linspace(0, 1, BINS + 1).tolist())]


@dataclass(frozen=True)
class Histogram:
    """Rows of one kind by lam: `counts` int64 (BINS + 2)."""

    kind: Kind
    counts: NDArray[np.int64]

    @cached_property
    def rows(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def bars(self) -> list[tuple[str, int, float | None]]:
        """Each bin with its rows, and the rows that the law gives."""
        law = [None] * (BINS + 2) if self.kind.expected is None else (self.kind.expected * self.rows).tolist()
        return [*zip(["0", *INSIDE, "1"], self.counts.tolist(), law, strict=True)]

    @property
    def most(self) -> float:
        """The height of the chart, in rows."""
        return max(max(count, expected or 0.0) for _, count, expected in self.bars)

    @property
    def gap(self) -> float | None:
        """How far the rows are from the law at most, as a distribution; None where a mask or a box comes between."""
        if self.kind.expected is None or not self.kind.keeps_lam:
            return None
        return float(np.abs(np.cumsum(self.counts / self.rows - self.kind.expected)).max())

    @property
    def usual_gap(self) -> float:
        """What 95 in 100 samples of that size stay below (Kolmogorov and Smirnov)."""
        return 1.36 / math.sqrt(self.rows)

    @property
    def parts(self) -> tuple[float, float, float]:
        """The parts of the rows with a base alone, with 31/32 of it or more, and with between 1/4 and 3/4."""
        bins = (slice(BINS + 1, None), slice(BINS, None), slice(BINS // 4 + 1, BINS * 3 // 4 + 1))
        alone, nearly, middle = (float(self.counts[each].sum() / self.rows) for each in bins)
        return alone, nearly, middle


def histograms(content: Content) -> list[Histogram]:
    """A histogram for each kind that occurs: those that mix first, the most frequent first."""
    tally = content.tally
    found = [Histogram(kind, counts) for kind, counts in zip(tally.kinds, tally.lam, strict=True) if counts.any()]
    return sorted(found, key=lambda each: (not each.kind.mixes, -each.rows))[:MOST_HISTOGRAMS]


def balance(content: Content) -> list[tuple[str, float | None, float]]:
    """Classes with their parts of all labels before (None if unknown) and after, 0 … 1: of many, the largest and the
    smallest. Empty where labels are not of classes."""
    total, after = content.tally.label.sum(), content.tally.label
    if not total:
        return []
    before = content.before if content.before is not None and content.before.any() else None
    sizes, shown = after if before is None else before, np.arange(len(after))
    if len(shown) > MOST_CLASSES:
        order, half = np.argsort(-sizes, kind="stable"), MOST_CLASSES // 2
        shown = np.concatenate([order[:half], order[-half:]])
    names = content.manifest.class_names
    parts = [None] * len(shown) if before is None else (before[shown] / before.sum()).tolist()
    return [*zip((names[each] for each in shown.tolist()), parts, (after[shown] / total).tolist(), strict=True)]


@dataclass(frozen=True)
class Pairs:
    """How often classes meet: `rows[b][d]` with the base of class b and the donor of class d. The last of the names
    stands for all classes that are not shown, if there are any."""

    names: list[str]
    rows: list[list[int]]

    def level(self, count: int) -> int:
        """How strong a cell's colour is, 0 … 4: by its square root, so that rare pairs are seen."""
        return math.ceil(4 * math.sqrt(count / max(map(max, self.rows))))


def pairs(content: Content) -> Pairs | None:
    """The matrix of class pairs; None where no two parents with a class each are mixed."""
    tally, names = content.tally, content.manifest.class_names
    if not tally.pairs.any():
        return None
    shown = [names[number] for number in tally.paired.tolist()]
    if others := len(names) - len(shown):
        shown.append(f"{others} others")
    return Pairs(shown, tally.pairs[: len(shown), : len(shown)].tolist())


@dataclass(frozen=True)
class ObjectTables:
    """The tables of objects: names, counts, and parts of all, 0 … 1. `classes` have the part of their objects that is
    faint instead; of many, the most frequent ones stand there. Objects of which less than `least` is seen are not
    among them."""

    counts: ObjectCounts
    least: float
    rows: list[tuple[str, int, float]]
    classes: list[tuple[str, int, float]]
    visible: list[tuple[str, int, float]]

    @property
    def faint(self) -> int:
        """How many objects are faint."""
        return int(self.counts.faint.sum())

    @property
    def without(self) -> int:
        """How many rows have no objects."""
        return int(self.counts.rows[0])


def object_tables(content: Content) -> ObjectTables | None:
    """What tables say of objects; None where samples have labels instead."""
    counts = content.objects
    if counts is None:
        return None
    spans = [(0, 0), *((1 << power, (2 << power) - 1) for power in range(counts.most.bit_length()))]
    rows = [
        (f"{low}" if low == high else f"{low} … {high}", int(counts.rows[low : high + 1].sum())) for low, high in spans
    ]
    parts = [
        (f"{100 * low // PARTS} … {100 * (low + 1) // PARTS} %", int(count))
        for low, count in enumerate(counts.visible[:PARTS])
    ]
    parts.append(("all of it", int(counts.visible[PARTS])))
    order = np.argsort(-counts.classes, kind="stable")[:MOST_CLASSES]
    classes = [
        (content.manifest.class_names[each], int(counts.classes[each]), counts.faint[each] / counts.classes[each])
        for each in order.tolist()
        if counts.classes[each]
    ]
    least = min(Recipe.from_dict(each).min_visible for each in content.manifest.recipes)
    return ObjectTables(counts, least, _with_parts(rows), classes, _with_parts(parts))


def _with_parts(counted: list[tuple[str, int]]) -> list[tuple[str, int, float]]:
    total = max(1, sum(count for _, count in counted))
    return [(name, count, count / total) for name, count in counted]
