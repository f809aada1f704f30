"""Which of Pillow's plugins reads which picture, by its first bytes; each made fit for content that nobody vouches for.

The plugins are opened directly and not by `Image.open`: that recognises a picture by its content and by nothing else,
and leaves Pillow's own limit on pixels (a process-wide setting, which warns) alone. Nothing here changes global state.
"""

from __future__ import annotations

import math
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.PpmImagePlugin import PpmImageFile
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    ImageFileDirectory_v2,
    TiffImageFile,
)
from PIL.WebPImagePlugin import WebPImageFile

from mixup_cli.sources.pictures.avif_stream import look_at_avif
from mixup_cli.sources.pictures.jpeg2000_stream import IN_BOXES, RAW, look_at_jpeg2000
from mixup_cli.sources.pictures.limits import Undecodable, check_tags
from mixup_cli.wording import counted

_BRANDS_END = 64
_UNKNOWN = "not a picture Pillow can read"


class Jpeg(JpegImageFile):
    """A JPEG of which EXIF is not asked for the resolution."""

    def _read_dpi_from_exif(self) -> None:
        """Do nothing: the resolution is of no use here, and damaged EXIF would warn."""


ARRAYS = "store such pictures as an array: .npy or .h5"
_SEPARATED = 5
"""TIFF's word for the colours of print: four of them, and alpha."""


def _check_bands(tags: ImageFileDirectory_v2) -> None:
    """Raises Undecodable for more bands than a picture has: Pillow would read three of them, or some of their bytes."""
    bands = tags.get(SAMPLESPERPIXEL, 1)
    if bands in range(5) or (bands == _SEPARATED and tags.get(PHOTOMETRIC_INTERPRETATION) == _SEPARATED):
        return
    raise Undecodable(f"{_bands(tags)}, where pictures have 1, 3 or 4 ({ARRAYS})")


def _bands(tags: ImageFileDirectory_v2) -> str:
    bands, bits, kinds = tags.get(SAMPLESPERPIXEL, 1), tags.get(BITSPERSAMPLE, (1,)), tags.get(SAMPLEFORMAT, (1,))
    kind = {2: "signed integers", 3: "floats"}.get(kinds[0], "integers")
    return f"has {counted(bands, 'band')} of {bits[0]}-bit {kind}"


class _Tiff(TiffImageFile):
    def _setup(self) -> None:
        """Look at the tags before Pillow makes lists of them."""
        check_tags(self.tag_v2)
        _check_bands(self.tag_v2)
        try:
            super()._setup()
        except SyntaxError as problem:
            raise Undecodable(f"{_bands(self.tag_v2)}, which Pillow does not read ({ARRAYS})") from problem

    def load_prepare(self) -> None:
        """Allocate as Pillow does, but without its own limit on pixels: ours has been checked already."""
        if self._im is None:
            self.im = Image.new(self.mode, getattr(self, "_tile_size", self.size)).im
        super().load_prepare()


class Pnm(PpmImageFile):
    """Values of another range than 0 … 255 or 65535 are scaled to it here: Pillow does that one by one, in Python."""

    def load(self) -> Any:
        """See `ImageFile.load`."""
        if self.tile and self.tile[0][0] == "ppm":
            self.im = Image.fromarray(self._scaled()).im
            self.tile = []
        return super().load()

    def _scaled(self) -> NDArray[np.generic]:
        """The samples as Pillow gives them: uint8 (h, w) or (h, w, 3), or int32 (h, w) of 0 … 65535."""
        data_at, highest = self.tile[0][2], int(self.tile[0][3][1])  # type: ignore[index]  # Pillow says "or None"
        stored, full = np.dtype("u1" if highest < 256 else ">u2"), 65535 if self.mode == "I" else 255
        scaled = np.minimum(np.rint(np.arange(1 << 8 * stored.itemsize) / highest * full), full)
        shape = (self.height, self.width) if self.mode in ("L", "I") else (self.height, self.width, 3)
        _stream_of(self).seek(data_at)
        size_bytes = math.prod(shape) * stored.itemsize
        data = _stream_of(self).read(size_bytes)
        if len(data) < size_bytes:
            raise OSError("image file is truncated")
        return scaled.astype(np.int32 if self.mode == "I" else np.uint8)[np.frombuffer(data, stored).reshape(shape)]


def _all_of(picture: ImageFile) -> bytes:
    """The file's bytes. The next read begins at its start."""
    data = _stream_of(picture).read()
    _stream_of(picture).seek(0)
    return data


def _stream_of(picture: ImageFile) -> IO[bytes]:
    if picture.fp is None:
        raise ValueError("the picture is closed")
    return picture.fp


class Avif(AvifImageFile):
    """An AVIF whose content is looked at before a decoder sees it."""

    def _open(self) -> None:
        self.stream = look_at_avif(_all_of(self))
        super()._open()


class Jpeg2000(Jpeg2KImageFile):
    """As `Avif`."""

    def _open(self) -> None:
        self.stream = look_at_jpeg2000(_all_of(self))
        super()._open()


def check_stream(picture: ImageFile) -> None:
    """Raises Undecodable where a picture's header says less than its decoder would find."""
    if isinstance(picture, Avif | Jpeg2000):
        picture.stream.check(picture.width * picture.height)


_PLUGINS: tuple[tuple[bytes, type[ImageFile]], ...] = (
    (b"\xff\xd8\xff", Jpeg),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"RIFF", WebPImageFile),
    (b"GIF8", GifImageFile),
    (b"II*\0", _Tiff),
    (b"MM\0*", _Tiff),
    (b"II+\0", _Tiff),
    (b"MM\0+", _Tiff),
    (b"BM", BmpImageFile),
    (RAW, Jpeg2000),
    (IN_BOXES, Jpeg2000),
    *((b"P%d" % number, Pnm) for number in range(1, 7)),
)


def open_picture(stream: IO[bytes]) -> ImageFile:
    """Read the header with the plugin that knows the first bytes. Raises Undecodable, and what Pillow raises."""
    start = stream.read(_BRANDS_END)
    stream.seek(0)
    if not start:
        raise Undecodable("empty file")
    if start[4:8] == b"ftyp":
        return _in_boxes(start[8:])(stream)
    for magic, plugin in _PLUGINS:
        if start.startswith(magic):
            return plugin(stream)
    raise Undecodable(_UNKNOWN)


def _in_boxes(brands: bytes) -> type[ImageFile]:
    """The plugin for a file that begins with a box of brands. Raises Undecodable where there is none."""
    if b"avif" in brands or b"avis" in brands:
        return Avif
    if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")):
        raise Undecodable("is HEIC, which Pillow does not read (JPEG and PNG it does)")
    raise Undecodable(_UNKNOWN)
