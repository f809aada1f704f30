"""Plans written down: rows of the plan as records of a table, as CSV or as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.labels import Labels
from mixup_cli.methods import shares
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.plan.files.columns import BOX, PlanColumns
from mixup_cli.plan.plan import Planned, Rows
from mixup_cli.sources.tables.parquet import require_parquet

ROW_GROUP_ROWS = 1 << 16

Table: TypeAlias = dict[str, list[Any]]
"""Some rows, column by column; None for an empty cell."""


@dataclass(frozen=True)
class Recorder:
    """Turns rows of a plan into tables. `keys` and `labels` are those of the source."""

    methods: MethodSet
    columns: PlanColumns
    keys: Sequence[str]
    labels: Labels

    def tables(self, plan: Planned, row_count: int) -> Iterator[Table]:
        """The first rows of a plan, a table for each block."""
        for start in range(0, row_count, self.methods.block_rows):
            yield self.table(plan.rows(start, min(start + self.methods.block_rows, row_count)))

    def table(self, rows: Rows) -> Table:
        """Some rows, in all columns."""
        return {"index": rows.index.tolist(), **deciding(rows, self.methods, self.columns), **self._telling(rows)}

    def _telling(self, rows: Rows) -> Table:
        used = self.methods.used(rows.method)
        keys = [[self.keys[each] for each in parents] for parents in rows.parents.T.tolist()]
        table: Table = {"lam": [f"{lam:.6f}" for lam in lams(rows, self.methods).tolist()]}
        for parent, name in enumerate(self.columns.of_parents("label")):
            table[name] = _shown(self._names(rows.parents[:, parent]), used[:, parent])
        for parent, name in enumerate(self.columns.of_parents("key")):
            table[name] = _shown(keys[parent], used[:, parent])
        return table

    def _names(self, samples: NDArray[np.int64]) -> list[str | None]:
        if self.labels.classes is None:
            return [None] * len(samples)
        return [self.labels.class_names[number] for number in self.labels.classes[samples].tolist()]


def deciding(rows: Rows, methods: MethodSet, columns: PlanColumns) -> Table:
    """What decides the rows."""
    used, decisions = methods.used(rows.method), rows.decisions
    names = methods.names
    has_box = np.asarray(decisions.box.any(axis=1))
    has_seed = np.array([method.has_seed for method in methods.methods])[rows.method]
    table: Table = {"method": [names[number] for number in rows.method.tolist()]}
    for kind, values in (("parent", rows.parents), ("part", decisions.parts)):
        for parent, name in enumerate(columns.of_parents(kind)):
            table[name] = _shown(values[:, parent].tolist(), used[:, parent])
    for corner, name in enumerate(BOX):
        table[name] = _shown(decisions.box[:, corner].tolist(), has_box)
    table["mask_seed"] = _shown(decisions.mask_seed.tolist(), has_seed & (decisions.mask_seed != 0))
    if rows.views is not None:
        views = rows.views.reshape(len(rows), -1)
        seen = np.repeat(used, 5, axis=1)
        for number, name in enumerate(columns.views):
            table[name] = _shown(views[:, number].tolist(), seen[:, number])
    return table


def lams(rows: Rows, methods: MethodSet) -> NDArray[np.float32]:
    """The base's share of each row: float32 (m)."""
    lam = np.ones(len(rows), np.float32)
    for number, positions in methods.groups(rows.method):
        lam[positions] = shares(methods.weights(number, rows.decisions[positions]), methods.grid)[:, 0]
    return lam


def _shown(values: Sequence[Any], is_there: NDArray[np.bool_]) -> list[Any]:
    return [value if there else None for value, there in zip(values, is_there.tolist(), strict=True)]


def write_csv(tables: Iterable[Table], names: Sequence[str], file: IO[str], header: bool = True) -> None:
    """Tables as CSV with plain newlines."""
    writer = csv.writer(_PlainNewlines(file), lineterminator="\r\n")
    if header:
        writer.writerow(names)
    for table in tables:
        writer.writerows(zip(*(table[name] for name in names), strict=True))


class _PlainNewlines:
    """Takes rows that end with CR LF and ends them with LF. The csv module quotes no CR unless rows end with one."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")


class Sink(Protocol):
    """Takes bytes, and remembers none."""

    def write(self, data: bytes) -> None: ...


def write_parquet(tables: Iterable[Table], columns: PlanColumns, sink: Sink) -> None:
    """Tables as Parquet. `lam` is a number there. Raises UsageError where pyarrow is not installed."""
    arrow, parquet = require_parquet()
    types = {name: arrow.int64() for name in ("index", *columns.numbers)}
    types |= {"mask_seed": arrow.uint64(), "lam": arrow.float64()}
    schema = arrow.schema([(name, types.get(name, arrow.string())) for name in columns.all])
    with arrow.PythonFile(_Appended(sink), mode="w") as file, parquet.ParquetWriter(file, schema) as writer:
        gathered: list[Any] = []
        for table in tables:
            gathered.append(arrow.table({**table, "lam": list(map(float, table["lam"]))}, schema=schema))
            if sum(map(len, gathered)) >= ROW_GROUP_ROWS:
                writer.write_table(arrow.concat_tables(gathered))
                gathered = []
        if gathered:
            writer.write_table(arrow.concat_tables(gathered))


class _Appended:
    """A sink as the file that pyarrow wants to write to."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self._sink, self._position = sink, 0

    def write(self, data: Any) -> int:
        self._sink.write(bytes(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The sink is closed by whoever opened it."""
