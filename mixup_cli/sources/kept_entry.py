"""One entry of the kept cache: its key, its two files, and how they come about.

KEY.samples holds the samples, then the column of what became of each (`LoadedColumn.to_bytes`). KEY.json is sealed
last: without it there is no entry. The key is a hash of all that the samples depend on, and each file's size, times and
inode are in it. So an entry is never changed: when the source changes, another one is looked for.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, StorageError
from mixup_cli.sources.base import Form, Source, Stamps, Target
from mixup_cli.sources.cache import reserve
from mixup_cli.sources.loaded import SAMPLE_BYTES, LoadedColumn
from mixup_cli.sources.mapped import map_file, moved
from mixup_cli.storage.json_files import read_json, to_json
from mixup_cli.storage.seal import seal_bytes, sync_folder

ENTRY_FORMAT = 2
"""Raise it whenever the same key would stand for other samples: also when decoding changes."""


UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, DataError, StorageError)
"""What reading an entry raises that is not there, or is something else."""


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
    problems: dict[int, str]

    @classmethod
    def read(cls, path: Path) -> Record:
        """Raises one of UNREADABLE."""
        plain = read_json(path)
        problems = {int(index): str(reason) for index, reason in plain["problems"].items()}
        return cls(int(plain["file_bytes"]), int(plain["looked_ns"]), str(plain["column_sha256"]), problems)

    def seal(self, path: Path) -> None:
        """Raises StorageError."""
        seal_bytes(path, to_json(asdict(self)), path.parent)


class Draft:
    """An entry on its way: `samples` (n, *shape) are to be filled, in a file whose room is taken already."""

    def __init__(self, path: Path, form: Form, count: int) -> None:
        self._path = path
        self._samples_bytes = form.sample_bytes * count
        with path.open("xb") as file:
            reserve(file.fileno(), self._samples_bytes + SAMPLE_BYTES * count)
        self._map = map_file(path, form.dtype, (count, *form.shape))
        self.samples: NDArray[Any] = self._map

    def seal(self, key: str, loaded: LoadedColumn, looked_ns: int) -> None:
        """Make it the entry of a key, beside where it lies. Raises OSError and StorageError; then there is none."""
        column = loaded.to_bytes()
        self._map.flush()
        with self._path.open("r+b", buffering=0) as file:
            file.seek(self._samples_bytes)
            file.write(column)
            os.fsync(file.fileno())
        digest = hashlib.sha256(column).hexdigest()
        record = Record(self._samples_bytes + len(column), looked_ns, digest, loaded.problems)
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


def read_samples(file: IO[bytes], record: Record, form: Form, count: int) -> tuple[NDArray[Any], LoadedColumn]:
    """What KEY.samples holds. Raises ValueError where it is not what the record says."""
    samples_bytes = form.sample_bytes * count
    file_bytes = samples_bytes + SAMPLE_BYTES * count
    if os.fstat(file.fileno()).st_size != file_bytes or record.file_bytes != file_bytes:
        raise ValueError("of another length")
    file.seek(samples_bytes)
    column = file.read()
    if hashlib.sha256(column).hexdigest() != record.column_sha256:
        raise ValueError("damaged")
    return _mapped(file, form, count), LoadedColumn.from_bytes(column, record.problems)


def _mapped(file: IO[bytes], form: Form, count: int) -> NDArray[Any]:
    """A map that the file is safe from. Not a read-only one: numba compiles anew for arrays that are."""
    shape = (count, *form.shape)
    try:
        return np.memmap(file, form.dtype, "c", shape=shape)
    except OSError:  # Linux refuses private maps that are larger than its memory
        return np.memmap(file, form.dtype, "r", shape=shape)
