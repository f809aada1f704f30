"""A data set's folder: what is in it, whose it is, and the sidecars of its finished shards."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from mixup_cli.errors import DataError, OutputExistsError, StorageError, UsageError
from mixup_cli.recipe import Recipe
from mixup_cli.storage import manifest as names
from mixup_cli.storage.json_files import read_json, to_json
from mixup_cli.storage.manifest import Manifest, ShardRecord, read_manifest
from mixup_cli.storage.seal import WORK_FOLDER, seal_bytes, storage_errors, sync_folder

SHARD = re.compile(r"shard-([0-9]{5,})\.h5")
OURS = re.compile(
    rf"shard-[0-9]{{5,}}\.h5|{re.escape(names.SOURCES)}|{names.CHECKSUMS}|{re.escape(names.CROISSANT)}"
    rf"|{re.escape(names.CARD)}|{re.escape(names.RUN)}|{re.escape(names.MANIFEST)}"
)
"""The names that `--force` may remove."""

SIDECAR = re.compile(r"[0-9]{5,}\.json")

JOB = "recipe.json"
"""What an unfinished run writes down about itself, in the work folder."""


shard_name = names.shard_name

CLEARING = "clearing"
"""In the work folder while `--force` removes what is there: a run that is cut off then has left our files behind."""


class Begun(names.Model):
    """What recipe.json holds."""

    recipe: dict[str, Any]
    pixel_fingerprint: str
    versions: dict[str, str]


class DataSetFolder:
    """The output folder of a run. Unfinished: `.mixup-gen/` is there. Finished: `manifest.json` is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / WORK_FOLDER
        self._done = self.work / "done"
        self._lock = FileLock(self.work / "lock", timeout=0)
        self._left_over = False

    def finished(self) -> Manifest | None:
        """The manifest, or None where there is none. Raises DataError where it is damaged."""
        return read_manifest(self.path) if (self.path / names.MANIFEST).exists() else None

    def job(self) -> dict[str, Any] | None:
        """What an unfinished run wrote down about itself, or None. Raises DataError where it is something else."""
        path = self.work / JOB
        if not path.exists():
            return None
        job = read_json(path)
        try:
            Begun.model_validate(job)
            Recipe.from_dict(job["recipe"])
        except (ValidationError, UsageError) as problem:
            what = ".".join(map(str, problem.errors()[0]["loc"])) if isinstance(problem, ValidationError) else problem
            raise DataError(f"{path}: {what}: is not what a run writes there. Start anew with --force.") from None
        return job

    def foreign(self) -> list[str]:
        """The names of what lies here and is not ours."""
        if not self.path.exists():
            return []
        with storage_errors(self.path):
            found = sorted(entry.name for entry in self.path.iterdir())
        is_ours = self.is_ours
        return [name for name in found if name != WORK_FOLDER and not (is_ours and OURS.fullmatch(name))]

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
        """Make the folders and hold the lock on them. Raises OutputExistsError where another run holds it."""
        self._check_no_links()
        with storage_errors(self.path):
            is_new = not self.path.exists()
            self._done.mkdir(parents=True, exist_ok=True)
            if is_new:
                sync_folder(self.path.parent)
        self._acquire()
        try:
            with storage_errors(self.path):
                self._done.mkdir(parents=True, exist_ok=True)  # a run that ended just now removed it
            yield
        finally:
            if not (self.half_cleared or (self.work / JOB).exists()):
                self._withdraw()
            self._lock.release()
            if self._left_over:
                self._remove_lock()

    def _check_no_links(self) -> None:
        """Raises DataError where somebody's work folder would make us write or remove files somewhere else."""
        inside = [*self.work.glob("*"), *self._done.glob("*")]
        for path in (self.work, *inside):
            if path.is_symlink():
                raise DataError(f"{path}: is a link, which no run makes there. Remove it, or use another -o.")

    def _acquire(self) -> None:
        with storage_errors(self.work / "lock"):
            try:
                self._lock.acquire()
            except Timeout:  # an OSError too, and told apart from those first
                raise OutputExistsError(
                    f"{self.path}: another run is writing here (it holds {self.work / 'lock'}). Wait, or use another "
                    "-o."
                ) from None
            except NotImplementedError as problem:
                raise StorageError(
                    f"{self.path}: its file system has no locks ({problem}). Use a local folder."
                ) from None

    def _remove_lock(self) -> None:
        """The rest of `remove_work`, once the lock is released. It fails, and may, where another run began just now."""
        with suppress(OSError):
            (self.work / "lock").unlink(missing_ok=True)
            self.work.rmdir()

    def _withdraw(self) -> None:
        """Nothing was begun: leave no trace, and the folder itself only if it holds something."""
        self.remove_work()
        with suppress(OSError):
            self.path.rmdir()

    def shard_bytes(self) -> int:
        """What the shards that are here take on the disk."""
        return sum(path.stat().st_size for path in self.path.glob("shard-*.h5"))

    def check_clearable(self) -> None:
        """Raises OutputExistsError where files that are not ours bear the names that ours will have."""
        in_the_way = [name for name in self.foreign() if OURS.fullmatch(name)]
        if in_the_way:
            raise OutputExistsError(f"{self.path}: holds a {in_the_way[0]} that is no data set's. Use another -o.")

    def clear(self) -> None:
        """Remove our files, the manifest first, so that a half-removed data set is none. Others stay."""
        if not self.is_ours:
            return
        with storage_errors(self.path):
            (self.work / CLEARING).touch()
            (self.path / names.MANIFEST).unlink(missing_ok=True)
            for entry in self.path.iterdir():
                if OURS.fullmatch(entry.name) and entry.is_file():
                    entry.unlink()
            self.clear_work()
            (self.work / CLEARING).unlink()

    def clear_work(self) -> None:
        """Remove what the work folder holds, but not the lock that is held on it, nor that it is being cleared."""
        for entry in self.work.iterdir() if self.work.exists() else ():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in ("lock", CLEARING):
                entry.unlink()

    def remove_work(self) -> None:
        """The data set is finished: remove the work folder, with the lock that is held on it."""
        shutil.rmtree(self.work, ignore_errors=True)
        self._left_over = self.work.exists()  # Windows cannot remove a lock that is held

    def begin(self, job: dict[str, Any], sources_csv: bytes) -> None:
        """Write down what this run makes, and of what."""
        with storage_errors(self.path):
            self._done.mkdir(parents=True, exist_ok=True)
        seal_bytes(self.work / JOB, to_json(job), self.work)
        seal_bytes(self.path / names.SOURCES, sources_csv, self.work)

    def add_done(self, number: int, record: ShardRecord) -> None:
        """Seal the sidecar of a shard: from now on it is finished."""
        seal_bytes(self._done / f"{number:05}.json", to_json(record.model_dump(exclude_none=True)), self.work)

    def done(self, number: int, start: int, stop: int) -> ShardRecord | None:
        """The record of a finished shard of just these rows, if the file is there in full length."""
        try:
            record = ShardRecord.model_validate_json((self._done / f"{number:05}.json").read_bytes())
            size = (self.path / record.file).stat().st_size
        except (OSError, ValidationError):
            return None
        expected = (shard_name(number), start, stop)
        return record if (record.file, record.start, record.stop) == expected and size == record.bytes else None

    def rows_done(self) -> int:
        """One past the last row that a finished shard holds; 0 where none is finished."""
        sidecars = [path for path in self._done.glob("*.json") if SIDECAR.fullmatch(path.name)]
        sidecars.sort(key=lambda path: int(path.stem))
        for path in reversed(sidecars):
            with suppress(OSError, ValidationError):
                return ShardRecord.model_validate_json(path.read_bytes()).stop
        return 0

    def forget(self, number: int) -> None:
        """A shard is to be made anew: its sidecar must not vouch for what comes."""
        with storage_errors(self.path):
            (self._done / f"{number:05}.json").unlink(missing_ok=True)

    def remove_from(self, number: int) -> None:
        """Remove the shards from `number` on, left behind by a run that wanted more rows."""
        with storage_errors(self.path):
            for path in self.path.glob("shard-*.h5"):
                found = SHARD.fullmatch(path.name)
                if found and int(found[1]) >= number:
                    path.unlink()

    def reopen(self, manifest: Manifest) -> None:
        """Turn a finished data set back into an unfinished one, with all its shards done, so that it can grow."""
        for number, record in enumerate(manifest.shards):
            self.add_done(number, record)
        with storage_errors(self.path):
            (self.path / names.MANIFEST).unlink()
