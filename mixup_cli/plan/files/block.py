"""Some rows of a plan file while they are checked, and the error of the first that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.plan_file import Entries
from mixup_cli.plan.files.planned_rows import PlannedRows

EMPTY = "Empty these cells, or change the method."
FILL_IN = "Fill these cells in, or change the method."


@dataclass(frozen=True)
class Block:
    """Some rows of a file, from row `start` on."""

    planned: PlannedRows
    start: int
    entries: Entries

    def _require(self, holds: NDArray[np.bool_], columns: Sequence[str], expected: str, remedy: str) -> None:
        """Raise DataError for the first row in which something does not hold: bool (m) or, by column, (m, columns)."""
        in_rows = holds.reshape(len(holds), -1)
        wrong = ~in_rows.all(axis=1)
        if not wrong.any():
            return
        row = int(np.argmax(wrong))
        cells = {name: values[0] for name, values in self.entries[row : row + 1].table().items()}
        holding = np.broadcast_to(in_rows[row], len(columns)).tolist()
        shown = [name for name, holds_there in zip(columns, holding, strict=True) if not holds_there]
        found = ", ".join(f"{name} is {'empty' if cells[name] is None else cells[name]}" for name in shown)
        raise DataError(f"{self.planned.file.place(self.start + row)}: {found}. Expected: {expected}. {remedy}")

    def _of_method(self, fact: str) -> NDArray[np.bool_]:
        """A fact about each row's method: bool (m)."""
        methods = self.planned.methods.methods
        return np.array([getattr(method, fact) for method in methods])[self.planned.numbers(self.entries)]

    @property
    def _columns(self) -> PlanColumns:
        return self.entries.columns
