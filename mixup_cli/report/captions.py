"""Labels in a few words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind

SHOWN = 4
"""How many classes or quantities are named at most."""


def label_words(values: NDArray[np.float32], kind: LabelKind, names: Sequence[str]) -> tuple[str, ...]:
    """A label (K,) as words, the weightiest first; all but the last end in what joins them to the next one.

    Shares of classes: `cat 0.73 + dog 0.27`, and `cat` alone; several classes: `sky, sea 0.40`; numbers: `age 43.2`.
    """
    if kind == "real":
        numbers = zip(names, values.tolist(), strict=True)
        return _joined([f"{name} {value:.4g}" for name, value in numbers][: SHOWN + 1], ",")
    order = np.argsort(-values, kind="stable")[: SHOWN + 1]
    words = [_class_words(names[each], float(values[each])) for each in order if values[each] > 0]
    return _joined(words, "," if kind == "multi" else " +")


def _class_words(name: str, value: float) -> str:
    if value == 1:
        return name
    shown = f"{value:.2f}"
    return f"{name} {'<0.01' if shown == '0.00' else '>0.99' if shown == '1.00' else shown}"


def _joined(words: list[str], joint: str) -> tuple[str, ...]:
    shown = words[:SHOWN] + ["…"] * (len(words) > SHOWN)
    return (*(word + joint for word in shown[:-1]), *shown[-1:])
