"""Tables of Arrow and Parquet, read by pyarrow in groups of rows, as they were written. Nothing in them is run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.sources.reading.changing import change_while_read
from mixup_cli.sources.reading.containers import LocalFile
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.tables.parquet import reason, require_parquet

GROUP_BYTES = 256 << 20
"""The largest group of rows of a Parquet file: it is read as a whole."""

GROUPS_KEPT, FILES_KEPT = 4, 64
_ONE_READS = Lock()
"""Threads that want neighbouring rows would each read their group, and hold it in memory."""

Columns: TypeAlias = Mapping[str, tuple[str, Mapping[str, Any]]]
"""By name: the type of a column, and what Hugging Face says of it (`features`)."""

_DAMAGE = (OSError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)


@dataclass(frozen=True)
class Group:
    """Rows that are read at once: a group of a Parquet file, or a batch of an Arrow file, which is mapped."""

    file: LocalFile
    number: int
    count: int

    def cells(self, column: str) -> Any:
        """The bytes in a column of these rows, as an Arrow array. Raises DataError for damage, and for a change."""
        if self.file.has_changed():
            raise change_while_read(self.file.name)
        with _ONE_READS:
            return _cells(self, column)

    def paths(self, column: str) -> dict[int, str]:
        """The paths in a column of bytes and paths, by the row in the group, where there are no bytes. Raises
        DataError for damage."""
        with _damage(Path(self.file.name)):
            if self._has_all_bytes(column):
                return {}
            cells, types = _column(self, column), require_parquet()[0].types
            if not types.is_struct(cells.type) or cells.type.get_field_index("path") < 0:
                return {}
            paths = cells.field("path")
            paths.validate(full=True)
            has_none = _bytes(cells).is_null().to_numpy(zero_copy_only=False)
            found = ((int(row), paths[int(row)].as_py()) for row in np.flatnonzero(has_none))
            return {row: path for row, path in found if isinstance(path, str) and path}

    def _has_all_bytes(self, column: str) -> bool:
        """Whether the metadata of a Parquet file says so, whose cells are then not read."""
        if not _is_parquet(self.file.name):
            return False
        rows = _opened(self.file).metadata.row_group(self.number)
        parts = (rows.column(number) for number in range(rows.num_columns))
        said = [each.statistics for each in parts if each.path_in_schema in (column, f"{column}.bytes")]
        return all(each is not None and each.has_null_count and each.null_count == 0 for each in said)


def schema_of(path: Path) -> Columns:
    """The columns of a file. Raises DataError for damage."""
    with _damage(path):
        schema = _opened(LocalFile.open(path)).schema
        schema = schema.to_arrow_schema() if _is_parquet(path) else schema
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        said = {name: each for name, each in features.items() if isinstance(each, dict)}
        return {each.name: (str(each.type), said.get(each.name, {})) for each in schema}


def read_groups(files: Sequence[Path], column: str | None) -> tuple[list[Group], list[object]]:
    """The groups of all rows, and one column of them as plain values. Raises DataError for damage."""
    groups: list[Group] = []
    values: list[object] = []
    for path in files:
        file = LocalFile.open(path)
        with _damage(path):
            opened, is_parquet = _opened(file), _is_parquet(path)
            parts = map(opened.metadata.row_group, range(opened.num_row_groups)) if is_parquet else opened.to_batches()
            counts = [each.num_rows for each in parts]
            if not all(0 <= count <= file.size for count in counts):
                raise ValueError("it claims rows that it does not have")
            if column is not None:
                cells = (opened.read(columns=[column]) if is_parquet else opened).column(column)
                cells.validate(full=True)
                if len(cells) != sum(counts):
                    raise ValueError("it has labels for other rows")
                values += cells.to_pylist()
        groups += (Group(file, number, count) for number, count in enumerate(counts))
    return groups, values


@lru_cache(GROUPS_KEPT)
def _cells(group: Group, column: str) -> Any:
    with _damage(Path(group.file.name)):
        return _bytes(_column(group, column))


def _column(group: Group, column: str) -> Any:
    opened = _opened(group.file)
    if not _is_parquet(group.file.name):
        return opened.column(column).chunk(group.number)
    rows = opened.metadata.row_group(group.number)
    parts = [each for each in map(rows.column, range(rows.num_columns)) if _is_part(each.path_in_schema, column)]
    if (size := sum(each.total_uncompressed_size for each in parts)) > GROUP_BYTES:
        raise ValueError(f"a group of rows has {size} bytes, and at most {GROUP_BYTES} are read at once")
    return opened.read_row_group(group.number, columns=[column]).column(column).combine_chunks()


def _bytes(cells: Any) -> Any:
    """The bytes in cells that are bytes, or bytes and a path. pyarrow follows offsets blindly, so they are checked."""
    found = cells.field("bytes") if require_parquet()[0].types.is_struct(cells.type) else cells
    found.validate(full=True)
    return found


def _is_part(path: str, column: str) -> bool:
    """Whether this is a column, or one of the fields in it; its name may have dots, too."""
    return f"{path}.".startswith(f"{column}.")


def _is_parquet(path: str | Path) -> bool:
    return str(path).lower().endswith(".parquet")


def _opened(file: LocalFile) -> Any:
    """A ParquetFile, which threads may not share, or the table of an Arrow file, mapped."""
    known = _known(file)
    return require_parquet()[1].ParquetFile(file.name, metadata=known) if _is_parquet(file.name) else known


@lru_cache(FILES_KEPT)
def _known(file: LocalFile) -> Any:
    """What is read of a file once: the metadata of Parquet, the table of Arrow."""
    arrow, parquet = require_parquet()
    if _is_parquet(file.name):
        return parquet.read_metadata(file.name)
    return arrow.ipc.open_stream(arrow.memory_map(file.name)).read_all()


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Within the context, what pyarrow raises for damage becomes DataError."""
    arrow, _ = require_parquet()
    try:
        yield
    except FileNotFoundError:
        raise NoInputError(f"{escape_name(str(path))}: no such file. Fetch the data set again.") from None
    except (arrow.ArrowException, *_DAMAGE) as problem:
        raise DataError(f"{escape_name(str(path))}: cannot be read ({reason(problem)}). Write it again.") from None
