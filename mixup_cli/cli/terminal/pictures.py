"""Pictures on a terminal that shows them. The environment says which one it is: asking a terminal may hang."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from itertools import groupby
from typing import TypeAlias

Drawing: TypeAlias = Callable[[bytes], bytes]
"""Turns a PNG into what a terminal takes."""

KITTY_LETTERS = 4096
"""Of a picture, kitty takes so many at a time."""


def is_terminal() -> bool:
    """Whether stdout is one."""
    return sys.stdout is not None and sys.stdout.isatty()


def drawing(environment: Mapping[str, str]) -> Drawing | None:
    """How the terminal that the environment describes takes a picture; None if it is not known to show any, and within
    tmux or screen, which keep pictures to themselves."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if not is_terminal() or "TMUX" in environment or term.startswith(("screen", "tmux")):
        return None
    if "KITTY_WINDOW_ID" in environment or term in ("xterm-kitty", "xterm-ghostty"):
        return kitty
    if program in ("iTerm.app", "WezTerm"):
        return iterm2
    return sixel if term in ("foot", "mlterm", "xterm-sixel") else None


def kitty(png: bytes) -> bytes:
    """In kitty's graphics protocol."""
    text = base64.b64encode(png)
    parts = [text[start : start + KITTY_LETTERS] for start in range(0, len(text), KITTY_LETTERS)]
    more = [b"a=T,f=100,m=1", *[b"m=1"] * (len(parts) - 1)]
    more[-1] = more[-1].replace(b"m=1", b"m=0")
    return b"".join(b"\x1b_G%b;%b\x1b\\" % each for each in zip(more, parts, strict=True)) + b"\n"


def iterm2(png: bytes) -> bytes:
    """In iTerm2's protocol of inline images."""
    return b"\x1b]1337;File=inline=1;size=%d:%b\x07\n" % (len(png), base64.b64encode(png))


def sixel(png: bytes) -> bytes:
    """In 256 colours, six rows of pixels at a time, for terminals that descend from DEC's VT340."""
    from PIL import Image

    with Image.open(BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256)
    palette = few.getpalette() or []
    colours = [palette[start : start + 3] for start in range(0, len(palette), 3)]
    defined = "".join(
        f"#{number};2;{';'.join(str(round(level / 2.55)) for level in each)}" for number, each in enumerate(colours)
    )
    return f'\x1bPq"1;1;{few.width};{few.height}{defined}{"".join(_bands(few))}\x1b\\\n'.encode("ascii")


def _bands(few: object) -> Iterator[str]:
    import numpy as np

    pixels = np.asarray(few)
    for top in range(0, len(pixels), 6):
        band = pixels[top : top + 6]
        bits = 1 << np.arange(len(band))[:, None]
        for number in np.unique(band).tolist():
            letters = map(chr, (63 + ((band == number) * bits).sum(axis=0)).tolist())
            runs = ((letter, len([*same])) for letter, same in groupby(letters))
            yield f"#{number}" + "".join(f"!{count}{letter}" if count > 3 else letter * count for letter, count in runs)
            yield "$"
        yield "-"
