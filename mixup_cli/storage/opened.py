"""A data set that may be replaced while a reader has it open.

An extension keeps every row, so readers continue through it: if it replaced a short last shard, the new manifest says
where the columns of the longer one begin. Any other shard is refused, since its rows differ.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.storage.growth import Growth
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.manifest import Manifest, read_manifest
from mixup_cli.storage.mirror import shared
from mixup_cli.storage.names import MANIFEST, data_set_folder
from mixup_cli.storage.seal import WORK_FOLDER
from mixup_cli.storage.shard_records import ListedShards, ShardRecord, shard_name
from mixup_cli.storage.stores import Store
from mixup_cli.wording import is_url

REPLACED = "another data set replaced the one that was opened. Open it again."

Stamp = tuple[int, int, int]


UNFINISHED = "It is unfinished: run its command again."
LOST = "It lost that file: mixup-gen repair makes it again."


def finished_manifest(folder: Path) -> Manifest:
    """The manifest of a finished data set. Raises NoInputError for any other folder, DataError if it is damaged."""
    check_finished(folder)
    return read_manifest(folder)


def check_finished(folder: Path) -> None:
    """Raises NoInputError if there is no finished data set."""
    if not (folder / MANIFEST).exists():
        remedy = LOST if (folder / shard_name(0)).exists() else "Name the folder of a data set."
        remedy = UNFINISHED if (folder / WORK_FOLDER).exists() else remedy
        found = f"has no {MANIFEST}" if folder.is_dir() else "is not a folder" if folder.exists() else "no such folder"
        raise NoInputError(f"{folder}: {found}. {remedy}")


class OtherShardError(DataError):
    """A shard does not match any manifest."""


class OpenedDataSet:
    """The manifest of a data set as it was when it was opened, and the shards as they are now."""

    def __init__(self, folder: Path, manifest: Manifest, stamp: Stamp | None = None) -> None:
        self.folder, self.manifest = folder, manifest
        self._latest, self._stamp = manifest, stamp or _stamp(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the manifest. Raises DataError if it is damaged, FileNotFoundError if it is missing."""
        stamp = _stamp(folder)  # first, to notice a manifest that is replaced meanwhile
        return cls(folder, read_manifest(folder), stamp)

    @cached_property
    def borders(self) -> NDArray[np.int64]:
        """The first row of each shard, and the count of all rows: int64 (shards + 1)."""
        shards, rows = self.manifest.shards, self.manifest.totals.samples
        if isinstance(shards, ListedShards):
            return np.array([*shards.starts(self.manifest.recipe.get("samples_per_shard", 0)), rows])
        return np.array([*(shard.start for shard in shards), rows])

    def path(self, number: int) -> Path:
        """Where a shard is. In a mirror of a store, it is fetched first. Raises DataError as `file_inside` does."""
        record = self.manifest.shards[number]
        return file_inside(self.folder, record.file, record.sha256)

    def shard(self, number: int, size: int, rows: int | None = None) -> ShardRecord:
        """The record of a shard whose open file has `size` bytes and, if that was looked up, `rows`.

        It begins with the rows that it had when the data set was opened. Raises OtherShardError if it is another shard.
        """
        opened = self.manifest.shards[number]
        for manifest in self._manifests():
            if number < len(manifest.shards) and is_same_or_larger(self.manifest, manifest):
                record = manifest.shards[number]
                # compressed shards of other rows can have one size
                is_found = record.bytes == size and rows in (None, record.stop - record.start)
                if is_found and (record.sha256 == opened.sha256 or record.stop > opened.stop):
                    return record
        raise OtherShardError(
            f"{self.folder / opened.file}: was replaced since the data set was opened ({opened.bytes} bytes then, "
            f"{size} now). Open the data set again; if that does not help, run mixup-gen verify."
        )

    def _manifests(self) -> Iterator[Manifest]:
        """All that may be valid now: while an extension moves into place, its manifest is the last to move."""
        for folder in (self.folder, Growth(self.folder).path, self.folder):
            with suppress(FileNotFoundError):
                yield self._in_place() if folder == self.folder else read_manifest(folder)

    def _in_place(self) -> Manifest:
        stamp = _stamp(self.folder)
        if stamp != self._stamp:
            self._latest, self._stamp = read_manifest(self.folder), stamp
        return self._latest


def folder_of(place: str | Path) -> Path:
    """The folder of a data set, or for a URL the mirror that its readers share. Raises NoInputError if there is no data
    set at the URL."""
    if not is_url(place):
        return data_set_folder(Path(place).absolute())
    store = Store.open(place.removesuffix(f"/{MANIFEST}"))
    return shared(store, MANIFEST, store.read(MANIFEST))


def folder_at(url: str) -> Path | None:
    """The mirror of the data set at a URL; None without one."""
    try:
        return folder_of(url)
    except NoInputError:
        return None
    except StorageError:  # web servers may answer 403 where nothing is
        if not url.startswith("http"):
            raise
        return None


def is_same_or_larger(opened: Manifest, now: Manifest) -> bool:
    """Whether `now` has all rows of `opened`, unchanged: the recipe and the source are the same."""
    identities = [(each.recipe_id, each.source.fingerprint, each.class_names, each.columns) for each in (opened, now)]
    return now is opened or (identities[0] == identities[1] and now.totals.samples >= opened.totals.samples)


def _stamp(folder: Path) -> Stamp:
    status = os.stat(folder / MANIFEST)
    return status.st_ino, status.st_mtime_ns, status.st_size
