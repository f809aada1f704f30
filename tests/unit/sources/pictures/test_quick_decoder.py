"""The decoder of the extra `jpeg` gives Pillow's pixels, or is not used."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.runs.fingerprint import decoder_id
from mixup_cli.sources.pictures import decode as module
from mixup_cli.sources.pictures.decode import decode
from mixup_cli.sources.pictures.plain_jpeg import decoded, look_at_jpeg
from mixup_cli.sources.pictures.quick_decoder import quick_decoder, quickly_decoded
from tests.unit.sources.pictures.test_plain_jpeg import ALL, MANY, SAMPLES, encoded, picture

simplejpeg = pytest.importorskip("simplejpeg")


@pytest.fixture(autouse=True)
def looked_for_again() -> Iterator[None]:
    quick_decoder.cache_clear()
    yield
    quick_decoder.cache_clear()


def test_its_pixels_are_pillow_s_on_a_thousand_pictures_of_every_kind() -> None:
    photos = [(str(path), path.read_bytes()) for path in sorted((SAMPLES / "photos").rglob("*.jpg"))]
    assert len(ALL) >= 1000
    assert photos
    for name, data in [*ALL, *photos]:
        jpeg = look_at_jpeg(data)
        assert jpeg is not None
        expected = decoded(data, jpeg, 1)
        found = quickly_decoded(data, jpeg.mode)
        assert expected is not None, name
        assert found is not None, name
        assert np.array_equal(found.reshape(np.asarray(expected).shape), np.asarray(expected)), name


def test_it_is_used_where_nothing_is_to_be_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def spy(data: bytes, mode: str) -> Any:
        calls.append(mode)
        return quickly_decoded(data, mode)

    monkeypatch.setattr(module, "quickly_decoded", spy)
    image = picture(8, 8, 0)
    for each, size, channels in ((image, 8, 3), (image, 8, 1), (image.convert("L"), 8, 3), (image, 5, 3)):
        decode(encoded(each), Target(Form((size, size, channels), "uint8", "hwc"), "crop"), "k", MANY)
    assert calls == ["RGB", "L"]


@pytest.mark.parametrize("change", [lambda pixels: pixels + 1, lambda pixels: pixels[:-1]])
def test_one_that_decodes_otherwise_is_not_used(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = decoder_id()
    assert f"simplejpeg {simplejpeg.__version__}" in before
    other = SimpleNamespace(decode_jpeg=lambda data, colours: change(simplejpeg.decode_jpeg(data, colours)))
    monkeypatch.setitem(sys.modules, "simplejpeg", other)
    quick_decoder.cache_clear()
    assert quick_decoder() is None
    assert quickly_decoded(ALL[0][1], "RGB") is None
    assert decoder_id() == before.replace(f"; simplejpeg {simplejpeg.__version__}", "")


def test_without_it_pillow_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert quick_decoder() is None
    image = picture(8, 8, 0)
    found = decode(encoded(image, quality=100, subsampling=0), Target(Form((8, 8, 3), "uint8", "hwc")), "k", MANY)
    assert np.abs(found.astype(int) - np.asarray(image)).max() < 8


def test_damage_is_left_to_pillow() -> None:
    data = encoded(picture(64, 64, 0))
    assert quickly_decoded(data[: len(data) // 2] + b"\xff\xd9", "RGB") is None
