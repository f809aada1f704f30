"""A picture's pieces are counted, and what its decoder would do with them is bounded."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources.pictures import limits as picture_limits
from mixup_cli.sources.pictures.decode import decode, read_header
from mixup_cli.sources.pictures.limits import WatchedBytes, WatchedFile
from mixup_cli.sources.reading.encoded import Undecodable
from tests.hostile.makers import pictures

TARGET = Target(Form((8, 8, 3), "uint8", "hwc"), "crop")


def test_reading_is_reading(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abcdef")
    with (tmp_path / "x").open("rb") as file:
        for watched in (WatchedBytes(b"abcdef"), WatchedFile(file.fileno())):
            assert (watched.read(2), watched.read(), watched.seek(1), watched.read(1)) == (b"ab", b"cdef", 1, b"b")
        assert not file.closed


def test_pieces_are_counted_wherever_they_come_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pictures.jpeg_behind(b"\xff" * 1000)
    (tmp_path / "x").write_bytes(data)
    assert read_header(data).width == 16
    monkeypatch.setattr(picture_limits, "MOST_READS", 900)
    with pytest.raises(Undecodable, match="more than 900 pieces"):
        read_header(data)
    with (tmp_path / "x").open("rb") as file, pytest.raises(Undecodable, match="more than 900 pieces"):
        read_header(file)
    with pytest.raises(Undecodable, match="more than 900 pieces"):
        decode(data, TARGET, "x", 10**8)


def test_chunks_behind_the_pixels_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pictures.encoded("PNG")
    behind = whole[:-12] + pictures.png_chunk(b"teSt", b"") * 1000 + whole[-12:]
    monkeypatch.setattr(picture_limits, "MOST_READS", 900)
    assert decode(whole, TARGET, "x", 10**8).shape == (8, 8, 3)
    with pytest.raises(Undecodable, match="more than 900 pieces"):
        read_header(behind)  # there may be EXIF behind the pixels
    with pytest.raises(Undecodable, match="more than 900 pieces"):
        decode(behind, TARGET, "x", 10**8)


def test_scans_count_by_the_pixels_that_they_go_over(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pictures.jpeg_of_scans(150, 100)
    assert decode(data, TARGET, "x", 10**8).shape == (8, 8, 3)
    monkeypatch.setattr(picture_limits, "MOST_SCANNED_PIXELS", 100 * 100_00)
    with pytest.raises(Undecodable, match="scans over 10000 pixels"):
        decode(data, TARGET, "x", 10**8)


@pytest.mark.parametrize("options", [{"tiffinfo": {700: bytes(5 << 20)}}, {"compression": "tiff_lzw"}])
def test_large_tags_of_bytes_are_what_programs_write(options: dict[str, object]) -> None:
    """Metadata (XMP), profiles and layers may take megabytes: nobody makes numbers of them."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "TIFF", **options)
    assert decode(out.getvalue(), TARGET, "x", 10**8).shape == (8, 8, 3)
