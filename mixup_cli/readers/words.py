"""The types of what readers take, checked before they are used: a wrong one would be read as another choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np

from mixup_cli.errors import UsageError

SEEDS = 1 << 63
"""Seeds are smaller: NumPy takes larger ones for floats."""


def _is_whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _are(test: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str) and all(map(test, value))


def _is_name(value: Any) -> bool:
    return isinstance(value, str)


SAMPLES = "soft, pair, objects, columns or a sequence of columns"
"""What is given of a row (`readers.view.Choices.sample`)."""

EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "sample": (lambda value: _is_name(value) or _are(_is_name, value), SAMPLES),
    "passes": (lambda value: _is_whole(value) or _are(_is_whole, value), "a whole number, or several"),
    "epoch": (lambda value: _is_whole(value) and value >= 0, "a whole number, 0 or more"),
    "originals": (lambda value: isinstance(value, bool | np.bool_), "True or False"),
    "methods": (lambda value: _is_name(value) or _are(_is_name, value), "names of methods"),
    "classes": (lambda value: _is_name(value) or _are(_is_name, value), "names of classes"),
    "companion": (lambda value: isinstance(value, str | PathLike), "the path of a file"),
}
"""Which values a word takes, and what a message calls them. A single name has a message of its own, with a remedy."""


def checked(choices: Mapping[str, Any]) -> Any:
    """Choices whose values have the right types; None is left out. Raises UsageError for others."""
    found = {word: value for word, value in choices.items() if value is not None}
    for word, value in found.items():
        if isinstance(value, Iterable) and not isinstance(value, str | PathLike):
            found[word] = value = tuple(value)  # a generator can be read once
        if isinstance(value, np.integer):
            found[word] = value = int(value)
        is_right, expected = EXPECTED[word]
        if not is_right(value):
            raise UsageError(f"expected {expected}.", field=word, value=repr(value))
    return found


def check_whole(least: int, **settings: Any) -> None:
    """Raises UsageError for a setting that is not a whole number from `least` on. None is not a number."""
    for field, value in settings.items():
        if not _is_whole(value) or value < least:
            raise UsageError(f"expected a whole number, {least} or more.", field=field, value=repr(value))
        if value >= SEEDS:
            raise UsageError("expected less than 2 to the power of 63.", field=field, value=repr(value))
