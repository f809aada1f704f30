"""The folder of an export: what an earlier run left in it, and how files come into their place.

Pieces are sealed out of sight, in `.mixup-gen-export/whole/`, with a record of each beside it. Once all are there they
move into the folder, what completes the export last: a run that is killed leaves nothing that looks finished. The
records stay, so that the same command leaves the export alone, and `force` removes its files and no others.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.storage.inside import check_plain
from mixup_cli.storage.json_files import read_json, to_json
from mixup_cli.storage.seal import seal_bytes, storage_errors, sync_folder
from mixup_cli.wording import setting, use_another

WORK = ".mixup-gen-export"

MANY_FILES = 64
"""From so many files on, one sync of everything takes less time than one for each."""

CLOSING = "closing"
"""The record of the files that complete an export; those of pieces have numbers."""


@dataclass(frozen=True)
class Record:
    """Some sealed files, the size in bytes of each by its name in the export; how many rows they hold, and what the
    exporter noted."""

    files: Mapping[str, int]
    rows: int
    notes: Mapping[str, Any]

    @property
    def total_bytes(self) -> int:
        return sum(self.files.values())


class ExportFolder:
    """The export in the folder `path`, or the beginning of one; `wanted` says, as JSON holds it, what is exported."""

    def __init__(self, path: Path, wanted: Mapping[str, Any]) -> None:
        self.path, self._wanted = path, wanted
        self._work = path / WORK
        self._whole, self._records = self._work / "whole", self._work / "records"
        self._begun, self._finished = self._work / "begun.json", self._work / "finished.json"

    @contextmanager
    def locked(self, force: bool) -> Iterator[None]:
        """Make the folder, and let no other run in. What it holds of another export is removed with `force`. Raises
        OutputExistsError if it holds another export, other files, or if another run writes here."""
        self._check(force)
        with storage_errors(self.path):
            self._records.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._work / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise OutputExistsError(f"{self.path}: another run writes an export here.", use_another()) from None
        try:
            self._check(force)
            if force:
                self._clear()
            if not self._begun.exists():
                seal_bytes(self._begun, to_json(self._wanted), self._work)
            yield
        finally:
            lock.release()

    def _check(self, force: bool) -> None:
        if not self.path.exists():
            return
        check_plain(self._work)
        begun = read_json(self._begun) if self._begun.exists() else None
        if begun is None or force:
            own = {WORK, *(name.partition("/")[0] for record in self.records() for name in record.files)}
            with storage_errors(self.path):
                foreign = sorted({each.name for each in self.path.iterdir()} - own)
            if foreign:
                raise OutputExistsError(f"{self.path}: holds other files, such as {foreign[0]!r}.", use_another())
        elif begun != self._wanted:
            odd = next(name for name in ("to", *begun, *self._wanted) if begun.get(name) != self._wanted.get(name))
            what = f"with other settings ({setting(odd)} was {begun.get(odd)} and is {self._wanted.get(odd)})"
            what = {"to": f"as {begun.get('to')}"}.get(odd, what)
            what = "of another data set" if odd in ("data_set", "source") else what
            raise OutputExistsError(f"{self.path}: holds an export {what}.", use_another(or_force=True))

    def _clear(self) -> None:
        """Remove the files of an export, the mark that it is finished first. Raises DataError, and removes nothing, if
        a record names a file elsewhere."""
        with storage_errors(self.path):
            names = [name for record in self.records() for name in record.files]
            folders = {each for name in names for each in Path(name).parents}
            home = self.path.resolve()
            for folder in folders:
                if not (place := (self.path / folder).resolve()).is_relative_to(home):
                    found = f"{self._records}: names files in {place}, where no export of {self.path} lies."
                    raise DataError(found, use_another())
            self._finished.unlink(missing_ok=True)
            for name in names:
                (self.path / name).unlink(missing_ok=True)
            for folder in sorted(folders - {Path()}, reverse=True):
                with suppress(OSError):
                    (self.path / folder).rmdir()
            for folder in (self._records, self._whole, *self._work.glob("*.part")):
                shutil.rmtree(folder, ignore_errors=True)
            self._begun.unlink(missing_ok=True)
            self._records.mkdir()

    def records(self) -> Iterator[Record]:
        """The records of what is sealed, in order, that of the closing files last."""
        if self._records.is_dir():
            for path in sorted(self._records.glob("*.json")):
                yield _record(path)

    @property
    def is_finished(self) -> bool:
        """Whether the export is complete. Raises DataError if one of its files is missing or has another size."""
        if not self._finished.exists():
            return False
        for record in self.records():
            for name, size in record.files.items():
                if _size(self.path / name) != size:
                    found = f"{self.path / name}: is missing or was changed since it was exported."
                    raise DataError(found, f"Pass {setting('force')} to export everything again.")
        return True

    def sealed(self, name: str) -> Record | None:
        """What an earlier run sealed under a name, if all its files are there in full length."""
        path = self._records / f"{name}.json"
        if not path.exists():
            return None
        record = _record(path)
        places = (self._whole, self.path)
        is_there = all(size in (_size(place / each) for place in places) for each, size in record.files.items())
        return record if is_there else None

    def scratch(self, name: str) -> Path:
        """An empty folder for the files of a piece."""
        folder = self._work / f"{name}.part"
        with storage_errors(self.path):
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir()
        return folder

    def seal(self, name: str, rows: int, notes: Mapping[str, Any]) -> Record:
        """Sync the files in the scratch folder of a piece, take them into the export, and write its record."""
        scratch = self._work / f"{name}.part"
        with storage_errors(self.path):
            paths = [os.path.join(folder, each) for folder, _, names in os.walk(scratch) for each in names]
            sizes = {os.path.relpath(path, scratch).replace(os.sep, "/"): os.stat(path).st_size for path in paths}
            _sync(paths)
            self._whole.mkdir(exist_ok=True)
            _merge(scratch, self._whole, replace=True)
            for folder in {(self._whole / each).parent for each in sizes}:
                sync_folder(folder)
        record = Record(dict(sorted(sizes.items())), rows, notes)
        seal_bytes(self._records / f"{name}.json", to_json(record), self._work)
        return record

    def publish(self) -> None:
        """Move all that is sealed into its place, the closing files last. Raises OutputExistsError for a file in the
        way."""
        last = {name.partition("/")[0] for name in (self.sealed(CLOSING) or Record({}, 0, {})).files}
        with storage_errors(self.path):
            self._whole.mkdir(exist_ok=True)  # missing if an earlier run was killed after all had moved
            for each in sorted(self._whole.iterdir(), key=lambda each: (each.name in last, each.is_file(), each.name)):
                _move(each, self.path / each.name)
            self._whole.rmdir()
            sync_folder(self.path)
        seal_bytes(self._finished, to_json({"rows": sum(record.rows for record in self.records())}), self._work)


def _record(path: Path) -> Record:
    match read_json(path):
        case {"files": dict(files), "rows": int(rows), "notes": dict(notes)}:
            return Record(files, rows, notes)
    raise DataError(f"{path}: is not the record of an export.", use_another())


def _move(path: Path, to: Path) -> None:
    """Move a file or a folder to where it is seen."""
    _merge(path, to, replace=False)


def _merge(path: Path, to: Path, replace: bool) -> None:
    """Rename a file or a folder; if there is a folder of that name, what is in it."""
    if path.is_dir() and to.is_dir() and not to.is_symlink():
        for each in sorted(path.iterdir()):
            _merge(each, to / each.name, replace)
        path.rmdir()
    elif not replace and os.path.lexists(to):
        raise OutputExistsError(f"{to}: already exists, and is not of this export.", "Move it away.")
    else:
        path.replace(to)


def _sync(paths: list[str]) -> None:
    if len(paths) >= MANY_FILES and hasattr(os, "sync"):
        os.sync()
        return
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def _size(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_size
    return None
