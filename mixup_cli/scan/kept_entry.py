"""One entry of the kept cache: its key, its two files, and how they come about.

KEY.samples holds the samples, then the column of what became of each (`LoadedColumn.to_bytes`). KEY.json is sealed
last: without it there is no entry. It has a CRC-32 of each block of samples, and sha256 of the column and of itself;
all are checked before an entry is used. The key is a hash of all that the samples depend on, and each file's size,
times and inode are in it. So an entry is never changed: when the source changes, another one is looked for.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.engines.base import Engine
from mixup_cli.errors import DataError, StorageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.scan.cache import reserve
from mixup_cli.scan.mapped import map_file, moved
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.storage.json_files import read_json, to_json
from mixup_cli.storage.loaded import SAMPLE_BYTES, LoadedColumn
from mixup_cli.storage.seal import seal_bytes, sync_folder

ENTRY_FORMAT = 2
"""Raise it whenever the same key would stand for other samples: also when decoding changes."""


BLOCK_BYTES = 16 << 20
"""Samples are summed up in blocks of about this many bytes, so that all cores take part."""

NONSENSE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, DataError)
"""What reading an entry raises that is damaged."""

UNREADABLE = (OSError, StorageError, *NONSENSE)
"""The same, and what it raises where there is none, or none for us."""


def samples_path(folder: Path, key: str) -> Path:
    """Where an entry's samples are."""
    return folder / f"{key}.samples"


def record_path(folder: Path, key: str) -> Path:
    """Where an entry's record is."""
    return folder / f"{key}.json"


def entry_key(source: Source, stamps: Stamps, target: Target, decoder: str) -> str:
    """64 hex digits, equal only where all that decoded samples depend on is. `decoder` tells what decodes."""
    facts = {
        "format": ENTRY_FORMAT,
        "decoder": decoder,
        "kind": source.kind,
        "reading": stamps.reading,
        "target": asdict(target),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for part in ("\0".join(source.keys).encode(), np.ascontiguousarray(stamps.files, "<i8").tobytes()):
        digest.update(b"%d\0" % len(part))
        digest.update(part)
    return digest.hexdigest()


@dataclass(frozen=True)
class Record:
    """What KEY.json says. `looked_ns` is when the source's stamps were taken, `problems` are those of its inputs."""

    file_bytes: int
    looked_ns: int
    column_sha256: str
    blocks_crc32: tuple[int, ...]
    problems: dict[int, str]

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Record:
        """The record that `seal` has written. Raises one of NONSENSE."""
        problems = {int(index): str(reason) for index, reason in plain["problems"].items()}
        return cls(**{**plain, "blocks_crc32": tuple(plain["blocks_crc32"]), "problems": problems})

    def seal(self, path: Path) -> None:
        """Raises StorageError."""
        problems = {str(index): reason for index, reason in self.problems.items()}
        seal_record(path, {**asdict(self), "problems": problems})


def seal_record(path: Path, record: dict[str, Any]) -> None:
    """Write KEY.json, with its own hash. Raises StorageError."""
    digest = hashlib.sha256(to_json(record)).hexdigest()
    seal_bytes(path, to_json({"record": record, "sha256": digest}), path.parent)


def read_record(path: Path) -> dict[str, Any]:
    """What `seal_record` has written. Raises one of UNREADABLE; ValueError where it is not that any more."""
    plain = read_json(path)
    record: dict[str, Any] = plain["record"]
    if hashlib.sha256(to_json(record)).hexdigest() != plain["sha256"]:
        raise ValueError(f"the hash of {path.name} is another")
    return record


class Draft:
    """An entry on its way: `samples` (n, *shape) are to be filled, in a file whose room is taken already."""

    def __init__(self, path: Path, form: Form, count: int) -> None:
        self._path = path
        self._samples_bytes = form.sample_bytes * count
        with path.open("xb") as file:
            reserve(file.fileno(), self._samples_bytes + SAMPLE_BYTES * count)
        self._map = map_file(path, form.dtype, (count, *form.shape))
        self.samples: NDArray[Any] = self._map

    def seal(self, key: str, loaded: LoadedColumn, looked_ns: int, engine: Engine) -> None:
        """Make it the entry of a key, beside where it lies. Raises OSError and StorageError; then there is none."""
        blocks = tuple(block_sums(self.samples, engine))
        column = loaded.to_bytes()
        self._map.flush()
        with self._path.open("r+b", buffering=0) as file:
            file.seek(self._samples_bytes)
            file.write(column)
            os.fsync(file.fileno())
        digest = hashlib.sha256(column).hexdigest()
        record = Record(self._samples_bytes + len(column), looked_ns, digest, blocks, loaded.problems)
        folder = self._path.parent
        final = samples_path(folder, key)
        os.replace(self._path, final)
        moved(self._map, final)
        try:
            sync_folder(folder)
            record.seal(record_path(folder, key))
        except (OSError, StorageError):
            final.unlink(missing_ok=True)
            raise


def block_sums(samples: NDArray[Any], engine: Engine) -> list[int]:
    """The CRC-32 of each block of samples (n, *shape). `engine` shares memory.

    It is there for disks that go wrong, not for those who could edit it along: then sha256, which takes nearly three
    times as long, tells no more.
    """
    rows = max(1, BLOCK_BYTES // max(1, samples[:1].nbytes))
    blocks = [samples[start : start + rows] for start in range(0, len(samples), rows)]
    return [crc32 for _, crc32 in sorted(engine.run(partial(_summed, *each) for each in enumerate(blocks)))]


def _summed(number: int, block: NDArray[Any]) -> tuple[int, int]:
    return number, zlib.crc32(block.data)


def read_samples(file: IO[bytes], record: Record, form: Form, count: int) -> tuple[NDArray[Any], LoadedColumn]:
    """What KEY.samples holds. Raises ValueError where it is not what the record says."""
    samples_bytes = form.sample_bytes * count
    file_bytes = samples_bytes + SAMPLE_BYTES * count
    if os.fstat(file.fileno()).st_size != file_bytes or record.file_bytes != file_bytes:
        raise ValueError("the samples are of another length")
    file.seek(samples_bytes)
    column = file.read()
    if hashlib.sha256(column).hexdigest() != record.column_sha256:
        raise ValueError("the hash of what became of each is another")
    return _mapped(file, form, count), LoadedColumn.from_bytes(column, record.problems)


def _mapped(file: IO[bytes], form: Form, count: int) -> NDArray[Any]:
    """A map that the file is safe from. Not a read-only one: numba compiles anew for arrays that are."""
    shape = (count, *form.shape)
    try:
        return np.memmap(file, form.dtype, "c", shape=shape)
    except OSError:  # Linux refuses private maps that are larger than its memory
        return np.memmap(file, form.dtype, "r", shape=shape)
