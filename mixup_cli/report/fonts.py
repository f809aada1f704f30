"""Text for pictures: in the font that comes with Pillow, or in one of the system's that has more letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Self, cast

from PIL import ImageFont

from mixup_cli.report.captions import Word

OWN = ""
"""Stands for Pillow's own font. It has the letters of English and little more."""

SYSTEM = (
    *("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "DroidSansFallbackFull.ttf"),  # Linux
    *("Arial Unicode.ttf", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc"),  # macOS
    *("segoeui.ttf", "msyh.ttc", "YuGothM.ttc", "malgun.ttf"),  # Windows
)
"""Fonts that systems have, for names in other alphabets. Pillow looks for them in the system's folders."""

NOT_THERE = "\uffff"
"""No font has a glyph for it, and shows what it shows for all that it lacks."""

MOST_LETTERS = 10_000
"""No picture is as wide as a line of these; measuring takes memory for each."""


@cache
def _opened(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    """A font at a size in pixels, or None where the system has none of that name."""
    try:
        return cast(ImageFont.FreeTypeFont, ImageFont.truetype(name, size) if name else ImageFont.load_default(size))
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _has(name: str, letter: str) -> bool:
    return letter.isprintable() and _shape(name, letter) != _shape(name, NOT_THERE)


def _shape(name: str, letter: str) -> tuple[bytes, tuple[int, int]] | None:
    opened = _opened(name, 16)
    if opened is None:
        return None  # so that it has no letter
    mask = opened.getmask(letter)
    return bytes(mask), mask.size


@dataclass(frozen=True)
class Face:
    """The font of a page, by its file's name."""

    name: str = OWN

    @classmethod
    def of(cls, texts: Iterable[str]) -> Self:
        """Pillow's own where it has all letters of these texts, else the font that has the most of them."""
        letters = {letter for text in texts for letter in text[:MOST_LETTERS]}
        if all(_has(OWN, letter) for letter in letters if letter.isprintable()):
            return cls()
        return cls(max((OWN, *SYSTEM), key=lambda name: sum(_has(name, letter) for letter in letters)))

    def at(self, size: int) -> ImageFont.FreeTypeFont:
        """The font at a size in pixels."""
        return _opened(self.name, size) or cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))

    @property
    def direction(self) -> str | None:
        """Of a line as a whole: a name that is written from right to left does not turn its line around. None for fonts
        that Pillow lays out without libraqm: there it knows no directions."""
        return "ltr" if self.at(16).layout_engine == ImageFont.Layout.RAQM else None

    def width_px(self, text: str, size: int) -> float:
        """How wide a text is."""
        return self.at(size).getlength(text, direction=self.direction)

    def drawable(self, text: str) -> list[str]:
        """A text, letter by letter, with what the font lacks written in others: without accents, or else escaped, as a
        terminal does it."""
        return [letter if _has(self.name, letter) else self._instead(letter) for letter in text]

    def _instead(self, letter: str) -> str:
        plain = "".join(each for each in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(each))
        if all(_has(self.name, each) for each in plain):
            return plain  # nothing for an accent that stands alone
        return letter.encode("unicode_escape").decode()

    def shortened(self, text: str, size: int, limit_px: float) -> str:
        """The text as it can be drawn. One that is wider than `limit_px` has a … in its middle: names often differ in
        their last letters, and files in their endings."""
        if len(text) > MOST_LETTERS:
            text = f"{text[: MOST_LETTERS // 2]}…{text[-MOST_LETTERS // 2 :]}"
        letters = self.drawable(text)
        whole = "".join(letters)
        if self.width_px(whole, size) <= limit_px:
            return whole
        low, high = 0, len(letters) - 1
        while low < high:  # as many letters as fit, by bisection
            middle = (low + high + 1) // 2
            fits = self.width_px(_but_the_middle(letters, middle), size) <= limit_px
            low, high = (middle, high) if fits else (low, middle - 1)
        return _but_the_middle(letters, low)

    def wrapped(self, words: Iterable[Word], size: int, limit_px: float) -> list[str]:
        """Words in lines that are not wider than `limit_px`; the name in a word that is too wide is shortened."""
        lines: list[str] = []
        for word in words:
            room_px = limit_px - self.width_px(word.rest, size)
            shown = self.shortened(word.name, size, room_px) + word.rest
            if lines and self.width_px(f"{lines[-1]} {shown}", size) <= limit_px:
                lines[-1] += f" {shown}"
            else:
                lines.append(shown)
        return lines


def _but_the_middle(letters: list[str], kept: int) -> str:
    """The first and the last of some letters, `kept` of them."""
    head = kept // 2
    return "".join(letters[:head]).rstrip() + "…" + "".join(letters[len(letters) - (kept - head) :]).lstrip()
