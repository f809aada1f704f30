"""IDX, .npy, .npz and HDF5 files that lie, bombs, and ways out of a file."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

X = np.random.default_rng(7).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
Y = np.arange(6) % 2


def idx(folder: Path, header: bytes, data: bytes = bytes(384), name: str = "train-images-idx3-ubyte") -> None:
    (folder / name).write_bytes(header + data)


def lengths(*values: int, code: int = 8) -> bytes:
    return struct.pack(f">HBB{len(values)}I", 0, code, len(values), *values)


IDX_HEADERS = {
    "60,000 pictures of which 6 exist": lengths(60_000, 8, 8),
    "2**96 bytes": lengths(2**32 - 1, 2**32 - 1, 2**32 - 1),
    "32 dimensions of 2**32-1": lengths(*[2**32 - 1] * 32),
    "no samples, and dimensions of 2**32-1": lengths(0, *[2**32 - 1] * 5),
    "no dimensions": lengths(),
    "255 dimensions": b"\0\0\x08\xff",
    "a type that there is not": lengths(6, 8, 8, code=7),
    "one sample too few": lengths(5, 8, 8),
}


def npy(header: bytes, data: bytes = b"", version: int = 1) -> bytes:
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def described(descr: str, shape: str, order: str = "False") -> bytes:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".encode().ljust(117) + b"\n"


NPY = {
    "more than is there": npy(described("'|u1'", "(60000, 32, 32, 3)")),
    "2**70 samples": npy(described("'|u1'", f"({2**70},)")),
    "2**62 samples of no bytes": npy(described("'|S0'", f"({2**62},)")),
    "no samples of 2**62 values": npy(described("'|u1'", f"(0, {2**62}, {2**62})")),
    "minus one sample": npy(described("'|u1'", "(-1, 8, 8)")),
    "100 dimensions": npy(described("'|u1'", "(" + "1," * 100 + ")"), b"x"),
    "strings of 2 GB each": npy(described("'<U500000000'", "(1,)")),
    "objects": npy(described("'|O'", "(6,)"), b"\x80\x02cos\nsystem\n."),
    "records": npy(described("[('a', '|u1')]", "(6, 8)"), bytes(48)),
    "a header that is a program": npy(b"__import__('os').system('touch IT-RAN')\n"),
    "a header of 9,000 minus signs": npy(b"{'descr': " + b"-" * 9000 + b"1}\n"),
    "a header of 9,000 brackets": npy(b"[" * 9000 + b"\n"),
    "a header of 4 GB": npy(b"", version=2)[:8] + b"\xff\xff\xff\xff" + b" " * 99,
    "version 9": npy(described("'|u1'", "(6,)"), version=9),
    "nothing but the magic": b"\x93NUMPY",
    "no bytes": b"",
}


def npy_file(folder: Path, name: str) -> None:
    (folder / "x.npy").write_bytes(NPY[name])


def npz(folder: Path, **members: bytes) -> Path:
    path = folder / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npz_member(folder: Path, name: str) -> None:
    npz(folder, x=NPY[name])


def npz_header_bomb(folder: Path, count_bytes: int) -> None:
    """A header that claims 4 GB, and inflates to `count_bytes` of them."""
    npz(folder, x=npy(b"", version=2)[:8] + struct.pack("<I", 2**32 - 1) + b" " * count_bytes)


def npz_bomb(folder: Path, count_bytes: int) -> None:
    """Samples of zeros, as true as can be, and a thousandth of their size."""
    packed = zipfile.ZipFile(folder / "x.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=9)
    with packed as archive, archive.open("x.npy", "w", force_zip64=True) as member:
        member.write(npy(described("'|u1'", f"({count_bytes >> 20}, 1024, 1024)")))
        for _ in range(count_bytes >> 20):
            member.write(bytes(1 << 20))


def npz_without_members(folder: Path) -> None:
    npz(folder)


def npz_that_leads_out(folder: Path) -> None:
    npz(folder, **{"../../outside/x": NPY["objects"]})


def npz_encrypted(folder: Path) -> None:
    path = npz(folder, x=NPY["records"])
    data = bytearray(path.read_bytes())
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1
    path.write_bytes(data)


def wrong_suffix(folder: Path, name: str) -> None:
    """An array under another kind's name."""
    out = io.BytesIO()
    np.save(out, X)
    (folder / name).write_bytes(out.getvalue())


Draw = Callable[[h5py.File, Path], object]


def hdf5(folder: Path, draw: Draw) -> None:
    with h5py.File(folder / "x.h5", "w") as file:
        draw(file, folder)


def beside(folder: Path) -> str:
    """Another file, which must not be read."""
    other = folder.parent / "outside/other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = X
    return str(other)


def virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout(X.shape, X.dtype)
    layout[:] = h5py.VirtualSource(beside(folder), "x", X.shape)
    file.create_virtual_dataset("x", layout)


def external_to_pipe(file: h5py.File, folder: Path) -> None:
    """Who as much as opens the target waits for ever."""
    import os

    os.mkfifo(folder / "pipe")
    file["x"] = h5py.ExternalLink(str(folder / "pipe"), "x")


def hard_loop(file: h5py.File, folder: Path) -> None:
    file.create_group("x")["x"] = file["/"]


