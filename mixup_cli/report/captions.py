"""Labels in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind

SHOWN = 4
"""How many classes or quantities are named at most."""


class Word(NamedTuple):
    """A name that may be shortened where room is scarce, and what must follow it."""

    name: str
    rest: str = ""


def label_words(values: NDArray[np.float32], kind: LabelKind, names: Sequence[str]) -> tuple[Word, ...]:
    """A label (K,) as words, the weightiest first; all but the last end in what joins them to the next one.

    Shares of classes: `cat 0.73 + dog 0.27`, and `cat` alone; several classes: `sky, sea 0.40`; numbers: `age 43.2`.
    """
    if kind == "real":
        numbers = zip(names, values.tolist(), strict=True)
        return listed([Word(name, f" {value:.4g}") for name, value in numbers][: SHOWN + 1], ",")
    words = [Word(name, share_text(value)) for name, value in weightiest(values, kind, names)]
    return listed(words, "," if kind == "multi" else " +")


def weightiest(values: NDArray[np.float32], kind: LabelKind, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    """The classes with the largest values of a label (K,), each above 0, or its first quantities: names and values, one
    more than is shown at most."""
    order = range(len(values)) if kind == "real" else np.argsort(-values, kind="stable").tolist()
    found = [(names[each], float(values[each])) for each in order[: SHOWN + 1]]
    return tuple((name, value) for name, value in found if value > 0 or kind == "real")


def share_text(value: float) -> str:
    """Nothing for all of it, or ones; else two digits."""
    if value == 1:
        return ""
    shown = f"{value:.2f}"
    return " <0.01" if shown == "0.00" else " >0.99" if shown == "1.00" else f" {shown}"


def listed(words: list[Word], joint: str) -> tuple[Word, ...]:
    """Words as a list, with a joint behind all but the last: as many as are shown, and … for the others."""
    shown = words[:SHOWN] + [Word("…")] * (len(words) > SHOWN)
    return (*(Word(word.name, word.rest + joint) for word in shown[:-1]), *shown[-1:])
