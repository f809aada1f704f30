"""What is counted over all rows, block after block, from small columns alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.labels import NO_CLASS
from mixup_cli.report.object_counts import there
from mixup_cli.report.page.kinds import BINS, Kind, bins_of

BLOCK_ROWS = 1 << 16
"""Rows that are looked at together."""

MOST_PAIRED = 24
"""Classes with a row of their own in the matrix of pairs; the others share one."""

NOT_SEEN = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Block:
    """m consecutive rows from `start` on: `kind` int64 (m) by number, `share` float32 (m, P), and where parents have
    one class each, `classes` int32 (m, P) and, if it is stored, `label_share` float32 (m, P)."""

    start: int
    kind: NDArray[np.int64]
    share: NDArray[np.float32]
    classes: NDArray[np.int32] | None = None
    label_share: NDArray[np.float32] | None = None


class Tally:
    """Counts of the rows that were added.

    `lam` int64 (kinds, BINS + 2) are rows by the base's share; `label` float64 (K) the sums of the labels of
    `label_rows` rows by class; `pairs` int64 (S + 1, S + 1) the rows in which both parents have a share, by the classes
    of base and donor: those of `paired` (S), which are the largest before mixing, then all others; `first` int64
    (kinds, K + 1) the first row in which a class has a share, the last column without classes.
    """

    def __init__(self, kinds: Sequence[Kind], class_count: int, before: NDArray[np.float64] | None) -> None:
        sizes = np.zeros(class_count) if before is None else before
        self.kinds, self.paired = kinds, np.sort(np.argsort(-sizes, kind="stable")[:MOST_PAIRED])
        self.rows = self.label_rows = 0
        self.lam = np.zeros((len(kinds), BINS + 2), np.int64)
        self.label = np.zeros(class_count)
        self.pairs = np.zeros((len(self.paired) + 1, len(self.paired) + 1), np.int64)
        self.first = np.full((len(kinds), class_count + 1), NOT_SEEN)
        self._place = np.full(class_count, len(self.paired))
        self._place[self.paired] = np.arange(len(self.paired))

    def add(self, block: Block) -> None:
        """Count some rows."""
        self.rows += len(block.kind)
        self.lam += _counted(block.kind, bins_of(block.share[:, 0]), self.lam.shape)
        self._see(block)
        if block.classes is not None and block.classes.shape[1] > 1:
            both = (block.share[:, :2] > 0).all(axis=1) & (block.classes[:, :2] != NO_CLASS).all(axis=1)
            base, donor = self._place[block.classes[both, :2]].T
            self.pairs += _counted(base, donor, self.pairs.shape)
        if block.classes is not None and block.label_share is not None:
            self.label_rows += len(block.kind)
            has_class = block.classes != NO_CLASS
            self.label += np.bincount(block.classes[has_class], block.label_share[has_class], len(self.label))

    def add_labels(self, labels: NDArray[np.float32]) -> None:
        """Count the labels (m, K) of rows whose parents have not one class each."""
        self.label_rows += len(labels)
        self.label += labels.sum(axis=0, dtype=np.float64)

    def add_objects(self, start: int, kind: NDArray[np.int64], columns: Mapping[str, NDArray[Any]]) -> None:
        """Count the objects of m rows from `start` on, of kinds int64 (m), by class: each is a label."""
        row, place = there(columns)
        classes = columns["object_class"][row, place]
        self.label_rows += len(kind)
        self.label += np.bincount(classes, minlength=len(self.label))
        self._saw(kind[row] * self.first.shape[1] + classes, start + row)

    def _see(self, block: Block) -> None:
        width = self.first.shape[1]
        classes = np.full((len(block.kind), 1), width - 1) if block.classes is None else block.classes
        keys = block.kind[:, None] * width + classes
        counts = (block.share[:, : keys.shape[1]] > 0) & (classes != NO_CLASS)
        keys = np.where(counts, keys, keys[:, :1])
        self._saw(keys.ravel(), block.start + np.repeat(np.arange(len(keys)), keys.shape[1]))

    def _saw(self, keys: NDArray[np.int64], rows: NDArray[np.int64]) -> None:
        """Note the first of ascending rows in which each cell of `first` occurs."""
        found, places = np.unique(keys, return_index=True)
        flat = self.first.reshape(-1)
        flat[found] = np.minimum(flat[found], rows[places])


def _counted(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """How often each cell of a table occurs."""
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)
