"""Text for pictures, in the font that comes with Pillow. It has the letters of English and little more."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from PIL import ImageFont

from mixup_cli.report.captions import Word

NOT_THERE = "\uffff"
"""No font has a glyph for it, and shows what it shows for all that it lacks."""


@lru_cache(maxsize=4)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels."""
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))


@lru_cache(maxsize=4096)
def _has(letter: str) -> bool:
    return letter.isprintable() and _shape(letter) != _shape(NOT_THERE)


def _shape(letter: str) -> tuple[bytes, tuple[int, int]]:
    mask = font(16).getmask(letter)
    return bytes(mask), mask.size


def drawable(text: str) -> str:
    """The text with what the font lacks in other letters: without accents, or else escaped, as a terminal does it."""
    return "".join(letter if _has(letter) else _instead(letter) for letter in text)


def _instead(letter: str) -> str:
    plain = "".join(each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each))
    if all(map(_has, plain)):
        return plain  # nothing for an accent that stands alone
    return letter.encode("unicode_escape").decode()


MOST_LETTERS = 10_000
"""No picture is as wide as a line of these; measuring takes memory for each."""


def width_px(text: str, size: int) -> float:
    """How wide a text is."""
    return font(size).getlength(text)


def shortened(text: str, size: int, limit_px: float) -> str:
    """The text, or as much of its beginning as is not wider than `limit_px` with a … after it."""
    if len(text) <= MOST_LETTERS and width_px(text, size) <= limit_px:
        return text
    low, high = 0, min(len(text), MOST_LETTERS)
    while low < high:  # the longest beginning that fits, by bisection: class names can be long
        middle = (low + high + 1) // 2
        low, high = (middle, high) if width_px(text[:middle] + "…", size) <= limit_px else (low, middle - 1)
    return text[:low].rstrip() + "…"


def wrapped(words: Iterable[Word], size: int, limit_px: float) -> list[str]:
    """Words in lines that are not wider than `limit_px`; the name in a word that is too wide is shortened."""
    lines: list[str] = []
    for word in words:
        shown = shortened(drawable(word.name), size, limit_px - width_px(word.rest, size)) + word.rest
        if lines and width_px(f"{lines[-1]} {shown}", size) <= limit_px:
            lines[-1] += f" {shown}"
        else:
            lines.append(shown)
    return lines
