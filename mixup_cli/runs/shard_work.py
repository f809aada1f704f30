"""The shards of a run: each one is computed, written and noted as finished, in whichever process.

A shard is the unit of work, of retry and of resume.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from mixup_cli.engines.base import Engine, Shared, Sight, Task
from mixup_cli.listener import Listener
from mixup_cli.mixing.shard_values import ShardMaker
from mixup_cli.runs.needs import reporting_room
from mixup_cli.runs.resume import Records, Wanted
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.shard import ShardWriter, writer_for
from mixup_cli.storage.shard_records import ShardRecord, StoredColumn, shard_name
from mixup_cli.wording import setting


@dataclass(frozen=True)
class ShardWork:
    """Makes any shard of a data set. Worker processes are sent a copy."""

    folder: DataSetFolder
    maker: ShardMaker
    writer: ShardWriter

    def make(self, number: int, rows: range) -> tuple[int, ShardRecord]:
        """Make a shard of these rows, and note it as finished."""
        name = shard_name(number)
        written = self.writer.write(self.folder.place / name, len(rows), self.maker.values(rows))
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


def make_shards(
    folder: DataSetFolder, wanted: Wanted, maker: ShardMaker, found: Records, engine: Engine, listener: Listener
) -> Records:
    """Make the shards of the folder's part that were not found. Returns the records of all of its shards."""
    own, records = dict(wanted.shards(folder.part.shards(wanted.shard_count))), dict(found)
    missing = {number: rows for number, rows in own.items() if number not in found}
    for number in missing:
        folder.forget(number)
    writer = writer_for(wanted.job.spec, folder.scratch)
    tasks = shard_tasks(ShardWork(folder, maker, writer), missing)
    size = wanted.job.spec.size

    def missing_bytes() -> int:
        return sum(size.of_rows(len(rows)) for number, rows in missing.items() if number not in records)

    done = sum(record.stop - record.start for record in found.values())
    listener.begin("mix", sum(map(len, own.values())), "samples", done=done)
    with maker.supply.serving([*missing.values()]), reporting_room(folder.path, missing_bytes):
        writer.prepare(map(len, missing.values()))
        for number, record in engine.run(tasks):
            records[number] = record
            listener.advance(record.stop - record.start)
    listener.end()
    return records


def shard_tasks(work: ShardWork, shards: Mapping[int, range]) -> Iterator[Task[tuple[int, ShardRecord]]]:
    """A task for each shard, from its number and rows."""
    shared, suspect = Shared(work), f"A library crashes over it: try another {setting('device')}, and please report it"
    holder = work.folder.holder_file.absolute()
    sight = None if work.folder.outlet.is_remote else Sight(holder, holder.read_bytes())  # a mirror is each host's own
    for number, rows in shards.items():
        undo = partial(work.folder.discard_unfinished, number)
        yield Task(shard_name(number), partial(_make, shared, number, rows), undo, suspect, sight)


def _make(work: Shared[ShardWork], number: int, rows: range) -> tuple[int, ShardRecord]:
    return work.value.make(number, rows)
