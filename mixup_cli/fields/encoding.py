"""Pictures that are encoded by themselves: which ones, with which settings, and what is accepted when they are read.

`docs/format.md`, section 3, has the settings: another one would give other bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.image_format import ImageFormat
from mixup_cli.recipe import Recipe
from mixup_cli.wording import counted

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

HOLDS = {
    ("png", "uint8"): (1, 3, 4),
    ("png", "uint16"): (1,),
    ("jpeg", "uint8"): (1, 3),
    ("webp", "uint8"): (3, 4),
}
"""The counts of channels that an encoding holds without changing them, by dtype."""

MOST_SIDE_PX = {"png": 65535, "jpeg": 65500, "webp": 16383}
"""The largest height or width that an encoding (for JPEG: its library) holds."""

MOST_PIXELS = 1 << 26
"""Of one image: Pillow warns of more."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's names of 8-bit pictures, by the count of channels."""

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "png": {"compress_level": 1},  # level 6: photographs are 6 % smaller, and take three times as long
    "jpeg": {"subsampling": "4:2:0", "optimize": True},  # CIFAR's images are a third smaller than with common tables
    "webp": {"method": 2, "exact": True},  # method 4, Pillow's own: 4 % smaller, and twice the time
}
"""What Pillow is asked for besides the quality."""


class Unreadable(Exception):
    """Bytes are not the picture that they should be. The text says what they are."""


@dataclass(frozen=True)
class PictureCodec:
    """Encodes and decodes pictures of one form: uint8, of `shape` (height, width) or (height, width, channels)."""

    image_format: ImageFormat
    shape: tuple[int, ...]

    dtype: ClassVar[str] = "uint8"

    @property
    def channels(self) -> int:
        """How many there are; 1 without a dimension of them."""
        return self.shape[2] if len(self.shape) == 3 else 1

    def encode(self, values: NDArray[Any]) -> list[bytes]:
        """The encoded bytes of each of some pictures (m, *shape). Pillow lets other threads run meanwhile."""
        return encoded(values.reshape(-1, *self.shape[:2], self.channels), self.image_format, self._settings)

    @property
    def _settings(self) -> Mapping[str, Any]:
        return SETTINGS[self.image_format.encoding]

    def check(self, data: bytes) -> None:
        """Raises Unreadable unless the header is that of such a picture. Nothing is decoded."""
        self._opened(data)

    def decode(self, data: bytes, out: NDArray[np.uint8]) -> None:
        """Decode a picture into `out` (*shape). Raises Unreadable: before it decodes, if the header shows it."""
        picture = self._opened(data)
        with _problems("cannot be decoded"):
            out[...] = np.asarray(picture).reshape(self.shape)

    def _opened(self, data: bytes) -> ImageFile:
        """The picture, of which only the header was read."""
        encoding = self.image_format.encoding
        with _problems(f"is not a {self.image_format.kind} image"):
            picture = _plugin(encoding)(io.BytesIO(data))  # `Image.open` would try others, and has a limit of its own
        height, width = self.shape[:2]
        expected = MODES[self.channels], (width, height)
        if (picture.mode, picture.size) != expected:
            found = f"is an image of {picture.size[0]}x{picture.size[1]} ({picture.mode})"
            raise Unreadable(f"{found}, expected {width}x{height} ({expected[0]})")
        if "progressive" in picture.info:  # each of its scans, of which there can be any number, takes as long as all
            raise Unreadable("is a progressive JPEG, expected a baseline one")
        return picture


def problem_of(shape: tuple[int, ...], image_format: ImageFormat) -> str | None:
    """Why an encoding does not hold 8-bit pictures of a shape (height, width) or (height, width, channels), if so."""
    codec = PictureCodec(image_format, shape)
    if codec.channels not in (held := HOLDS[image_format.encoding, codec.dtype]):
        return f"has {counted(codec.channels, 'channel')}, and {image_format} holds {' or '.join(map(str, held))}"
    if max(shape[:2]) > (most := MOST_SIDE_PX[image_format.encoding]):
        return f"has sides of {max(shape[:2])} pixels, and {image_format} holds {most}"
    if not 0 < (count := shape[0] * shape[1]) <= MOST_PIXELS:
        return f"has {count} pixels, and {image_format} is for 1 to {MOST_PIXELS}"
    return None


def is_built_in(image_format: ImageFormat) -> bool:
    """Whether Pillow can write an encoding here."""
    from PIL import features

    return bool(features.check({"png": "zlib", "jpeg": "jpg", "webp": "webp"}[image_format.encoding]))


def encoded_shape(recipe: Recipe) -> tuple[int, ...] | None:
    """The shape of the pictures that a resolved recipe encodes: (height, width) or (height, width, channels); None if
    its samples are not pictures."""
    if recipe.size is None:
        return None
    channels = () if recipe.layout is None else ({"grey": 1, "rgb": 3}.get(recipe.channels or "", 4),)
    return (*recipe.size, *channels)


def encoded(pictures: NDArray[Any], image_format: ImageFormat, settings: Mapping[str, Any]) -> list[bytes]:
    """The encoded bytes of each of some pictures (m, height, width, channels)."""
    from PIL import Image  # readers of plain rows do without

    quality = {} if image_format.quality is None else {"quality": image_format.quality}
    found = list[bytes]()
    for picture in pictures:
        written = io.BytesIO()
        plane = picture[..., 0] if picture.shape[-1] == 1 else picture
        Image.fromarray(np.ascontiguousarray(plane)).save(written, image_format.encoding, **quality, **settings)
        found.append(written.getvalue())
    return found


@contextmanager
def _problems(found: str) -> Iterator[None]:
    """Raises Unreadable for all that Pillow says of damaged bytes."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001  # its plugins raise nearly every type
        raise Unreadable(f"{found} ({problem})") from None


def _plugin(encoding: str) -> type[ImageFile]:
    """The class that reads one format, and no other."""
    from PIL import JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    plugins: dict[str, type[ImageFile]] = {
        "png": PngImagePlugin.PngImageFile,
        "jpeg": JpegImagePlugin.JpegImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
    }
    return plugins[encoding]
