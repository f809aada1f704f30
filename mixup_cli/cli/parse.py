"""Option values that are more than a word or a number. Each function raises UsageError with the option's name."""

from __future__ import annotations

import math
import re
from functools import partial
from typing import TYPE_CHECKING

from mixup_cli.errors import UsageError
from mixup_cli.recipe import NORMALIZATIONS, MethodChoice, Normalize
from mixup_cli.wording import quoted

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


def cache_size(text: str) -> tuple[int, int]:
    """As `size`."""
    return size(text, "--cache-size")


def numbers(text: str, option: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        example = EXAMPLES.get(option, "0.5,0.5,0.5")
        raise UsageError(f"{option}: {_shown(text)} is not a list of numbers. Give, for example, {example}.") from None


def value_range(text: str) -> tuple[float, float]:
    """`LOW,HIGH`."""
    return _low_high(text, "--value-range")


def crop_area(text: str) -> tuple[float, float]:
    """`LOW,HIGH`."""
    return _low_high(text, "--crop-area")


def _low_high(text: str, option: str) -> tuple[float, float]:
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
            f"--normalize: {text!r} is neither a name ({', '.join(NORMALIZATIONS)}) "
            "nor MEAN/STD as in 0.5,0.5,0.5/0.2,0.2,0.2."
        )
    return Normalize(numbers(mean, "--normalize"), numbers(std, "--normalize"))


def methods(text: str) -> tuple[MethodChoice, ...]:
    """`NAME[:PROBABILITY][:OPTION=VALUE]…`, several with commas between them: `mixup:0.5:alpha=0.4,cutmix:0.5`."""
    read = [_method(part.strip()) for part in text.split(",")]
    probabilities = _probabilities([name for name, _, _ in read], [given for _, given, _ in read])
    return tuple(MethodChoice(name, p, options) for (name, _, options), p in zip(read, probabilities, strict=True))


def _method(text: str) -> tuple[str, float | None, dict[str, float | str]]:
    """A method's name, its probability, if one is given, and its options."""
    name, *rest = (part.strip() for part in text.split(":"))
    probability: float | None = None
    options: dict[str, float | str] = {}
    for part in rest:
        key, equals, value = part.partition("=")
        if key in options or (not equals and probability is not None):
            raise UsageError(
                f"--method: {_shown(text)} gives {key if equals else 'a probability'} twice. Give it once."
            )
        if equals:
            options[key] = _option_value(value)
            continue
        try:
            probability = float(part)
        except ValueError:
            raise UsageError(
                f"--method: {part!r} in {_shown(text)} is neither a probability nor OPTION=VALUE. Give, for example, "
                "mixup:0.5:alpha=0.4,cutmix:0.5."
            ) from None
    return name, probability, options


MOST_OFF = 1e-9
"""How far the sum of probabilities may be from 1: thirds cannot be written out."""


def _probabilities(names: list[str], given: list[float | None]) -> list[float]:
    """The probability of each method: equal shares, written as 1 each, where none is given, or what is given. Raises
    UsageError where that is not above 0, does not sum to 1, or is not given for each."""
    numbers = [number for number in given if number is not None]
    total = math.fsum(number for number in numbers if math.isfinite(number))
    if not all(0 < number < math.inf for number in numbers):
        raise UsageError(
            f"--method: the probabilities are {', '.join(f'{number:g}' for number in numbers)}, and each must be a "
            "number above 0. Give, for example, mixup:0.5,cutmix:0.5."
        )
    if len(numbers) == len(given) == 1 and abs(total - 1) > MOST_OFF:
        rest = f", or {names[0]}:{total:g},none:{1 - total:.12g}" if total < 1 else ""
        raise UsageError(
            f"--method: the probability of {names[0]} is {total:g}, and there is no other method. Give "
            f"{names[0]}{rest}."
        )
    if numbers and len(numbers) < len(given):
        without = [name for name, number in zip(names, given, strict=True) if number is None]
        raise UsageError(
            f"--method: {without[0]} has no probability, and others have one. Give each one, in sum 1, or none of "
            f"them: {','.join(names)} has equal shares."
        )
    if numbers and abs(total - 1) > MOST_OFF:
        normalised = ",".join(f"{name}:{number / total:.12g}" for name, number in zip(names, numbers, strict=True))
        raise UsageError(f"--method: the probabilities sum to {total:.12g}, and they must sum to 1. Give {normalised}.")
    return numbers or [1.0] * len(given)


def _option_value(text: str) -> float | str:
    """A number where it is one; the method knows whether it takes a number or a word."""
    try:
        return float(text)
    except ValueError:
        return text


def methods_text(choices: tuple[MethodChoice, ...]) -> str:
    """What `methods` reads back, where it comes from there; probabilities that do not sum to 1 are divided by their
    sum."""
    total = math.fsum(each.probability for each in choices)
    are_equal = all(each.probability == 1 for each in choices)
    return ",".join(
        ":".join(
            [
                each.name,
                *(
                    []
                    if are_equal
                    else [repr(each.probability if abs(total - 1) <= MOST_OFF else each.probability / total)]
                ),
                *(f"{key}={value}" for key, value in sorted(each.options.items())),
            ]
        )
        for each in choices
    )
