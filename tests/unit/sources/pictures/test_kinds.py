"""PBM, PGM and PPM, AVIF and JPEG 2000: read as Pillow reads them, and looked at before their decoders see them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures.avif_stream import look_at_avif
from mixup_cli.sources.pictures.boxes import boxes
from mixup_cli.sources.pictures.decode import Header, decode, read_header
from mixup_cli.sources.pictures.jpeg2000_stream import look_at_jpeg2000
from mixup_cli.sources.reading.encoded import Undecodable
from tests.hostile.makers import pictures
from tests.hostile.makers.pictures import jpeg2000_size

MANY = 10**9
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 4), np.uint8))


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data: bytes, channels: int = 3, dtype: SampleDtype = "uint8") -> NDArray[np.generic]:
    header = read_header(data)
    return decode(data, Target(Form((header.height, header.width, channels), dtype, "hwc")), "k", MANY)


def by_pillow(data: bytes) -> NDArray[Any]:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture)


# As Pillow


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PPM", {}),
        ("AVIF", {}),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
        ("JPEG2000", {}),
        ("JPEG2000", {"no_jp2": True}),
        ("JPEG2000", {"tile_size": (16, 16), "irreversible": True, "quality_layers": [40, 20, 1]}),
        ("JPEG2000", {"precinct_size": (64, 64), "codeblock_size": (16, 16)}),
    ],
)
def test_pictures_are_what_pillow_reads(kind: str, options: dict[str, Any], mode: str) -> None:
    data = encode(NOISE.convert(mode), kind, **options)
    assert read_header(data) == Header(40, 50, "uint8")
    with Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(decoded(data), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("highest", [1, 7, 100, 254, 255, 256, 1000, 4095, 65534, 65535])
@pytest.mark.parametrize("magic", ["P2", "P3", "P5", "P6"])
def test_values_of_any_range_are_scaled_as_pillow_does(magic: str, highest: int) -> None:
    channels = 3 if magic in ("P3", "P6") else 1
    values = np.random.default_rng(1).integers(0, highest + 1, (9, 11, channels))
    stored = values.astype("u1" if highest < 256 else ">u2").tobytes()
    body = stored if magic in ("P5", "P6") else " ".join(map(str, values.ravel())).encode()
    data = f"{magic}\n# a comment\n11 9\n{highest}\n".encode() + body
    is_deep = highest > 255
    assert read_header(data).dtype == ("uint16" if is_deep else "uint8")
    kept = is_deep and channels == 1
    found = decoded(data, channels, "uint16" if kept else "uint8")
    np.testing.assert_array_equal(found[..., 0] if channels == 1 else found, by_pillow(data))
    if is_deep and channels == 3:
        with pytest.raises(Undecodable, match="16 bits per colour channel"):
            decoded(data, 3, "uint16")


@pytest.mark.parametrize("data", [b"P4\n16 2\n\xf0\x0f\xaa\x55", b"P1\n16 2\n11110000000011111010101001010101"])
def test_bitmaps(data: bytes) -> None:
    found = decoded(data, 1)[..., 0]
    assert found[:, :8].tolist() == [[0] * 4 + [255] * 4, [0, 255] * 4]
    np.testing.assert_array_equal(found, by_pillow(data) * np.uint8(255))


def test_large_pictures_of_other_ranges_are_read_at_once() -> None:
    values = np.arange(1_200_000, dtype=">u2").reshape(1000, 1200) % 4096
    data = b"P5 1200 1000 4095\n" + values.astype(">u2").tobytes()
    expected = np.rint(values / 4095 * 65535).astype(np.uint16)
    np.testing.assert_array_equal(decoded(data, 1, "uint16")[..., 0], expected)


def test_deep_pictures_are_known_as_such() -> None:
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 65536, (40, 50), np.uint16))
    data = encode(grey, "JPEG2000", irreversible=False)
    assert read_header(data).dtype == "uint16"
    np.testing.assert_array_equal(decoded(data, 1, "uint16")[..., 0], np.asarray(grey))
    colour = bytearray(encode(NOISE.convert("RGB"), "JPEG2000", no_jp2=True))
    assert not look_at_jpeg2000(bytes(colour)).is_deep
    colour[2 + 40] = 11
    assert look_at_jpeg2000(bytes(colour)).is_deep
    avif = bytearray(encode(NOISE.convert("RGB"), "AVIF"))
    assert not look_at_avif(bytes(avif)).is_deep
    avif[avif.index(b"av1C") + 6] |= 64
    assert look_at_avif(bytes(avif)).is_deep


def test_an_avif_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(NOISE.convert("RGB"), "AVIF", exif=exif.tobytes())
    plain = decoded(encode(NOISE.convert("RGB"), "AVIF"))
    assert read_header(data) == Header(50, 40, "uint8")
    np.testing.assert_array_equal(decoded(data), np.rot90(plain, -1))


def test_other_kinds_in_boxes_are_named() -> None:
    with pytest.raises(Undecodable, match="is HEIC, which Pillow does not read"):
        read_header(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99))
    with pytest.raises(Undecodable, match="not a picture Pillow can read"):
        read_header(b"\0\0\0\x18ftypisom\0\0\0\0mp41isom" + bytes(99))
    small = NOISE.convert("RGB")
    with pytest.raises(Undecodable, match="is an animation"):
        read_header(encode(small, "AVIF", save_all=True, append_images=[small.rotate(90)]))


# Bounds


@pytest.mark.parametrize(("mode", "planes"), [("RGB", 1), ("RGBA", 2), ("L", 1)])
@pytest.mark.parametrize("size", [(1, 1), (64, 64), (500, 300), (1000, 501)])
def test_the_frames_of_an_avif_are_counted(size: tuple[int, int], mode: str, planes: int) -> None:
    picture = NOISE.resize(size).convert(mode)
    assert look_at_avif(encode(picture, "AVIF", speed=10)).coded_pixels == planes * size[0] * size[1]


def test_an_avif_of_many_frames_is_refused() -> None:
    with pytest.raises(Undecodable, match="has frames of 81924096 pixels for 4096, which no encoder writes"):
        decoded(pictures.avif_of_frames(20_000))
    assert decoded(pictures.avif_of_frames(1)).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ([(0x51, 22, ">II", (0, 8))], "its codestream is damaged"),
        ([jpeg2000_size(101), (0x51, 22, ">II", (1, 1))], "has 3 channels and 10201 tiles"),
        ([(0x51, 38, ">H", (16_384,))], "has 16384 channels and 1 tiles"),
        ([jpeg2000_size(9000)], "has 81000000 pixels, and its header says 4096"),
        ([jpeg2000_size(9000), (0x52, 10, ">H", (0,))], "is cut into very small blocks"),
        ([(0x52, 6, ">H", (101,))], "has more than 100 layers"),
    ],
)
def test_what_a_jpeg_2000_asks_for_is_bounded(changes: list[Any], problem: str) -> None:
    with pytest.raises(Undecodable, match=problem):
        decoded(pictures.jpeg2000_with(*changes))


def test_a_tile_comes_in_so_many_parts_at_most() -> None:
    data = pictures.encoded("JPEG2000", no_jp2=True)
    at = data.index(b"\xff\x90")
    empty_part = b"\xff\x90\0\x0a\0\0\0\0\0\x0e\0\x01\xff\x93"
    assert look_at_jpeg2000(data[:at] + empty_part * 39 + data[at:]).tiles == 1
    with pytest.raises(Undecodable, match="more parts of tiles"):
        look_at_jpeg2000(data[:at] + empty_part * 40 + data[at:])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"P3 5000 4000 255\n", "has 20000000 pixels in plain text, of which at most 5000000"),
        (b"P3 8 8 255\n" + b"#\n" * 1001 + b"0 " * 192, "more than 1000 comments"),
        (b"P5 #" + b"x" * 600_000 + b"\n8 8 255\n" + bytes(64), "more than 500000 pieces"),
        (b"P5 8 8 4095\n" + bytes(99), "file ends at byte 111"),
    ],
)
def test_portable_maps_are_bounded(data: bytes, problem: str) -> None:
    with pytest.raises(Undecodable, match=problem):
        decoded(data, 1)


def test_boxes_end() -> None:
    assert [kind for kind, _, _ in boxes(b"\0\0\0\x08abcd" * 3, 0, 24)] == [b"abcd"] * 3
    assert [*boxes(b"\0\0\0\0abcd12345", 0, 13)] == [(b"abcd", 8, 13)]
    assert [*boxes(b"\0\0\0\x01abcd\0\0\0\0\0\0\0\x12xx", 0, 18)] == [(b"abcd", 16, 18)]
    for data in (b"\0\0\0\x07abcd", b"\0\0\0\x01abcd\0\0\0\0\0\0\0\x0f"):
        with pytest.raises(Undecodable, match="damaged"):
            list(boxes(data, 0, len(data)))
    with pytest.raises(Undecodable, match="more than 10000 boxes"):
        list(boxes(b"\0\0\0\x08abcd" * 10_001, 0, 8 * 10_001))
