"""The containers of arrays, by suffix. A new one is a file with an `ArrayFile`, and a line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mixup_cli.errors import DataError
from mixup_cli.sources.arrays.array_file import ArrayFile
from mixup_cli.sources.arrays.hdf5 import Hdf5File
from mixup_cli.sources.arrays.idx_file import IdxFile, begins_as_idx
from mixup_cli.sources.arrays.matlab import MatlabFile
from mixup_cli.sources.arrays.npy import NpyFile
from mixup_cli.sources.arrays.npz import NpzFile
from mixup_cli.sources.arrays.safetensors import SafetensorsFile

CONTAINERS: dict[str, Callable[[Path], ArrayFile]] = {
    ".npz": NpzFile,
    ".npy": NpyFile,
    ".h5": Hdf5File,
    ".hdf5": Hdf5File,
    ".mat": MatlabFile,
    ".safetensors": SafetensorsFile,
}


def open_container(path: Path) -> ArrayFile:
    """Raises DataError for a damaged file and for one that is not an array file; NoInputError if it cannot be read."""
    container = CONTAINERS.get(path.suffix.lower())
    if container is None and begins_as_idx(path):
        container = IdxFile
    if container is None:
        raise DataError(f"{path}: is not an array file. Give {', '.join(CONTAINERS)} or IDX.")
    return container(path)
