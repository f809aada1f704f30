"""Pickles as lists of opcodes, from the standard library's table, with some of them changed."""

from __future__ import annotations

import pickletools
import struct
from collections.abc import Callable
from itertools import pairwise
from random import Random

from tests.fuzz.layers import exchanged
from tests.fuzz.mutating import FEW, bytewise

STARTS = (b"\x80", b"(d")
NAMES = ["numpy dtype", "numpy ndarray", "numpy.core.multiarray _reconstruct", "_codecs encode", "os system", "é x"]
TEXTS = [b"data", b"labels", b"latin1", b"u1", b"<f8", b"O", b"C", b"", b"\xff" * 12, b"os", b"a" * 200]


def in_pickle(draw: Random, data: bytes) -> bytes:
    """Opcodes left out, doubled, moved, exchanged for others or given another argument."""
    if not data.startswith(STARTS):
        return bytewise(draw, data)
    places = [place for _, _, place in pickletools.genops(data) if place is not None]
    codes = [data[start:stop] for start, stop in pairwise([*places, len(data)])]
    for _ in range(draw.choice(FEW)):
        at = draw.randrange(len(codes))
        match draw.randrange(8):
            case 0:
                codes[at : at + 4] = exchanged(draw, codes[at : at + 4])
            case 1:
                codes[at:at] = [_any_code(draw)]
            case 2:
                codes[at] = _any_code(draw)
            case _:
                at = draw.choice([at for at, code in enumerate(codes) if len(code) > 1] or [at])
                codes[at] = _other_argument(draw, codes[at], codes)
        codes = codes or [b"."]
    return b"".join(codes)


def _any_code(draw: Random) -> bytes:
    return _code(draw, draw.choice(pickletools.opcodes))


def _other_argument(draw: Random, code: bytes, codes: list[bytes]) -> bytes:
    """The same opcode with an argument that it has somewhere else, or with any; one without stays as it is."""
    info = next(each for each in pickletools.opcodes if each.code == code[:1].decode("latin1"))
    if info.arg is None:
        return code
    return draw.choice([_code(draw, info), *(each for each in codes if each[:1] == code[:1])])


def _code(draw: Random, info: pickletools.OpcodeInfo) -> bytes:
    argument = b"" if info.arg is None else ARGUMENTS[info.arg.name](draw)
    return info.code.encode("latin1") + argument


def _whole(layout: str, *numbers: int) -> Callable[[Random], bytes]:
    """Small numbers, and some that are large or negative."""
    return lambda draw: struct.pack(layout, draw.choice([0, 1, 2, 3, 4, *numbers]))


def _counted(layout: str) -> Callable[[Random], bytes]:
    """A text, and before it how long it is, or now and then another length."""

    def argument(draw: Random) -> bytes:
        text = draw.choice(TEXTS)
        length = len(text) if draw.random() < 0.9 else draw.choice([0, 100, 127])
        return struct.pack(layout, length) + text

    return argument


def _line(*lines: str) -> Callable[[Random], bytes]:
    return lambda draw: draw.choice(lines).replace(" ", "\n").encode() + b"\n"


NUMBERS = ("0", "1", "3", "-1", "00", "01", "9" * 30, "L", "x", "1L", "1_0")
ARGUMENTS: dict[str, Callable[[Random], bytes]] = {
    "uint1": _whole("<B", 255),
    "uint2": _whole("<H", 65535),
    "int4": _whole("<i", -1, 2**31 - 1, -(2**31)),
    "uint4": _whole("<I", 2**31, 2**32 - 1),
    "uint8": _whole("<Q", 100, 2**40, 2**64 - 1),
    "float8": lambda draw: draw.randbytes(8),
    **dict.fromkeys(("long1", "string1", "bytes1", "unicodestring1"), _counted("<B")),
    **dict.fromkeys(("long4", "string4"), _counted("<i")),
    **dict.fromkeys(("bytes4", "unicodestring4"), _counted("<I")),
    **dict.fromkeys(("bytes8", "unicodestring8", "bytearray8"), _counted("<Q")),
    **dict.fromkeys(("decimalnl_short", "decimalnl_long"), _line(*NUMBERS)),
    "floatnl": _line("0.5", "nan", "1e999", "x"),
    "stringnl": _line("'data'", '"labels"', "data", "'\\xff'", "''", "'"),
    "unicodestringnl": _line("data", "\\ud800", "\\u00e9", "\\u"),
    "stringnl_noescape": _line("1", "x"),
    "stringnl_noescape_pair": _line(*NAMES),
}