def huge_chunk(file: h5py.File, folder: Path) -> None:
    """One chunk of 2 GB, deflated to 2 MB."""
    space = h5py.h5s.create_simple((8, 1 << 14, 1 << 14), (h5py.h5s.UNLIMITED,) * 3)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((8, 1 << 14, 1 << 14))
    properties.set_deflate(9)
    made = h5py.h5d.create(file.id, b"x", h5py.h5t.STD_U8LE, space, properties)
    made.write_direct_chunk((0, 0, 0), b"x" * (2 << 20))


def made(name: str, *arguments: Any, **options: Any) -> Draw:
    return lambda file, _: file.create_dataset(name, *arguments, **options)


def linked(link: Any) -> Draw:
    return lambda file, _: file.__setitem__("x", link)


def deflated_zeros(count: int) -> bytes:
    """Many times 8 MiB of zeros, of which all but the first are compressed once: after a full flush, each stands for
    itself. Without an end."""
    packer, zeros = zlib.compressobj(9), bytes(8 << 20)
    first, again = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (count - 1)


def deflate_bomb(file: h5py.File, _: Path) -> None:
    """One chunk of a megabyte of deflate, which HDF5's own filter would inflate in full."""
    stored = file.create_dataset("x", (16, 1 << 16), "u1", chunks=(16, 1 << 16), compression="gzip")
    stored.id.write_direct_chunk((0, 0), deflated_zeros(128)[: 1 << 20])


def unwritten_grid(file: h5py.File, _: Path) -> None:
    """Rows of two million chunks each, of which one exists."""
    stored = file.create_dataset("x", (30, 2_000_000), "u1", chunks=(1, 1))
    stored[0, 0] = 1
    file.create_dataset("y", data=np.arange(29))


HDF5: dict[str, Draw] = {
    "a chunk that inflates to a gigabyte": deflate_bomb,
    "two million chunks beside each other": unwritten_grid,
    "a filter whose output has no bound": made("x", (16, 16), "i4", chunks=(4, 4), scaleoffset=0),
    "external link": lambda file, folder: file.__setitem__("x", h5py.ExternalLink(beside(folder), "x")),
    "external link to a pipe": external_to_pipe,
    "external storage": lambda file, folder: file.create_dataset(
        "x", X.shape, X.dtype, external=[(str(folder.parent / "outside/secret"), 0, X.nbytes)]
    ),
    "virtual": virtual,
    "soft link in a circle": linked(h5py.SoftLink("/x")),
    "hard link in a circle": hard_loop,
    "2**40 rows of which none exists": made("x", (1 << 40, 9, 9), "u1", chunks=(1, 9, 9)),
    "2**60 values": made("x", (1 << 30, 1 << 30), "u1", chunks=(1, 1)),
    "one chunk of 2 GB": huge_chunk,
    "no shape": made("x", data=h5py.Empty("u1")),
    "one value": made("x", data=5),
    "records": made("x", (6, 2), [("a", "u1"), ("b", "u1")]),
    "object references": made("x", (6, 2), h5py.ref_dtype),
    "region references": made("x", (6, 2), h5py.regionref_dtype),
    "complex numbers": made("x", (6, 2), "c8", data=np.ones((6, 2), "c8")),
    "text": made("x", data=[["a", "b"]]),
    "arrays of different lengths": made("x", (6,), h5py.vlen_dtype(np.uint8)),
    "opaque": made("x", (6, 2), "V16"),
    "no samples": made("x", (0, 8, 8, 3), "u1"),
}


def hdf5_file(folder: Path, name: str) -> None:
    hdf5(folder, HDF5[name])


def hdf5_cut(folder: Path, kept: float) -> None:
    hdf5(folder, lambda file, _: file.create_dataset("x", data=np.tile(X, (200, 1, 1, 1)), compression="gzip"))
    whole = (folder / "x.h5").read_bytes()
    (folder / "x.h5").write_bytes(whole[: int(len(whole) * kept)])


def tensor(**changes: Any) -> bytes:
    """A file of safetensors with one array, x, whose header says something else."""
    said = {"dtype": "U8", "shape": [6, 8], "data_offsets": [0, 48], **changes}
    header = json.dumps({"x": said}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(48)


SAFETENSORS = {
    "nothing": b"",
    "a header of 2**63 bytes": struct.pack("<Q", 2**63) + bytes(48),
    "no JSON": struct.pack("<Q", 8) + bytes(48),
    "a list": struct.pack("<Q", 2) + b"[]",
    "200,000 brackets": struct.pack("<Q", 200_000) + b"[" * 200_000,
    "more than is there": tensor(shape=[60_000, 32], data_offsets=[0, 60_000 * 32]),
    "another length than its offsets": tensor(shape=[60_000, 32]),
    "2**70 samples": tensor(shape=[2**70]),
    "minus one sample": tensor(shape=[-1, 8]),
    "an offset before the file": tensor(data_offsets=[-48, 0]),
    "offsets that go back": tensor(data_offsets=[48, 0]),
    "a dtype that there is not": tensor(dtype="F8_E4M3"),
    "a list for the dtype": tensor(dtype=[]),
    "a number for the shape": tensor(shape=6),
    "a text for an offset": tensor(data_offsets=["0", 48]),
    "no samples": tensor(shape=[0, 8], data_offsets=[0, 0]),
}


def safetensors_file(folder: Path, name: str) -> None:
    (folder / "x.safetensors").write_bytes(SAFETENSORS[name])
