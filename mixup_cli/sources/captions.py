"""Captions that a source has found, as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.captions import Captions
from mixup_cli.fields.signal import PADDING
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.texts.reading import problem_of
from mixup_cli.sources.texts.tokens import TokenizerFile
from mixup_cli.wording import setting

WHAT = "caption"


@dataclass(frozen=True)
class TextOf:
    """Makes text of tokens, by the tokenizer at a path. It is opened when it is needed: few who get a copy of a source
    need it, and its vocabulary is large."""

    path: Path

    def __call__(self, ids: NDArray[np.integer[Any]]) -> str:
        return self._tokenizer.text_of(ids)

    @cached_property
    def _tokenizer(self) -> TokenizerFile:
        return TokenizerFile(self.path)


def tokenizer_of(options: SourceOptions) -> TokenizerFile:
    """The tokenizer that is asked for. Raises UsageError without one, and as `TokenizerFile` does."""
    if options.tokenizer is None:
        found = f"{setting('task', WHAT)} needs a tokenizer, which makes numbers of captions."
        raise UsageError(found, f"Pass {setting('tokenizer', 'tokenizer.json')}: it lies beside most models.")
    return TokenizerFile(Path(options.tokenizer))


def check_have_captions(sources: Sequence[Source]) -> None:
    """Raises UsageError for a source without."""
    for source in sources:
        if source.texts is None:
            found = f"{source.location} is read as {source.read_as}, which has no captions."
            known = "images with metadata.csv, .jsonl, a table or COCO's captions, WebDataset, Hugging Face data sets"
            raise UsageError(found, f"Captions are read from {known}.", field="task", value=WHAT)


def give_captions(source: Source, tokenizer: TokenizerFile, length: int | None) -> None:
    """Make tokens of the captions of a source. Raises DataError if it has none that can be used, and as
    `TokenizerFile.frame` does."""
    if source.texts is None:
        raise ValueError(f"{source.location} was opened without captions")
    problems = {n: found for n, each in enumerate(source.texts) if (found := problem_of(each, WHAT)) is not None}
    texts = ["" if n in problems else str(each) for n, each in enumerate(source.texts)]
    ids, starts = tokenizer.pieces(texts)
    counts = np.diff(starts)
    for empty in np.flatnonzero(counts == 0).tolist():
        problems.setdefault(empty, "has a caption without tokens, once it is taken apart")
    if len(problems) == len(texts):
        found = f"{source.name_of(0)}: {problems[0]}, and so it is with all others."
        raise DataError(found, f"Pass another {setting('text_column')}.")
    frame = tokenizer.frame(texts[int(counts.argmax())], int(counts.max()), length)
    source.task, source.texts = "caption", None
    source.captions = Captions(texts, ids, starts, problems, frame)
    source.text_of_tokens = TextOf(tokenizer.path)
    source.how_read = (("tokenizer", tokenizer.sha256), ("length", frame.length), (PADDING, frame.padding))
    source.notices += _said(source.captions, tokenizer, counts)


def _said(captions: Captions, tokenizer: TokenizerFile, counts: NDArray[np.int64]) -> tuple[str, ...]:
    frame, notices = captions.frame, list[str]()
    if (longest := int(counts.max())) * 2 > frame.room:
        notices.append(
            f"the longest caption has {longest} tokens, and rows have room for {frame.room}: of captions that are "
            f"joined, what does not fit is cut ({setting('length')})"
        )
    if not tokenizer.has_padding:
        notices.append(f"{tokenizer.path}: has no token for padding; number {frame.padding} stands behind captions")
    first, second = np.flatnonzero(counts)[[0, -1]].tolist()
    pair = [captions.ids[captions.starts[each] : captions.starts[each + 1]] for each in (first, second)]
    together, _ = tokenizer.pieces([f"{captions.texts[first]} {captions.texts[second]}"])
    if not np.array_equal(together, np.concatenate(pair)):
        notices.append(
            f"{tokenizer.path}: makes other tokens of two captions with a space between them than of each alone; "
            "rows have those of each alone"
        )
    return tuple(notices)
