"""CIFAR archives and gzip files: pickles that run code, bombs, tars that lead out or lie."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.unit.sources.cifar.cifar_archives import (
    Batch,
    add_file,
    binary_batch,
    cifar_files,
    py2_array,
    py2_dict,
    py2_int,
    py2_list,
    write_cifar,
)

FOLDER = "cifar-10-batches-py"
BATCH = "data_batch_1"
TRACE = "IT-RAN"
COMMAND = f"touch {TRACE}"


class Calls:
    """Pickles into a call of `function` (REDUCE, and with a `state` BUILD)."""

    def __init__(self, function: Any, arguments: tuple[object, ...], state: object = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def archive(folder: Path, content: bytes, name: str = "cifar.tar") -> None:
    """A CIFAR-10 archive whose first batch is `content`."""
    files = cifar_files("10", "python")
    files[BATCH] = content
    write_cifar(folder / name, files, FOLDER)


def runs_code(folder: Path, protocol: int, nested: bool) -> None:
    bad = Calls(os.system, (COMMAND,))
    archive(folder, pickle.dumps({"data": [[bad]]} if nested else bad, protocol))


BAITS = {
    "BUILD": b"\x80\x02cnumpy\ndtype\nU\x02u1\x85Rcos\nsystem\nV%b\n\x85Rb.",
    "GLOBAL": b"cos\nsystem\n.",
    "INST": b"(V%b\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nV%b\no.",
    "NEWOBJ": b"\x80\x02csubprocess\nPopen\nV%b\n\x85\x81.",
    "NEWOBJ_EX": b"\x80\x04csubprocess\nPopen\nV%b\n\x85}\x92.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93V%b\n\x85R.",
    "EXT4": b"\x80\x02\x84\x01\0\0\0.",
    "BINPERSID": b"V%b\nQ.",
    "NEXT_BUFFER": b"\x80\x05\x97.",
}


def opcode(folder: Path, name: str) -> None:
    archive(folder, BAITS[name].replace(b"%b", COMMAND.encode()))


PICKLE_BOMBS = {
    "LONG4 of 2 GB": b"\x80\x02\x8b\xff\xff\xff\x7f1.",
    "LONG4 of minus 1 byte": b"\x80\x02\x8b\xff\xff\xff\xff1.",
    "BINBYTES8 of 2**62": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
    "BYTEARRAY8 of 2**62": b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"x.",
    "FRAME of 2**62": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.",
    "a memo of minus 1": b"Np-1\n.",
    "a memo of 2**31": b"\x80\x02Nr\xff\xff\xff\x7fj\xff\xff\xff\x7e.",
    "no STOP": b"\x80\x02}(K\x01",
    "opcodes that do not exist": b"\x80\x02\xff\xfe.",
    "900,000 lists in lists": b"\x80\x02" + b"]" * 450_000 + b"a" * 449_999 + b".",
    "900,000 marks": b"(" * 900_000 + b".",
    "a key of doubled tuples": b"\x80\x02})" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(60)) + b"K\x01s.",
    "the same list in itself": b"\x80\x02}(U\x04data]q\x01h\x01h\x01ahe.",
    "strings with wrong escapes": b"S'\\x'\n.",
    "a number of 100,000 digits": b"L" + b"9" * 100_000 + b"L\n.",
}


def pickle_bomb(folder: Path, name: str) -> None:
    archive(folder, PICKLE_BOMBS[name])


def sound_batch() -> bytes:
    pixels = np.zeros((2, 3072), np.uint8)
    return py2_dict({"data": py2_array(pixels), "labels": py2_list([py2_int(0), py2_int(1)])})


def tar(folder: Path, *members: tuple[tarfile.TarInfo, bytes], name: str = "cifar.tar") -> None:
    with tarfile.open(folder / name, "w") as file:
        for info, content in members:
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def tar_member(folder: Path, name: str, kind: bytes = tarfile.REGTYPE) -> None:
    """A batch under a `name` that leads out, or a link or device in place of a batch; beside it the names."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "../../outside/secret"
    meta = tarfile.TarInfo(f"{FOLDER}/batches.meta")
    tar(
        folder,
        (info, sound_batch() if kind == tarfile.REGTYPE else b""),
        (meta, cifar_files("10", "python")["batches.meta"]),
    )


