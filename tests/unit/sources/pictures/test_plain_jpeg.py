"""JPEGs that are opened in one pass: the same pixels, the same refusals as with Pillow's plugin."""

import io
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.choices import Resize
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.sources.pictures import decode as module
from mixup_cli.sources.pictures.decode import Header, decode, read_header
from mixup_cli.sources.pictures.plain_jpeg import PlainJpeg, look_at_head, look_at_jpeg
from mixup_cli.sources.reading.encoded import Undecodable

MANY = 10**9
SAMPLES = Path(__file__).parents[4] / "sample_data"
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
SIZES = ((1, 1), (7, 5), (8, 8), (16, 16), (17, 31), (32, 32), (33, 64), (48, 40), (65, 127), (130, 99))


def picture(height: int, width: int, seed: int) -> Image.Image:
    """Soft colours with grain and an edge, as pictures have them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 9 + phase) * np.cos(y / 13 - phase) for phase in rng.uniform(0, 6, 3)]
    values = np.stack(waves, axis=2) * 90 + 128 + rng.normal(0, 12, (height, width, 3))
    values[:, width // 2 :] += rng.uniform(-60, 60, 3)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def restamped(data: bytes, factors: int, height: int, width: int) -> bytes:
    """A baseline JPEG whose frame has another size and other factors of sampling: Pillow's encoder knows three of them.
    The blocks become those of another picture, and must be as many."""
    at = data.index(b"\xff\xc0") + 5
    stamped = height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[at + 4 : at + 6] + bytes([factors])
    return data[:at] + stamped + data[at + len(stamped) :]


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def of_every_kind() -> Iterator[tuple[str, bytes]]:
    """1,000 and more: sizes, subsamplings, qualities, progressive or not, restarts, grey, EXIF, colour profiles."""
    for number, (size, sampling, quality, progressive) in enumerate(
        itertools.product(SIZES, SUBSAMPLINGS, (5, 30, 75, 90, 95, 100), (False, True))
    ):
        image = picture(*size, seed=number)
        options: dict[str, Any] = {"quality": quality, "progressive": progressive, "optimize": number % 3 == 0}
        name = f"{size} {sampling} {quality} {'progressive' if progressive else 'baseline'}"
        yield name, encoded(image, subsampling=sampling, **options)
        yield f"{name} restarts", encoded(image, subsampling=sampling, restart_marker_blocks=1 + number % 4, **options)
        if not progressive and sampling == "4:2:2":
            yield f"{name} as 4:4:0", restamped(encoded(image, subsampling=sampling, **options), 0x12, *size[::-1])
        if not progressive and sampling == "4:2:0":
            rows, columns = -(-size[0] // 16), -(-size[1] // 16)
            whole = encoded(image, subsampling=sampling, **options)
            yield f"{name} as 4:1:1", restamped(whole, 0x41, 8 * rows - number % 8, 32 * columns - number % 32)
        yield f"{name} grey", encoded(image.convert("L"), **options)
        if number % 4 == 0:
            extras = {"exif": turned(1 + number // 4 % 8), "icc_profile": bytes(3000), "comment": b"a comment"}
            yield f"{name} with segments", encoded(image, subsampling=sampling, **extras, **options)
        if number % 8 == 0:
            yield f"{name} kept as RGB", encoded(image, keep_rgb=True, **options)


ALL = list(of_every_kind())


def with_plugin(data: bytes, target: Target, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patched:
        patched.setattr(module, "look_at_jpeg", lambda _: None)
        return decode(data, target, "k", MANY)


def test_pixels_are_the_plugin_s_on_a_thousand_pictures_of_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(ALL) >= 1000
    for name, data in ALL:
        found = look_at_jpeg(data)
        assert found is not None, name
        for channels in (1, 3):
            target = Target(Form((*found.upright(), channels), "uint8", "hwc"))
            expected = with_plugin(data, target, monkeypatch)
            assert np.array_equal(decode(data, target, "k", MANY), expected), (name, channels)


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
def test_pixels_are_the_plugin_s_where_pictures_are_resized(resize: Resize, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(Form((3, 12, 9), "uint8", "chw"), resize)
    for name, data in ALL[::7]:
        assert np.array_equal(decode(data, target, "k", MANY), with_plugin(data, target, monkeypatch)), name


def test_pixels_are_the_plugin_s_on_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = sorted((SAMPLES / "photos").rglob("*.jpg"))
    assert photos
    for path in photos:
        data = path.read_bytes()
        assert look_at_jpeg(data) is not None
        for size in ((64, 64), (224, 224)):
            target = Target(Form((*size, 3), "uint8", "hwc"), "crop")
            assert np.array_equal(decode(data, target, "k", MANY), with_plugin(data, target, monkeypatch)), path


def outcome(data: bytes, target: Target, limit: int = MANY) -> Any:
    try:
        return decode(data, target, "k", limit).tobytes()
    except (Undecodable, FormMismatch) as problem:
        return type(problem), str(problem)


def test_damage_ends_as_with_the_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes changed, cut out and cut off, at random: the same pixels or the same words."""
    draw = random.Random(0)
    target = Target(Form((17, 31, 3), "uint8", "hwc"))
    chosen = [data for name, data in ALL if name.startswith("(17, 31)")]
    plain = 0
    for _ in range(3000):
        data = bytearray(draw.choice(chosen))
        for _ in range(draw.choice((1, 1, 2, 5))):
            data[draw.randrange(min(len(data), draw.choice((40, 700, 10**6))))] = draw.choice((0, 1, 8, 255, 254, 218))
        if draw.random() < 0.3:
            del data[draw.randrange(len(data)) :]
        plain += look_at_jpeg(bytes(data)) is not None
        found = outcome(bytes(data), target)
        with monkeypatch.context() as patched:
            patched.setattr(module, "look_at_jpeg", lambda _: None)
            assert found == outcome(bytes(data), target)
    assert plain > 1000


