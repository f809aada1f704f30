"""Bytes changed without regard for what they mean, and the stream of mutants that a parser is fed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Literal, TypeAlias

import numpy as np

Mutation: TypeAlias = Callable[[Random, bytes], bytes]
"""Takes sound bytes, gives bytes that may be anything."""

TOKENS = [
    b"",
    b"\0",
    b"\xff",
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"-1",
    b"9" * 25,
    b"1e999",
    b"nan",
    b'"',
    b"[",
    b"{",
    b"\n",
    b"[" * 5000,
    b'{"a":' * 5000,
]
ORDERS: tuple[Literal["little"], Literal["big"]] = ("little", "big")
COUNTS, FEW = [1, 1, 2, 4, 16], [1, 1, 1, 2, 4]


def mutants(corpus: Sequence[bytes], structured: Mutation, seed: int) -> Iterator[bytes]:
    """About half of them keep the structure of the sound bytes, so that they get past whatever checks that first."""
    draw = Random(seed)
    changes: list[Mutation] = [structured, partial(bytewise, others=corpus)]
    while True:
        yield draw.choice(changes)(draw, draw.choice(corpus))


def bytewise(draw: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """A few bytes changed, cut out, doubled, moved, or exchanged for what parsers dislike or what `others` have."""
    changed = bytearray(data)
    for _ in range(draw.choice(COUNTS)):
        start = draw.randrange(len(changed) + 1)
        stop = min(len(changed), start + draw.choice([0, 1, 1, 2, 4, 8, 64]))
        match draw.randrange(6):
            case 0 if start < len(changed):
                changed[start] ^= 1 << draw.randrange(8)
            case 1:
                changed[start:stop] = draw.choice(TOKENS)
            case 2:
                changed[start:stop] = draw.randbytes(stop - start)
            case 3:
                changed[start:start] = changed[start:stop] * draw.choice([1, 2, 50])
            case 4:
                other = draw.choice(others or [data])
                at = draw.randrange(len(other) + 1)
                changed[start:stop] = other[at : at + draw.choice([1, 8, 64, 512])]
            case 5 if draw.random() < 0.2:
                del changed[start:]
    return bytes(changed)


def in_place(draw: Random, data: bytes) -> bytes:
    """As long as before, since many formats find things by their offsets: single numbers become others. Mostly where
    something is: an HDF5 file of one row is zeros in the main."""
    changed = bytearray(data)
    used = np.flatnonzero(np.frombuffer(data, np.uint8))
    for _ in range(draw.choice(FEW)):
        width = min(len(data), draw.choice([1, 1, 2, 4, 8]))
        start = draw.randrange(len(data) - width + 1)
        if len(used) and draw.random() < 0.9:
            start = min(int(used[draw.randrange(len(used))]), len(data) - width)
        order = draw.choice(ORDERS)
        number = int.from_bytes(changed[start : start + width], order)
        number = near_or_far(draw, number, 8 * width) % (1 << 8 * width)
        changed[start : start + width] = number.to_bytes(width, order)
    return bytes(changed)


def near_or_far(draw: Random, number: int, bits: int = 64) -> int:
    """A neighbour of a number, a multiple, one with a bit flipped, or an end of the range of so many bits."""
    ends = [0, 1, -1, (1 << bits) - 1, 1 << bits >> 1, (1 << bits >> 1) - 1]
    flipped = number ^ (1 << draw.randrange(bits)) if bits else number
    return draw.choice([number - 1, number + 1, 2 * number, -number, flipped, flipped, draw.choice(ends)])
