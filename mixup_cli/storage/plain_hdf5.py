"""Opening what an HDF5 file really holds: everything that leads out of the file is refused."""

from __future__ import annotations

from typing import Any

import h5py

from mixup_cli.errors import DataError


def plain_numbers(file: h5py.File, key: str, where: str) -> h5py.Dataset:
    """A plain data set of plain numbers. Raises DataError for records, references, text and types with a name, too."""
    found = plain_data_set(file, key, where)
    if found.dtype.kind not in "iuf" or found.id.get_type().committed():
        raise DataError(f"{where}: is of the type {found.dtype}, expected plain numbers.")
    return found


def plain_data_set(file: h5py.File, key: str, where: str) -> h5py.Dataset:
    """A data set of this very file, found step by step: no link is followed before it is known to be a hard one.

    Raises DataError, which begins with `where`, for anything else: other links, virtual and external storage, groups.
    """
    found: Any = file
    for part in key.strip("/").split("/"):
        if not isinstance(found, h5py.Group) or part not in found:
            raise DataError(f"{where}: is not in the file. Found: {', '.join(sorted(file))}.")
        link = found.get(part, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{where}: is a {type(link).__name__} and is not followed, expected a plain data set.")
        found = found[part]
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{where}: is a {type(found).__name__.lower()}, expected a plain data set.")
    if found.external or found.is_virtual:
        kind = "a virtual data set" if found.is_virtual else "stored in other files"
        raise DataError(f"{where}: is {kind} and is not followed, expected a plain data set.")
    return found