def test_heads_say_what_the_plugin_says() -> None:
    """Whole, cut off, and with bytes changed; a head that ends before the scan says nothing."""
    draw, found = random.Random(1), 0
    for name, data in ALL[::3]:
        jpeg = look_at_head(data[: data.index(b"\xff\xda") + 4])
        assert jpeg == look_at_jpeg(data), name
        assert look_at_head(data[: data.index(b"\xff\xda") + 3]) is None
        changed = bytearray(data)
        changed[draw.randrange(min(len(data), 700))] = draw.choice((0, 1, 8, 255, 254, 218))
        if (jpeg := look_at_head(bytes(changed[:4096]))) is not None:
            found += 1
            assert read_header(bytes(changed)) == Header(*jpeg.upright(), "uint8"), name
    assert found > 200


def test_what_is_unusual_is_left_to_the_plugin() -> None:
    image = picture(8, 8, 0)
    data = encoded(image)
    assert look_at_jpeg(data) == PlainJpeg(8, 8, "RGB", 1)
    scan = data.index(b"\xff\xda")
    many = b"\xff\xfe\x00\x02" * 70
    unusual = {
        "cut off": data[:-1],
        "bytes behind it": data + b"\0",
        "four channels": encoded(image.convert("CMYK")),
        "two pieces of EXIF": data[:2] + 2 * (b"\xff\xe1\x00\x0aExif\0\0II") + data[2:],
        "many segments": data[:2] + many + data[2:],
        "padding": data[:2] + b"\xff" + data[2:],
        "a short JFIF": data[:2] + b"\xff\xe0\x00\x07JFIF\0" + data[2:],
        "a segment of Photoshop": data[:2] + b"\xff\xed\x00\x10Photoshop 3.0\0" + data[2:],
        "no frame": data[:2] + data[scan:],
        "many scans": data[:-2] + 300 * data[scan : scan + 14] + data[-2:],
        "no JPEG": b"\x89PNG" + data,
        "empty": b"",
    }
    assert [name for name, each in unusual.items() if look_at_jpeg(each) is not None] == []


def test_our_limit_on_pixels_holds() -> None:
    target = Target(Form((8, 8, 3), "uint8", "hwc"))
    data = encoded(picture(8, 8, 0))
    assert outcome(data, target, 64) == outcome(data, target)
    assert outcome(data, target, 63) == (Undecodable, "has 64 pixels, more than --max-pixels 63")
