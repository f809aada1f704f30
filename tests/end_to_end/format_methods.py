"""Sections 8 and 9 of docs/format.md up to the weights of a row: random words, lam, and every method, in the words of
the page and with nothing of ours. See `from_format.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, ndtri

ORIGINALS, CHOICE, MEMBERS = 2**63, 2**63 + 1, 2**63 + 2
ORDER, ROW, DONOR, MORE, VIEW, MASK, WINDOW = range(1, 8)
DONORS = 9

# 8. Random words


def words(key: int, stream: int, lane: int, first: int, count: int) -> list[int]:
    skipped = first % 4
    counter = np.array([first // 4, lane, 0, 0], np.uint64)
    drawn = np.random.Philox(key=np.array([key, stream], np.uint64), counter=counter).random_raw(skipped + count)
    return [int(word) for word in drawn[skipped:]]


def uniform(word: int) -> float:
    return (word >> 11) * 2.0**-53


def below(word: int, n: int) -> int:
    return ((word >> 32) * n) >> 32


# 9. Plan


def order(seed: int, lane: int, n: int, stream: int = ORDER) -> list[int]:
    bits = max(1, (n - 1).bit_length())
    keys = sorted((word >> bits << bits) | j for j, word in enumerate(words(seed, stream, lane, 0, n)))
    return [key & ((1 << bits) - 1) for key in keys]


def lam_of(a: float, b: float, word: int) -> int:
    if a == 0 or b == 0:
        return 65536
    middles = (np.arange(65536) + 0.5) / 65536
    table = betainc(a, b, middles)
    if a == b:
        table[32768:] = 1 - table[32767::-1]
    return int((np.maximum.accumulate(table) <= uniform(word)).sum())


def largest_remainder(totals: list[int], unit: int) -> list[int]:
    whole = sum(totals)
    parts = [unit * each // whole for each in totals]
    by_rest = sorted(range(len(totals)), key=lambda k: (-(unit * totals[k] % whole), k))
    for k in by_rest[: unit - sum(parts)]:
        parts[k] += 1
    return parts


Options: TypeAlias = Mapping[str, Any]
Box: TypeAlias = list[int]
Made: TypeAlias = tuple[NDArray[np.int64], Box]
"""The weights of the parents, (P, H, W), and the box."""


@dataclass
class Row:
    """A row's words: the eight of the stream row, and more; `r` is the number of the mixed row."""

    seed: int
    r: int
    words: list[int]
    height: int
    width: int

    def seeded(self, count: int) -> list[int]:
        return words(self.words[4], MASK, 0, 0, count)

    def more(self, lane: int, first: int, count: int) -> list[int]:
        return words(self.seed, MORE, lane, 8 * self.r + first, count)

    def lam(self, options: Options) -> int:
        return lam_of(options["alpha"], options["alpha"], self.words[1])

    def constant(self, *parts: int) -> NDArray[np.int64]:
        """Weights that are the same everywhere."""
        return np.tile(np.array(parts, np.int64)[:, None, None], (1, self.height, self.width))

    def donors(self, mask: NDArray[Any]) -> Made:
        """The donor where the mask is, the base elsewhere."""
        donor = 65536 * mask.astype(np.int64)
        return np.stack([65536 - donor, donor]), NO_BOX

    def boxed(self, box: Box, inside: tuple[int, ...]) -> Made:
        """The base outside the box, and these weights inside."""
        parts = self.constant(65536, *[0] * (len(inside) - 1))
        top, left, bottom, right = box
        parts[:, top:bottom, left:right] = np.array(inside)[:, None, None]
        return parts, box

    def centred(self, half_height: int, half_width: int) -> Box:
        y, x = below(self.words[2], self.height), below(self.words[3], self.width)
        edges = [y - half_height, x - half_width, y + half_height, x + half_width]
        ends = [self.height, self.width, self.height, self.width]
        return [min(max(edge, 0), end) for edge, end in zip(edges, ends, strict=True)]

    def inside(self, height: int, width: int) -> Box:
        top, left = below(self.words[2], self.height - height + 1), below(self.words[3], self.width - width + 1)
        return [top, left, top + height, left + width]


NO_BOX = [0, 0, 0, 0]


def mixup(o: Options, row: Row) -> Made:
    lam = lam_of(o.get("base", o["alpha"]), o["alpha"], row.words[1])
    return row.constant(lam, 65536 - lam), NO_BOX


def cutmix(o: Options, row: Row) -> Made:
    height, width = row.height, row.width
    h = 0.5 * np.sqrt((65536 - row.lam(o)) / 65536)
    kind = o.get("box", "paper")
    if kind == "paper":
        box = row.centred(int(h * height), int(h * width))
    elif kind == "inside":
        box = row.inside(int(2 * h * height), int(2 * h * width))
    else:
        low, high = o.get("low", 0.2), o.get("high", 0.8)
        sides = [(height, row.words[1]), (width, row.words[5])]
        box = row.inside(*(int(low * n) + below(word, int(high * n) - int(low * n) + 1) for n, word in sides))
    return row.boxed(box, (0, 65536))


def cutout(o: Options, row: Row) -> Made:
    half = int(o["side"] * min(row.height, row.width)) // 2
    return row.boxed(row.centred(half, half), (0,))


def erase(o: Options, row: Row) -> Made:
    return row.boxed(_erased(o, row), (0 if o.get("fill", "colour") == "colour" else 65536,))


