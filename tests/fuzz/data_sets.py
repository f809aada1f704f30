"""What lies in a data set's folder, finished or not, as our commands read it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mixup_cli.checks.verify import findings_of
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.shard import bytes_of, read_column, require_filter
from mixup_cli.storage.manifest import Manifest, read_manifest
from mixup_cli.storage.shard_records import ShardRecord, StoredColumn
from tests.unit.storage.small_data_set import COLUMNS, ROWS, arrays, manifest_of

NOT_THERE = "is missing"


def manifest(path: Path) -> bool:
    """Read, and compared with a folder that holds nothing else."""
    found = read_manifest(path.parent)
    absent = [each for each in findings_of(path.parent, found) if each.problem == NOT_THERE]
    return len(absent) == len(found.shards)


def job(path: Path) -> bool:
    return DataSetFolder(path.parent.parent).begun() is not None


def sidecar(path: Path) -> bool:
    """The shard that it names exists, in the length that it has in the corpus."""
    folder = DataSetFolder(path.parent.parent.parent)
    with (folder.path / "shard-00000.h5").open("wb") as file:
        file.truncate(10_000)
    is_done = folder.done(0, 0, 10) is not None
    return folder.rows_done() == 10 and is_done


def shard(path: Path) -> bool:
    """Read as readers do, and verified under a manifest that believes its hash, so that its content is looked at."""
    require_filter("zstd")
    found = findings_of(path.parent, _manifest_over(path.read_bytes()))
    for column in COLUMNS:
        read_column(path, column, lambda *_: ROWS[0])
    return all(finding.file != path.name for finding in found)


def _manifest_over(data: bytes) -> Manifest:
    """As it would be if the data set's first shard were just these bytes, and the only one."""
    sealed = {name: hashlib.sha256(bytes_of(values[: ROWS[0]])).hexdigest() for name, values in arrays().items()}
    record = ShardRecord(
        file="shard-00000.h5",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        start=0,
        stop=ROWS[0],
        columns={name: StoredColumn(content_sha256=digest) for name, digest in sealed.items()},
    )
    return manifest_of((record,), compression="gzip")
