"""The files of a data set lie in its folder. Links out of it are not followed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.storage.mirror import fetch, mirrored
from mixup_cli.wording import setting

REMEDY = "Put the file itself there."


def file_inside(folder: Path, name: str, sha256: str | None = None) -> Path:
    """The path of a data set's file, which may be missing. Raises DataError if it is not a file in this folder.

    In a mirror of a store it is fetched if it is not here yet. Raises DataError then if its hash is not `sha256`.
    """
    path = folder / name
    try:
        place, home = path.resolve(), folder.resolve()
    except (OSError, RuntimeError) as problem:  # links in a circle
        raise DataError(f"{path}: is a link that leads nowhere ({problem}).", REMEDY) from None
    if not place.is_relative_to(home):
        raise DataError(f"{path}: is a link out of the data set's folder, to {place}.", REMEDY)
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: is not a regular file.", REMEDY)
    if (store := mirrored(folder)) is not None:
        fetch(folder, store, name, sha256)
    return path


def check_plain(work: Path, levels: int = 2) -> None:
    """Raises DataError if a work folder is or holds a link, which would have us write or remove files elsewhere, or a
    pipe, which would have us wait for ever. Looks at files of that many levels."""
    if work.is_symlink():
        raise _other(work, "a link")
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(work) as entries:  # removed, or `mkdir` reports it
        for entry in entries:  # a listing says what each is: with a million sidecars, asking takes ten times as long
            if entry.is_symlink():
                raise _other(Path(entry), "a link")
            if entry.is_dir():
                if levels > 1:
                    check_plain(Path(entry), levels - 1)
            elif not entry.is_file():
                raise _other(Path(entry), "a pipe or a device")


def _other(path: Path, what: str) -> DataError:
    return DataError(
        f"{path}: is {what}, which mixup-gen never makes there.", f"Remove it, or use another {setting('out')}."
    )
