"""Folders with arrays and without images: what they hold, and the command that takes one of the arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_of
from mixup_cli.storage.names import BEGUN, MANIFEST, SOURCES
from mixup_cli.storage.opened import LOST
from mixup_cli.storage.seal import WORK_FOLDER
from mixup_cli.storage.shard_records import shard_name
from mixup_cli.wording import setting

MOST_FILES = 20

UNFINISHED = "holds an unfinished data set. Run its command again to finish it."


def arrays_in(root: str, files: Sequence[str]) -> str | None:
    """A message about the array files among `files` of a folder without images; None if it has none. Those of an
    unfinished data set are not sources."""
    if Path(root, WORK_FOLDER, BEGUN).is_file():
        return f"{escape_name(root)}: {UNFINISHED}"
    if SOURCES in files and shard_name(0) in files:
        return f"{escape_name(root)}: has no {MANIFEST}. {LOST}"
    from mixup_cli.sources.arrays.containers import CONTAINERS  # brings h5py, which folders of images do not need

    found = [Path(root, name) for name in sorted(files) if name.lower().endswith(tuple(CONTAINERS))]
    found.sort(key=lambda path: (split_of(path) != "train", split_of(path) is not None))
    shapes = {path: shape for path in found[:MOST_FILES] if (shape := _shape(path)) is not None}
    if not shapes:
        return None
    samples = next((path for path, shape in shapes.items() if len(shape) > 1), next(iter(shapes)))
    listed = ", ".join(
        f"{escape_name(os.path.relpath(path, root))} {shape or ''}".rstrip() for path, shape in shapes.items()
    )
    more = f" and {len(found) - MOST_FILES} more" if len(found) > MOST_FILES else ""
    count = shapes[samples][:1]
    labels = next((path for path, shape in shapes.items() if shape == count and count), None)
    option = "" if labels is None else f" {setting('label_key', escape_name(os.fspath(labels)))}"
    take = f"{escape_name(os.fspath(samples))}{option}"
    return f"{escape_name(root)}: no images found, but arrays: {listed}{more}. Give one of them: {take}"


def _shape(path: Path) -> tuple[int, ...] | None:
    """The shape of the only array of a file; () for a file with several; None for a file that cannot be read."""
    from mixup_cli.sources.arrays.containers import open_container

    with suppress(MixupGenError, OSError):
        file = open_container(path)
        return tuple(file.read(file.keys[0]).shape) if len(file.keys) == 1 else ()
    return None
