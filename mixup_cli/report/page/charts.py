"""What the charts of the page show, as numbers that stand in tables, too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mixup_cli.report.page.content import Content
from mixup_cli.report.page.kinds import BINS, Kind

MOST_HISTOGRAMS = 12
MOST_CLASSES = 40
"""Classes in the table of balance; of more, the largest and the smallest."""

CURVE_POINTS = 400


@dataclass(frozen=True)
class Histogram:
    """Rows of one kind by lam. `bars` are low and high end, rows, and rows that the law expects."""

    kind: Kind
    rows: int
    bars: list[tuple[float, float, int, float | None]]
    gap: float | None
    boxes: int
    differing: int

    @property
    def most(self) -> float:
        """The height of the chart, in rows."""
        return max(max(count, expected or 0.0) for _, _, count, expected in self.bars)

    @property
    def usual_gap(self) -> float:
        """What 95 in 100 samples of that size stay below (Kolmogorov and Smirnov)."""
        return 1.36 / math.sqrt(self.rows)

    def part(self, low: float, high: float) -> float:
        """The part of the rows whose lam lies in a bin from low to high."""
        return sum(count for left, right, count, _ in self.bars if low <= left and right <= high) / self.rows


def histograms(content: Content) -> Iterator[Histogram]:
    """A histogram for each kind that occurs: those that mix first, the most frequent first."""
    tally, ends = content.tally, np.linspace(0, 1, BINS + 1).tolist()
    counts = tally.lam.sum(axis=1)
    order = [number for number in np.argsort(-counts, kind="stable").tolist() if counts[number]]
    for number in sorted(order, key=lambda number: not tally.kinds[number].mixes)[:MOST_HISTOGRAMS]:
        kind, rows, expected = tally.kinds[number], int(counts[number]), tally.kinds[number].expected
        law = [None] * (BINS + 2) if expected is None else (expected * rows).tolist()
        lows, highs = [0.0, *ends[:-1], 1.0], [0.0, *ends[1:], 1.0]
        gap = None
        if expected is not None and kind.keeps_lam:
            gap = float(np.abs(np.cumsum(tally.lam[number] / rows - expected)).max())
        bars = [*zip(lows, highs, tally.lam[number].tolist(), law, strict=True)]
        yield Histogram(kind, rows, bars, gap, int(tally.boxes[number]), int(tally.differing[number]))


@dataclass(frozen=True)
class Balance:
    """Classes with their parts of all labels before (None if unknown) and after, 0 … 1: number, name, before, after.
    Of many, `classes` are the largest and the smallest, and `curve` has before and after of all, by size."""

    classes: list[tuple[int, str, float | None, float]]
    total: int
    curve: list[tuple[float, float]]

    @property
    def most(self) -> float:
        return max(max(before or 0.0, after) for _, _, before, after in self.classes)


def balance(content: Content) -> Balance | None:
    """The classes before and after; None where labels are not of classes."""
    if content.after is None or not len(content.after) or content.after.sum() <= 0:
        return None
    after = content.after / content.after.sum()
    before = None if content.before is None or not content.before.sum() else content.before / content.before.sum()
    sizes, count = after if before is None else before, len(after)
    order = np.argsort(-sizes, kind="stable")
    shown = np.arange(count)
    curve = list[tuple[float, float]]()
    if count > MOST_CLASSES:
        shown = np.concatenate([order[: MOST_CLASSES // 2], order[-(MOST_CLASSES // 2) :]])
        points = order[np.linspace(0, count - 1, min(count, CURVE_POINTS)).astype(int)]
        curve = [*zip(sizes[points].tolist(), after[points].tolist(), strict=True)]
    names = content.manifest.class_names
    classes = [
        (number, names[number], None if before is None else float(before[number]), float(after[number]))
        for number in shown.tolist()
    ]
    return Balance(classes, count, curve)


@dataclass(frozen=True)
class Pairs:
    """How often classes meet: `rows[b][d]` with the base of class b and the donor of class d. The last of the names
    stands for all classes that are not shown, if there are any."""

    names: list[str]
    rows: list[list[int]]

    @property
    def most(self) -> int:
        return max(map(max, self.rows))

    def level(self, count: int) -> int:
        """How strong a cell's colour is, 0 … 9: by its square root, so that rare pairs are seen."""
        return 0 if not count else 1 + round(8 * math.sqrt(count / self.most))


def pairs(content: Content) -> Pairs | None:
    """The matrix of class pairs; None where no two parents with a class each are mixed."""
    tally, names = content.tally, content.manifest.class_names
    if not tally.pairs.any():
        return None
    shown, count = [names[number] for number in tally.paired.tolist()], len(tally.paired)
    others = len(names) - count
    part = tally.pairs if others else tally.pairs[:count, :count]
    return Pairs(shown + [f"{others} others"] * bool(others), part.tolist())
