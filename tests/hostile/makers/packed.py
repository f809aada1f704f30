"""Tars and zips of images that lead out, lie about sizes, or are made to fill the memory; and tables like them."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from mixup_cli.sources.tables.parquet import require_parquet
from tests.packed_sources import write_tar
from tests.small_sounds import encoded, tone


def image() -> bytes:
    found = io.BytesIO()
    Image.new("RGB", (20, 20), (9, 99, 199)).save(found, "PNG")
    return found.getvalue()


def tar_of(folder: Path, *members: tuple[tarfile.TarInfo, bytes], end: bytes = bytes(1024)) -> None:
    """`x.tar` of headers, with the sizes that they claim, and contents."""
    blocks = [info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512) for info, data in members]
    (folder / "x.tar").write_bytes(b"".join(blocks) + end)


def member(name: str, size: int | None = None, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(image()) if size is None else size, kind, link
    return info


def good_and(*bad: tuple[tarfile.TarInfo, bytes], end: bytes = bytes(1024)) -> Callable[[Path], object]:
    return lambda folder: tar_of(folder, (member("cat/0.png"), image()), *bad, end=end)


WAVE = encoded(tone(200))


def _cut(members: Mapping[str, bytes]) -> Callable[[Path], object]:
    """A tar that ends within its last member."""

    def make(folder: Path) -> None:
        whole = write_tar(folder / "x.tar", members).read_bytes()
        (folder / "x.tar").write_bytes(whole[: whole.rindex(WAVE) + 99])

    return make


TARS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a size beyond the end": (good_and((member("dog/0.png", 1 << 40), image())), "is cut short within dog/0.png"),
    "minus ten bytes": (good_and((member("dog/0.png", -10), image())), "claims a size of -10 bytes"),
    "a name that leads out": (good_and((member("../outside/x.png"), image())), "has a member named"),
    "a name of 1 GB": (good_and((member("x", 1 << 30, tarfile.GNUTYPE_LONGNAME), b"x")), "record of 1073741824 bytes"),
    "a record of 1 GB": (good_and((member("x", 1 << 30, b"x"), b"x")), "record of 1073741824 bytes"),
    "a record without an end": (good_and((member("x", 9, b"x"), b"99999 a=b")), "damaged extended header"),
    "a record of no length": (good_and((member("x", 9, b"x"), b"0 path=b\n")), "damaged extended header"),
    "a size in words": (
        good_and((member("x", 12, b"x"), b"12 size=1e9\n"), (member("dog/0.png"), image())),
        "claims a size of '1e9' bytes",
    ),
    "a size of many digits": (
        good_and((member("x", 5010, b"x"), b"5010 size=" + b"9" * 4999 + b"\n"), (member("dog/0.png"), image())),
        "claims a size of '9999",
    ),
    "a sparse file": (good_and((member("dog/0.png", kind=tarfile.GNUTYPE_SPARSE), image())), "as a sparse file"),
    "no end": (good_and(end=b""), "no end mark"),
    "half a block": (good_and(end=b"x" * 100), "no end mark"),
    "noise": (good_and(end=b"x" * 1024), "damaged at byte 1024"),
    "a link": (
        good_and((member("dog/0.png", 0, tarfile.SYMTYPE, "../../outside/secret"), b"")),
        "is a link to ../../outs",
    ),
    "a hard link": (good_and((member("dog/0.png", 0, tarfile.LNKTYPE, "cat/0.png"), b"")), "is a link to cat/0.png"),
    "a device": (good_and((member("dog/0.png", 0, tarfile.CHRTYPE), b"")), "is a device or a pipe"),
    "twice": (good_and((member("cat/0.png"), image())), "holds cat/0.png twice"),
    "a sound that is cut off": (_cut({"a/0.wav": WAVE, "b/0.wav": WAVE}), "is cut short within b/0.wav"),
    "a pair of WebDataset that is cut off": (_cut({"0.cls": b"1", "0.wav": WAVE}), "is cut short within 0.wav"),
    "gzip in disguise": (
        lambda folder: Path(folder, "x.tar").write_bytes(zlib.compress(b"x" * 9999, wbits=31) * 40),
        "is compressed, so its members cannot be read in place. Unpack it with gunzip",
    ),
}


def tar(folder: Path, name: str) -> None:
    TARS[name][0](folder)


def zip_of(folder: Path, *bad: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytearray:
    with zipfile.ZipFile(folder / "x.zip", "w", method, compresslevel=9) as archive:
        for name, data in (("cat/0.png", image()), *bad):
            archive.writestr(name, data)
    return bytearray((folder / "x.zip").read_bytes())


def changed(at: int, form: str, value: int) -> Callable[[Path], object]:
    """A zip with another number in the record of the last member in its list, `at` bytes behind the record's start."""

    def make(folder: Path) -> None:
        data = zip_of(folder, ("dog/0.png", image()))
        struct.pack_into(form, data, data.rindex(b"PK\1\2") + at, value)
        (folder / "x.zip").write_bytes(data)

    return make


