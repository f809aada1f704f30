"""A data set that was opened, and that another one may take the place of while it is read.

An extension keeps every row, so a reader reads on through it: where a short last shard was made anew, the new manifest
says where its columns begin. Whatever else takes a shard's place is refused, since its rows are others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from mixup_cli.errors import DataError
from mixup_cli.storage.growth import Growth
from mixup_cli.storage.manifest import MANIFEST, Manifest, ShardRecord, read_manifest

REPLACED = "another data set has taken the place of the one that was opened. Open it again."

Stamp = tuple[int, int, int]


class OtherShardError(DataError):
    """A shard is not the one that any manifest tells of."""


class OpenedDataSet:
    """The manifest of a data set as it was when it was opened, and the shards as they are now."""

    def __init__(self, folder: Path, manifest: Manifest, stamp: Stamp | None = None) -> None:
        self.folder, self.manifest = folder, manifest
        self._latest, self._stamp = manifest, stamp or _stamp(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read the manifest. Raises DataError where it is damaged, FileNotFoundError where there is none."""
        stamp = _stamp(folder)  # before: if another takes its place just now, that is noticed
        return cls(folder, read_manifest(folder), stamp)

    def shard(self, number: int, size: int, rows: int | None = None) -> ShardRecord:
        """What is known of a shard whose file, once it was open, had `size` bytes and, if that was looked up, `rows`.

        It begins with the rows that it had when the data set was opened. Raises OtherShardError where it is another.
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
            f"{self.folder / opened.file}: is not the shard that was sealed when the data set was opened ({size} bytes "
            f"now, {opened.bytes} then). Open the data set again; if that does not help, run mixup-gen verify."
        )

    def _manifests(self) -> Iterator[Manifest]:
        """All that may be true just now: while an extension moves into place, its manifest is the last to move."""
        for folder in (self.folder, Growth(self.folder).path, self.folder):
            with suppress(FileNotFoundError):
                yield self._in_place() if folder == self.folder else read_manifest(folder)

    def _in_place(self) -> Manifest:
        stamp = _stamp(self.folder)
        if stamp != self._stamp:
            self._latest, self._stamp = read_manifest(self.folder), stamp
        return self._latest


def is_same_or_larger(opened: Manifest, now: Manifest) -> bool:
    """Whether rows of the one are the same rows of the other: both have one recipe and one source."""
    identities = [(each.recipe_id, each.source.fingerprint, each.class_names, each.columns) for each in (opened, now)]
    return now is opened or (identities[0] == identities[1] and now.totals.samples >= opened.totals.samples)


def _stamp(folder: Path) -> Stamp:
    status = os.stat(folder / MANIFEST)
    return status.st_ino, status.st_mtime_ns, status.st_size
