"""The encodings of images in exports, and their qualities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, get_args

from mixup_cli.choices import ImageEncoding
from mixup_cli.errors import UsageError
from mixup_cli.wording import did_you_mean

EXAMPLE = "Give png, jpeg:95 or webp:90."


@dataclass(frozen=True)
class ImageFormat:
    """An encoding, and its quality in 1 … 100; None for PNG, which loses nothing."""

    encoding: ImageEncoding = "png"
    quality: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """`png`, `jpeg:95`, `webp:90`. Raises UsageError."""
        encoding, colon, quality = text.partition(":")
        known: tuple[ImageEncoding, ...] = get_args(ImageEncoding)
        for each in known:
            if encoding != each:
                continue
            if each == "png" and not colon:
                return cls(each)
            if each != "png" and quality.isdecimal() and 1 <= int(quality[:4]) <= 100:
                return cls(each, int(quality))
            raise UsageError(f"{text[:60]!r} is not an encoding with its quality, 1 … 100.", EXAMPLE)
        raise UsageError(f"{text[:60]!r} is not an encoding{did_you_mean(encoding, known)}", EXAMPLE)

    @property
    def ending(self) -> str:
        """Of a file's name, without a dot."""
        return "jpg" if self.encoding == "jpeg" else self.encoding

    def __str__(self) -> str:
        return self.encoding if self.quality is None else f"{self.encoding}:{self.quality}"
