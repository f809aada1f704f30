"""A data set's folder: what is in it, whose it is, and the sidecars of its finished shards."""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from mixup_cli.errors import DataError, OutputExistsError, StorageError
from mixup_cli.storage import manifest as names
from mixup_cli.storage.begun import JOB, Begun, read_begun
from mixup_cli.storage.growth import Growth
from mixup_cli.storage.json_files import content_of, to_json
from mixup_cli.storage.locks import PartLocks
from mixup_cli.storage.manifest import Manifest, ShardRecord, read_manifest
from mixup_cli.storage.parts import Part
from mixup_cli.storage.seal import WORK_FOLDER, Sealed, seal_bytes, storage_errors, sync_folder, unfinished_path

SHARD = re.compile(r"shard-([0-9]{5,})\.h5")
OURS = re.compile(
    rf"shard-[0-9]{{5,}}\.h5|{re.escape(names.SOURCES)}|{names.CHECKSUMS}|{re.escape(names.CROISSANT)}"
    rf"|{re.escape(names.CARD)}|{re.escape(names.RUN)}|{re.escape(names.MANIFEST)}"
)
"""The names that `--force` may remove."""

SIDECAR = re.compile(r"[0-9]{5,}\.json")

shard_name = names.shard_name

CLEARING = "clearing"
"""In the work folder while `--force` removes what is there: a run that is cut off then has left our files behind."""


LEAVING_SECONDS = 1.0
"""How long a run that ends waits for its turn to tidy up: one that was interrupted should be gone soon."""


