"""Who may write into a work folder: a lock for each part, held while it runs, one for beginning and sealing,
and one for reading the source.

The sealing lock is held for moments: to take or release the lock of a part, to begin, and to seal. Locks of parts are
taken and removed only under the sealing lock, so none vanishes while another run waits for it. The scan lock is held as
long as a scan takes, by a part that holds its own lock; the last part to leave removes it, so it does not vanish
either. The system releases the locks of a process that was killed: the file that is left locks nothing.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from mixup_cli.errors import DataError, OutputExistsError, StorageError
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.parts import Part
from mixup_cli.storage.seal import storage_errors
from mixup_cli.wording import setting

SEALING = "lock"
"""The name of the lock for beginning and sealing."""

SEALING_SECONDS = 600.0
"""How long to wait for it. Its holder writes a few files, or as many sidecars as there are shards."""

SCAN_FILES = ("scan.lock", "scan.json")
"""The lock for reading the source first, and the file that says who holds it."""

SCAN_LOOK_SECONDS = 1.0
"""How often a run that waits for a scan looks who makes it."""

NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
"""The errors of a file system without locks."""


@dataclass(frozen=True)
class Holder:
    """The run that holds the lock of a part, or of the scan. `joined`: it has begun to make shards. `refused`: why it
    cannot use the source."""

    pid: int
    host: str
    since: str
    joined: bool = field(default=False, compare=False)
    refused: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"

    @classmethod
    def of_this_process(cls) -> Holder:
        """This run, from now on."""
        return cls(os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))

    @classmethod
    def read(cls, path: Path) -> Holder:
        """The holder in the file beside a lock. If it cannot be read, the worst case: one that makes shards."""
        with suppress(FileNotFoundError, DataError, StorageError, ValueError, TypeError, RecursionError):
            return cls(**json.loads(content_of(path)))
        return cls(0, "an unknown host", "an unknown time", joined=True)


class PartLocks:
    """The locks of one run on the work folder `work` of the data set `out`."""

    def __init__(self, out: Path, work: Path, part: Part) -> None:
        self.part = part
        self.scratch = work / part.name
        self._out, self._work = out, work
        self._sealing = _lock(work / SEALING)
        self._own = _lock(work / f"{part.name}.lock")
        self._scan = _lock(work / SCAN_FILES[0])
        self._holder = Holder.of_this_process()
        self._is_left_over = False

    @property
    def is_held(self) -> bool:
        """Whether this run holds the lock of its part."""
        return self._own.is_locked

    @property
    def holder_file(self) -> Path:
        """Says which run holds the lock of this part."""
        return self._holder_file(self.part)

    def _holder_file(self, part: Part) -> Path:
        return self._work / f"{part.name}.json"

    @contextmanager
    def sealing(self, seconds: float = SEALING_SECONDS) -> Iterator[None]:
        """Hold the sealing lock. Makes the work folder, which a run that ended meanwhile may have removed.

        Raises OutputExistsError if another run holds the lock for longer than `seconds`.
        """
        self._acquire_sealing(seconds)
        try:
            yield
        finally:
            self._sealing.release()
            if self._is_left_over:
                self._is_left_over = False
                self._remove_sealing_lock()

    def _acquire_sealing(self, seconds: float) -> None:
        path = self._work / SEALING
        while True:
            with storage_errors(path):
                self._work.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # a run that ended meanwhile removed the folder: make it again
                if self._acquire(self._sealing, seconds):
                    return
                raise self._busy(f"another run is beginning or ending here (it holds {path})")

    def _busy(self, found: str, remedy: str = "Wait") -> OutputExistsError:
        return OutputExistsError(f"{self._out}: {found}.", f"{remedy}, or use another {setting('out')}.")

    def _acquire(self, lock: FileLock, seconds: float = 0) -> bool:
        """Whether the lock could be taken. Handles all that filelock raises, by type and number.

        Raises FileNotFoundError if the folder is missing, and StorageError.
        """
        try:
            lock.acquire(timeout=seconds)
        except Timeout:  # an OSError, too
            return False
        except FileNotFoundError:
            raise
        except (OSError, NotImplementedError) as problem:
            if isinstance(problem, NotImplementedError) or problem.errno in NO_LOCKS:
                found = f"{self._out}: its file system has no locks ({problem})."
                raise StorageError(found, "Use a folder on one that has.") from None
            with storage_errors(Path(lock.lock_file)):
                raise
        return True

    def take(self) -> None:
        """Hold the lock of this part, with an empty scratch folder. Call it under the sealing lock.

        Raises OutputExistsError if another run holds it, or runs a part of another division, which would make the same
        shards.
        """
        for other, lock in self._locks():
            if other.of == self.part.of:
                continue
            if not self._acquire(lock):
                what = "all of it" if self.part.is_whole else f"part {self.part}"
                found = f"{self._writing(other)}, and this one would write {what}"
                raise self._busy(found, "Wait, run a part of the same division")
            self._remove(other, lock)
        if not self._acquire(self._own):
            raise self._busy(self._writing(self.part))
        try:
            with storage_errors(self.scratch):
                shutil.rmtree(self.scratch, ignore_errors=True)
                self.scratch.mkdir(exist_ok=True)
                self._say(self._holder)
        except BaseException:
            self._own.release()
            raise

    def _writing(self, part: Part) -> str:
        what = "" if part.is_whole else f"part {part} "
        return f"another run ({Holder.read(self._holder_file(part))}) is writing {what}here"

    def join(self) -> None:
        """Let other runs know that this one makes shards now. Call it under the sealing lock."""
        with storage_errors(self._holder_file(self.part)):
            self._say(replace(self._holder, joined=True))

    def _say(self, holder: Holder) -> None:
        self._holder_file(self.part).write_text(json.dumps(asdict(holder)))

    @contextmanager
    def scanning(self, report: Callable[[str], None]) -> Iterator[None]:
        """Hold the scan lock. While another part holds it, however long that one lives, wait; `report` hears for whom.

        Call it while the lock of this part is held, and not under the sealing lock. Raises DataError if the one that it
        has waited for did: the source is the same.
        """
        path, known = self._work / SCAN_FILES[1], None
        while not self._acquire(self._scan, SCAN_LOOK_SECONDS):
            if (holder := Holder.read(path)) != known:
                known = holder
                report(f"waiting while another part ({holder}) reads the source")
        try:
            if (before := Holder.read(path)) == known and before.refused:
                raise DataError(before.refused)
            with storage_errors(path):
                path.write_text(json.dumps(asdict(self._holder)))
            try:
                yield
            except DataError as problem:
                with suppress(OSError):
                    path.write_text(json.dumps(asdict(replace(self._holder, refused=str(problem)))))
                raise
        finally:
            self._scan.release()

    def give_back(self) -> None:
        """Release the lock of this part and remove its files; the last part to leave removes those of the scan. Call it
        under the sealing lock."""
        if self._own.is_locked:
            self._remove(self.part, self._own)
        if not self.running():
            for name in SCAN_FILES:
                with suppress(OSError):
                    (self._work / name).unlink(missing_ok=True)

    def let_go(self) -> None:
        """Release the lock of this part without the sealing lock: its files stay, for the next run."""
        self._own.release()

    def running(self) -> dict[Part, Holder]:
        """The other parts that run now. Call it under the sealing lock."""
        found = {}
        for other, lock in self._locks():
            if other == self.part:
                continue
            if self._acquire(lock):
                lock.release()
            else:
                found[other] = Holder.read(self._holder_file(other))
        return found

    def remove_all(self) -> bool:
        """Remove the work folder, unless a part runs. Call it under the sealing lock, without the lock of this part.

        The sealing lock goes last: a run that opened it before sees that it is gone, and makes a new one.
        """
        with ExitStack() as held:
            for _, lock in self._locks():
                if not self._acquire(lock):
                    return False
                held.callback(lock.release)
            for entry in self._work.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                elif entry.name != SEALING:
                    with suppress(OSError):  # Windows does not remove a lock that is held
                        entry.unlink()
        self._remove_sealing_lock()
        return True

    def _remove_sealing_lock(self) -> None:
        try:
            (self._work / SEALING).unlink(missing_ok=True)
        except OSError:  # on Windows, until it is released
            self._is_left_over = True
            return
        with suppress(OSError):  # another run has begun here meanwhile
            self._work.rmdir()

    def _locks(self) -> Iterator[tuple[Part, FileLock]]:
        """All parts that have a lock here, held or left behind."""
        for path in sorted(self._work.glob("part-*.lock")):
            if (part := Part.named(path.stem)) is not None:
                yield part, _lock(path)

    def _remove(self, part: Part, lock: FileLock) -> None:
        """Remove the files of a part whose lock is held here, and the lock."""
        shutil.rmtree(self._work / part.name, ignore_errors=True)
        lock.release()
        for path in (self._holder_file(part), Path(lock.lock_file)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _lock(path: Path) -> FileLock:
    """A lock of the system. filelock's fallback, the mere existence of a file, would survive a killed process."""
    return FileLock(path, timeout=0, fallback_to_soft=False)
