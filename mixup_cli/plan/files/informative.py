"""The informative columns of a plan file, compared with what its rows and the source say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mixup_cli.plan.files.cells import fingerprints
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.plan.files.writing import Recorder, lams
from mixup_cli.plan.plan import Rows
from mixup_cli.wording import counted, quoted, setting


class Comparison:
    """Counts the rows in which these columns differ. They decide nothing, so that a difference is not an error; but it
    shows a plan that was made for another source, or an edit without effect."""

    def __init__(self, file: PlanFile, recorder: Recorder) -> None:
        self._file, self._recorder = file, recorder
        texts = recorder.texts.items()
        self._of_samples = {kind: fingerprints([text or "" for text in each]) for kind, each in texts}
        self._columns: set[str] = set()
        self._count, self._first = 0, ""

    def add(self, rows: Rows) -> None:
        """Compare some more rows."""
        differs = np.zeros(len(rows), bool)
        used = self._recorder.methods.used(rows.method)
        for column, found in self._file.informative.items():
            wrong = found[rows.index] != self._true(column, rows, used)
            if wrong.any():
                self._columns.add(column)
                self._first = self._first or self._described(column, rows[np.flatnonzero(wrong)[:1]])
                differs |= wrong
        self._count += int(np.count_nonzero(differs))

    def _true(self, column: str, rows: Rows, used: NDArray[np.bool_]) -> NDArray[np.int32]:
        """The fingerprints of what should stand there: int32 (m)."""
        kind, _, parent = column.partition("_")
        if kind == "lam":
            return fingerprints([f"{lam:.6f}" for lam in lams(rows, self._recorder.methods).tolist()])
        if int(parent) >= used.shape[1]:
            return np.zeros(len(rows), np.int32)
        of_parents = self._of_samples[kind][rows.parents[:, int(parent)]]
        return np.where(used[:, int(parent)], of_parents, np.int32(0))

    def _described(self, column: str, row: Rows) -> str:
        text = self._recorder.table(row).get(column, [None])[0]
        return f"in row {row.index[0] + 1}, {column} would be {'empty' if text is None else quoted(text, 100)}"

    def notices(self) -> tuple[str, ...]:
        """What the user should know."""
        if not self._count:
            return ()
        columns = [name for name in self._file.informative if name in self._columns]
        return (
            f"{self._file.name}: {counted(self._count, 'row')} with values of {', '.join(columns)} that this source "
            f"and these settings do not give ({self._first}). These columns decide nothing: the others do. If you did "
            f"not edit them, the plan is for another source, {setting('size')} or {setting('methods')}.",
        )
