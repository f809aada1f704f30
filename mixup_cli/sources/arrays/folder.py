"""Folders in which arrays lie and no pictures: what there is, and the command that takes one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mixup_cli.errors import MixupGenError
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import split_of

MOST_FILES = 20


def arrays_in(root: str, files: Sequence[str]) -> str | None:
    """What to say about the array files among `files` of a folder without pictures; None where there are none."""
    from mixup_cli.sources.arrays.contents import SUFFIXES  # brings h5py, which folders of pictures need not

    found = [Path(root, name) for name in sorted(files) if name.lower().endswith(SUFFIXES)]
    found.sort(key=lambda path: (split_of(path) != "train", split_of(path) is not None))
    shapes = {path: shape for path in found[:MOST_FILES] if (shape := _shape(path)) is not None}
    if not shapes:
        return None
    samples = next((path for path, shape in shapes.items() if len(shape) > 1), next(iter(shapes)))
    told = ", ".join(
        f"{escape_name(os.path.relpath(path, root))} {shape or ''}".rstrip() for path, shape in shapes.items()
    )
    more = f" and {len(found) - MOST_FILES} more" if len(found) > MOST_FILES else ""
    count = shapes[samples][:1]
    labels = next((path for path, shape in shapes.items() if shape == count and count), None)
    take = f"{escape_name(os.fspath(samples))}" + (f" --label-key {escape_name(os.fspath(labels))}" if labels else "")
    return f"{escape_name(root)}: no pictures found, but arrays: {told}{more}. Give one of them: {take}"


def _shape(path: Path) -> tuple[int, ...] | None:
    """The shape of the only array of a file; of a file with several, nothing but a place for samples."""
    from mixup_cli.sources.arrays.contents import contents_of

    with suppress(MixupGenError, OSError):
        contents = contents_of(path)
        return tuple(contents.read(contents.keys[0]).shape) if len(contents.keys) == 1 else ()
    return None
