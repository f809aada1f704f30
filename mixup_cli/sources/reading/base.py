"""What every source offers: keys, labels, and samples in the working form.

`open_source` opens a source once, lists and sorts its keys and reads its labels. The scan reads samples later, range by
range. Nothing here knows recipes or plans.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind, LabelLevel, OnError, Short, Task, TextEncoding
from mixup_cli.fields.captions import Captions
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.signal import FIRST
from mixup_cli.fields.target import Arrays, Survey, Target
from mixup_cli.storage.loaded import Loaded

NO_GROUPS = "none"
"""The group column that says to leave out the groups of a source."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How to read a source: which split of it, and where its labels are.

    `labels_from` is a table with a row for each image: `file_column` names it, `label_column` (or several, with commas
    between them) labels it, and `label_separator` stands between several classes in one cell. `group_column` is
    `NO_GROUPS` to leave groups out. `max_pixels` bounds the pixels of one image, against decompression bombs. `exclude`
    are folders that a walk never enters, such as the output folder. `split` "" says that folders named as splits are
    classes. `classes` are the names of all classes, in order, instead of those that are found. `task` says what is read
    of annotations, "classify" that none are. `ignore_index` is the class in masks of pixels that have none,
    `box_origin` the coordinate of the first pixel in Pascal VOC's boxes, and `flip_pairs` are the keypoints that change
    places in a mirror, by number from 0: "1-2,3-4". `on_error` says what to do about objects that cannot be used.
    Of a video, `clips` clips of `frames` frames are read, every `stride`-th one (see `clips.sampling`, which has the
    defaults), and rows show one of them. Sounds
    are read at `rate` samples a second, None for their own; rows last `seconds`, None for as long as the longest, and
    `short` says what is done about shorter ones; `features` is the text of what is computed of them (see
    `sounds.log_mel.LogMel`), None for the waves themselves. Of texts and captions: the file of a `tokenizer`, the
    `length` in tokens to which they are cut and padded, the `text_column`, and the `encoding` of the files of texts.
    `donors_from` is a folder of samples that are donors alone (see `sources.donors`).
    """

    split: str | None = None
    classes: tuple[str, ...] | None = None
    label_level: LabelLevel | None = None
    labels_from: str | None = None
    file_column: str | None = None
    label_column: str | None = None
    label_separator: str | None = None
    label_kind: LabelKind | None = None
    group_column: str | None = None
    task: Task | None = None
    ignore_index: int = 255
    box_origin: int | None = None
    flip_pairs: str | None = None
    tokenizer: str | None = None
    length: int | None = None
    text_column: str | None = None
    encoding: TextEncoding | None = None
    data_key: str | None = None
    label_key: str | None = None
    frames: int | None = None
    stride: int | None = None
    clips: int | None = None
    max_pixels: int = 100_000_000
    exclude: tuple[Path, ...] = ()
    rate: int | None = None
    seconds: float | None = None
    features: str | None = None
    short: Short = "pad"
    on_error: OnError = "fail"
    donors_from: str | None = None

    def group_column_of(self, columns: Container[str]) -> str | None:
        """The column of groups to read from a source with these columns; one may be called as `NO_GROUPS` is."""
        return None if self.group_column == NO_GROUPS and NO_GROUPS not in columns else self.group_column


@dataclass(frozen=True)
class Stamps:
    """What shows, without reading it, whether stored content has changed.

    `files` is int64 (n, 4), a row for each input: size in bytes, times of the last change of the content and of the
    file's entry in nanoseconds, inode number; −1 throughout for a missing file. `reading` is what else decides the
    result of `Source.load`.
    """

    files: NDArray[np.int64]
    reading: tuple[str, ...]

    def same(self, other: Stamps | None) -> bool:
        return other is not None and self.reading == other.reading and np.array_equal(self.files, other.files)


class Source(ABC):
    """Labelled samples, in the order of their sorted keys. Safe to read from several threads at once.

    `location` is what the user called it, for messages.
    """

    kind: ClassVar[str]

    read_as: str
    """What messages call this kind of source, and the key of `takes.TAKES`."""

    load_limit: int | None = None
    """The most samples to ask of one `load` if a single one can take long; None if all are quick."""

    portable: bool = False
    """Whether worker processes may receive copies: small ones, since samples stay in files until they are decoded."""

    has_numbered_classes: ClassVar[bool] = False
    """Whether classes may be known by numbers alone, as in arrays: `classes` then names them by position."""

    has_splits: bool = True
    """Whether `split` chooses among the files: not where each was named."""

    list_folder: str | None = None
    """Where the relative paths of a list of files begin; None for every other source."""

    objects: Objects | None = None
    """The objects of the samples, where they have any."""

    task: Task = "classify"
    """What the labels are for."""

    texts: Sequence[object] | None = None
    """Of the task "caption", the caption of each sample as it was found: whatever stands in its place, too …"""

    captions: Captions | None = None
    """… and all of them as tokens …"""

    text_of_tokens: Callable[[NDArray[np.integer[Any]]], str] | None = None
    """… of which this makes text again."""

    column: str = FIRST
    """The column of the first signal."""

    beside: Mapping[str, Source] = MappingProxyType({})
    """Further signals of the same samples, by the name of their column: a source each, of the same length."""

    void: int | None = None
    """Of an index map, the number around a picture; None of signals, which are blended."""

    how_read: tuple[tuple[str, int | float | str], ...] = ()
    """How samples that go on in time are read, as far as that decides their values, by name: for the recipe."""

    lengths: NDArray[np.int64] | None = None
    """How long each sample is in time, int64 (n), where rows may show a part of it."""

    content: NDArray[np.int32] | None = None
    """Where the content of each sample lies in time, int32 (n, 2: start, stop), if not everywhere."""

    def __init__(self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str] = ()) -> None:
        self.location = location
        self.keys = keys
        self.labels = labels
        self.notices = tuple(notices)

    def __len__(self) -> int:
        return len(self.keys)

    def ignores(self, name: str, value: object) -> bool:
        """Whether this value of an option has no effect here, though sources of the kind take it (`takes.TAKES`)."""
        is_of_texts = name in ("tokenizer", "length", "text_column") and self.task not in ("text", "caption")
        return is_of_texts or (name == "task" and value != self.task) or (name == "split" and not self.has_splits)

    def name_of(self, index: int) -> str:
        """What messages call a sample: for images the key, which is a path."""
        return self.keys[index]

    @abstractmethod
    def survey(self, limit: int | None = None) -> Survey:
        """Look at `limit` samples spread evenly over the source (all of them if None) without decoding."""

    @abstractmethod
    def stored_bytes(self) -> Sequence[int]:
        """The stored size of every sample in bytes, without reading it; −1 if unknown."""

    def stamps(self) -> Stamps | None:
        """What shows whether any sample has changed; None if only reading would show it, or would be as quick."""
        return None

    def extents(self) -> NDArray[np.int32] | None:
        """Height and width of each sample as it is stored and shown: int32 (n, 2), zeros of one that cannot be read;
        None where that takes more than headers."""
        return None

    def files(self) -> Iterator[str]:
        """The files that samples are read from, as far as the source knows them one by one."""
        yield from ()

    def changed(self) -> str | None:
        """A file that has changed since it was read, by size, time of change and inode; None if nothing shows one."""
        return None

    def rehash(self, index: int) -> str:
        """The sha256 of a sample's stored bytes as they are now; empty if it takes decoding."""
        return ""

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """Read and hash samples start … stop−1, and check whether they fit the target, as far as that is quick: damage
        that only decoding shows may go unnoticed. Raises FormMismatch where `load` would."""
        return self.load(start, stop, target, np.empty((stop - start, *target.form.shape), target.form.dtype))

    def held(self, target: Target) -> NDArray[Any] | None:
        """All samples in a target's form (n, *target.form.shape), if memory has them so: `load` into a range of it then
        leaves them where they are, and no cache is needed. None for every other source and target."""
        return None

    def rooms(self, target: Target) -> NDArray[np.int64] | None:
        """How many places in time of a target each sample takes, int64 (n), if `load` fills samples of an `Uneven`; the
        rest of the form is zeros. None if each takes all of it."""
        return None

    @property
    def signals(self) -> dict[str, Source]:
        """This source, which has the first signal, and those beside it, by the names of their columns."""
        return {self.column: self, **self.beside}

    def load_signals(self, start: int, stop: int, targets: Sequence[Target], out: Arrays) -> list[Loaded]:
        """As `load`, for all signals: a target and an array for each."""
        signals = zip(self.signals.values(), targets, out, strict=True)
        found = [signal.load(start, stop, target, room) for signal, target, room in signals]
        return self._with_captions(start, self._together(found))

    def examine_signals(self, start: int, stop: int, targets: Sequence[Target]) -> list[Loaded]:
        """As `examine`, for all signals: a target for each."""
        signals = zip(self.signals.values(), targets, strict=True)
        found = [signal.examine(start, stop, target) for signal, target in signals]
        return self._with_captions(start, self._together(found))

    def _with_captions(self, start: int, found: list[Loaded]) -> list[Loaded]:
        """Captions are part of hashes, and one that cannot be used is a problem."""
        if self.captions is None:
            return found
        problems = self.captions.problems
        return [
            Loaded(each.stored_bytes, self.with_caption(index, each.sha256), each.problem or problems.get(index))
            for index, each in enumerate(found, start)
        ]

    def with_caption(self, index: int, sha256: str) -> str:
        """The hash of a sample with its caption, from that of its content; empty if that is."""
        if self.captions is None or not sha256:
            return sha256
        return hashlib.sha256(bytes.fromhex(sha256) + self.captions.digest(index)).hexdigest()

    def _together(self, found: list[list[Loaded]]) -> list[Loaded]:
        return found[0] if len(found) == 1 else [_of_all(self.signals, each) for each in zip(*found, strict=True)]

    @abstractmethod
    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """Read, hash and decode samples start … stop−1 into `out` (stop−start, *target.form.shape).

        `Loaded.problem` says why a sample cannot be read or decoded; its row of `out` is then undefined. Raises
        FormMismatch (see `Target`), and nothing else for damaged content; DataError if a file changes during reading.
        """


def _of_all(names: Iterable[str], parts: Sequence[Loaded]) -> Loaded:
    """What became of a sample with several signals: its hash is that of their hashes, 32 bytes each, in order."""
    problems = (f"{name}: {part.problem}" for name, part in zip(names, parts, strict=True) if part.problem is not None)
    is_read = all(part.sha256 for part in parts)
    digest = hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in parts)).hexdigest() if is_read else ""
    stored_bytes = sum(part.stored_bytes for part in parts) if is_read else -1
    return Loaded(stored_bytes, digest, next(problems, None))
