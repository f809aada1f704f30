"""Who may write into a work folder: a lock for each part, held while it runs, and one for beginning and sealing.

The sealing lock is held for moments: to take or give back a part's lock, to begin, and to seal. Since a part's lock is
taken, looked at and removed under the sealing lock only, none vanishes while somebody waits for it. The system lets go
of the locks of a process that was killed: what is left of them is a file, and no obstacle.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from mixup_cli.errors import DataError, OutputExistsError, StorageError
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.parts import Part
from mixup_cli.storage.seal import storage_errors

SEALING = "lock"
"""The name of the lock for beginning and sealing."""

SEALING_SECONDS = 600.0
"""How long to wait for it. Whoever holds it writes a few files, or as many sidecars as there are shards."""

NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP}
"""What a file system without locks answers."""


@dataclass(frozen=True)
class Holder:
    """The run that holds a part's lock. `joined` says that it has begun to make shards."""

    pid: int
    host: str
    since: str
    joined: bool = False

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"

    @classmethod
    def of_this_process(cls) -> Holder:
        """This run, from now on."""
        return cls(os.getpid(), socket.gethostname(), time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))

    @classmethod
    def read(cls, path: Path) -> Holder:
        """What a lock's neighbour tells. Of a run whose neighbour tells nothing, the worst is assumed."""
        with suppress(FileNotFoundError, DataError, StorageError, ValueError, TypeError, RecursionError):
            return cls(**json.loads(content_of(path)))
        return cls(0, "an unknown host", "just now", joined=True)


class PartLocks:
    """The locks of one run on the work folder `work` of the data set `out`."""

    def __init__(self, out: Path, work: Path, part: Part) -> None:
        self.part = part
        self.scratch = work / part.name
        self._out, self._work = out, work
        self._sealing = _lock(work / SEALING)
        self._own = _lock(self._path(part))
        self._holder = Holder.of_this_process()
        self._is_left_over = False

    @property
    def is_held(self) -> bool:
        """Whether this run holds its part's lock."""
        return self._own.is_locked

    def _path(self, part: Part) -> Path:
        return self._work / f"{part.name}.lock"

    def _told(self, part: Part) -> Path:
        """Where the holder of a part's lock says who it is."""
        return self._work / f"{part.name}.json"

    @contextmanager
    def sealing(self, seconds: float = SEALING_SECONDS) -> Iterator[None]:
        """Hold the sealing lock. Makes the work folder, which a run that ended just now may have removed.

        Raises OutputExistsError where another run has not given it back after `seconds`.
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
            with suppress(FileNotFoundError):  # a run that ended just now removed the folder: make it again
                if not self._acquire(self._sealing, seconds):
                    raise OutputExistsError(
                        f"{self._out}: another run is beginning or ending here (it holds {path}). Wait, or use "
                        "another -o."
                    )
                return

    def _acquire(self, lock: FileLock, seconds: float = 0) -> bool:
        """Whether the lock could be had. Raises FileNotFoundError where there is no such folder, and StorageError."""
        try:
            lock.acquire(timeout=seconds)
        except Timeout:  # an OSError too, and told apart from those first
            return False
        except FileNotFoundError:
            raise
        except (OSError, NotImplementedError) as problem:
            if isinstance(problem, NotImplementedError) or problem.errno in NO_LOCKS:
                raise StorageError(
                    f"{self._out}: its file system has no locks ({problem}). Use a folder on one that has."
                ) from None
            with storage_errors(Path(lock.lock_file)):
                raise
        return True

    def take(self) -> None:
        """Hold this part's lock, and begin with an empty scratch folder. Call it under the sealing lock.

        Raises OutputExistsError where another run holds it, or a part of another division: the two would make the same
        shards.
        """
        for other, lock in self._locks():
            if other.of == self.part.of:
                continue
            if not self._acquire(lock):
                holder = Holder.read(self._told(other))
                what = "the whole of it" if self.part.is_whole else f"part {self.part}"
                raise OutputExistsError(
                    f"{self._out}: another run ({holder}) is writing {_place(other)}, and this one would write {what}. "
                    "Wait, run a part of the same division, or use another -o."
                )
            self._remove(other, lock)
        if not self._acquire(self._own):
            holder = Holder.read(self._told(self.part))
            raise OutputExistsError(
                f"{self._out}: another run ({holder}) is writing {_place(self.part)}. Wait, or use another -o."
            )
        try:
            with storage_errors(self.scratch):
                shutil.rmtree(self.scratch, ignore_errors=True)
                self.scratch.mkdir(exist_ok=True)
                self._tell(self._holder)
        except BaseException:
            self._own.release()
            raise

    def join(self) -> None:
        """Let others know that this run makes shards now. Call it under the sealing lock."""
        with storage_errors(self._told(self.part)):
            self._tell(replace(self._holder, joined=True))

    def _tell(self, holder: Holder) -> None:
        self._told(self.part).write_text(json.dumps(asdict(holder)))

    def give_back(self) -> None:
        """Let go of this part's lock and remove what it left. Call it under the sealing lock."""
        if self._own.is_locked:
            self._remove(self.part, self._own)

    def let_go(self) -> None:
        """Let go of this part's lock where the sealing lock cannot be had: the file stays, for the next run."""
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
                found[other] = Holder.read(self._told(other))
        return found

    def remove_all(self) -> bool:
        """Remove the work folder, unless a part runs. Call it under the sealing lock, and without this part's own.

        The sealing lock goes last: whoever opened it before finds that it is gone, and makes a new one.
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
                    with suppress(OSError):  # Windows removes no lock that is held
                        entry.unlink()
        self._remove_sealing_lock()
        return True

    def _remove_sealing_lock(self) -> None:
        try:
            (self._work / SEALING).unlink(missing_ok=True)
        except OSError:  # on Windows, until it is released
            self._is_left_over = True
            return
        with suppress(OSError):  # another run has begun here just now
            self._work.rmdir()

    def _locks(self) -> Iterator[tuple[Part, FileLock]]:
        """All parts that have a lock here, held or left behind."""
        for path in sorted(self._work.glob("part-*.lock")):
            part = Part.named(path.stem)
            if part is not None:
                yield part, _lock(path)

    def _remove(self, part: Part, lock: FileLock) -> None:
        """Remove what belongs to a part whose lock is held here, and the lock itself."""
        shutil.rmtree(self._work / part.name, ignore_errors=True)
        lock.release()
        for path in (self._told(part), self._path(part)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _lock(path: Path) -> FileLock:
    """A lock that is a lock: where the file system has none, a file that a killed process leaves would be none."""
    return FileLock(path, timeout=0, fallback_to_soft=False)


def _place(part: Part) -> str:
    return "here" if part.is_whole else f"part {part} here"
