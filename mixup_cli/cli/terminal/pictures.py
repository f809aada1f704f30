"""Pictures on a terminal that shows them. The environment says which one it is: asking a terminal may hang."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
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
    import numpy as np
    from PIL import Image

    with Image.open(BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256)
    levels, pixels = np.rint(np.array(few.getpalette()) / 2.55).astype(int).reshape(-1, 3).tolist(), np.asarray(few)
    drawn = [b'\x1bPq"1;1;%d;%d' % few.size, *(b"#%d;2;%d;%d;%d" % (n, *each) for n, each in enumerate(levels))]
    for top in range(0, len(pixels), 6):
        band = pixels[top : top + 6]
        for number in np.unique(band).tolist():
            bits = (band == number) << np.arange(len(band))[:, None]
            letters = (63 + bits.sum(axis=0)).astype(np.uint8).tobytes()
            drawn.append(b"#%d%b$" % (number, re.sub(rb"(.)\1{3,}", _run, letters)))
        drawn.append(b"-")
    return b"".join([*drawn, b"\x1b\\\n"])


def _run(same: re.Match[bytes]) -> bytes:
    return b"!%d%b" % (len(same[0]), same[1])
