"""Finished and unfinished data sets that somebody has changed, sealed again where that takes more than a hash."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SHARD = "shard-00000.h5"


def change_manifest(out: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit manifest.json, with its line in SHA256SUMS."""
    path = out / "manifest.json"
    plain = json.loads(path.read_text())
    change(plain)
    seal(path, (json.dumps(plain, sort_keys=True, indent=1) + "\n").encode())


def seal(path: Path, content: bytes) -> None:
    """Write a file of the data set, with its line in SHA256SUMS."""
    sums = path.parent / "SHA256SUMS"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(content)
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(content).hexdigest()))


def change_shard(out: Path, change: Callable[[h5py.File], object]) -> None:
    """Edit the shard, with its hashes everywhere."""
    path = out / SHARD
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with h5py.File(path, "r+") as file:
        change(file)
    now = hashlib.sha256(path.read_bytes()).hexdigest()
    (out / "SHA256SUMS").write_text((out / "SHA256SUMS").read_text().replace(before, now))

    def tell(plain: dict[str, Any]) -> None:
        (record,) = plain["shards"]
        record["sha256"] = now
        record["bytes"] = plain["totals"]["bytes"] = path.stat().st_size

    change_manifest(out, tell)


def shard_of_manifest(name: str) -> Callable[[Path], None]:
    def make(out: Path) -> None:
        change_manifest(out, lambda plain: plain["shards"][0].__setitem__("file", name))

    return make


def replaced(value: Callable[[h5py.File], object]) -> Callable[[Path], None]:
    """The column `share` becomes something else."""

    def change(file: h5py.File) -> None:
        new = value(file)
        del file["share"]
        if new is not None:
            file["share"] = new

    return lambda out: change_shard(out, change)


def outside(out: Path) -> Path:
    return out.parent.parent / "outside"


def linked_shard(out: Path) -> None:
    """The shard lies elsewhere, whole, and a link leads to it."""
    shutil.move(out / SHARD, outside(out) / SHARD)
    (out / SHARD).symlink_to(outside(out) / SHARD)


def linked_to_itself(out: Path) -> None:
    (out / SHARD).unlink()
    (out / SHARD).symlink_to(SHARD)


def pipe_as_shard(out: Path) -> None:
    (out / SHARD).unlink()
    os.mkfifo(out / SHARD)


def folder_as_shard(out: Path) -> None:
    (out / SHARD).unlink()
    (out / SHARD).mkdir()


def external(file: h5py.File, out: Path) -> None:
    data = file["share"]
    shape, dtype = data.shape, data.dtype
    del file["share"]
    file.create_dataset("share", shape, dtype, external=[(str(outside(out) / "secret"), 0, data_bytes(shape, dtype))])


def data_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return int(np.prod(shape)) * dtype.itemsize


def virtual(file: h5py.File) -> None:
    shape = file["share"].shape
    del file["share"]
    layout = h5py.VirtualLayout(shape, "f4")
    layout[:] = h5py.VirtualSource("/nowhere.h5", "x", shape)
    file.create_virtual_dataset("share", layout)


def committed(file: h5py.File) -> None:
    values = file["share"][:]
    del file["share"]
    kind = h5py.h5t.py_create(values.dtype)
    kind.commit(file.id, b"type")
    space = h5py.h5s.create_simple(values.shape)
    h5py.Dataset(h5py.h5d.create(file.id, b"share", kind, space))[...] = values
    del file["type"]


SHARDS: dict[str, Callable[[Path], object]] = {
    "external link": replaced(lambda _: h5py.ExternalLink("/nowhere.h5", "share")),
    "soft link": replaced(lambda _: h5py.SoftLink("/label_share")),
    "soft link to itself": replaced(lambda _: h5py.SoftLink("/share")),
    "external storage": lambda out: change_shard(out, lambda file: external(file, out)),
    "virtual": lambda out: change_shard(out, virtual),
    "committed type": lambda out: change_shard(out, committed),
    "object references": replaced(lambda file: np.full(file["share"].shape, file.ref, h5py.ref_dtype)),
    "records": replaced(lambda file: np.zeros(file["share"].shape, [("a", "f4")])),
    "text": replaced(lambda file: [["a", "b"]] * len(file["share"])),
    "other numbers": replaced(lambda file: file["share"][:].astype("f8")),
    "another shape": replaced(lambda file: file["share"][:, :1]),
    "fewer rows": replaced(lambda file: file["share"][:-1]),
    "gone": replaced(lambda _: None),
    "a group": lambda out: change_shard(out, lambda file: (file.__delitem__("share"), file.create_group("share"))),
    "a link out of the folder": linked_shard,
    "a link to itself": linked_to_itself,
    "a pipe": pipe_as_shard,
    "a folder": folder_as_shard,
    "not HDF5": lambda out: (out / SHARD).write_bytes(b"text" * 999),
    "nothing": lambda out: (out / SHARD).write_bytes(b""),
}
"""Changes to the only shard of a compressed data set, by what its column `share`, or the file, becomes."""

MANIFESTS: dict[str, Callable[[Path], None]] = {
    "../outside": shard_of_manifest("../outside/shard-00000.h5"),
    "absolute": shard_of_manifest("/etc/passwd"),
    "a folder in between": shard_of_manifest("x/../shard-00000.h5"),
    "a line end": shard_of_manifest("shard-00000.h5\n"),
    "a NUL": shard_of_manifest("shard-00000.h5\0"),
    "an offset beyond": lambda out: change_manifest(
        out, lambda plain: plain["shards"][0]["columns"]["share"].__setitem__("offset", 1 << 62)
    ),
    "a negative offset": lambda out: change_manifest(
        out, lambda plain: plain["shards"][0]["columns"]["share"].__setitem__("offset", -1)
    ),
    "2**62 rows": lambda out: change_manifest(out, lambda plain: plain["shards"][0].__setitem__("stop", 1 << 62)),
    "2**62 inputs left out": lambda out: change_manifest(
        out, lambda plain: plain["source"].__setitem__("samples", 1 << 62)
    ),
    "a surplus field": lambda out: change_manifest(out, lambda plain: plain.__setitem__("exec", "touch IT-RAN")),
    "another version": lambda out: change_manifest(out, lambda plain: plain.__setitem__("format_version", 2)),
}


def values(column: str, value: int) -> Callable[[Path], None]:
    """A number of the first row, sealed again."""

    def change(file: h5py.File) -> None:
        stored = file[column][:]
        stored.reshape(-1)[0] = value
        file[column][...] = stored

    return lambda out: change_shard(out, change)