def _erased(o: Options, row: Row) -> Box:
    for t in range(10):
        u1, u2 = map(uniform, row.more(2 * t // 8, 2 * t % 8, 2))
        area = row.height * row.width * (o["area_low"] + (o["area_high"] - o["area_low"]) * u1)
        low, high = np.log(o["aspect_low"]), np.log(o["aspect_high"])
        aspect = np.exp(low + (high - low) * u2)
        height, width = int(np.rint(np.sqrt(area * aspect))), int(np.rint(np.sqrt(area / aspect)))
        if 0 < height < row.height and 0 < width < row.width:
            return row.inside(height, width)
    return NO_BOX


def mosaic(o: Options, row: Row) -> Made:
    p, q = (o["low"] + (o["high"] - o["low"]) * uniform(word) for word in row.words[2:4])
    bottom, right = int(np.rint(p * row.height)), int(np.rint(q * row.width))
    parts = row.constant(0, 0, 0, 0)
    parts[0, :bottom, :right] = parts[1, :bottom, right:] = 65536
    parts[2, bottom:, :right] = parts[3, bottom:, right:] = 65536
    return parts, [0, 0, bottom, right]


def gridmix(o: Options, row: Row) -> Made:
    first, down, across = row.seeded(3)
    n = int(o["holes_low"]) + below(first, int(o["holes_high"]) - int(o["holes_low"]) + 1)
    period = max(1, min(row.height, row.width) // n)
    hole = int(np.rint(np.sqrt((65536 - row.lam(o)) / 65536) * period))
    lines = (np.arange(row.height) + below(down, period)) % period < hole
    columns = (np.arange(row.width) + below(across, period)) % period < hole
    return row.donors(lines[:, None] & columns)


def smoothmix(o: Options, row: Row) -> Made:
    first, y, x = row.seeded(3)
    k = o["low"] + (o["high"] - o["low"]) * uniform(first)
    down = (np.arange(row.height) - below(y, row.height)) / (k * row.height)
    across = (np.arange(row.width) - below(x, row.width)) / (k * row.width)
    donor = np.rint(65536 * np.exp(-0.5 * down**2)[:, None] * np.exp(-0.5 * across**2)).astype(np.int64)
    return np.stack([65536 - donor, donor]), NO_BOX


def jigsaw(o: Options, row: Row) -> Made:
    rows, columns = min(int(o["n"]), row.height), min(int(o["n"]), row.width)
    count = rows * columns
    donors = np.argsort(row.seeded(count))[: int(np.rint((65536 - row.lam(o)) / 65536 * count))]
    lines = np.arange(row.height) * rows // row.height
    return row.donors(np.isin(lines[:, None] * columns + np.arange(row.width) * columns // row.width, donors))


def fmix(o: Options, row: Row) -> Made:
    height, width = row.height, row.width
    count = height * (width // 2 + 1)
    drawn = [half for word in row.seeded((count + 1) // 2) for half in (word & 0xFFFFFFFF, word >> 32)][:count]
    a, b = (np.array([half >> shift & 0xFFFF for half in drawn]) for shift in (0, 16))
    z = (ndtri((a + 0.5) / 65536) + 1j * ndtri((b + 0.5) / 65536)).reshape(height, -1)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    z = z * np.maximum(frequency, 1 / max(height, width)) ** -o["decay"]
    for column in {0, width // 2} if width % 2 == 0 else {0}:
        z[:, column] *= np.sqrt(2)
    ranked = np.argsort(-np.fft.irfft2(z, (height, width)).ravel(), kind="stable")
    of_donor = np.ones(height * width, bool)
    of_donor[ranked[: int(np.rint(row.lam(o) / 65536 * height * width))]] = False
    return row.donors(of_donor.reshape(height, width))


def specmix(o: Options, row: Row) -> Made:
    own = 1 + int(o["bands"])
    drawn, inside = row.seeded(2 * own), []
    for side, (count, *words) in ((row.height, drawn[:own]), (row.width, drawn[own:])):
        lines, width = np.zeros(side, bool), max(1, int(o["gamma"] * side))
        for word in words[: below(count, own)]:
            start = below(word, side - width + 1)
            lines[start : start + width] = True
        inside.append(lines)
    return row.donors(inside[0][:, None] | inside[1])


def dirichlet(o: Options, row: Row) -> Made:
    left, k, parts = 65536, int(o["k"]), []
    for j in range(k - 1):
        word = row.words[1] if j == 0 else row.more((j - 1) // 8, (j - 1) % 8, 1)[0]
        parts.append((left * lam_of(o["alpha"], (k - 1 - j) * o["alpha"], word) + 32768) // 65536)
        left -= parts[-1]
    return row.constant(*parts, left), NO_BOX


def zetamix(o: Options, row: Row) -> Made:
    ranks = np.arange(1, int(o["k"]) + 1) ** -float(o["gamma"])
    exact = ranks / ranks.sum() * 65536
    parts = np.floor(exact).astype(np.int64)
    for k in sorted(range(len(exact)), key=lambda k: (parts[k] - exact[k], k))[: 65536 - parts.sum()]:
        parts[k] += 1
    return row.constant(*parts), NO_BOX


def none(o: Options, row: Row) -> Made:
    return row.constant(65536), NO_BOX


METHODS: Mapping[str, Callable[[Options, Row], Made]] = {
    each.__name__: each
    for each in (
        *(mixup, cutmix, cutout, erase, mosaic, gridmix, smoothmix, jigsaw, fmix, dirichlet, zetamix),
        *(specmix, none),
    )
}


def parents_of(name: str, options: Options) -> int:
    if name in ("dirichlet", "zetamix"):
        return int(options["k"])
    return {"cutout": 1, "erase": 1, "none": 1, "mosaic": 4}.get(name, 2)