def inflating(name: str, count_bytes: int) -> Callable[[Path], object]:
    return lambda folder: zip_of(folder, (name, bytes(count_bytes)))


def overlapping(folder: Path) -> None:
    """Many members that share their bytes: the list names the same place again and again."""
    data = zip_of(folder, ("dog/0.png", bytes(8 << 20)))
    start, end = data.rindex(b"PK\1\2"), data.rindex(b"PK\5\6")
    record = bytes(data[start:end])
    records = b"".join(record.replace(b"dog/0.png", b"d%02d/0.png" % number) for number in range(100))
    tail = bytearray(data[end:])
    struct.pack_into("<HHI", tail, 8, 101, 101, start - data.index(b"PK\1\2") + len(records))
    (folder / "x.zip").write_bytes(bytes(data[:start]) + records + bytes(tail))


def long_list(folder: Path) -> None:
    """A list of members that claims to be 3 GB long, in a file with a hole of that size."""
    with (folder / "x.zip").open("wb") as file:
        file.write(b"PK\3\4")
        file.seek(3 << 30)
        file.write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, (3 << 30) - 4, 4, 0))


ZIPS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a name that leads out": (lambda folder: zip_of(folder, ("../x.png", b"")), "has a member named"),
    "encrypted": (changed(8, "<H", 1), "dog/0.png is encrypted. Unpack it with its password"),
    "lzma": (lambda folder: zip_of(folder, method=zipfile.ZIP_LZMA), "is packed by lzma, and only deflate"),
    "a size of 4 GB": (changed(24, "<I", (1 << 32) - 2), "dog/0.png: has 4294967294 bytes"),
    "a size of 500 MB": (changed(24, "<I", 500 << 20), "dog/0.png: claims to inflate from"),
    "one byte too few": (changed(24, "<I", len(image()) - 1), "dog/0.png: is cut short or damaged"),
    "another CRC-32": (changed(16, "<I", 7), "dog/0.png: is cut short or damaged"),
    "a place outside": (changed(42, "<I", 1 << 31), "png: "),
    "a place within another": (changed(42, "<I", 9), "png: is not where the archive's list says"),
    "a bomb": (inflating("dog/0.png", 40 << 20), "dog/0.png: claims to inflate from"),
    "a bomb of labels": (inflating("metadata.csv", 40 << 20), "x.zip/metadata.csv: claims to inflate from"),
    "members that overlap": (overlapping, "/0.png: "),
    "a list of 3 GB": (long_list, "is not a readable zip (its list of members has"),
    "cut": (lambda folder: Path(folder, "x.zip").write_bytes(zip_of(folder)[:-9]), "is not a readable zip"),
    "no members": (
        lambda folder: Path(folder, "x.zip").write_bytes(b"PK\5\6" + bytes(18)),
        "an archive without images",
    ),
    "nothing": (lambda folder: Path(folder, "x.zip").write_bytes(b""), "is not a readable zip"),
}


def zipped(folder: Path, name: str) -> None:
    ZIPS[name][0](folder)


PATHS = {
    "out of its folder": "../outside/secret",
    "at the root": "/etc/hostname",
    "a device": "zero",
    "a pipe": "pipe",
    "half a character": "\ud800",
    "long": "x" * 5000,
}


def named(folder: Path, name: str) -> None:
    """A table of images, one of which is a path beside it instead."""
    arrow, library = require_parquet()
    (folder / "zero").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    path = arrow.array([b"a", PATHS[name].encode("utf-8", "surrogatepass")], arrow.binary())
    as_text = arrow.Array.from_buffers(arrow.string(), 2, path.buffers())
    made = arrow.StructArray.from_arrays([arrow.array([image(), None]), as_text], ["bytes", "path"])
    library.write_table(arrow.table({"image": made, "label": [0, 1]}), folder / "x.parquet")


def parquet(folder: Path, kept: float) -> None:
    """A table of images, cut off, or with bytes in its middle and end changed."""
    arrow, library = require_parquet()
    path = folder / "x.parquet"
    library.write_table(arrow.table({"image": [image()] * 50, "label": [*range(50)]}), path)
    data = bytearray(path.read_bytes())
    if kept < 1:
        data = data[: int(len(data) * kept)]
    else:
        data[-60:-20] = bytes(40)
    path.write_bytes(data)
