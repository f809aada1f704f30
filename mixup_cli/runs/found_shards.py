"""Shards that earlier runs, or other parts, have finished: which a run takes as they are, and which it makes again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from mixup_cli.engines.base import Engine
from mixup_cli.listener import Listener
from mixup_cli.runs.begin import Beginning
from mixup_cli.runs.job import shard_rows
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import ShardRecord
from mixup_cli.storage.seal import sha256_of, storage_errors


def kept(folder: DataSetFolder, wanted: Beginning, numbers: Iterable[int]) -> dict[int, ShardRecord]:
    """The records of those shards of a finished data set that stay as they are when it grows, by number: they hold the
    rows that are wanted, and are there in full length. The manifest vouches for their content."""
    if (finished := folder.finished()) is None:
        return {}
    sizes, found = folder.shard_sizes(), {}
    for number in numbers:
        rows = shard_rows(number, wanted.rows, wanted.job.samples_per_shard)
        for record in finished.shards[number : number + 1]:
            is_there = sizes.get(record.file) == record.bytes and not (folder.growth.path / record.file).exists()
            if is_there and (record.start, record.stop) == (rows.start, rows.stop):
                found[number] = record
    return found


def noted(folder: DataSetFolder, wanted: Beginning, numbers: Iterable[int]) -> dict[int, ShardRecord]:
    """The records of those shards that sidecars vouch for, by number. One of other columns is no more than none."""
    found, columns = {}, {column.name for column in wanted.job.spec.columns}
    for number in numbers:
        rows = shard_rows(number, wanted.rows, wanted.job.samples_per_shard)
        record = folder.done(number, rows.start, rows.stop)
        if record is not None and record.columns.keys() == columns:
            found[number] = record
    return found


def whole_ones(
    folder: DataSetFolder, found: Mapping[int, ShardRecord], engine: Engine, listener: Listener
) -> dict[int, ShardRecord]:
    """Those whose bytes are still what was sealed: a power cut, or a disk that lied, may lie between."""
    whole = dict(found)
    if not found:
        return whole
    listener.begin("check", sum(record.stop - record.start for record in found.values()), "samples")
    for number, is_whole in engine.run(partial(_check, folder, *each) for each in found.items()):
        listener.advance(found[number].stop - found[number].start)
        if not is_whole:
            listener.notice(f"{whole.pop(number).file}: is not what was sealed: it is made again")
    listener.end()
    return whole


def _check(folder: DataSetFolder, number: int, record: ShardRecord) -> tuple[int, bool]:
    path = folder.place_of(record.file)
    with storage_errors(path):
        return number, sha256_of(path) == record.sha256
