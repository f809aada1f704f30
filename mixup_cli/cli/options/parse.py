"""Option values that are more than a word or a number. Each function raises UsageError with the option's name."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING

from mixup_cli.errors import UsageError
from mixup_cli.recipe import NORMALIZATIONS, Normalize
from mixup_cli.wording import did_you_mean, quoted

if TYPE_CHECKING:  # --help needs no storage
    from mixup_cli.storage.parts import Part

BYTE_UNITS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}


EXAMPLES = {"--fill": "124,116,104", "--value-range": "0,1", "--crop-area": "0.08,1"}

_shown = partial(quoted, most_letters=60)


def byte_count(text: str, option: str = "--shard-size") -> int:
    """`64MiB`, `1GB`, `1000000`: bytes, at least 1."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", text)
    unit = BYTE_UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None or not 1 <= float(match[1]) * unit < math.inf:
        raise UsageError(f"{option}: {_shown(text)} is not a number of bytes. Give, for example, 64MiB.")
    return int(float(match[1]) * unit)


def part(text: str) -> Part:
    """`K/N`, K in 1 … N."""
    match = re.fullmatch(r"\s*([0-9]{1,9})\s*/\s*([0-9]{1,9})\s*", text)
    if match is None:
        raise UsageError(f"--part: {text!r} is not K/N. Give, for example, 1/4.")
    from mixup_cli.storage.parts import Part

    return Part(int(match[1]), int(match[2]))


def size(text: str, option: str = "--size") -> tuple[int, int]:
    """`224` or `WIDTHxHEIGHT`: height and width in pixels."""
    match = re.fullmatch(r"(\d+)(?:[xX](\d+))?", text.strip())
    if match is None:
        raise UsageError(f"{option}: {_shown(text)} is not a size. Give 224, or WIDTHxHEIGHT as in 320x240.")
    width = int(match[1])
    return int(match[2] or width), width


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        example = EXAMPLES.get(option, "0.5,0.5,0.5")
        raise UsageError(f"{option}: {_shown(text)} is not a list of numbers. Give, for example, {example}.") from None


def low_high(text: str, option: str) -> tuple[float, float]:
    """`LOW,HIGH`."""
    values = numbers(text, option)
    if len(values) != 2:
        raise UsageError(f"{option}: {_shown(text)} is not LOW,HIGH. Give, for example, {EXAMPLES[option]}.")
    return values[0], values[1]


def fill(text: str) -> tuple[int, ...]:
    """A grey level, or one per channel, in 0 … 255."""
    values = numbers(text, "--fill")
    if not all(0 <= value <= 255 and value.is_integer() for value in values):
        raise UsageError(
            f"--fill: {_shown(text)} is not a colour. Give 0 … 255, or one such number per channel: 124,116,104."
        )
    return tuple(int(value) for value in values)


def normalize(text: str) -> Normalize:
    """A name, or `MEAN/STD` with one number or one per channel on each side."""
    if text in NORMALIZATIONS:
        return Normalize(*NORMALIZATIONS[text])
    mean, slash, std = text.partition("/")
    if not slash:
        raise UsageError(
            f"--normalize: {_shown(text)} is neither a name ({', '.join(NORMALIZATIONS)}) nor MEAN/STD as in "
            f"0.5,0.5,0.5/0.2,0.2,0.2{did_you_mean(text, NORMALIZATIONS)}"
        )
    return Normalize(numbers(mean, "--normalize"), numbers(std, "--normalize"))
