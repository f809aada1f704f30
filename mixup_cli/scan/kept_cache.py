"""The kept cache: decoded samples that later runs find again, an entry for each state of a source and form.

KEY.lock is held by the run that makes or removes an entry, never by those that use it: on POSIX, what is mapped stays
readable when it is removed. An entry without samples notes that a form does not fit the source.

Entries make way by age of last use, which is their file's time of change: a use sets it to the time at which the run
looked at the source. So it also shows which files changed so late before that look that they could change again and
bear the same times, as git's index does; these are read again. (A copy of the folder must keep times, as `cp -a` does.)
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mixup_cli.fields.form import Form
from mixup_cli.fields.target import FormMismatch
from mixup_cli.scan.kept_entry import MISFIT, DamagedError, Draft, Kept, entry_path, read_entry, write_tail
from mixup_cli.sources.reading.base import Source, Stamps
from mixup_cli.storage.loaded import SAMPLE_BYTES
from mixup_cli.wording import readable, setting

DOUBTFUL_NS = 2 * 10**9
"""A file that changed less than this before a look can change again and bear the same time. The coarsest file systems
count time in steps of two seconds."""

_NAME = re.compile(r"([0-9a-f]{64})\.(?:samples|lock|[^.]+\.part)")
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55\n# Decoded samples that mixup-gen keeps. They can be removed.\n"


class NotKeptError(Exception):
    """Why samples are not kept. Users see a notice: the run goes on with another cache."""


class KeptCache:
    """A folder of entries, of `limit_bytes` in all. Other files in it are left alone."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes

    def has(self, key: str, form: Form, count: int) -> bool:
        """Whether the folder has such an entry, without a check of its samples."""
        try:
            found = self._read(key, form, count)
        except DamagedError:
            return False
        return found is not None and isinstance(found[0], Kept)

    def find(self, key: str, source: Source, stamps: Stamps, form: Form, looked_ns: int) -> Kept | None:
        """An entry whose samples are still to be checked, or None. Files whose times could deceive are read again.

        Raises FormMismatch for a sample that an earlier run found not to fit, so that no run decodes up to it again;
        DamagedError if the rest of the entry is not what was kept.
        """
        there = self._read(key, form, len(source))
        if there is None:
            return None
        found, seen_ns = there
        doubtful = np.flatnonzero(stamps.files[:, 1:3].max(axis=1) >= seen_ns - DOUBTFUL_NS)
        if isinstance(found, FormMismatch):
            if len(doubtful):
                return None
            raise found
        now = ((index, source.with_caption(index, source.rehash(index))) for index in doubtful.tolist())
        if any(sha256 != found.loaded[index].sha256 for index, sha256 in now):
            return None
        with suppress(OSError):  # the folder may be read-only
            os.utime(entry_path(self.folder, key), ns=(looked_ns, looked_ns))
        return found

    def _read(self, key: str, form: Form, count: int) -> tuple[Kept | FormMismatch, int] | None:
        """An entry, and when the source was last seen to be as the key says. Raises DamagedError."""
        path = entry_path(self.folder, key)
        try:
            if not path.is_file():  # to open a pipe would wait
                return None
            with path.open("rb") as file:
                return read_entry(file, form, count), os.fstat(file.fileno()).st_mtime_ns
        except OSError:
            return None

    def note_misfit(self, key: str, found: FormMismatch, looked_ns: int) -> None:
        """Remember a sample that does not fit, as the key's entry. The caller holds the key's draft."""
        record = {MISFIT: found.key, "size": found.size, "dtype": found.dtype}
        part = self.folder / f"{key}.{secrets.token_hex(8)}.part"
        try:
            part.touch(exist_ok=False)
            write_tail(part, 0, b"", record, looked_ns)
            os.replace(part, entry_path(self.folder, key))
        except OSError:
            _remove(part)

    @contextmanager
    def draft(self, key: str, form: Form, count: int, spare_bytes: int) -> Iterator[Draft]:
        """Room for an entry, after older ones have made way; without `Draft.seal` it is removed in the end.

        `spare_bytes` are left free on the disk. Raises NotKeptError if the disk or the limit has no room, or if another
        run makes the same entry.
        """
        unfinished = self.folder / f"{key}.{secrets.token_hex(8)}.part"
        with ExitStack() as stack:
            with _or_not_kept(self.folder):
                if not self.folder.exists():
                    self.folder.mkdir(parents=True)
                    (self.folder / "CACHEDIR.TAG").write_bytes(_TAG)  # so that backups leave it out
                stack.enter_context(self._lock(key))
                self._make_room(key, (form.sample_bytes + SAMPLE_BYTES) * count, spare_bytes)
                stack.callback(_remove, unfinished)
                draft = Draft(unfinished, form, count)
            yield draft

    def _lock(self, key: str) -> FileLock:
        return FileLock(self.folder / f"{key}.lock", timeout=0)

    def _make_room(self, key: str, wanted_bytes: int, spare_bytes: int) -> None:
        """Remove what cut-off runs have left, and entries, from the one whose last use is longest ago, until
        `wanted_bytes` more may be kept. Those that another run is making stay."""
        if wanted_bytes > self._limit_bytes:
            limit = f"{setting('cache_limit')} allows ({readable(self._limit_bytes)})"
            raise NotKeptError(f"they take {readable(wanted_bytes)}, more than {limit}")
        self._unlink(key)
        entries = self._entries()
        kept_bytes = sum(file_bytes for _, file_bytes in entries.values())
        if self._free_bytes() + kept_bytes < wanted_bytes + spare_bytes:
            raise NotKeptError(f"{self.folder}: only {readable(self._free_bytes())} of the disk are free")
        for other, (used_ns, file_bytes) in sorted(entries.items(), key=lambda item: item[1]):
            lacks_room = kept_bytes + wanted_bytes > self._limit_bytes
            lacks_disk = self._free_bytes() < wanted_bytes + spare_bytes
            if (used_ns == 0 or lacks_room or lacks_disk) and self._remove_entry(other):
                kept_bytes -= file_bytes
        if kept_bytes + wanted_bytes > self._limit_bytes:
            raise NotKeptError(f"other runs are filling {self.folder} up to {setting('cache_limit')}")

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.folder).free

    def _entries(self) -> dict[str, tuple[int, int]]:
        """Every key in the names of files: when its entry was last used (0: it has none), and what its files take."""
        found: dict[str, tuple[int, int]] = {}
        for item in os.scandir(self.folder):
            if (match := _NAME.fullmatch(item.name)) is None:
                continue
            with suppress(FileNotFoundError):  # another run has removed it meanwhile
                status = item.stat(follow_symlinks=False)
                used_ns, file_bytes = found.get(match[1], (0, 0))
                used_ns = status.st_mtime_ns if item.name.endswith(".samples") else used_ns
                found[match[1]] = used_ns, file_bytes + status.st_size
        return found

    def _remove_entry(self, key: str) -> bool:
        """Remove an entry or what is left of one, unless a run makes it. Whether that was possible."""
        try:
            with self._lock(key):
                self._unlink(key)
                _remove(self.folder / f"{key}.lock")
        except OSError:  # the lock is held; or Windows, which removes nothing that is in use
            return False
        return True

    def _unlink(self, key: str) -> None:
        """Remove the files of a key whose lock is held."""
        for path in self.folder.glob(f"{key}.*"):
            if path.suffix != ".lock" and _NAME.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


@contextmanager
def _or_not_kept(folder: Path) -> Iterator[None]:
    """Turn what the system says about a folder into NotKeptError."""
    try:
        yield
    except Timeout:  # an OSError too
        raise NotKeptError("another run is decoding the same samples at the moment") from None
    except NotImplementedError as problem:
        raise NotKeptError(f"{folder}: its file system has no locks ({problem})") from None
    except OSError as problem:
        raise NotKeptError(f"{folder}: {problem.strerror or problem}") from problem
