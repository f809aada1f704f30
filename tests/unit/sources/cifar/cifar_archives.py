"""Writes tiny CIFAR archives as the published ones are: the opcodes of Python 2 and NumPy 1, or the binary version."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["10", "100"]
Form = Literal["python", "binary"]

FOLDERS: dict[tuple[Kind, Form], str] = {
    ("10", "python"): "cifar-10-batches-py",
    ("10", "binary"): "cifar-10-batches-bin",
    ("100", "python"): "cifar-100-python",
    ("100", "binary"): "cifar-100-binary",
}
CLASS_COUNT: dict[Kind, int] = {"10": 10, "100": 100}


@dataclass(frozen=True)
class Batch:
    """`pixels` uint8 (n, 3072); `fine` and `coarse` classes, of which CIFAR-10 has the fine ones alone."""

    pixels: NDArray[np.uint8]
    fine: list[int]
    coarse: list[int]


def tiny_batches(kind: Kind) -> dict[str, Batch]:
    """By file stem: 5 training batches of 4 (CIFAR-10) or one of 7 (CIFAR-100), and a test batch of 3."""
    sizes = {f"data_batch_{number}": 4 for number in range(1, 6)} | {"test_batch": 3}
    if kind == "100":
        sizes = {"train": 7, "test": 3}
    draw = np.random.default_rng(10)
    batches = {}
    for stem, count in sizes.items():
        fine = draw.integers(0, CLASS_COUNT[kind], count).tolist()
        pixels = draw.integers(0, 256, (count, 3072), dtype=np.uint8)
        batches[stem] = Batch(pixels, fine, [label // 5 for label in fine])
    return batches


def names_of(kind: Kind, level: str = "fine") -> list[str]:
    count = 20 if level == "coarse" else CLASS_COUNT[kind]
    return [f"{level} thing {index}" for index in range(count)]


def cifar_files(kind: Kind, form: Form) -> dict[str, bytes]:
    """File name to content, in an order in which the names of the classes come in between."""
    batches = tiny_batches(kind)
    encode = python_batch if form == "python" else binary_batch
    suffix = "" if form == "python" else ".bin"
    files = {stem + suffix: encode(kind, batch) for stem, batch in batches.items()}
    first = next(reversed(files))  # the published archives are in no order either
    return {first: files.pop(first)} | names_files(kind, form) | dict(reversed(files.items()))


def names_files(kind: Kind, form: Form) -> dict[str, bytes]:
    if form == "binary":
        levels = {"fine_label_names.txt": "fine", "coarse_label_names.txt": "coarse"}
        if kind == "10":
            levels = {"batches.meta.txt": "fine"}
        return {name: ("\n".join(names_of(kind, level)) + "\n\n").encode() for name, level in levels.items()}
    if kind == "10":
        return {"batches.meta": py2_dict({"num_vis": py2_int(3072), "label_names": py2_texts(names_of(kind))})}
    levels = {"fine_label_names": "fine", "coarse_label_names": "coarse"}
    return {"meta": py2_dict({key: py2_texts(names_of(kind, level)) for key, level in levels.items()})}


def write_cifar(path: Path, files: Mapping[str, bytes], folder: str) -> Path:
    """As a folder, a .tar or a .tar.gz, by the suffix of `path`."""
    if path.suffix not in (".tar", ".gz", ".tgz"):
        (path / folder).mkdir(parents=True)
        for name, content in files.items():
            (path / folder / name).write_bytes(content)
        return path
    with tarfile.open(path, "w" if path.suffix == ".tar" else "w:gz") as tar:
        tar.addfile(directory := tarfile.TarInfo(folder))
        directory.type = tarfile.DIRTYPE
        for name, content in files.items():
            add_file(tar, f"{folder}/{name}", content)
    return path


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def binary_batch(kind: Kind, batch: Batch) -> bytes:
    labels = [batch.fine] if kind == "10" else [batch.coarse, batch.fine]
    return np.hstack([np.array(labels, np.uint8).T, batch.pixels]).tobytes()


def python_batch(kind: Kind, batch: Batch) -> bytes:
    labels = {"labels": batch.fine} if kind == "10" else {"fine_labels": batch.fine, "coarse_labels": batch.coarse}
    return py2_dict(
        {
            "filenames": py2_texts(f"{index}.png" for index in range(len(batch.fine))),
            **{key: py2_list(py2_int(value) for value in values) for key, values in labels.items()},
            "data": py2_array(batch.pixels),
        }
    )


def py2_text(data: bytes) -> bytes:
    """SHORT_BINSTRING or BINSTRING, which Python 2 wrote for str."""
    return b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data


def py2_int(value: int) -> bytes:
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def py2_list(items: Iterable[bytes]) -> bytes:
    return b"](" + b"".join(items) + b"e"


def py2_texts(texts: Iterable[str]) -> bytes:
    return py2_list(py2_text(text.encode()) for text in texts)


def py2_dict(items: Mapping[str, bytes]) -> bytes:
    return b"\x80\x02}(" + b"".join(py2_text(key.encode()) + value for key, value in items.items()) + b"u."


def py2_array(pixels: NDArray[np.uint8], data: bytes | None = None, dtype: bytes = b"u1") -> bytes:
    """BUILD of (1, shape, dtype, is_fortran, data) onto _reconstruct(ndarray, (0,), "b")."""
    rows, columns = pixels.shape
    kind = (
        b"cnumpy\ndtype\n"
        + py2_text(dtype)
        + b"K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    head = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    content = pixels.tobytes() if data is None else data
    return head + b"(K\x01" + py2_int(rows) + py2_int(columns) + b"\x86" + kind + b"\x89" + py2_text(content) + b"tb"
