"""Labels in a few words."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.choices import LabelKind
from mixup_cli.report.captions import label_words

NAMES = ("cat", "dog", "elk", "fox", "gnu", "hen")


@pytest.mark.parametrize(
    ("kind", "values", "words"),
    [
        ("classes", [0.73, 0.27, 0, 0, 0, 0], "cat 0.73 + dog 0.27"),
        ("classes", [0, 0, 1, 0, 0, 0], "elk"),
        ("soft", [0.1, 0.2, 0.3, 0.25, 0.15, 0], "elk 0.30 + fox 0.25 + dog 0.20 + gnu 0.15 + …"),
        ("classes", [0.999, 0.001, 0, 0, 0, 0], "cat >0.99 + dog <0.01"),
        ("multi", [1, 0, 1, 0.4, 0, 0], "cat, elk, fox 0.40"),
        ("multi", [0] * 6, ""),
        ("real", [1, -2.5, 0, 1e6, 3, 4], "cat 1, dog -2.5, elk 0, fox 1e+06, …"),
        ("real", [43.21, 0, 0, 0], "cat 43.21, dog 0, elk 0, fox 0"),
    ],
)
def test_words(kind: LabelKind, values: list[float], words: str) -> None:
    assert " ".join(map("".join, label_words(np.array(values, np.float32), kind, NAMES[: len(values)]))) == words
