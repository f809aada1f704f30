"""Pictures that are bombs or are broken, and folders that are traps. `bad` pictures lie in `pictures/cat`."""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from mixup_cli.sources.reading.names import escape_name

SAMPLE_DATA = Path(__file__).parents[3] / "sample_data"
BROKEN = SAMPLE_DATA / "broken"


def encoded(kind: str, size: tuple[int, int] = (64, 64), mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, kind, **options)
    return out.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, data: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [b"\x89PNG\r\n\x1a\n", png_chunk(b"IHDR", header), *chunks, png_chunk(b"IDAT", data), png_chunk(b"IEND", b"")]
    )


def tiff(*tags: tuple[int, int, int, int], data: bytes = b"") -> bytes:
    """A little-endian TIFF with these tags (number, type, count, value), and `data` behind them."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def plain_tiff(width: int, height: int, *more: tuple[int, int, int, int]) -> bytes:
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 200, 277: 1, 278: height, 279: width * height % 2**32}
    given = {tag[0] for tag in more}
    return tiff(
        *((number, 4, 1, value) for number, value in tags.items() if number not in given), *more, data=bytes(999)
    )


def looping_tiff() -> bytes:
    """Its one directory names itself as the next."""
    whole = bytearray(plain_tiff(8, 8))
    count = struct.unpack_from("<H", whole, 8)[0]
    struct.pack_into("<I", whole, 10 + 12 * count, 8)
    return bytes(whole)


def webp_canvas(width: int, height: int) -> bytes:
    """An extended WebP of a large canvas with one small frame."""
    small = encoded("WEBP", (16, 16), lossless=True)[12:]
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    extended = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas
    animation = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    frame = bytes(6) + (15).to_bytes(3, "little") * 2 + bytes(4) + small
    frames = b"ANMF" + struct.pack("<I", len(frame)) + frame
    body = b"WEBP" + extended + animation + frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of_scans(count: int, side: int) -> bytes:
    """A progressive JPEG whose last scan is repeated: each turn over all blocks costs some twenty bytes."""
    out = io.BytesIO()
    Image.new("RGB", (side, side)).save(out, "JPEG", progressive=True)
    whole = out.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + b"\xff\xd9"


def jpeg_behind(pieces: bytes) -> bytes:
    """A JPEG with more behind its first mark."""
    whole = encoded("JPEG", (16, 16))
    return whole[:2] + pieces + whole[2:]


def jpeg_piece(kind: int, content: bytes) -> bytes:
    return b"\xff" + struct.pack(">BH", kind, len(content) + 2) + content


def tiff_of_strips(count: int) -> bytes:
    """One row in each, with offsets of one byte."""
    at = 200
    tags = {256: 1, 257: count, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1}
    lists = [(273, 1, count, at), (279, 1, count, at + count)]
    whole = tiff(*((number, 4, 1, value) for number, value in tags.items()), *lists)
    return whole.ljust(at, b"\0") + b"\x08" * count + b"\x01" * count


def bmp_of_one_line(width: int) -> bytes:
    """In run lengths: one pixel, and the end of the line."""
    data = b"\x01\x05\0\0\0\x01"
    at = 14 + 40 + 1024
    header = struct.pack("<IiiHHIIiiII", 40, width, 1, 1, 8, 1, len(data), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", at + len(data), 0, 0, at) + header + bytes(1024) + data


def avif_of_frames(count: int) -> bytes:
    """A picture of 64 × 64, with its only frame so many times more: each would be decoded."""
    whole = encoded("AVIF")
    at = whole.index(b"mdat") + 4
    item = whole[at:]
    frames = item[item.index(b"\x32") :] * count  # the piece (OBU) that is a frame
    longer = whole[:at].replace(struct.pack(">I", len(item)), struct.pack(">I", len(item) + len(frames)))
    return longer[: at - 8] + struct.pack(">I", 8 + len(item) + len(frames)) + b"mdat" + item + frames


def jpeg2000_with(*changes: tuple[int, int, str, tuple[int, ...]]) -> bytes:
    """A picture of 64 × 64, with other numbers behind a mark: 0x51 its size, where 6 is the width, 0x52 its style."""
    whole = bytearray(encoded("JPEG2000"))
    for mark, at, form, values in changes:
        struct.pack_into(form, whole, whole.index(bytes([0xFF, mark])) + at, *values)
    return bytes(whole)


def jpeg2000_size(side: int) -> tuple[int, int, str, tuple[int, ...]]:
    """The change that says that the picture is one tile of `side` × `side`."""
    return 0x51, 6, ">6I", (side, side, 0, 0, side, side)


BAD: dict[str, Callable[[], bytes]] = {
    "zero bytes": lambda: b"",
    "one byte": lambda: b"\x89",
    "text": lambda: b"this is no picture\n" * 9,
    "a cut JPEG": lambda: encoded("JPEG")[:900],
    "a cut PNG": lambda: encoded("PNG")[:900],
    "a cut GIF": lambda: encoded("GIF", mode="L")[:900],
    "a cut WebP": lambda: encoded("WEBP")[:100],
    "a cut TIFF": lambda: encoded("TIFF")[:900],
    "a cut BMP": lambda: encoded("BMP")[:900],
    "PNG bomb": (BROKEN / "bomb.png").read_bytes,
    "PNG of 2**31-1 squared": lambda: png(2**31 - 1, 2**31 - 1),
    "PNG of no size": lambda: png(0, 0),
    "PNG with a chunk of 2 GB": lambda: png(8, 8)[:33] + struct.pack(">I", 2**31 - 1) + b"IDATxx",
    "PNG with 100 MB of text": lambda: png(8, 8, png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(100 << 20), 9))),
    "PNG with a profile of 100 MB": lambda: png(
        8, 8, png_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(100 << 20), 9))
    ),
    "TIFF bomb": lambda: plain_tiff(100_000, 100_000),
    "TIFF of 2**32-1": lambda: plain_tiff(2**32 - 1, 2**32 - 1),
    "TIFF with tiles of 65,536": lambda: plain_tiff(
        64, 64, (259, 4, 1, 8), (322, 4, 1, 65536), (323, 4, 1, 65536), (324, 4, 1, 200), (325, 4, 1, 99)
    ),
    "TIFF with a tag of 2**31 values": lambda: plain_tiff(8, 8, (273, 4, 2**31, 200)),
    "TIFF with 60,000 samples a pixel": lambda: plain_tiff(64, 64, (277, 4, 1, 60_000)),
    "GIF of 65,535 squared": lambda: (
        b"GIF89a" + b"\xff" * 4 + bytes(3) + b",\0\0\0\0" + b"\xff" * 4 + b"\0\x08\x01\0\0;"
    ),
    "WebP canvas of 16,383 squared": lambda: webp_canvas(16383, 16383),
    "BMP of 2**31-1": lambda: encoded("BMP")[:18] + struct.pack("<ii", 2**31 - 1, 2**31 - 1) + encoded("BMP")[26:],
    "BMP of minus 2**31": lambda: encoded("BMP")[:18] + struct.pack("<ii", -(2**31), -(2**31)) + encoded("BMP")[26:],
    "JPEG of 65,500 squared": lambda: encoded("JPEG").replace(b"\x00\x40\x00\x40", b"\xff\xdc\xff\xdc", 1),
    "JPEG of 20,000 scans": lambda: jpeg_of_scans(20_000, 2000),
    "JPEG with 20 MB of EXIF in 20,000 pieces": lambda: jpeg_behind(
        jpeg_piece(0xE1, b"Exif\0\0" + bytes(65_500)) * 320 + jpeg_piece(0xE1, b"Exif\0\0x") * 20_000
    ),
    "JPEG behind 20 MB of padding": lambda: jpeg_behind(b"\xff" * 20_000_000),
    "JPEG of a million marks": lambda: jpeg_behind(b"\xff\xd0" * 1_000_000),
    "PNG of 600,000 chunks": lambda: png(8, 8, png_chunk(b"teSt", b"") * 600_000, data=zlib.compress(bytes(8 * 25))),
    "TIFF of ten million strips": lambda: tiff_of_strips(10_000_000),
    "BMP of one line of 100 million pixels": lambda: bmp_of_one_line(100_000_000),
    "AVIF of 20,000 frames": lambda: avif_of_frames(20_000),
    "a cut AVIF": lambda: encoded("AVIF")[:300],
    "JPEG 2000 of tiles of a pixel": lambda: jpeg2000_with(jpeg2000_size(101), (0x51, 22, ">II", (1, 1))),
    "JPEG 2000 larger than its header": lambda: jpeg2000_with(jpeg2000_size(9000)),
    "JPEG 2000 of blocks of four pixels": lambda: jpeg2000_with(jpeg2000_size(9000), (0x52, 10, ">H", (0,))),
    "a cut JPEG 2000": lambda: encoded("JPEG2000")[:300],
    "PPM of 2**31-1 squared": lambda: b"P6 2147483647 2147483647 255\n",
    "PPM of 60 million numbers": lambda: b"P3 5000 4000 255\n",
    "PPM of a million comments": lambda: b"P3 8 8 255\n" + b"#\n" * 1_000_000,
    "PGM behind a comment of 20 MB": lambda: b"P5 #" + b"x" * 20_000_000 + b"\n8 8 255\n" + bytes(64),
    "a cut PGM of 12 bits": lambda: b"P5 8 8 4095\n" + bytes(99),
    "HEIC": lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
    "a pickle": lambda: b"\x80\x02cos\nsystem\n.",
    "a zip": lambda: b"PK\x03\x04" + bytes(99),
    "an executable": lambda: b"\x7fELF" + bytes(99),
}
LONG = ("JPEG behind 20 MB of padding", "JPEG of a million marks", "PNG of 600,000 chunks")
"""Those of them that take a second to refuse."""
"""Each is refused, or left out, with its reason. The name of the file says nothing true."""

SOUND: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG named .jpg": ("a.jpg", lambda: encoded("PNG")),
    "JPEG named .png": ("a.png", lambda: encoded("JPEG")),
    "PNG that inflates without end": ("a.png", lambda: png(64, 64, data=zlib.compress(bytes(100 << 20), 9)[:-9])),
    "TIFF in a circle": ("a.tif", looping_tiff),
    "a name of a line end": ("a\nb.png", lambda: encoded("PNG")),
    "a name that is no UTF-8": (os.fsdecode(b"a\xff\xfe.png"), lambda: encoded("PNG")),
    "a name of 255 bytes": ("n" * 251 + ".png", lambda: encoded("PNG")),
    "a name that clears the terminal": ("a\x1b[2J.png", lambda: encoded("PNG")),
}
"""Each only looks hostile, and is used."""


def good(folder: Path) -> Path:
    """Two class folders of two pictures."""
    for name in ("cat", "dog"):
        (folder / "pictures" / name).mkdir(parents=True)
        for number in range(2):
            (folder / "pictures" / name / f"{number}.png").write_bytes(encoded("PNG"))
    return folder / "pictures"


def bad_picture(folder: Path, name: str) -> None:
    (good(folder) / "cat/bad.png").write_bytes(BAD[name]())


def sound_picture(folder: Path, name: str) -> None:
    file, make = SOUND[name]
    (good(folder) / "cat" / file).write_bytes(make())


def bad_name(folder: Path, name: str) -> None:
    """A broken picture under a hostile name."""
    (good(folder) / "cat" / name).write_bytes(b"")


def sparse_file(folder: Path, count_bytes: int) -> None:
    with (good(folder) / "cat/bad.png").open("wb") as file:
        file.truncate(count_bytes)


def link_to_nowhere(folder: Path) -> None:
    (good(folder) / "cat/bad.png").symlink_to("nowhere.png")


def link_to_itself(folder: Path) -> None:
    (good(folder) / "cat/bad.png").symlink_to("bad.png")


def pipe(folder: Path) -> None:
    (good(folder) / "cat/bad.png").symlink_to("../../pipe")
    os.mkfifo(folder / "pipe")


def folder_loops(folder: Path) -> None:
    """Links to folders above, to each other, and to themselves."""
    pictures = good(folder)
    (pictures / "cat/up").symlink_to("..")
    (pictures / "dog/cat").symlink_to("../cat")
    (pictures / "self").symlink_to("self")
    (pictures / "a").symlink_to("b")
    (pictures / "b").symlink_to("a")


def deep_folders(folder: Path, depth: int) -> None:
    """So deep that paths grow beyond what the system takes."""
    place = good(folder) / "cat"
    here = os.open(place, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("deep" * 20, dir_fd=here)
        below = os.open("deep" * 20, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


def manifest_pipe(folder: Path) -> None:
    """A folder of pictures with a pipe where a data set has its manifest."""
    os.mkfifo(good(folder) / "cat/manifest.json")


def foreign_manifest(folder: Path) -> None:
    """A folder of pictures with somebody else's manifest.json, of half a gigabyte."""
    with (good(folder) / "cat/manifest.json").open("wb") as file:
        file.write(b"[" * 1000)
        file.truncate(500 << 20)


