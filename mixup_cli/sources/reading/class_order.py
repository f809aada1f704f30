"""The order of class names, which numbers the classes: the one place that says it. Bytes depend on it.

- Class folders, lists of files, names in arrays: by code point.
- Tables: by value if every name is a decimal number (-1, 2.5), else by code point.
- Several sources: as they stand if all have the same names; else by value if every name is a whole number, else by
  code point.
- Array files with splits: as in the split with most names if it has all of them, else by code point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

_WRITTEN = {int: re.compile(r"[0-9]{1,4000}"), float: re.compile(r"-?\d+(\.\d+)?")}
"""How names are written that count as such numbers; Python reads no int of more digits."""


def in_order(names: Iterable[str], numbers: type[int] | type[float] | None = None) -> tuple[str, ...]:
    """Different names by code point; or by value if every one is a number of the type `numbers`."""
    found = {*names}
    if numbers is not None and all(map(_WRITTEN[numbers].fullmatch, found)):
        return tuple(sorted(found, key=lambda name: (numbers(name), name)))
    return tuple(sorted(found))


def numbers_in(names: Sequence[str], found: Sequence[str]) -> NDArray[np.int32]:
    """The number of each sample's class, by the names that were found: int32 (n)."""
    numbers = {name: number for number, name in enumerate(names)}
    return np.fromiter((numbers[name] for name in found), np.int32, len(found))


def of_sources(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The classes of several sources."""
    same = all(names == found[0] for names in found)
    return found[0] if same else in_order(chain.from_iterable(found), int)


def of_splits(found: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The classes of several splits of an array file: numbers run up to the largest."""
    longest = max(found, key=len)
    union = in_order(chain.from_iterable(found))
    return longest if {*union} == {*longest} else union
