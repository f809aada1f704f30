"""The joined captions of rows, as their tokens say them: cut where they are cut, without special tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.signal import ATTENTION, INPUT_IDS
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import printable


def joined_captions(source: Source, column: Callable[[str], NDArray[Any]]) -> tuple[str, ...]:
    """The caption of each row of a source with captions, one line each; of none without. `column` gives columns of the
    rows."""
    if source.captions is None or source.text_of_tokens is None:
        return ()
    found = np.maximum(column(INPUT_IDS), 0)  # a damaged data set may have numbers that tokenizers do not take
    rows = zip(found, column(ATTENTION) > 0, strict=True)
    texts = (source.text_of_tokens(ids[is_there]) for ids, is_there in rows)
    return tuple(printable(" ".join(text.split())) for text in texts)
