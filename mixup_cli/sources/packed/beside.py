"""Images that lie beside packed samples, so that it is in doubt which of both a folder is given for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

from mixup_cli.errors import UsageError
from mixup_cli.sources.pictures.walk import is_junk, is_picture
from mixup_cli.sources.reading.names import escape_name, names_of

MOST_NAMES = 100
"""How many names of a folder are looked at: one of images has them among its first."""


def check_alone(folder: Path, packed: Iterable[str]) -> None:
    """Raises UsageError if other folders in this one hold images, as those of classes do; `packed` are the names of
    what it is read for."""
    if found := sorted(_picture_folders(folder)):
        what, where = names_of(sorted(packed), 1), names_of(found)
        remedy = "To read the first, name it; to read the images, move it elsewhere."
        raise UsageError(f"{escape_name(str(folder))}: holds {what}, and images in folders ({where}).", remedy)


def _picture_folders(folder: Path) -> Iterable[str]:
    with os.scandir(folder) as entries:
        folders = [each for each in entries if os.path.isdir(each) and not is_junk(each.name)]
    for each in folders:
        with suppress(OSError), os.scandir(each) as inside:  # who may not list it does not mean it
            if any(is_picture(entry.name) for entry in islice(inside, MOST_NAMES)):
                yield each.name
