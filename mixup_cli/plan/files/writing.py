"""Plans written down: rows of the plan as records of a table, as CSV or as Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.fields.labels import Labels
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.shares import SHARE_UNIT
from mixup_cli.plan.files.cells import MISSING
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.plan_file import Entries, Table
from mixup_cli.plan.plan import Planned, Rows
from mixup_cli.sources.tables.parquet import require_parquet

ROW_GROUP_ROWS = 1 << 16


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
        entries = entries_of(rows, self.methods, self.columns)
        return {"index": rows.index.tolist(), **entries.table(), **self._informative(rows)}

    @cached_property
    def texts(self) -> dict[str, Sequence[str | None]]:
        """The class name ("label") and the key of each sample."""
        classes, names = self.labels.classes, self.labels.class_names
        labels = [None] * len(self.keys) if classes is None else [names[number] for number in classes.tolist()]
        return {"label": labels, "key": self.keys}

    def _informative(self, rows: Rows) -> Table:
        used, parents = self.methods.used(rows.method).T.tolist(), rows.parents.T.tolist()
        table: Table = {"lam": [f"{lam:.6f}" for lam in lams(rows, self.methods).tolist()]}
        for kind, texts in self.texts.items():
            for column, samples, is_used in zip(self.columns.of_parents(kind), parents, used, strict=True):
                pairs = zip(samples, is_used, strict=True)
                table[column] = [texts[sample] if there else None for sample, there in pairs]
        return table


def entries_of(rows: Rows, methods: MethodSet, columns: PlanColumns) -> Entries:
    """Rows as the cells of a plan file with these columns."""
    used, decisions = methods.used(rows.method), rows.decisions
    has_seed = np.array([method.has_seed for method in methods.methods])[rows.method]
    made = Entries(
        method=np.array([METHOD_NAMES.index(name) for name in methods.names], np.uint8)[rows.method],
        parents=np.where(used, rows.parents, MISSING).astype(np.int32),
        parts=np.where(used, decisions.parts, MISSING),
        box=np.where(decisions.box.any(axis=1, keepdims=True), decisions.box, MISSING),
        mask_seed=np.where(has_seed, decisions.mask_seed, 0).astype(np.uint64),
        views=None if rows.views is None else np.where(used[..., None], rows.views, MISSING),
    )
    span = np.zeros((len(rows), 2), np.int32) if decisions.span is None else decisions.span
    start = np.zeros_like(rows.parents) if decisions.start is None else decisions.start
    share, scale = _loudness(rows, methods)
    return replace(
        made,
        span=np.where(span.any(axis=1, keepdims=True), span, MISSING) if columns.has_span else None,
        starts=start.astype(np.int32) if columns.has_starts else None,
        share=share if columns.has_gains else None,
        scale=scale if columns.has_gains else None,
    )


def _loudness(rows: Rows, methods: MethodSet) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Share and scale of rows in 2⁻²⁴ths, empty where the method decides none. A scale is at least ½, so float32 has no
    more digits."""
    decided, made = np.array([method.shares_apart for method in methods.methods])[rows.method], rows.decisions
    if made.share is None or made.scale is None:
        return np.full(rows.parents.shape, MISSING, np.int32), np.zeros(len(rows), np.int64)
    share, scale = (np.rint(each.astype(np.float64) * SHARE_UNIT) for each in (made.share, made.scale))
    is_shared = decided[:, None] & methods.used(rows.method)
    return np.where(is_shared, share, MISSING).astype(np.int32), np.where(decided, scale, 0).astype(np.int64)


def lams(rows: Rows, methods: MethodSet) -> NDArray[np.float32]:
    """The base's share of each row: float32 (m)."""
    lam = np.ones(len(rows), np.float32)
    for number, positions in methods.groups(rows.method):
        decisions = rows.decisions[positions]
        lam[positions] = methods.shares(number, decisions, methods.weights(number, decisions))[:, 0]
    return lam


class Sink(Protocol):
    """Takes bytes; nothing can be read back from it."""

    def write(self, data: bytes) -> None: ...


def write_parquet(tables: Iterable[Table], columns: PlanColumns, sink: Sink) -> None:
    """Tables as Parquet. `lam` is a number there. Raises UsageError if pyarrow is not installed."""
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


class _Appended(io.RawIOBase):
    """A sink as the file that pyarrow wants to write to: it asks for the position, and never seeks."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._position = sink, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._sink.write(bytes(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        return self._position
