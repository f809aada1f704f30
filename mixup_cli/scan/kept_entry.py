"""One entry of the kept cache: its key, its file, and how it is written and read.

KEY.samples holds the samples (n, *shape), the column of what the scan found (`LoadedColumn.to_bytes`), a record in
JSON, and the foot: where the column begins and how long the record is (uint64, little-endian), and the SHA-256 of all
behind the samples. The record has a CRC-32 of each block of samples. All are checked before an entry is used. The file
is written beside, synced and renamed, so a file of that name is complete. Its time of change is when the source was
last seen to be as the key says.

The key is a hash of everything that decoded samples depend on, each file's size, times and inode among it: an entry is
never changed, and a source that changes has another key.

By hand, since caches on PyPI (diskcache, joblib) pickle values and copy them: here several processes map one file, and
numba fills it.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zlib
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.engines.base import Engine
from mixup_cli.fields.form import DEPTHS, Form
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.scan.cache import reserve
from mixup_cli.scan.mapped import map_file, moved
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.storage.json_files import LIMIT_BYTES, to_json
from mixup_cli.storage.loaded import SAMPLE_BYTES, LoadedColumn
from mixup_cli.storage.seal import sync_folder

ENTRY_FORMAT = 3
"""Raise it whenever the same key would stand for other samples: also when decoding changes."""

BLOCK_BYTES = 16 << 20
"""Samples have a checksum for each block of about this many bytes, so that all cores take part."""

MISFIT = "misfit"
"""In a record: the key of a sample that does not fit."""

_FOOT = struct.Struct("<QQ32s")


class DamagedError(Exception):
    """Why an entry is not used. Users see a notice: the run decodes again."""


def entry_path(folder: Path, key: str) -> Path:
    """The file of an entry."""
    return folder / f"{key}.samples"


def entry_key(source: Source, stamps: Stamps, target: Target, decoder: str) -> str:
    """64 hex digits, equal only if everything that decoded samples depend on is. `decoder` names what decodes."""
    facts = {
        "format": ENTRY_FORMAT,
        "decoder": decoder,
        "kind": source.kind,
        "reading": stamps.reading,
        "target": asdict(target),
    }
    if source.captions is not None:
        facts["captions"] = hashlib.sha256(b"".join(map(source.captions.digest, range(len(source))))).hexdigest()
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for part in ("\0".join(source.keys).encode(), np.ascontiguousarray(stamps.files, "<i8").tobytes()):
        digest.update(b"%d\0" % len(part))
        digest.update(part)
    return digest.hexdigest()


def write_tail(path: Path, samples_bytes: int, column: bytes, record: dict[str, Any], looked_ns: int) -> None:
    """Write what follows the samples of a new entry, and put all of it on the disk. Raises OSError."""
    text = to_json(record)
    numbers = struct.pack("<QQ", samples_bytes, len(text))
    with path.open("r+b") as file:
        file.seek(samples_bytes)
        file.write(column + text + numbers + hashlib.sha256(column + text + numbers).digest())
        file.flush()
        os.utime(path, ns=(looked_ns, looked_ns))
        os.fsync(file.fileno())


class Draft:
    """An entry on its way: `samples` (n, *shape) are to be filled, in a file whose disk space is reserved."""

    def __init__(self, path: Path, form: Form, count: int) -> None:
        self._path = path
        self._samples_bytes = form.sample_bytes * count
        with path.open("xb") as file:
            reserve(file.fileno(), self._samples_bytes + SAMPLE_BYTES * count)
        self._map = map_file(path, form.dtype, (count, *form.shape))
        self.samples: NDArray[Any] = self._map

    def seal(self, key: str, loaded: LoadedColumn, looked_ns: int, engine: Engine) -> None:
        """Make it the entry of a key, in the same folder. Raises OSError."""
        problems = {str(index): reason for index, reason in loaded.problems.items()}
        record = {"blocks_crc32": block_sums(self.samples, engine), "problems": problems}
        self._map.flush()
        write_tail(self._path, self._samples_bytes, loaded.to_bytes(), record, looked_ns)
        final = entry_path(self._path.parent, key)
        os.replace(self._path, final)
        moved(self._map, final)
        sync_folder(final.parent)


def block_sums(samples: NDArray[Any], engine: Engine) -> list[int]:
    """The CRC-32 of each block of samples (n, *shape). `engine` shares memory.

    It guards against disks that fail. SHA-256 takes nearly three times as long and would guard no better: who can
    change the samples can change the hash too.
    """
    rows = max(1, BLOCK_BYTES // max(1, samples[:1].nbytes))
    blocks = [samples[start : start + rows] for start in range(0, len(samples), rows)]
    return [crc32 for _, crc32 in sorted(engine.run(partial(_summed, *each) for each in enumerate(blocks)))]


def _summed(number: int, block: NDArray[Any]) -> tuple[int, int]:
    return number, zlib.crc32(block.data)


@dataclass(frozen=True)
class Kept:
    """An entry: the samples, what the scan found of each, and the CRC-32 of each block of samples."""

    samples: NDArray[Any]
    loaded: LoadedColumn
    blocks_crc32: list[int]

    def check(self, engine: Engine) -> None:
        """Read all samples, which are mapped. Raises DamagedError unless they are what was kept."""
        found = block_sums(self.samples, engine)
        if found != self.blocks_crc32:
            damaged = sum(map(int.__ne__, found, self.blocks_crc32))
            raise DamagedError(f"{damaged} of {len(found)} blocks of samples fail their CRC-32 check")


def read_entry(file: IO[bytes], form: Form, count: int) -> Kept | FormMismatch:
    """The entry of a source with `count` samples, or the sample that did not fit. Raises DamagedError."""
    try:
        column, record = _read_tail(file, form.sample_bytes * count, SAMPLE_BYTES * count)
        if MISFIT in record:
            first, second = map(int, record["size"])
            if (first, second) == form.size and DEPTHS.index(record["dtype"]) <= DEPTHS.index(form.dtype):
                raise ValueError("it names a sample that fits")
            return FormMismatch(str(record[MISFIT]), (first, second), record["dtype"])
        problems = {int(index): str(reason) for index, reason in record["problems"].items()}
        loaded = LoadedColumn.from_bytes(column, problems)
        return Kept(_mapped(file, form, count), loaded, [*map(int, record["blocks_crc32"])])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
        raise DamagedError(str(problem)) from None


def _read_tail(file: IO[bytes], samples_bytes: int, column_bytes: int) -> tuple[bytes, dict[str, Any]]:
    """The column and the record that `write_tail` has written. Raises ValueError and what nonsense in JSON raises."""
    end = os.fstat(file.fileno()).st_size - _FOOT.size
    file.seek(max(0, end))
    foot = file.read(_FOOT.size)
    begin, text_bytes, digest = _FOOT.unpack(foot.ljust(_FOOT.size))
    if (begin, end - begin - text_bytes) not in ((samples_bytes, column_bytes), (0, 0)) or text_bytes > LIMIT_BYTES:
        raise ValueError("its length is wrong")
    file.seek(begin)
    tail = file.read(end - begin)
    if hashlib.sha256(tail + foot[: -len(digest)]).digest() != digest:
        raise ValueError("the hash of the record behind the samples does not match")
    return tail[: len(tail) - text_bytes], json.loads(tail[len(tail) - text_bytes :])


def _mapped(file: IO[bytes], form: Form, count: int) -> NDArray[Any]:
    """The samples, in a map from which the file is safe. It is not read-only: numba would compile again for it."""
    shape = (count, *form.shape)
    try:
        return np.memmap(file, form.dtype, "c", shape=shape)
    except OSError:  # Linux refuses private maps that are larger than its memory
        return np.memmap(file, form.dtype, "r", shape=shape)
