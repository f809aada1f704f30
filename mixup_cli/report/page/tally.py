"""What is counted over all rows, block after block, from small columns alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.methods.base import Grid
from mixup_cli.report.page.kinds import BINS, Kind, bins_of

BLOCK_ROWS = 1 << 16
"""Rows that are looked at together."""

MOST_PAIRED = 24
"""Classes with a row of their own in the matrix of pairs; the others share one."""

NOT_SEEN = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Block:
    """m consecutive rows from `start` on: `kind` int64 (m) by number, `share` float32 (m, P), `box` int32 (m, 4), and
    where parents have one class each, `classes` int32 (m, P) and, if it is stored, `label_share` float32 (m, P)."""

    start: int
    kind: NDArray[np.int64]
    share: NDArray[np.float32]
    box: NDArray[np.int32]
    classes: NDArray[np.int32] | None = None
    label_share: NDArray[np.float32] | None = None


class Tally:
    """Counts of the rows that were added.

    `lam` int64 (kinds, BINS + 2) are rows by the base's share; `label` float64 (K) the sums of labels by class; `pairs`
    int64 (S + 1, S + 1) the rows in which both parents have a share, by the classes of base and donor: those of
    `paired` (S), then all others; `first` int64 (kinds, K + 1) the first row in which a class has a share, the last
    column without classes; `boxes` and `differing` int64 (kinds) the rows whose shares follow from a box, and those of
    them that have others.
    """

    def __init__(self, kinds: Sequence[Kind], class_count: int, paired: NDArray[np.int64], grid: Grid) -> None:
        self.kinds, self.paired, self._grid = kinds, paired, grid
        self.rows = 0
        self.lam = np.zeros((len(kinds), BINS + 2), np.int64)
        self.label = np.zeros(class_count)
        self.has_label = False
        self.pairs = np.zeros((len(paired) + 1, len(paired) + 1), np.int64)
        self.first = np.full((len(kinds), class_count + 1), NOT_SEEN)
        self.boxes, self.differing = np.zeros(len(kinds), np.int64), np.zeros(len(kinds), np.int64)
        self._place = np.full(class_count, len(paired))
        self._place[paired] = np.arange(len(paired))

    def add(self, block: Block) -> None:
        """Count some rows."""
        self.rows += len(block.kind)
        cells = block.kind * (BINS + 2) + bins_of(block.share[:, 0])
        self.lam += np.bincount(cells, minlength=self.lam.size).reshape(self.lam.shape)
        self._see(block)
        self._measure(block)
        if block.classes is not None and block.classes.shape[1] > 1:
            both = (block.share[:, :2] > 0).all(axis=1)
            base, donor = self._place[block.classes[both, :2]].T
            counted = np.bincount(base * len(self.pairs) + donor, minlength=self.pairs.size)
            self.pairs += counted.reshape(self.pairs.shape)
        if block.classes is not None and block.label_share is not None:
            self.has_label = True
            self.label += np.bincount(block.classes.ravel(), block.label_share.ravel(), len(self.label))

    def _see(self, block: Block) -> None:
        width = self.first.shape[1]
        classes = np.full((len(block.kind), 1), width - 1) if block.classes is None else block.classes
        keys = block.kind[:, None] * width + classes
        if block.classes is not None:
            keys = np.where(block.share > 0, keys, keys[:, :1])
        found, places = np.unique(keys, return_index=True)
        flat = self.first.reshape(-1)
        flat[found] = np.minimum(flat[found], block.start + places // keys.shape[1])

    def _measure(self, block: Block) -> None:
        for number in np.unique(block.kind).tolist():
            rows = np.flatnonzero(block.kind == number)
            share = self.kinds[number].from_boxes(block.box[rows], self._grid)
            if share is not None:
                self.boxes[number] += len(rows)
                self.differing[number] += int((share != block.share[rows, : share.shape[1]]).any(axis=1).sum())


def largest(sizes: NDArray[np.float64 | np.int64] | None, class_count: int) -> NDArray[np.int64]:
    """The classes that the matrix of pairs shows, ascending: the largest, or without sizes the first."""
    order = np.arange(class_count) if sizes is None else np.argsort(-sizes, kind="stable")
    return np.sort(order[:MOST_PAIRED])
