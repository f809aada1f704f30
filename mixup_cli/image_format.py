"""The encodings of images, in shards and in exports, and their qualities."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self, cast

from mixup_cli.choices import ImageEncoding
from mixup_cli.errors import UsageError


@dataclass(frozen=True)
class ImageFormat:
    """An encoding, and its quality in 1 … 100; None for PNG, which loses nothing."""

    encoding: ImageEncoding = "png"
    quality: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """`png`, `jpeg:95`, `webp:90`. Raises UsageError."""
        match = re.fullmatch(r"png|(jpeg|webp):([1-9][0-9]?|100)", text)
        if match is None:
            found = f"{text[:60]!r} is neither png, nor jpeg or webp with a quality, 1 … 100."
            raise UsageError(found, "Give png, jpeg:95 or webp:90.")
        return cls(cast(ImageEncoding, match[1] or "png"), int(match[2]) if match[2] else None)

    @property
    def ending(self) -> str:
        """Of a file's name, without a dot."""
        return "jpg" if self.encoding == "jpeg" else self.encoding

    @property
    def kind(self) -> str:
        """As people write it: PNG, JPEG or WebP."""
        return "WebP" if self.encoding == "webp" else self.encoding.upper()

    @property
    def is_lossy(self) -> bool:
        """Whether decoded images differ from those that were encoded."""
        return self.encoding != "png"

    def __str__(self) -> str:
        return self.encoding if self.quality is None else f"{self.encoding}:{self.quality}"
