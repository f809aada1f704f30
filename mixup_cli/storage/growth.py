"""How a finished data set is extended: the larger one is built beside it, then replaces it in one repeatable step.

**The invariant.** The files that a manifest lists stay unchanged until another manifest replaces it. A run that extends
a data set (or makes lost shards of it again) changes no file of it. New files wait in `.mixup-gen/next/`: sources.csv,
new shards, a longer version of the last shard if it was short, then the small files, and last `next/manifest.json`:

- Without it, the old data set is valid, and `next/` holds an unfinished extension.
- With it, the larger data set is complete: each of its files is in `next/` or in its place. All files move to their
  places, the manifest last, so that `next/manifest.json` exists until all have moved. After an interruption, the next
  `generate` or `repair` moves the rest.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from mixup_cli.storage.manifest import read_manifest
from mixup_cli.storage.names import CARD, CHECKSUMS, CROISSANT, MANIFEST, RUN, SOURCES
from mixup_cli.storage.outlet import LOCAL, Outlet
from mixup_cli.storage.seal import WORK_FOLDER, storage_errors, sync_folder
from mixup_cli.storage.shard_records import shard_name

NEXT_NAME = "next"
"""The folder in the work folder of the old data set where the larger one waits."""


class Growth:
    """The data set that will replace the one in `out`."""

    def __init__(self, out: Path, outlet: Outlet = LOCAL) -> None:
        self._out, self._outlet = out, outlet
        self.path = out / WORK_FOLDER / NEXT_NAME

    @property
    def is_begun(self) -> bool:
        """Whether one exists, complete or not. An empty folder does not count."""
        return self.is_complete or (self.path / SOURCES).exists()

    @property
    def is_complete(self) -> bool:
        """Whether its files only have to move."""
        return (self.path / MANIFEST).exists()

    def take_over(self) -> None:
        """Replace the old data set with the larger one, if that is complete. Call it under `sealing`.

        New shards move first, so that readers of the old data set see a replaced shard for a moment only.
        """
        if not self.is_complete:
            return
        manifest = read_manifest(self.path)
        shards = [shard_name(number) for number in range(manifest.totals.shards)]
        lists = [each.file for each in manifest.shard_lists or ()]
        with storage_errors(self._out):
            waiting = set(os.listdir(self.path))
            first = [SOURCES, CARD, CROISSANT, RUN, CHECKSUMS, *lists, *reversed(shards)]
            for names in ([name for name in first if name in waiting], [MANIFEST]):
                moves = {self.path / name: self._out / name for name in names}
                self._outlet.move(moves)
                for path, to in moves.items():
                    path.replace(to)
                sync_folder(self._out)
        shutil.rmtree(self.path, ignore_errors=True)  # if that fails, an empty folder holds no data set

    def remove(self) -> None:
        """Discard it."""
        with storage_errors(self.path), suppress(FileNotFoundError):
            self._outlet.remove(self.path.glob("*"))
            shutil.rmtree(self.path)
