"""Videos that lie, are cut short or have no end. The bad one is `set/cat/bad.mp4`; others lie beside it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from tests.hostile.makers.pictures import encoded
from tests.small_clips import Video

GOOD = Video(count=8, codec="mpeg4", options={"b": "300000"})
JPEG = encoded("jpeg", (64, 48))


def box(name: bytes, *parts: bytes) -> bytes:
    """A box of an MP4."""
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + name + content


def full(name: bytes, *numbers: int, rest: bytes = b"") -> bytes:
    """A box that begins with version and flags, both zero, and 32-bit numbers."""
    return box(name, struct.pack(f">I{len(numbers)}I", 0, *numbers), rest)


def mp4(
    samples: int = 3,
    size: tuple[int, int] = (64, 48),
    sample_bytes: int | None = None,
    stretch: int = 1,
    jpeg: bytes = JPEG,
) -> bytes:
    """An MP4 of Motion JPEG, every frame the same bytes, by its tables: so many samples, of so many bytes each, in
    chunks of `stretch`."""
    width, height = size
    sample_bytes = len(jpeg) if sample_bytes is None else sample_bytes
    before = box(b"ftyp", b"isom", bytes(4))
    entry = bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", width, height)
    entry += struct.pack(">IIIH", 0x480000, 0x480000, 0, 1) + bytes(32) + struct.pack(">Hh", 24, -1)
    chunks = -(-samples // stretch)
    table = box(
        b"stbl",
        full(b"stsd", 1, rest=box(b"jpeg", entry)),
        full(b"stts", 1, samples, 1),
        full(b"stsc", 1, 1, stretch, 1),
        full(b"stsz", sample_bytes, samples),
        full(b"stco", min(chunks, 1000), rest=struct.pack(">I", len(before) + 8) * min(chunks, 1000)),
    )
    handler = full(b"hdlr", 0, int.from_bytes(b"vide", "big"), 0, 0, 0, rest=b"\0")
    media = box(b"mdia", full(b"mdhd", 0, 0, 25, samples, 0), handler, box(b"minf", full(b"vmhd", 0, 0), table))
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    track = full(b"tkhd", 0, 0, 1, 0, samples, 0, 0, 0, 0, rest=matrix + struct.pack(">II", width << 16, height << 16))
    header = full(b"mvhd", 0, 0, 25, samples, 0x10000, 0x1000000, 0, 0, rest=matrix + bytes(28))
    moov = box(b"moov", header, box(b"trak", track, media))
    return before + box(b"mdat", jpeg) + moov


def _nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(b"moov", content)
    return box(b"ftyp", b"isom", bytes(4)) + content


def _audio(path: Path) -> None:
    """Silence in a file of this name."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _written(video: Video, change: Callable[[bytes], bytes], ending: str = "mp4") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        made = video.write(path.with_name(f"made.{ending}"))
        path.write_bytes(change(made.read_bytes()))
        made.unlink()

    return write


def _of(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header has another size than its picture."""
    data = bytearray(JPEG)
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


BAD: dict[str, Callable[[Path], object]] = {
    "nothing": _of(b""),
    "text": _of(b"to be written\n" * 99),
    "zeros": _of(bytes(100_000)),
    "a picture": _of(encoded("png")),
    "a list of segments": _of(b"#EXTM3U\n#EXTINF:1,\n../../../outside/secret\n#EXT-X-ENDLIST\n"),
    "a list of files": _of(b"ffconcat version 1.0\nfile ../../../outside/secret\n"),
    "cut off": _written(GOOD, lambda data: data[: len(data) // 2]),
    "cut off in the index": _written(GOOD, lambda data: data[:-40]),
    "AVI, cut off": _written(GOOD, lambda data: data[: len(data) // 2], "avi"),
    "Matroska, cut off": _written(GOOD, lambda data: data[: len(data) // 2], "mkv"),
    "no samples": _of(mp4(samples=0)),
    "60000x60000 inside": _of(mp4(jpeg=jpeg_of(60_000, 60_000))),
    "two billion samples of no bytes": _of(mp4(samples=2**31 - 1, sample_bytes=0, stretch=2**31 - 1)),
    "two million samples": _of(mp4(samples=2 * 10**6, stretch=2 * 10**6)),
    "a hundred million samples": _of(mp4(samples=10**8, stretch=10**8)),
    "14000x14000 inside": _of(mp4(jpeg=jpeg_of(14_000, 14_000))),
    "a billion samples in one chunk": _of(mp4(samples=10**9, sample_bytes=1, stretch=10**9)),
    "samples beyond the end": _of(mp4(samples=3, sample_bytes=1 << 30)),
    "boxes 5,000 deep": _of(_nested(5_000)),
    "a box that never ends": _of(box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"moov", 2**63 - 1) + bytes(99)),
    "sound alone": _audio,
    "Matroska with a header without end": _of(b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7 + bytes(500)),
    "AVI with a header of 4 GB": _of(b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffhdrlavih" + b"\xff" * 200),
}


def bad(folder: Path, name: str) -> None:
    """Two classes, of which one has a bad video, too."""
    for label in ("cat", "dog"):
        GOOD.write(folder / f"set/{label}/good.avi")
    BAD[name](folder / "set/cat/bad.mp4")
