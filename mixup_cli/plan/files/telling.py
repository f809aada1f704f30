"""The columns of a plan file that decide nothing, held against those that do: an edit there would be in vain."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.plan.files.plan_file import PlanFile
from mixup_cli.plan.files.writing import Recorder, lams
from mixup_cli.plan.plan import Rows

LAM_TOLERANCE = 1e-6
"""Half a unit of the last digit that is written, and something for those who round."""


class Telling:
    """What a file tells of its rows, and what it should tell, by the source that `recorder` knows."""

    def __init__(self, file: PlanFile, recorder: Recorder) -> None:
        self._file, self._recorder = file, recorder
        vocabulary, self._texts = file.vocabulary, {}
        known = {name: np.array([vocabulary.get(text, -1) for text in texts], np.int32) for name, texts in self._true()}
        for column in file.texts:
            kind, _, parent = column.partition("_")
            self._texts[column] = known[kind], int(parent)

    def _true(self) -> Iterator[tuple[str, list[str]]]:
        """The texts of every sample, of the kinds that the file has columns of."""
        labels = self._recorder.labels
        if any(column.startswith("key") for column in self._file.texts):
            yield "key", list(self._recorder.keys)
        if any(column.startswith("label") for column in self._file.texts):
            yield "label", [""] if labels.classes is None else list(labels.class_names)

    def check(self, rows: Rows) -> None:
        """Raise DataError where the file does not tell the truth of some rows."""
        if self._file.lam is not None:
            self._check_lam(self._file.lam[rows.index], rows)
        used = self._recorder.methods.used(rows.method)
        for column, (known, parent) in self._texts.items():
            found = self._file.texts[column][rows.index]
            true = np.zeros(len(rows), np.int32)
            if parent < used.shape[1]:
                samples = rows.parents[:, parent]
                true = np.where(used[:, parent], known[self._numbers(column, samples)], 0).astype(np.int32)
            if (found != true).any():
                row = int(np.argmax(found != true))
                text = self._recorder.table(rows[slice(row, row + 1)]).get(column, [None])[0]
                place = int(rows.index[row])
                true_text = repr(text) if text else "empty"
                self._refuse(column, place, self._file.cell(column, place), true_text, "plan anew for this source")

    def _numbers(self, column: str, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of the known texts each sample has."""
        if column.startswith("key"):
            return samples
        classes = self._recorder.labels.classes
        return np.zeros(len(samples), np.int64) if classes is None else classes[samples].astype(np.int64)

    def _check_lam(self, found: NDArray[np.float32], rows: Rows) -> None:
        true = lams(rows, self._recorder.methods)
        right = abs(found.astype(np.float64) - true) <= LAM_TOLERANCE  # false where nothing is there
        if not right.all():
            row = int(np.argmin(right))
            cell = "empty" if np.isnan(found[row]) else f"{found[row]:.6f}"
            remedy = "pass the --method and the --size with which it was planned"
            self._refuse("lam", int(rows.index[row]), cell, f"{true[row]:.6f}", remedy)

    def _refuse(self, column: str, row: int, found: str, true: str, remedy: str) -> None:
        raise DataError(
            f"{self._file.place(row)}: {column} is {found}, and the row's is {true}. The column decides nothing: change"
            f" what decides, and mend this cell or delete the column. If nothing was changed, {remedy}."
        )