def million_members(folder: Path, count: int = 1_000_000) -> None:
    """Headers of empty files, behind one that makes it CIFAR."""
    path = folder / "cifar.tar"
    write_cifar(path, {BATCH: sound_batch()}, FOLDER)
    header = tarfile.TarInfo("x").tobuf()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - path.stat().st_size % 512)
        end = file.read().rstrip(b"\0")
        file.seek(-(-len(end) // 512) * 512)
        for _ in range(count // 10_000):
            file.write(header * 10_000)
        file.write(bytes(1024))


def size_that_lies(folder: Path, size: int) -> None:
    """A batch whose header claims `size` bytes."""
    info = tarfile.TarInfo(f"{FOLDER}/{BATCH}")
    info.size = size
    (folder / "cifar.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + sound_batch())


def negative_size(folder: Path) -> None:
    info = tarfile.TarInfo(f"{FOLDER}/{BATCH}")
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"\xff" * 11 + b"\xf6"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    (folder / "cifar.tar").write_bytes(bytes(header) + bytes(1024))


def sparse_member(folder: Path) -> None:
    """A GNU sparse file that claims to be far larger than what is stored."""
    info = tarfile.TarInfo(f"{FOLDER}/{BATCH}")
    info.type = tarfile.GNUTYPE_SPARSE
    tar(folder, (info, b""), (tarfile.TarInfo(f"{FOLDER}/batches.meta"), b"]."))


def zeros(count_bytes: int) -> Iterator[bytes]:
    for _ in range(count_bytes >> 20):
        yield bytes(1 << 20)


def deflated(path: Path, parts: Iterator[bytes]) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as file:
        for part in parts:
            file.write(packer.compress(part))
        file.write(packer.flush())


def gzip_bomb_in_tar(folder: Path, count_bytes: int) -> None:
    """A tar.gz that begins as CIFAR and inflates to `count_bytes` more of one batch."""
    info = tarfile.TarInfo(f"{FOLDER}/{BATCH}")
    info.size = count_bytes

    def parts() -> Iterator[bytes]:
        yield info.tobuf(tarfile.GNU_FORMAT)
        yield from zeros(count_bytes)

    deflated(folder / "cifar.tar.gz", parts())


def large_batches(folder: Path) -> None:
    """A tar.gz of half a megabyte with nine batches of 100 MB each, in the binary version, all of them true to form."""

    def parts() -> Iterator[bytes]:
        rows = 100_000_000 // 3073
        for number in range(1, 10):
            info = tarfile.TarInfo(f"cifar-10-batches-bin/data_batch_{number}.bin")
            info.size = rows * 3073
            yield info.tobuf(tarfile.GNU_FORMAT)
            for _ in range(info.size // 1_000_000):
                yield bytes(1_000_000)
            yield bytes(info.size % 1_000_000 + -info.size % 512)
        yield bytes(1024)

    deflated(folder / "cifar.tar.gz", parts())


def idx_gzip_bomb(folder: Path, count_bytes: int) -> None:
    """A .gz of IDX pictures that inflates to `count_bytes`, as its header says."""

    def parts() -> Iterator[bytes]:
        yield b"\0\0\x08\x03" + struct.pack(">3I", count_bytes >> 20, 1024, 1024)
        yield from zeros(count_bytes)

    deflated(folder / "train-images-idx3-ubyte.gz", parts())


def many_gzip_members(folder: Path, count: int) -> None:
    """A tar of CIFAR, and behind it `count` empty gzip members."""
    write_cifar(folder / "plain.tar", cifar_files("10", "python"), FOLDER)
    (folder / "cifar.tar.gz").write_bytes(
        gzip.compress((folder / "plain.tar").read_bytes()) + gzip.compress(b"") * count
    )
    (folder / "plain.tar").unlink()


def zeros_behind_gzip(folder: Path, count_bytes: int) -> None:
    """A .tar.gz that is followed by zeros, which take no room on the disk."""
    write_cifar(folder / "cifar.tar.gz", cifar_files("10", "python"), FOLDER)
    with (folder / "cifar.tar.gz").open("r+b") as file:
        file.truncate(count_bytes)


def cut_gzip(folder: Path, kept: float) -> None:
    """The first part of an archive, large enough to be read ahead in several pieces."""
    pixels = np.random.default_rng(0).integers(0, 256, (4000, 3072), np.uint8)
    files = {
        f"data_batch_{number}.bin": binary_batch("10", Batch(pixels, [0] * len(pixels), [])) for number in range(1, 3)
    }
    write_cifar(folder / "cifar.tar.gz", files, "cifar-10-batches-bin")
    whole = (folder / "cifar.tar.gz").read_bytes()
    (folder / "cifar.tar.gz").write_bytes(whole[: int(len(whole) * kept)])


def refused_half_way(folder: Path) -> None:
    """A hostile batch, with 60 MB behind it that the other thread goes on to read."""
    noise = np.random.default_rng(0).integers(0, 256, 60_000_000, np.uint8).tobytes()
    with tarfile.open(folder / "cifar.tar.gz", "w:gz", compresslevel=1) as file:
        add_file(file, f"{FOLDER}/{BATCH}", BAITS["GLOBAL"])
        add_file(file, f"{FOLDER}/data_batch_2", noise)
