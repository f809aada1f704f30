"""Which plugin of Pillow reads which image, by its first bytes; each made fit for hostile content.

The plugins are called directly, and not by `Image.open(formats=…)`: that applies Pillow's own limit on pixels, a
process-wide setting below ours (it warns from 89 million), opens a JPEG that holds several as another kind, and
replaces the reason why a file cannot be read by "cannot identify image file". Only public names are overridden.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
from PIL.TiffImagePlugin import IMAGELENGTH, IMAGEWIDTH, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from mixup_cli.sources.pictures.avif_stream import look_at_avif
from mixup_cli.sources.pictures.damage import is_cut_off
from mixup_cli.sources.pictures.jpeg2000_stream import IN_BOXES, RAW, look_at_jpeg2000
from mixup_cli.sources.pictures.tiff_tags import ARRAYS, check_tags
from mixup_cli.sources.reading.encoded import Undecodable

_BRANDS_END = 64
_UNKNOWN = "not a picture Pillow can read"


class Jpeg(JpegImageFile):
    """A JPEG whose EXIF Pillow does not read: it looks there for the resolution, and warns about damage."""

    def getexif(self) -> Image.Exif:
        """None; `headers.orientation_of` reads what is needed."""
        return Image.Exif()


class Tiff(TiffImageFile):
    """A TIFF that Pillow's own limit on pixels does not apply to: ours has been checked already."""

    def load_prepare(self) -> None:
        """Allocate the pixels as Pillow does, which checks its limit only where it allocates itself."""
        self.im = Image.new(self.mode, (self.tag_v2[IMAGEWIDTH], self.tag_v2[IMAGELENGTH])).im
        super().load_prepare()


def _open_tiff(stream: IO[bytes]) -> ImageFile:
    bands = check_tags(stream)
    try:
        return Tiff(stream)
    except SyntaxError as problem:
        if isinstance(problem.args[0], Exception) or is_cut_off(problem, b""):
            raise  # damage, which Pillow wraps
        raise Undecodable(f"{bands}, which Pillow does not read ({ARRAYS})") from problem


class Pnm(PpmImageFile):
    """Scales values of another range than 0 … 255 or 65535 at once: Pillow does that one by one, in Python."""

    def load(self) -> Any:
        """See `ImageFile.load`."""
        if self.tile and self.tile[0][0] == "ppm":
            self.im = Image.fromarray(self._scaled()).im
            self.tile = []
        return super().load()

    def _scaled(self) -> NDArray[np.generic]:
        """The samples as Pillow gives them: uint8 (h, w) or (h, w, 3), or int32 (h, w) of 0 … 65535."""
        if self.fp is None:
            raise ValueError("the picture is closed")
        data_at, highest = self.tile[0][2], int(self.tile[0][3][1])  # type: ignore[index]  # Pillow says "or None"
        stored, full = np.dtype("u1" if highest < 256 else ">u2"), 65535 if self.mode == "I" else 255
        scaled = np.minimum(np.rint(np.arange(1 << 8 * stored.itemsize) / highest * full), full)
        shape = (self.height, self.width) if self.mode in ("L", "I") else (self.height, self.width, 3)
        self.fp.seek(data_at)
        size_bytes = math.prod(shape) * stored.itemsize
        data = self.fp.read(size_bytes)
        if len(data) < size_bytes:
            raise OSError("image file is truncated")
        return scaled.astype(np.int32 if self.mode == "I" else np.uint8)[np.frombuffer(data, stored).reshape(shape)]


def _all_of(stream: IO[bytes]) -> bytes:
    """The file's bytes. The next read begins at its start."""
    data = stream.read()
    stream.seek(0)
    return data


class Avif(AvifImageFile):
    """An AVIF whose content is looked at before a decoder sees it."""

    def __init__(self, fp: IO[bytes]) -> None:
        self.stream = look_at_avif(_all_of(fp))
        super().__init__(fp)


class Jpeg2000(Jpeg2KImageFile):
    """As `Avif`."""

    def __init__(self, fp: IO[bytes]) -> None:
        self.stream = look_at_jpeg2000(_all_of(fp))
        super().__init__(fp)


def check_stream(picture: ImageFile) -> None:
    """Raises Undecodable where an image's header says less than its decoder would find."""
    if isinstance(picture, Avif | Jpeg2000):
        picture.stream.check(picture.width * picture.height)


_PLUGINS: tuple[tuple[bytes, Callable[[IO[bytes]], ImageFile]], ...] = (
    (b"\xff\xd8\xff", Jpeg),
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"RIFF", WebPImageFile),
    (b"GIF8", GifImageFile),
    *((magic, _open_tiff) for magic in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
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
        brands = start[8:]
        if b"avif" in brands or b"avis" in brands:
            return Avif(stream)
        if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")):
            raise Undecodable("is HEIC, which Pillow does not read (JPEG and PNG it does)")
    plugin = next((plugin for magic, plugin in _PLUGINS if start.startswith(magic)), None)
    if plugin is None:
        raise Undecodable(_UNKNOWN)
    return plugin(stream)
