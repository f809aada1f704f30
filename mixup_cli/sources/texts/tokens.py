"""Texts as tokens, by a file of the `tokenizers` library: `tokenizer.json`, as it lies beside most models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError, from_extra
from mixup_cli.fields.captions import Frame
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.json_files import content_of
from mixup_cli.wording import counted, setting

MOST_TOKENS = 512
"""The most tokens of a text unless a length is given: what BERT and its kin read."""

PAD_NAMES = ("[PAD]", "<pad>", "<|pad|>", "<PAD>", "<|padding|>", "<|endoftext|>")
"""How the token behind a text is called where the file does not say it; the last is GPT-2's only special one."""

_MOST_ID = (1 << 24) - 1
"""float32 holds every number up to it."""

_BATCH = 1024
_REMEDY = "Give the tokenizer.json of a model, as tokenizers' save writes it."


@dataclass(frozen=True)
class Tokens:
    """The tokens of n texts: `ids` (n, L), uint16 or, where the vocabulary is larger, float32; `mask` uint8 (n, L), 1
    where there is a token; `content` int32 (n, 2: start, stop), where those lie that are neither special nor padding.
    `cut_count` is how many texts were longer."""

    ids: NDArray[Any]
    mask: NDArray[np.uint8]
    content: NDArray[np.int32]
    cut_count: int


class TokenizerFile:
    """A tokenizer; `padding` is the number that stands behind texts, 0 if it has no token for that, and `dtype`
    the one in which its numbers are selected.

    Raises NoInputError for a missing file and for a folder, UsageError without the library, DataError for another kind
    of file and for a vocabulary that is empty or too large.
    """

    def __init__(self, path: Path) -> None:
        library, self._where = _library(), escape_name(str(path))
        if path.is_dir():
            raise NoInputError(f"{self._where}: is a folder. Name the tokenizer.json in it.")
        try:
            content = content_of(path)
        except FileNotFoundError:
            raise NoInputError(f"{self._where}: no such file. {_REMEDY}") from None
        self.path, self.sha256 = path, hashlib.sha256(content).hexdigest()
        with self._failing("is not a tokenizer"):
            self._tokenizer = library.Tokenizer.from_buffer(content)
            self._numbers: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=True)
        if not self._numbers:
            raise DataError(f"{self._where}: its vocabulary is empty. {_REMEDY}")
        self._largest = max(self._numbers.values())
        if self._largest > _MOST_ID:
            found = f"it has a token with the number {self._largest}, and {_MOST_ID} is the largest that can be used"
            raise DataError(f"{self._where}: {found}. {_REMEDY}")
        self.dtype = "uint16" if self._largest < 1 << 16 else "float32"

        said = self._padding_said()
        self.has_padding, self.padding = said is not None, said or 0

    def _padding_said(self) -> int | None:
        """The number of the token that stands behind a text; None where the file has none."""
        said = self._tokenizer.padding
        if said is not None and said["pad_id"] in self._numbers.values():
            return int(said["pad_id"])
        return next((self._numbers[name] for name in PAD_NAMES if name in self._numbers), None)

    def text_of(self, ids: NDArray[Any]) -> str:
        """What some tokens stand for, without special ones, as far as a tokenizer can say it."""
        return str(self._tokenizer.decode(ids.astype(np.int64).tolist(), skip_special_tokens=True))

    def tokens(self, texts: Sequence[str], length: int | None) -> Tokens:
        """The tokens of texts, cut and padded to `length`; without one, to the longest, up to `MOST_TOKENS`. Raises
        UsageError for a length with no room beside the special tokens."""
        self._check_length(length, self._tokenizer.num_special_tokens_to_add(False))
        cut, is_left = (self._tokenizer.truncation or {}), (self._tokenizer.padding or {}).get("direction") == "left"
        self._tokenizer.enable_truncation(length or MOST_TOKENS, direction=cut.get("direction", "right"))
        self._tokenizer.no_padding()
        rows, content, cut_count = list[NDArray[np.uint32]](), np.zeros((len(texts), 2), np.int32), 0
        for row, encoding in enumerate(self._encoded(texts)):
            rows.append(self._checked(np.array(encoding.ids, np.uint32)))
            own = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
            content[row] = (own[0], own[-1] + 1) if len(own) else (0, 0)
            cut_count += bool(encoding.overflowing)
        width = length or max(map(len, rows), default=1) or 1
        ids, mask = np.full((len(texts), width), self.padding, self.dtype), np.zeros((len(texts), width), np.uint8)
        for row, each in enumerate(rows):
            place = slice(width - len(each), width) if is_left else slice(0, len(each))
            ids[row, place], mask[row, place] = each, 1
            if is_left:
                content[row] += width - len(each)
        return Tokens(ids, mask, content, cut_count)

    def pieces(self, texts: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The tokens of texts without special ones, one text behind the other, and where each begins, (n + 1)."""
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        found = [self._checked(np.array(each.ids, np.uint32)) for each in self._encoded(texts, adds_special=False)]
        starts = np.cumsum([0, *map(len, found)], dtype=np.int64)
        return np.concatenate([np.empty(0, np.uint32), *found]).astype(np.int32), starts

    def frame(self, text: str, longest: int, length: int | None) -> Frame:
        """How tokens become rows of `length`; without one, of as many as two texts of `longest` tokens need, up to
        `MOST_TOKENS`. `text` is any that has tokens. Raises UsageError for a length with no room."""
        cut, pad = self._tokenizer.truncation or {}, self._tokenizer.padding or {}
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        (encoding,) = self._encoded([text])
        own = np.flatnonzero(np.array(encoding.special_tokens_mask) == 0)
        ids = self._checked(np.array(encoding.ids, np.uint32)).tolist()
        before, behind = tuple(ids[: own[0]]), tuple(ids[own[-1] + 1 :])
        special = len(before) + len(behind)
        self._check_length(length, special)
        length = length or min(MOST_TOKENS, special + 2 * longest)
        sides = (each.get("direction") == "left" for each in (pad, cut))
        return Frame(length, self.padding, before, behind, *sides)

    def _checked(self, ids: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The same. What a file adds before and behind a text need not be in its vocabulary."""
        if (largest := int(ids.max(initial=0))) > self._largest:
            found = f"it makes a token with the number {largest}, which its vocabulary does not have"
            raise DataError(f"{self._where}: {found}. {_REMEDY}")
        return ids

    def _check_length(self, length: int | None, special: int) -> None:
        if length is not None and length <= special:
            found = f"the tokenizer adds {counted(special, 'special token')}, which leaves no room for a text."
            raise UsageError(found, "Give a larger one.", field="length", value=length)

    def _encoded(self, texts: Sequence[str], adds_special: bool = True) -> Iterator[Any]:
        for start in range(0, len(texts), _BATCH):
            with self._failing("cannot take a text apart"):
                batch = texts[start : start + _BATCH]
                encodings = self._tokenizer.encode_batch_fast(batch, add_special_tokens=adds_special)
            yield from encodings

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        """Within the context, what the library raises becomes DataError: it panics, too, which is not an Exception."""
        try:
            yield
        except BaseException as problem:
            if not isinstance(problem, Exception) and type(problem).__name__ != "PanicException":
                raise
            reason = f"{(str(problem).splitlines() or ['damaged'])[0].rstrip('.'):.200}"
            raise DataError(f"{self._where}: {what} ({reason}). {_REMEDY}") from None


def _library() -> Any:
    with from_extra("text", setting("task", "text")):
        import tokenizers
    return tokenizers
