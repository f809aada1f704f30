"""What the folder of a data set holds: which files are in it, which belong to it, and which shards are finished.

Nothing here changes a folder: `mixup_cli.storage.folder` does.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from mixup_cli.errors import DataError, StorageError
from mixup_cli.storage.begun import Begun, read_begun
from mixup_cli.storage.growth import Growth
from mixup_cli.storage.json_files import content_of
from mixup_cli.storage.manifest import Manifest, read_manifest
from mixup_cli.storage.names import BEGUN, MANIFEST, OURS, SAMPLES
from mixup_cli.storage.outlet import Outlet
from mixup_cli.storage.seal import WORK_FOLDER, storage_errors
from mixup_cli.storage.shard_records import ShardRecord, shard_name

SHARD = re.compile(r"shard-([0-9]{5,})\.h5")
SIDECAR = re.compile(r"[0-9]{5,}\.json")

CLEARING = "clearing"
"""A file in the work folder while `clear` removes files. If it is left, so are some of them."""


class FolderContents:
    """The contents of the folder `path`. Unfinished: `.mixup-gen/` exists. Finished: `manifest.json` exists.

    `growth` is the larger data set that waits beside a finished one.
    """

    def __init__(self, path: Path, outlet: Outlet) -> None:
        self.path = path
        self.work = path / WORK_FOLDER
        self.growth = Growth(path, outlet)
        self._manifest, self._done = path / MANIFEST, self.work / "done"

    def finished(self) -> Manifest | None:
        """The manifest, or None if absent. Raises DataError if it is damaged."""
        with suppress(FileNotFoundError):  # a run may remove it meanwhile
            return read_manifest(self.path) if self._manifest.exists() else None
        return None

    def begun(self) -> Begun | None:
        """What an unfinished run has written down about itself; None if absent. Raises DataError if it is damaged."""
        return read_begun(self.work)

    @property
    def is_ours(self) -> bool:
        """Whether it holds a data set, finished or begun. If not, a README.md in it is the user's."""
        return _is_manifest(self._manifest) or (self.work / BEGUN).exists() or self.half_cleared

    @property
    def half_cleared(self) -> bool:
        """Whether `clear` was cut off here."""
        return (self.work / CLEARING).exists()

    def foreign(self) -> list[str]:
        """The names of files and folders that are not part of a data set."""
        if not self.path.exists():
            return []
        with storage_errors(self.path):
            found = sorted(entry.name for entry in self.path.iterdir())
        is_ours = self.is_ours
        own = {WORK_FOLDER} | ({SAMPLES} if _holds_data_set(self.path / SAMPLES) else set())
        return [name for name in found if name not in own and not (is_ours and OURS.fullmatch(name))]

    @property
    def place(self) -> Path:
        """The folder of new files: this one, or `growth`'s while the data set grows."""
        return self.growth.path if self.growth.path.is_dir() else self.path

    def place_of(self, name: str) -> Path:
        """The path of a file of the data set that is being made."""
        beside = self.growth.path / name
        return beside if beside.exists() else self.path / name

    def _shard_paths(self) -> Iterator[Path]:
        """Every shard, those of `growth` included."""
        return chain(self.path.glob("shard-*.h5"), self.growth.path.glob("shard-*.h5"))

    def _sizes(self, paths: Iterable[Path]) -> Iterator[tuple[Path, int]]:
        """Each file and its size in bytes. Another run may remove shards meanwhile."""
        for path in paths:
            with suppress(FileNotFoundError):
                yield path, path.stat().st_size

    def shard_sizes(self) -> dict[str, int]:
        """The sizes of the shards in bytes, by name."""
        return {path.name: size for path, size in self._sizes(self.path.glob("shard-*.h5"))}

    def shard_bytes(self) -> int:
        """The size of all shards in bytes, those of `growth` included."""
        return sum(size for _, size in self._sizes(self._shard_paths()))

    # Finished shards

    def _sidecar(self, number: int) -> Path:
        return self._done / f"{number:05}.json"

    def done(self, number: int, start: int, stop: int) -> ShardRecord | None:
        """The record of a finished shard with exactly these rows, if its file exists in full length."""
        try:
            record = _record(self._sidecar(number))
            size = self.place_of(record.file).stat().st_size
        except (OSError, DataError, StorageError, ValidationError):
            return None
        expected = (shard_name(number), start, stop)
        return record if (record.file, record.start, record.stop) == expected and size == record.bytes else None

    def numbers_done(self) -> set[int]:
        """The numbers of the shards that have a sidecar. No sidecar is read: there can be millions."""
        with suppress(FileNotFoundError):
            return {int(name.removesuffix(".json")) for name in os.listdir(self._done) if SIDECAR.fullmatch(name)}
        return set()

    def rows_done(self) -> int:
        """One past the last row of the finished shards; 0 if none is finished."""
        for number in sorted(self.numbers_done(), reverse=True):
            with suppress(FileNotFoundError, DataError, StorageError, ValidationError):
                return _record(self._sidecar(number)).stop
        return 0


def _record(sidecar: Path) -> ShardRecord:
    return ShardRecord.model_validate_json(content_of(sidecar))


def _is_manifest(path: Path) -> bool:
    """Whether a file is a manifest of ours, though it may be damaged: JSON that other programs call so is not."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:  # who reads it says why
        return True
    with suppress(ValueError, RecursionError):
        return b'"format_version"' in data or not isinstance(json.loads(data), dict)
    return True


def _holds_data_set(folder: Path) -> bool:
    """Whether a data set was begun or finished there."""
    return (folder / MANIFEST).exists() or (folder / WORK_FOLDER).exists()
