"""How a finished data set becomes a larger one: beside itself, then in one step that can be taken again.

**The invariant.** What a manifest lists stays there, whole, until another manifest takes its place. A run that extends
a data set (or makes lost shards of it again) changes no file of it. All that is new waits in `.mixup-gen/next/`:
sources.csv, new shards, the old last shard made anew if it was short, at the end the small files, and very last
`next/manifest.json`. That file decides:

- As long as it is not there, the old data set is the data set, and whatever is in `next/` is an unfinished extension.
- Once it is there, the larger data set is complete: each of its files is in `next/` or in its place already. Then all
  files move to their places, the manifest last, so that `next/manifest.json` is there until nothing is left to move. If
  that is cut off, the next `generate` or `repair` moves the rest.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from mixup_cli.storage.manifest import CARD, CHECKSUMS, CROISSANT, MANIFEST, RUN, SOURCES, read_manifest
from mixup_cli.storage.seal import WORK_FOLDER, storage_errors, sync_folder

NEXT_NAME = "next"
"""The folder in the work folder of the old data set where the larger one waits."""


class Growth:
    """The data set that is to take the place of the one in `out`."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self.path = out / WORK_FOLDER / NEXT_NAME

    @property
    def is_begun(self) -> bool:
        """Whether there is one, complete or not. An empty folder holds none."""
        return self.is_complete or (self.path / SOURCES).exists()

    @property
    def is_complete(self) -> bool:
        """Whether only its files are still to be moved."""
        return (self.path / MANIFEST).exists()

    def take_over(self) -> None:
        """Move a complete one into the place of the old one. Call it under `sealing`. Nothing happens without one.

        New shards move first, so that a reader of the old data set meets a shard made anew for a moment only.
        """
        if not self.is_complete:
            return
        shards = [shard.file for shard in read_manifest(self.path).shards]
        with storage_errors(self._out):
            waiting = set(os.listdir(self.path))
            for name in (SOURCES, CARD, CROISSANT, RUN, CHECKSUMS, *reversed(shards)):
                if name in waiting:
                    (self.path / name).replace(self._out / name)
            sync_folder(self._out)
            (self.path / MANIFEST).replace(self._out / MANIFEST)
            sync_folder(self._out)
        shutil.rmtree(self.path, ignore_errors=True)  # if that fails, an empty folder holds no data set

    def remove(self) -> None:
        """Give it up."""
        with storage_errors(self.path), suppress(FileNotFoundError):
            shutil.rmtree(self.path)
