"""What must hold of rows of a plan file where samples go on in time: spans, starts, and how loud waves become."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mixup_cli.methods.shares import SHARE_UNIT
from mixup_cli.plan.files.block import EMPTY, FILL_IN, Block
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import SPAN

LOUDEST = 1 << 16
"""By how much a blended row may be multiplied: the base of `snr` has one 65536th at least."""


class InTime(Block):
    """Such rows. Their methods, parents and boxes are checked before."""

    def check(self) -> None:
        """Each requirement relies on those before it."""
        entries = self.entries
        if entries.span is not None:
            self._check_span(entries.span)
        if entries.starts is not None:
            self._check_starts(entries.starts)
        if entries.share is not None and entries.scale is not None:
            self._check_gains(entries.share, entries.scale)

    def _check_span(self, span: NDArray[np.int32]) -> None:
        given, grid = span != MISSING, self.planned.methods.grid
        all_or_none = given.all(axis=1) | ~given.any(axis=1)
        self._require(all_or_none, SPAN, "both, or none", "Fill them in, or empty them.")
        has_span = self._of_method("has_span") & (grid.length > 1)
        self._require(has_span | ~given.any(axis=1), SPAN, "nothing, since the method has no span", EMPTY)
        least, most = np.zeros(len(span), np.int64), np.full(len(span), grid.length)
        if (content := self.planned.timeline.content) is not None:
            least, most = content[self.entries.parents[:, 0]].astype(np.int64).T
        start, stop = span.astype(np.int64).T
        is_inside = (least <= start) & (start <= stop) & (stop <= most)
        expected = f"a span in the base, which has {grid.length} places, and in its content"
        self._require(is_inside | ~given.any(axis=1) | (start == stop), SPAN, expected, "Move its ends.")

    def _check_starts(self, starts: NDArray[np.int32]) -> None:
        """Parents are seen from a place of their own on, where rows show parts of them; else only a method moves
        them, by less than a row."""
        planned, columns = self.planned, self._columns.of_parents("start")
        used = planned.used(self.entries)
        self._require(~used | (starts != MISSING), columns, "a number for each parent of the method", FILL_IN)
        places = np.where(starts == MISSING, 0, starts).astype(np.int64)
        if planned.timeline.lengths is None:
            room = np.where(self._of_method("moves_in_time"), planned.methods.grid.length - 1, 0)[:, None]
            expected = f"0, or with a method that moves its parents less than {planned.methods.grid.length} from it"
            self._require(abs(places) <= room, columns, expected, "Move the start.")
            return
        parents = np.where(used, self.entries.parents, self.entries.parents[:, :1]).astype(np.int64)
        last, step = planned.timeline.last(parents) * planned.timeline.step, planned.timeline.step
        expected = f"a multiple of {step}" * (step > 1) or "a place"
        expected += " from 0 on, with all of the row before the end of the sample"
        self._require(~used | ((places >= 0) & (places <= last) & (places % step == 0)), columns, expected, "Move it.")

    def _check_gains(self, share: NDArray[np.int32], scale: NDArray[np.int64]) -> None:
        decides, columns = self._of_method("shares_apart"), self._columns.of_parents("share")
        is_used = self.planned.used(self.entries) & decides[:, None]
        nothing = "nothing, since the method does not decide how loud a row becomes"
        self._require(is_used | (share == MISSING), columns, nothing, EMPTY)
        self._require(decides | (scale == 0), ["scale"], nothing, EMPTY)
        parts = np.where(is_used, share, 0).astype(np.int64)
        is_whole = ((parts >= 0) & (parts <= SHARE_UNIT)).all(axis=1) & (parts.sum(axis=1) == SHARE_UNIT)
        expected = f"2^-24ths, 0 … {SHARE_UNIT}, whose sum is {SHARE_UNIT}"
        self._require(~decides | is_whole, columns, expected, "Change them so that they add up.")
        is_loud = (scale >= 1) & (scale <= LOUDEST * SHARE_UNIT)
        expected = f"2^-24ths, 1 … {LOUDEST * SHARE_UNIT}; {SHARE_UNIT} leaves it as loud as it is"
        self._require(~decides | is_loud, ["scale"], expected, "Change it.")
