"""Labelled texts as a source of tokens. All are read and taken apart when the source is opened, and stay in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import ATTENTION, INPUT_IDS, PADDING
from mixup_cli.fields.target import Target
from mixup_cli.sources.arrays.source import ArraySource
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.texts.reading import Texts, read_texts
from mixup_cli.sources.texts.tokens import TokenizerFile, Tokens
from mixup_cli.storage.loaded import Loaded
from mixup_cli.wording import counted, setting

READ_AS = "labelled texts"


class TokenMask(ArraySource):
    """1 where a text has a token, 0 in the padding. No file stores it."""

    sample_axes: ClassVar[Axes | None] = "t"
    void = 0

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `ArraySource.load`."""
        return [each._replace(stored_bytes=0) for each in super().load(start, stop, target, out)]


class TextSource(ArraySource):
    """Texts as token ids, int (n, L), with `attention_mask` beside them.

    The hash of a sample is that of its text in UTF-8, a NUL, and its ids as little-endian int32: what a tokenizer makes
    of a text can change with the library's version.
    """

    kind: ClassVar[str] = "texts"
    has_numbered_classes: ClassVar[bool] = True
    sample_axes: ClassVar[Axes | None] = "t"
    read_as = READ_AS
    task = "text"
    column = INPUT_IDS

    def __init__(self, location: str, found: Texts, tokenizer: TokenizerFile, tokens: Tokens) -> None:
        super().__init__(location, _keys(found), found.labels, tokens.ids, notices=found.notices)
        self.tokenizer, self._read = tokenizer, found
        self.void, self.content, self._counts = tokenizer.padding, tokens.content, np.ptp(tokens.content, axis=1)
        self.how_read = (
            ("tokenizer", tokenizer.sha256),
            ("length", tokens.ids.shape[1]),
            (PADDING, tokenizer.padding),
        )
        self.beside = {ATTENTION: TokenMask(location, self.keys, Labels(), tokens.mask)}
        stored = zip(found.texts, tokens.ids, strict=True)
        self.hashed_before(
            [hashlib.sha256(b"%b\0%b" % (text.encode(), _bytes(ids))).hexdigest() for text, ids in stored]
        )
        self.has_splits, self._has_encoding = Path(location).is_dir(), found.is_encoded

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. Parquet has no encoding."""
        return (name == "encoding" and not self._has_encoding) or super().ignores(name, value)

    def name_of(self, index: int) -> str:
        """See `Source.name_of`."""
        return self._read.where(index)

    def text_of(self, index: int) -> str:
        """The text of a sample; empty if it cannot be used."""
        return self._read.texts[index]

    def stored_bytes(self) -> Sequence[int]:
        """See `Source.stored_bytes`: the text in UTF-8."""
        return [len(each.encode()) for each in self._read.texts]

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """See `ArraySource.load`."""
        loaded = zip(super().load(start, stop, target, out), range(start, stop), strict=True)
        return [self._with_problem(each, index) for each, index in loaded]

    def _together(self, found: list[list[Loaded]]) -> list[Loaded]:
        """What is wrong with a text is wrong with all of it: no column is named."""
        parts = super()._together([[each._replace(problem=None) for each in of_one] for of_one in found])
        return [part._replace(problem=each.problem) for part, each in zip(parts, found[0], strict=True)]

    def _with_problem(self, loaded: Loaded, index: int) -> Loaded:
        problem = self._read.problems[index]
        if problem is None and not self._counts[index]:
            problem = "has no tokens, once it is taken apart"
        size = len(self._read.texts[index].encode())
        return loaded._replace(stored_bytes=size, problem=problem or loaded.problem)


def open_texts(path: Path, options: SourceOptions) -> TextSource:
    """Read texts and take them apart. Raises UsageError without a tokenizer, and as `read_texts` and `TokenizerFile`
    do."""
    if options.tokenizer is None:
        found = f"{path}: texts need a tokenizer, which makes numbers of them."
        raise UsageError(found, f"Pass {setting('tokenizer', 'tokenizer.json')}: it lies beside most models.")
    tokenizer = TokenizerFile(Path(options.tokenizer))
    read = read_texts(path, options)
    tokens = tokenizer.tokens(read.texts, options.length)
    if tokens.cut_count:
        length = tokens.ids.shape[1]
        read.notices.append(f"cut {counted(tokens.cut_count, 'text')} to {length} tokens ({setting('length')})")
    if not tokenizer.has_padding:
        read.notices.append(f"{tokenizer.path}: has no token for padding; number 0 stands behind texts")
    source = TextSource(str(path), read, tokenizer, tokens)
    return source.watch(*read.files, tokenizer.path)


def _keys(found: Texts) -> list[str]:
    """The number of each line, with the file before it if there are several."""
    width = max(5, len(str(max((line for _, line in found.places), default=0))))
    names = [f"{each.name}/" for each in found.files] if len(found.files) > 1 else [""]
    return [f"{names[file]}{line:0{width}d}" for file, line in found.places]


def _bytes(ids: NDArray[Any]) -> bytes:
    return ids.astype("<i4").tobytes()
