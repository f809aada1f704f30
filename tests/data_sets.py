"""Looks at finished data sets as a stranger would: with hashlib, json and h5py."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]


def digests(folder: Path, but: tuple[str, ...] = ("run.json",)) -> dict[str, str]:
    """The sha256 of every file in a folder tree, by path; run.json is what may differ."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in but)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of last change of every file: equal where nothing was written."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def manifest(folder: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    return plain


def columns(folder: Path) -> Columns:
    """Every column over all shards."""
    parts: dict[str, list[NDArray[Any]]] = {}
    for path in sorted(folder.glob("shard-*.h5")):
        with h5py.File(path) as file:
            for name in file:
                parts.setdefault(name, []).append(file[name][:])
    return {name: np.concatenate(part) for name, part in parts.items()}
