"""The files of a data set lie in its folder. What leads out of it is not followed."""

from __future__ import annotations

from pathlib import Path

from mixup_cli.errors import DataError


def file_inside(folder: Path, name: str) -> Path:
    """The path of a data set's file, which need not be there. Raises DataError where it is no file of this folder."""
    path = folder / name
    try:
        place, home = path.resolve(), folder.resolve()
    except (OSError, RuntimeError) as problem:  # links in a circle
        raise DataError(f"{path}: is a link that leads nowhere ({problem}). Put the file itself there.") from None
    if not place.is_relative_to(home):
        raise DataError(f"{path}: is a link out of the data set's folder, to {place}. Put the file itself there.")
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: is no regular file. Put the file itself there.")
    return path
