"""Samples in the rows of a table: in the cells of a column, or in files that these name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.arrays.source import RowKeys
from mixup_cli.sources.packed.cells import Group
from mixup_cli.sources.packed.places import check_size, read_range
from mixup_cli.sources.reading.base import Stamps
from mixup_cli.sources.reading.containers import LocalFile
from mixup_cli.sources.reading.encoded import Encoded, Undecodable
from mixup_cli.sources.reading.names import inner_name


class Rows(Encoded):
    """A row's sample is the bytes in its cell; without bytes, the file of that path below the folder of the table. Row
    numbers are the keys. A subclass decodes them, and takes what else is given."""

    kind: ClassVar[str] = "hugging-face"
    read_as = "a Hugging Face data set"
    has_splits = False

    def __init__(self, location: str, *given: Any, rows: tuple[Sequence[Group], str], **how: Any) -> None:
        self._groups, self._column = rows
        self._ends = [*accumulate(each.count for each in self._groups)]
        self._files = {
            end - group.count + row: _file_at(path, Path(group.file.name))
            for group, end in zip(self._groups, self._ends, strict=True)
            for row, path in group.paths(self._column).items()
        }
        super().__init__(location, RowKeys(self._ends[-1]), *given, **how)

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: with the data set, which a row number does not name."""
        return f"{self.location}, row {self.keys[index]}"

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`."""
        return [-1] * len(self)

    def stamps(self) -> Stamps:
        """See `Source.stamps`: a row has those of its file, which for most is the table."""
        rows = np.array([each.file.stamp() for each in self._groups], np.int64)
        found = np.repeat(rows, [each.count for each in self._groups], 0)
        for index, file in self._files.items():
            if isinstance(file, LocalFile):
                found[index] = file.stamp()
        return Stamps(found, self.reading)

    def files(self) -> Iterator[str]:
        """See `Source.files`."""
        return iter(dict.fromkeys(each.name for each in self._watched()))

    def changed(self) -> str | None:
        """See `Source.changed`."""
        return next((file.name for file in dict.fromkeys(self._watched()) if file.has_changed()), None)

    def _watched(self) -> Iterator[LocalFile]:
        yield from (each.file for each in self._groups)
        yield from (each for each in self._files.values() if isinstance(each, LocalFile))

    def read(self, index: int) -> bytes:
        """See `Encoded.read`."""
        file = self._files.get(index)
        if isinstance(file, str):
            raise Undecodable(file)
        if file is not None:
            check_size(file.size)
            return read_range(file, 0, file.size)
        number = bisect_right(self._ends, index)
        group = self._groups[number]
        data = group.cells(self._column)[index - self._ends[number] + group.count].as_py()
        if not isinstance(data, bytes):
            raise Undecodable("has no bytes in the table, and no path")
        return data


def _file_at(path: str, table: Path) -> LocalFile | str:
    """The file that a cell of a table names; or why it is not read."""
    lacks, remedy = "has no bytes in the table", "(save the table with its samples embedded)"
    if Path(path).is_absolute():
        return f"{lacks}, and a path that may be of another machine {remedy}"
    try:
        return LocalFile.open(table.parent / inner_name(path, "", ()))
    except MixupGenError:
        return f"{lacks}, and its path is not that of a file below the table's folder {remedy}"
