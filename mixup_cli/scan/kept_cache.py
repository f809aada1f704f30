"""The kept cache: decoded samples that later runs find again, an entry for each source as it was and form.

KEY.lock is held by the run that makes or removes an entry, never by those that use it: on POSIX, what is mapped
stays readable when it is removed. In place of an entry, KEY.json can tell that a form does not fit the source.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from mixup_cli.engines.base import Engine
from mixup_cli.errors import StorageError
from mixup_cli.fields.form import DEPTHS, Form
from mixup_cli.fields.target import FormMismatch
from mixup_cli.scan.kept_entry import (
    NONSENSE,
    UNREADABLE,
    Draft,
    Record,
    block_sums,
    read_record,
    read_samples,
    record_path,
    samples_path,
    seal_record,
)
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.storage.json_files import read_json
from mixup_cli.storage.loaded import SAMPLE_BYTES, LoadedColumn
from mixup_cli.wording import readable

DOUBTFUL_NS = 2 * 10**9
"""A file that changed so shortly before it was looked at can change again and bear the same time: it is read again.
The coarsest file systems count time in steps of two seconds."""

MISFIT = "misfit"
"""In place of an entry: the key of a sample that does not fit."""

_NAME = re.compile(r"([0-9a-f]{64})\.(?:samples|json|json\.part|lock|[^.]+\.part)")
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Decoded samples that mixup-gen keeps. They can be removed.\n"


class NotKeptError(Exception):
    """Why samples are not kept. No error to the user: the run goes on with a cache of its own."""


class DamagedError(Exception):
    """Why an entry is not used. No error to the user: the run decodes anew."""


@dataclass(frozen=True)
class Kept:
    """An entry: the samples, what became of each, and the CRC-32 that each block of samples had when it was kept."""

    samples: NDArray[Any]
    loaded: LoadedColumn
    blocks_crc32: tuple[int, ...]

    def check(self, engine: Engine) -> None:
        """Read all samples, which are mapped. Raises DamagedError unless they are what was kept."""
        found = block_sums(self.samples, engine)
        if tuple(found) != self.blocks_crc32:
            damaged = sum(map(int.__ne__, found, self.blocks_crc32))
            raise DamagedError(f"{damaged} of {len(found)} blocks of samples have another CRC-32")


class KeptCache:
    """A folder of entries, of `limit_bytes` in all. Other files in it are left alone."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes

    def has(self, key: str) -> bool:
        """Whether there is such an entry, whole as far as its length tells."""
        try:
            record = Record.of(read_record(record_path(self.folder, key)))
            return samples_path(self.folder, key).stat().st_size == record.file_bytes
        except UNREADABLE:
            return False

    def find(self, key: str, source: Source, stamps: Stamps, form: Form, looked_ns: int) -> Kept | None:
        """An entry whose samples are still to be checked, or None. Files whose times could deceive are read again.

        Raises DamagedError where the rest of it is not what was kept.
        """
        try:
            plain = read_record(record_path(self.folder, key))
            if MISFIT in plain:
                return None
            record = Record.of(plain)
            with samples_path(self.folder, key).open("rb") as file:
                samples, loaded = read_samples(file, record, form, len(source))
        except NONSENSE as problem:
            raise DamagedError(str(problem)) from None
        except (OSError, StorageError):
            return None
        doubtful = _doubtful(stamps, record.looked_ns)
        if any(source.rehash(index) != loaded[index].sha256 for index in doubtful.tolist()):
            return None
        self._note_use(key, replace(record, looked_ns=looked_ns) if len(doubtful) else None)
        return Kept(samples, loaded, record.blocks_crc32)

    def misfit(self, key: str, stamps: Stamps, form: Form) -> FormMismatch | None:
        """The sample that an earlier run found not to fit this form, so that nobody decodes up to it once more."""
        try:
            plain = read_record(record_path(self.folder, key))
            first, second = map(int, plain["size"])
            found = FormMismatch(str(plain[MISFIT]), (first, second), plain["dtype"])
            is_other = found.size != form.size or DEPTHS.index(found.dtype) > DEPTHS.index(form.dtype)
            is_certain = is_other and not len(_doubtful(stamps, int(plain["looked_ns"])))
        except UNREADABLE:
            return None
        return found if is_certain else None

    def note_misfit(self, key: str, found: FormMismatch, looked_ns: int) -> None:
        """Remember a sample that does not fit, in place of an entry. The caller holds the key's draft."""
        plain = {MISFIT: found.key, "size": found.size, "dtype": found.dtype, "looked_ns": looked_ns}
        with suppress(OSError, StorageError):
            seal_record(record_path(self.folder, key), plain)

    def _note_use(self, key: str, record: Record | None) -> None:
        """So that the entry is not the next to go; and if files were read again, that need not be done once more."""
        with suppress(OSError, NotKeptError, StorageError):  # the folder may be for reading only
            if record is None:
                os.utime(record_path(self.folder, key))
                return
            lock = self._locked(key)
            try:
                if record_path(self.folder, key).exists():
                    record.seal(record_path(self.folder, key))
            finally:
                lock.release()

    @contextmanager
    def draft(self, key: str, form: Form, count: int, spare_bytes: int) -> Iterator[Draft]:
        """Room for an entry, after older ones have made way; what is not sealed in the end is removed.

        `spare_bytes` are left free on the disk. Raises NotKeptError where there is no room, or another run makes the
        same entry.
        """
        lock = self._locked(key)
        try:
            self._make_room(key, (form.sample_bytes + SAMPLE_BYTES) * count, spare_bytes)
            unfinished = self.folder / f"{key}.{secrets.token_hex(8)}.part"
            try:
                with _not_kept(self.folder):
                    made = Draft(unfinished, form, count)
                yield made
            finally:
                with suppress(OSError):
                    unfinished.unlink()  # not there any more once it has been renamed
        finally:
            lock.release()

    def _locked(self, key: str) -> FileLock:
        """The entry's lock, held. Makes the folder if need be."""
        lock = FileLock(self.folder / f"{key}.lock", timeout=0)
        try:
            with _not_kept(self.folder):
                is_new = not self.folder.exists()
                self.folder.mkdir(parents=True, exist_ok=True)
                if is_new:
                    (self.folder / "CACHEDIR.TAG").write_bytes(_TAG)  # so that backups leave it out
                lock.acquire()
        except Timeout:
            raise NotKeptError("another run is decoding the same ones at the moment") from None
        except NotImplementedError as problem:
            raise NotKeptError(f"{self.folder}: its file system has no locks ({problem})") from None
        return lock

    def _make_room(self, key: str, wanted_bytes: int, spare_bytes: int) -> None:
        """Remove what cut-off runs have left, and entries, from the one whose last use is longest ago, until
        `wanted_bytes` more may be kept. Those that another run is making stay."""
        if wanted_bytes > self._limit_bytes:
            limit = f"more than --cache-limit allows ({readable(self._limit_bytes)})"
            raise NotKeptError(f"they take {readable(wanted_bytes)}, {limit}")
        with _not_kept(self.folder):
            self._unlink(key)
            entries = self._entries()
            kept_bytes = sum(entry.file_bytes for entry in entries.values())
            if self._free_bytes() + kept_bytes < wanted_bytes + spare_bytes:
                raise NotKeptError(f"{self.folder}: {readable(self._free_bytes())} of disk are free, too few")
            for other, entry in sorted(entries.items(), key=lambda item: item[1].used_ns):
                lacks_room = kept_bytes + wanted_bytes > self._limit_bytes
                lacks_disk = self._free_bytes() < wanted_bytes + spare_bytes
                makes_way = entry.used_ns == 0 or lacks_room or lacks_disk
                if makes_way and self._is_ours(other) and self._remove(other):
                    kept_bytes -= entry.file_bytes
        if kept_bytes + wanted_bytes > self._limit_bytes:
            raise NotKeptError(f"other runs are filling {self.folder} up to --cache-limit")

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def _entries(self) -> dict[str, _Entry]:
        """Every key that a file here bears."""
        found: dict[str, _Entry] = {}
        for item in os.scandir(self.folder):
            if match := _NAME.fullmatch(item.name):
                status = item.stat(follow_symlinks=False)
                before = found.get(match[1], _Entry(0, 0))
                used_ns = status.st_mtime_ns if item.name.endswith(".json") else before.used_ns
                found[match[1]] = _Entry(before.file_bytes + status.st_size, used_ns)
        return found

    def _is_ours(self, key: str) -> bool:
        """Whether the files of a key are those of an entry: others, too, name JSON after a sha256."""
        if samples_path(self.folder, key).exists() or not record_path(self.folder, key).exists():
            return True
        try:
            return not {"record", "column_sha256", MISFIT}.isdisjoint(read_json(record_path(self.folder, key)))
        except UNREADABLE:
            return False

    def _remove(self, key: str) -> bool:
        """Remove an entry or what is left of one, unless its lock is held."""
        lock = FileLock(self.folder / f"{key}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return False
        try:
            self._unlink(key)
            with suppress(OSError):
                (self.folder / f"{key}.lock").unlink()
        except OSError:  # Windows removes nothing that is in use
            return False
        finally:
            lock.release()
        return True

    def _unlink(self, key: str) -> None:
        """Remove the files of a key whose lock is held, first the one that makes it an entry."""
        record_path(self.folder, key).unlink(missing_ok=True)
        for path in self.folder.glob(f"{key}.*"):
            if path.suffix != ".lock" and _NAME.fullmatch(path.name):
                path.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Entry:
    """What one key's files take, and when its entry was last used (0: it is none)."""

    file_bytes: int
    used_ns: int


def _doubtful(stamps: Stamps, looked_ns: int) -> NDArray[np.intp]:
    """The indices of files that changed so late that they can have changed since, and bear the same times."""
    return np.flatnonzero(stamps.files[:, 1:3].max(axis=1) >= looked_ns - DOUBTFUL_NS)


@contextmanager
def _not_kept(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:  # an OSError too
        raise
    except OSError as problem:
        raise NotKeptError(f"{folder}: {problem.strerror or problem}") from problem
