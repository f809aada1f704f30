"""Pictures of every kind come out right, and damaged ones with a reason."""

import io
import math
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from mixup_cli.choices import Resize
from mixup_cli.fields.fit import crop_box, pad_size
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.sources.pictures import kinds as picture_kinds
from mixup_cli.sources.pictures.decode import Header, decode, jpeg_divisor, read_header
from mixup_cli.sources.reading.encoded import Undecodable

MANY = 10**9
FOR_THE_PLUGIN = b"\0"
"""Behind a JPEG, this leaves it to Pillow's plugin (`plain_jpeg`)."""

RESIZES: tuple[Resize, ...] = ("crop", "pad", "stretch")


def encode(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(height: int, width: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def photo_like(height: int, width: int) -> Image.Image:
    """Gradients and soft blobs with a little noise: smooth as photographs are, unlike white noise."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 31 + phase) * np.cos(y / 47 - phase) for phase in (0, 1, 2)]
    grain = np.random.default_rng(1).normal(0, 3, (height, width, 3))
    base = np.stack(waves, axis=2) * 80 + 128 + grain
    return Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))


def target(
    height: int,
    width: int,
    channels: int = 3,
    dtype: SampleDtype = "uint8",
    resize: Resize | None = None,
    value_range: tuple[float, float] | None = None,
) -> Target:
    return Target(Form((height, width, channels), dtype, "hwc"), resize, value_range)


def pixel(data: bytes, channels: int = 3) -> list[int]:
    """The one colour of a 4x4 picture."""
    decoded = decode(data, target(4, 4, channels), "k", MANY)
    assert (decoded == decoded[0, 0]).all()
    return [int(value) for value in decoded[0, 0]]


def plain(mode: str, colour: Any) -> Image.Image:
    return Image.new(mode, (4, 4), colour)


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def raw_png(height: int, width: int, depth: int, kind: int, rows: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def palette_picture(transparent: bool) -> bytes:
    picture = plain("P", 1)
    picture.putpalette([0, 0, 0, 10, 20, 200])
    return encode(picture, "PNG", **({"transparency": bytes([255, 51])} if transparent else {}))


# Modes


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encode(plain("1", 1)), [255, 255, 255]),
        (encode(plain("L", 100)), [100, 100, 100]),
        (encode(plain("RGB", (10, 20, 200)), "BMP"), [10, 20, 200]),
        (encode(plain("RGB", (10, 20, 200)), "TIFF", compression="tiff_lzw"), [10, 20, 200]),
        (encode(plain("RGB", (10, 20, 200)), "WEBP", lossless=True), [10, 20, 200]),
        (palette_picture(transparent=False), [10, 20, 200]),
        (encode(plain("CMYK", (255, 0, 0, 0)), "TIFF"), [0, 255, 255]),
    ],
    ids=["1-bit", "grey", "bmp", "tiff", "webp", "palette", "cmyk"],
)
def test_modes_come_out_as_rgb(data: bytes, expected: list[int]) -> None:
    assert pixel(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encode(plain("LA", (100, 51))), [224, 224, 224]),
        (encode(plain("RGBA", (10, 20, 200, 51))), [206, 208, 244]),
        (encode(plain("RGBA", (10, 20, 200, 0)), "TIFF"), [255, 255, 255]),
        (encode(plain("RGBA", (10, 20, 200, 0)), "WEBP", lossless=True), [255, 255, 255]),
        (palette_picture(transparent=True), [206, 208, 244]),
        (encode(plain("L", 100), transparency=100), [255, 255, 255]),
        (encode(plain("RGB", (1, 2, 3)), transparency=(1, 2, 3)), [255, 255, 255]),
        (encode(plain("P", 0), "GIF", transparency=0), [255, 255, 255]),
    ],
    ids=["LA", "RGBA", "RGBA tiff", "RGBA webp", "palette", "grey key", "colour key", "gif"],
)
def test_alpha_is_composited_over_white(data: bytes, expected: list[int]) -> None:
    assert pixel(data) == expected


def test_jpeg_colour_spaces() -> None:
    assert pixel(encode(plain("CMYK", (0, 0, 0, 0)), "JPEG")) == [255, 255, 255]
    red = pixel(encode(plain("CMYK", (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.allclose(red, [255, 0, 0], atol=3)
    assert np.allclose(pixel(encode(plain("YCbCr", (76, 85, 255)), "TIFF")), [255, 0, 0], atol=3)


def test_lab_goes_through_its_profile() -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(plain("RGB", (200, 60, 30)), to_lab)
    assert lab is not None
    assert np.allclose(pixel(encode(lab, "TIFF")), [200, 60, 30], atol=4)


def test_grey_is_luma_and_keeps_grey_pictures() -> None:
    assert pixel(encode(plain("RGB", (255, 0, 0))), channels=1) == [76]
    assert pixel(encode(plain("L", 100)), channels=1) == [100]
    assert pixel(encode(plain("CMYK", (0, 255, 255, 0)), "TIFF"), channels=1) == [76]


def test_first_frame_of_a_gif() -> None:
    data = encode(plain("L", 40), "GIF", save_all=True, append_images=[plain("L", 200)])
    assert pixel(data) == [40, 40, 40]


def test_channels_first_is_contiguous() -> None:
    picture = noise(6, 5)
    decoded = decode(encode(picture), Target(Form((3, 6, 5), "uint8", "chw")), "k", MANY)
    assert decoded.flags["C_CONTIGUOUS"]
    assert np.array_equal(decoded, np.asarray(picture).transpose(2, 0, 1))


# EXIF


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(noise(8, 24), kind, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    height, width = expected.shape[:2]
    assert read_header(data) == Header(height, width, "uint8")
    assert np.array_equal(decode(data, target(height, width), "k", MANY), expected)


def test_exif_behind_the_pixels_of_a_png() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encode(noise(8, 24), "PNG")
    end = data.index(b"IEND") - 4
    moved = data[:end] + png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + data[end:]
    assert read_header(moved) == Header(24, 8, "uint8")


def test_damaged_exif_is_ignored_without_a_warning() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a text that is cut off"
    data = encode(noise(8, 24), "PNG", exif=exif.tobytes()[:40])
    assert read_header(data).height in (8, 24)


# Resizing


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(RESIZES), st.sampled_from(["RGB", "L", "F"]))
def test_resizing_to_the_own_size_changes_nothing(height: int, width: int, resize: Resize, mode: str) -> None:
    picture = noise(height, width).convert(mode)
    channels, dtype = (3, "uint8") if mode == "RGB" else (1, "uint8" if mode == "L" else "float32")
    data = encode(picture, "TIFF")
    wanted: SampleDtype = "float32" if dtype == "float32" else "uint8"
    decoded = decode(data, target(height, width, channels, wanted, resize), "k", MANY)
    assert np.array_equal(decoded, np.asarray(picture).reshape(height, width, channels))


sizes = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000))


@given(sizes, sizes)
def test_crop_stays_inside_and_has_the_aspect(extent: tuple[int, int], size: tuple[int, int]) -> None:
    left, top, right, bottom = crop_box(extent, size)
    assert 0 <= left < right <= extent[1]
    assert 0 <= top < bottom <= extent[0]
    assert (right - left) * size[0] == pytest.approx((bottom - top) * size[1])
    assert (left, right) == (0, extent[1]) or (top, bottom) == (0, extent[0])


@given(sizes, sizes)
def test_pad_fits_and_touches_two_sides(extent: tuple[int, int], size: tuple[int, int]) -> None:
    rows, columns = pad_size(extent, size)
    assert 1 <= rows <= size[0]
    assert 1 <= columns <= size[1]
    assert rows == size[0] or columns == size[1]


def test_crop_takes_the_centre() -> None:
    stripes = np.zeros((10, 30, 3), np.uint8)
    stripes[:, 10:20] = 255
    decoded = decode(encode(Image.fromarray(stripes)), target(5, 5, resize="crop"), "k", MANY)
    assert (decoded[:, 1:-1] == 255).all()


def test_pad_is_centred_on_black() -> None:
    decoded = decode(encode(plain("RGB", "white")), target(8, 12, resize="pad"), "k", MANY)
    assert (decoded[:, 2:10] == 255).all()
    assert (decoded[:, :2] == 0).all()
    assert (decoded[:, 10:] == 0).all()


@pytest.mark.parametrize("resize", RESIZES)
def test_orientation_and_resizing_commute(resize: Resize) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = photo_like(90, 120)
    turned = decode(encode(picture, exif=exif), target(40, 50, resize=resize), "k", MANY)
    upright = decode(encode(picture.transpose(Image.Transpose.ROTATE_270)), target(40, 50, resize=resize), "k", MANY)
    assert np.abs(turned.astype(int) - upright.astype(int)).max() <= 1


@pytest.mark.parametrize(
    ("resize", "orientation", "size", "needed"),
    [
        ("crop", 1, (224, 224), (224, 298)),
        ("crop", 6, (250, 100), (187, 250)),
        ("pad", 1, (224, 224), (168, 224)),
        ("stretch", 8, (299, 224), (224, 299)),
    ],
)
def test_draft_decodes_twice_the_needed_size(
    resize: Resize,
    orientation: int,
    size: tuple[int, int],
    needed: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, int]] = []
    draft = picture_kinds.Jpeg.draft

    def spy(self: picture_kinds.Jpeg, mode: str | None, size: tuple[int, int] | None) -> Any:
        box = draft(self, mode, size)
        seen.append(self.size)
        return box

    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = photo_like(1500, 2000)
    data = encode(picture, "JPEG", exif=exif, quality=95) + FOR_THE_PLUGIN
    monkeypatch.setattr(picture_kinds.Jpeg, "draft", spy)
    drafted = decode(data, target(*size, resize=resize), "k", MANY)
    monkeypatch.setattr(picture_kinds.Jpeg, "draft", lambda *_: None)
    full = decode(data, target(*size, resize=resize), "k", MANY)
    ((columns, rows),) = seen
    assert (rows, columns) < (1500, 2000)
    assert rows >= 2 * needed[0]
    assert columns >= 2 * needed[1]
    assert np.abs(drafted.astype(int) - full.astype(int)).mean() < 1


sides = st.integers(1, 3000)
needed_sides = st.integers(1, 300)


@given(sides, sides, needed_sides, needed_sides, st.sampled_from(["crop", "pad", "stretch"]))
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_has_twice_what_is_needed(
    height: int, width: int, rows: int, columns: int, resize: Resize
) -> None:
    """To crop and to pad, one factor takes the picture to its new size, and the scale must be twice that or more."""
    factors = [Fraction(rows, height), Fraction(columns, width)]
    factor = min(factors) if resize == "pad" else max(factors)
    scales = [Fraction(1, each) for each in (1, 2, 4, 8) if each <= min(height, width)]
    expected = min((scale for scale in scales if scale >= 2 * factor), default=Fraction(1))
    assert Fraction(1, jpeg_divisor((height, width), (rows, columns), resize)) == expected


@pytest.mark.parametrize(
    ("extent", "size", "resize", "divisor"),
    [
        ((2000, 3), (224, 224), "pad", 2),  # a quarter would have less than a pixel in width
        ((2000, 9), (224, 224), "pad", 4),
        ((512, 683), (32, 32), "crop", 8),
        ((512, 683), (33, 32), "crop", 4),
        ((1792, 1795), (224, 224), "crop", 4),
        ((1793, 1000), (224, 224), "pad", 4),
        ((1793, 1000), (224, 224), "stretch", 2),
    ],
)
def test_pillow_decodes_at_that_scale(
    extent: tuple[int, int], size: tuple[int, int], resize: Resize, divisor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[tuple[int, int]] = []
    load = picture_kinds.Jpeg.load

    def spy(self: picture_kinds.Jpeg) -> Any:
        loaded.append(self.size)
        return load(self)

    monkeypatch.setattr(picture_kinds.Jpeg, "load", spy)
    data = encode(Image.new("RGB", extent[::-1]), "JPEG") + FOR_THE_PLUGIN
    decode(data, target(*size, resize=resize), "k", MANY)
    assert loaded[0] == (math.ceil(extent[1] / divisor), math.ceil(extent[0] / divisor))


def test_no_draft_without_resizing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.draft", lambda *_: pytest.fail("draft was called"))
    data = encode(noise(16, 16), "JPEG") + FOR_THE_PLUGIN
    assert decode(data, target(16, 16), "k", MANY).shape == (16, 16, 3)


def test_other_size_without_a_resize_rule() -> None:
    with pytest.raises(FormMismatch, match="k: 24x8 uint8"):
        decode(encode(noise(8, 24)), target(24, 8), "k", MANY)


# Depth


def deep_grey(kind: Literal["PNG", "TIFF"]) -> tuple[bytes, NDArray[np.uint16]]:
    values = np.random.default_rng(2).integers(0, 65536, (9, 7), dtype=np.uint16)
    values[0, :4] = 0, 1, 65534, 65535
    return encode(Image.fromarray(values), kind), values


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("resize", [None, "crop"])
def test_16_bit_grey_is_kept(kind: Literal["PNG", "TIFF"], resize: Resize | None) -> None:
    data, values = deep_grey(kind)
    assert read_header(data) == Header(9, 7, "uint16")
    for channels in (1, 3):
        deep = decode(data, target(9, 7, channels, "uint16", resize), "k", MANY)
        assert deep.dtype == np.uint16
        assert np.array_equal(deep, np.repeat(values[:, :, None], channels, axis=2))
    floats = decode(data, target(9, 7, 1, "float32", resize), "k", MANY)
    assert np.array_equal(floats[:, :, 0], values.astype(np.float32) / np.float32(65535))
    bytes_ = decode(data, target(9, 7, 1, "uint8", resize), "k", MANY)
    assert np.array_equal(bytes_[:, :, 0], (values.astype(np.int64) * 255 + 32767) // 65535)


def test_8_bit_pictures_in_deeper_forms() -> None:
    picture = noise(5, 6)
    values = np.asarray(picture)
    deep = decode(encode(picture), target(5, 6, dtype="uint16"), "k", MANY)
    assert np.array_equal(deep, values.astype(np.uint16) * 257)
    floats = decode(encode(picture), target(5, 6, dtype="float32"), "k", MANY)
    assert floats.dtype == np.float32
    assert np.array_equal(floats, values.astype(np.float32) / np.float32(255))


def float_tiff(values: list[float]) -> bytes:
    return encode(Image.fromarray(np.array([values], np.float32)), "TIFF")


def test_float_pictures() -> None:
    data = float_tiff([-1.5, 0.25, 3e8])
    assert read_header(data).dtype == "float32"
    kept = decode(data, target(1, 3, 1, "float32"), "k", MANY)
    assert kept.ravel().tolist() == [-1.5, 0.25, 3e8]
    with pytest.raises(Undecodable, match=r"--dtype float32 or --value-range LOW,HIGH"):
        decode(data, target(1, 3, 1, "uint8"), "k", MANY)
    with pytest.raises(Undecodable, match=r"--dtype float32 or --value-range LOW,HIGH"):
        decode(data, target(1, 3, 1, "uint16"), "k", MANY)


@pytest.mark.parametrize(("deepest", "depth"), [("uint16", "uint16"), ("float32", "uint16"), ("float32", "float32")])
def test_a_form_that_may_be_deeper_takes_nothing_from_a_picture(deepest: SampleDtype, depth: SampleDtype) -> None:
    data = deep_grey("PNG")[0] if depth == "uint16" else encode(Image.new("F", (7, 9)), "TIFF")
    shallow = replace(target(9, 7, 1), deepest=deepest)
    with pytest.raises(FormMismatch, match=f"k: 7x9 {depth}"):
        decode(data, shallow, "k", MANY)
    assert decode(encode(noise(9, 7)), shallow, "k", MANY).dtype == np.uint8


def test_no_memory_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(MemoryError):
        decode(encode(noise(4, 4)), target(4, 4), "k", MANY)


def test_value_range_rounds_half_to_even_and_clips() -> None:
    data = float_tiff([-9.0, 0.0, 0.5, 1.5, 255.0, 300.0])
    eight = decode(data, target(1, 6, 1, "uint8", value_range=(0, 255)), "k", MANY)
    assert eight.ravel().tolist() == [0, 0, 0, 2, 255, 255]
    sixteen = decode(data, target(1, 6, 1, "uint16", value_range=(0, 510)), "k", MANY)
    assert sixteen.ravel().tolist() == [0, 0, 64, 193, 32768, 38550]
    with pytest.raises(Undecodable, match="NaN"):
        decode(float_tiff([0.0, float("nan")]), target(1, 2, 1, value_range=(0, 1)), "k", MANY)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535)])
def test_value_range_of_16_bits(kind: str, dtype: SampleDtype, full: int) -> None:
    ramp = np.array([[0, 1, 1365, 2730, 4095, 5000]], np.uint16)
    found = decode(encode(Image.fromarray(ramp), kind), target(1, 6, 1, dtype, value_range=(0, 4095)), "k", MANY)
    assert found.ravel().tolist() == [0, round(full / 4095), full / 3, 2 * full / 3, full, full]
    same = decode(encode(Image.new("L", (6, 1), 200)), target(1, 6, 1, dtype, value_range=(0, 4095)), "k", MANY)
    assert same.ravel().tolist() == [200 * full // 255] * 6, "8 bits keep their share"


def test_32_bit_integers_are_floats() -> None:
    data = encode(Image.fromarray(np.array([[-5, 70000]], np.int32)), "TIFF")
    assert read_header(data).dtype == "float32"
    assert decode(data, target(1, 2, 1, "float32"), "k", MANY).ravel().tolist() == [-5, 70000]


@pytest.mark.parametrize("colour_type", [2, 4, 6], ids=["RGB", "LA", "RGBA"])
def test_16_bit_colour_is_not_passed_off_as_deep(colour_type: int) -> None:
    samples = {2: 3, 4: 2, 6: 4}[colour_type]
    data = raw_png(2, 2, 16, colour_type, (b"\0" + b"\xff\xff" * 2 * samples) * 2)
    assert read_header(data).dtype == "uint16"
    assert (decode(data, target(2, 2), "k", MANY) == 255).all()
    with pytest.raises(Undecodable, match="16 bits per colour channel"):
        decode(data, target(2, 2, dtype="uint16"), "k", MANY)
    with pytest.raises(Undecodable, match="16 bits per colour channel"):
        decode(data, target(2, 2, value_range=(0, 4095)), "k", MANY)


# Damage


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {}),
    ],
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_truncated_files_say_where_they_end(kind: str, options: dict[str, Any], share: float) -> None:
    data = encode(noise(40, 50), kind, **options)
    cut = data[: int(len(data) * share)]
    with pytest.raises(Undecodable) as caught:
        decode(cut, target(40, 50), "k", MANY)
    assert str(caught.value) == f"cannot decode (file ends at byte {len(cut)})"


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty file"), (b"<html></html>", "not a picture Pillow can read"), (b"P7\n", "not a picture")],
)
def test_files_that_are_no_pictures(data: bytes, reason: str) -> None:
    for attempt in (lambda: decode(data, target(4, 4), "k", MANY), lambda: read_header(data)):
        with pytest.raises(Undecodable, match=reason):
            attempt()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["JPEG", "PNG", "BMP", "GIF", "WEBP", "AVIF", "JPEG2000", "PPM"]),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damage_raises_nothing_but_its_reason(kind: str, edits: list[tuple[int, int]]) -> None:
    data = bytearray(encode(noise(12, 10), kind))
    for place, value in edits:
        data[place % len(data)] = value
    shape = (12, 10, 3)
    with suppress(Undecodable):
        shape = decode(bytes(data), target(12, 10, resize="stretch"), "k", 10**6).shape
    assert shape == (12, 10, 3)


def test_bomb_is_refused_by_its_header() -> None:
    data = raw_png(60_000, 60_000, 8, 0, b"")
    with pytest.raises(Undecodable) as caught:
        decode(data, target(4, 4, resize="crop"), "k", 1000)
    assert str(caught.value) == "has 3600000000 pixels, more than --max-pixels 1000"
    assert read_header(data) == Header(60_000, 60_000, "uint8")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF", "TIFF"])
def test_our_limit_on_pixels_stands_alone(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert decode(encode(noise(12, 10), kind), target(12, 10), "k", 120).shape == (12, 10, 3)


def test_threads_decode_alike() -> None:
    data = [encode(photo_like(120, 90 + step), "JPEG") for step in range(8)]
    wanted = target(32, 32, resize="crop")
    alone = [decode(item, wanted, "k", MANY) for item in data]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda item: decode(item, wanted, "k", MANY), data * 4))
    assert all(np.array_equal(together[index], alone[index % 8]) for index in range(32))
