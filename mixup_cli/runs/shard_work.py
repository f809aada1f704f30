"""The unit of work, retry and resume: one shard is computed, written, and noted as done, in whichever process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from mixup_cli.engines.base import Shared, Task
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.storage.folder import DataSetFolder, shard_name
from mixup_cli.storage.hdf5.shard import ShardWriter
from mixup_cli.storage.manifest import ShardRecord, StoredColumn

CRASHED = "A library crashes over it: try another --device, and please report it"


@dataclass(frozen=True)
class ShardWork:
    """Makes any shard of a data set. Worker processes are sent a copy."""

    folder: DataSetFolder
    maker: ShardMaker
    writer: ShardWriter

    def make(self, number: int, rows: range) -> tuple[int, ShardRecord]:
        """Make a shard of these rows, and note it as done."""
        name = shard_name(number)
        written = self.writer.write(self.folder.place / name, len(rows), self.maker.values(rows.start, rows.stop))
        record = ShardRecord(
            file=name,
            bytes=written.file.file_bytes,
            sha256=written.file.sha256,
            start=rows.start,
            stop=rows.stop,
            columns={column: StoredColumn(**stored) for column, stored in written.columns.items()},
        )
        self.folder.add_done(number, record)
        return number, record


def shard_tasks(work: ShardWork, rows: Mapping[int, range]) -> Iterator[Task[tuple[int, ShardRecord]]]:
    """A task for each shard, from its number and rows."""
    shared = Shared(work)
    for number, part in rows.items():
        undo = partial(work.folder.discard_unfinished, number)
        yield Task(shard_name(number), partial(_make, shared, number, part), undo, CRASHED)


def _make(work: Shared[ShardWork], number: int, rows: range) -> tuple[int, ShardRecord]:
    return work.value.make(number, rows)