def broken_beside_good(folder: Path, root: str = "pictures") -> Path:
    """Two classes of two sound pictures each, of 16 by 16, and in the first class one that is cut and one that is no
    picture."""
    top = folder / root
    for name in ("cat", "dog"):
        (top / name).mkdir(parents=True)
        for number in range(2):
            (top / name / f"{number}.png").write_bytes(encoded("PNG", (16, 16)))
    (top / "cat/cut.png").write_bytes(encoded("PNG")[:900])
    (top / "cat/text.png").write_bytes(b"this is no picture")
    return top


BROKEN_ONES = ("cat/cut.png", "cat/gone.png", "cat/text.png")


def all_named(folder: Path) -> list[str]:
    """The paths of what `broken_beside_good` has made, and of one picture that is not there."""
    top = broken_beside_good(folder)
    return sorted([*(path.relative_to(top).as_posix() for path in top.rglob("*.png")), "cat/gone.png"])


def in_list(folder: Path) -> None:
    (folder / "list").write_text("".join(f"pictures/{name}\n" for name in all_named(folder)))


def in_list_with_nul(folder: Path) -> None:
    (folder / "list").write_text("".join(f"pictures/{name}\0" for name in all_named(folder)))


def in_metadata_csv(folder: Path) -> None:
    rows = [f"{name},{name[:3]}\n" for name in all_named(folder)]
    (folder / "pictures/metadata.csv").write_text("file_name,label\n" + "".join(rows))


def in_metadata_jsonl(folder: Path) -> None:
    rows = [json.dumps({"file_name": name, "label": name[:3]}) for name in all_named(folder)]
    (folder / "pictures/metadata.jsonl").write_text("\n".join(rows))


def in_split_folders(folder: Path) -> None:
    """In both splits; a link to nowhere is the picture that is not there."""
    for split in ("train", "val"):
        top = broken_beside_good(folder, f"pictures/{split}")
        (top / "cat/gone.png").symlink_to("nowhere.png")


def pipe_as_source(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


def photographs(folder: Path) -> None:
    shutil.copytree(SAMPLE_DATA / "photos/cat", folder / "pictures/cat")


def escaped(name: str) -> str:
    """A file name as the manifest has it."""
    return escape_name(name)