class DataSetFolder:
    """The output folder of a run. Unfinished: `.mixup-gen/` is there. Finished: `manifest.json` is.

    `growth` is the larger data set that waits beside a finished one. `part` is what this run makes of it. Its temporary
    files are in `scratch`, which is there while it is `locked`.
    """

    def __init__(self, path: Path, part: Part | None = None) -> None:
        self.path = path
        self.work = path / WORK_FOLDER
        self.growth = Growth(path)
        self._done = self.work / "done"
        self._locks = PartLocks(path, self.work, part or Part())
        self.part = self._locks.part
        self.scratch = self._locks.scratch
        self._is_new = False

    def __reduce__(self) -> tuple[type[Self], tuple[Path, Part]]:
        return type(self), (self.path, self.part)  # a lock stays in its process

    def finished(self) -> Manifest | None:
        """The manifest, or None where there is none. Raises DataError where it is damaged."""
        try:
            return read_manifest(self.path) if (self.path / names.MANIFEST).exists() else None
        except FileNotFoundError:  # a run has taken it back just now
            return None

    def begun(self) -> Begun | None:
        """What an unfinished run has written down about itself; None if absent. Raises DataError if it is damaged."""
        return read_begun(self.work)

    def foreign(self) -> list[str]:
        """The names of what lies here and is not ours."""
        if not self.path.exists():
            return []
        with storage_errors(self.path):
            found = sorted(entry.name for entry in self.path.iterdir())
        is_ours = self.is_ours
        return [name for name in found if name != WORK_FOLDER and not (is_ours and OURS.fullmatch(name))]

    @property
    def place(self) -> Path:
        """Where the files go that are being made: into the folder itself, or, of a data set that grows, beside it."""
        return self.growth.path if self.growth.path.is_dir() else self.path

    def place_of(self, name: str) -> Path:
        """Where a file of the data set that is being made is, or will be."""
        beside = self.growth.path / name
        return beside if beside.exists() else self.path / name

    @property
    def give_up(self) -> str:
        """What a user does who no longer wants what a run has begun here."""
        if self.growth.is_begun:
            return f"remove {self.work} to give them up"
        return f"pass --force {'' if self.part.is_whole else 'to all of them '}to begin anew"

    @property
    def is_ours(self) -> bool:
        """Whether a data set is here, finished or begun. Else even a README.md is somebody's."""
        return any(path.exists() for path in (self.path / names.MANIFEST, self.work / JOB, self.work / CLEARING))

    @property
    def half_cleared(self) -> bool:
        """Whether `clear` was cut off here."""
        return (self.work / CLEARING).exists()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folders and hold this part's lock. Raises OutputExistsError where another run holds it, or a part of
        another division."""
        self._check_plain()
        self._make()
        with self.sealing():
            self._locks.take()
        try:
            yield
        finally:
            self._leave()

    def _make(self) -> None:
        """Make the folder, and those above it that are missing."""
        missing = [each for each in (self.path, *self.path.parents) if not each.exists()]
        self._is_new = bool(missing)
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for each in reversed(missing):
                sync_folder(each.parent)

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """Hold the lock for beginning and sealing: nobody else comes, begins, seals or goes meanwhile."""
        with self._locks.sealing():
            yield

    def _check_plain(self) -> None:
        """Raises DataError where somebody's work folder would make us write or remove files somewhere else, or wait for
        ever for the other end of a pipe."""
        for path in (self.work, *self.work.glob("*"), *self.work.glob("*/*")):
            with suppress(FileNotFoundError, NotADirectoryError):  # removed just now, or `_make` tells what is wrong
                mode = path.lstat().st_mode
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    what = "a link" if stat.S_ISLNK(mode) else "a pipe or a device"
                    raise DataError(f"{path}: is {what}, which no run makes there. Remove it, or use another -o.")

    @property
    def is_locked(self) -> bool:
        """Whether this run holds its part's lock."""
        return self._locks.is_held

    def running(self) -> set[Part]:
        """The other parts that run now. Call it under `sealing`."""
        return set(self._locks.running())

    def _leave(self) -> None:
        """Give the part's lock back. The last to leave what is finished or was never begun removes the work folder."""
        try:
            with self._locks.sealing(LEAVING_SECONDS):
                self._locks.give_back()
                self._remove_work()
        except (OutputExistsError, StorageError):  # the next run tidies up
            self._locks.let_go()

    def settle(self) -> None:
        """Take the last step of an extension, if a run was cut off in it. See `mixup_cli.storage.growth`.

        Raises DataError as `tidy` does.
        """
        if self.growth.is_complete:
            self._check_plain()
            with self._locks.sealing():
                if self._has_manifest:  # else --force was cut off while it removed all of it
                    self.growth.take_over()

    def tidy(self) -> None:
        """Remove the work folder of a finished data set, unless a part runs or an unfinished extension is in it. It was
        left by a run that was cut off.

        Raises DataError where it is a link, or holds one or a pipe: see `_check_plain`.
        """
        self._check_plain()
        if self.work.exists():
            with suppress(OutputExistsError, StorageError), self._locks.sealing(0):
                self._remove_work()

    def _remove_work(self) -> None:
        """Where nothing was begun, leave no trace: then the folder itself goes too, if this run has made it, unless it
        holds something."""
        is_finished = self._has_manifest
        is_begun = self.half_cleared or (self.work / JOB).exists()
        is_over = (is_finished or not is_begun) and not self.growth.is_begun
        if is_over and self._locks.remove_all() and not is_finished and self._is_new:
            with suppress(OSError):
                self.path.rmdir()

    @property
    def _has_manifest(self) -> bool:
        return (self.path / names.MANIFEST).exists()

    def shard_sizes(self) -> dict[str, int]:
        """The names and sizes in bytes of the shards that are here; another run may remove them meanwhile."""
        return _shard_sizes(self.path)

    def shard_bytes(self) -> int:
        """What the shards that are here, or wait beside, take on the disk."""
        return sum(sum(_shard_sizes(folder).values()) for folder in (self.path, self.growth.path))

    def stamps(self) -> dict[str, tuple[int, int, int]]:
        """Size, time of the last change in ns and inode of everything that lies here, but for the work folder."""
        found = {}
        for entry in self.path.iterdir():
            if entry.name != WORK_FOLDER:
                with suppress(FileNotFoundError):
                    status = entry.lstat()
                    found[entry.name] = (status.st_size, status.st_mtime_ns, status.st_ino)
        return found

    def check_clearable(self) -> None:
        """Raises OutputExistsError where files that are not ours bear the names that ours will have."""
        in_the_way = [name for name in self.foreign() if OURS.fullmatch(name)]
        if in_the_way:
            raise OutputExistsError(f"{self.path}: holds a {in_the_way[0]} that is no data set's. Use another -o.")

    def clear(self) -> None:
        """Remove our files, the manifest first, so that a half-removed data set is none. Others stay.

        Call it under `sealing`. Raises OutputExistsError where another part is making shards of what is here.
        """
        for part, holder in self._locks.running().items():
            if holder.joined:
                raise OutputExistsError(
                    f"{self.path}: another run ({holder}) is writing part {part} of what --force would remove. Wait, "
                    "or use another -o."
                )
        if not self.is_ours:
            return
        with storage_errors(self.path):
            (self.work / CLEARING).touch()
            (self.path / names.MANIFEST).unlink(missing_ok=True)
            for entry in self.path.iterdir():
                if OURS.fullmatch(entry.name) and entry.is_file():
                    entry.unlink()
            self.growth.remove()
            self._clear_work()
            (self.work / CLEARING).unlink()

    def _clear_work(self) -> None:
        """Remove what a run has written down about itself and its shards. What belongs to parts, they remove."""
        if self._done.exists():
            shutil.rmtree(self._done)
        (self.work / JOB).unlink(missing_ok=True)

    def begin(self, begun: Begun, sources_csv: bytes) -> None:
        """Write down what is made here, and of what. Where a data set is finished, a larger one begins beside it."""
        with storage_errors(self.path):
            if self._has_manifest:
                self.growth.path.mkdir(parents=True, exist_ok=True)
            self._done.mkdir(parents=True, exist_ok=True)
        self.seal(self.work / JOB, begun.to_json())
        self.seal(self.place / names.SOURCES, sources_csv)

    def join(self) -> None:
        """Take part in what is made here. Call it under `sealing`, once that is written down."""
        self._locks.join()

    def seal(self, final: Path, data: bytes) -> Sealed:
        """Write a small file whole."""
        return seal_bytes(final, data, self.scratch)

    def add_done(self, number: int, record: ShardRecord) -> None:
        """Seal the sidecar of a shard: from now on it is finished."""
        self.seal(self._done / f"{number:05}.json", to_json(record.model_dump(exclude_none=True)))

    def discard_unfinished(self, number: int) -> None:
        """Remove what a worker process that died has left of a shard."""
        for final in (self.path / shard_name(number), self._done / f"{number:05}.json"):
            unfinished_path(final, self.scratch).unlink(missing_ok=True)

    def done(self, number: int, start: int, stop: int) -> ShardRecord | None:
        """The record of a finished shard of just these rows, if the file is there in full length."""
        try:
            record = ShardRecord.model_validate_json(content_of(self._done / f"{number:05}.json"))
            size = self.place_of(record.file).stat().st_size
        except (OSError, DataError, StorageError, ValidationError):
            return None
        expected = (shard_name(number), start, stop)
        return record if (record.file, record.start, record.stop) == expected and size == record.bytes else None

    def rows_done(self) -> int:
        """One past the last row that a finished shard holds; 0 where none is finished."""
        sidecars = [path for path in self._done.glob("*.json") if SIDECAR.fullmatch(path.name)]
        sidecars.sort(key=lambda path: int(path.stem))
        for path in reversed(sidecars):
            with suppress(FileNotFoundError, DataError, StorageError, ValidationError):
                return ShardRecord.model_validate_json(content_of(path)).stop
        return 0

    def forget(self, number: int) -> None:
        """A shard is to be made anew: its sidecar must not vouch for what comes."""
        with storage_errors(self.path):
            (self._done / f"{number:05}.json").unlink(missing_ok=True)

    def remove_from(self, number: int) -> None:
        """Remove the shards from `number` on, left behind by a run that wanted more rows."""
        with storage_errors(self.path):
            for folder in (self.path, self.growth.path):
                for path in folder.glob("shard-*.h5"):
                    found = SHARD.fullmatch(path.name)
                    if found and int(found[1]) >= number:
                        path.unlink()


def _shard_sizes(folder: Path) -> dict[str, int]:
    sizes = {}
    for path in folder.glob("shard-*.h5"):
        with suppress(FileNotFoundError):
            sizes[path.name] = path.stat().st_size
    return sizes
