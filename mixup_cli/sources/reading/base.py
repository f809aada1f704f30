"""What every source offers: keys, labels, and samples in the working form.

A source is a sequence of labelled samples. It is opened once (`open_source`), which lists and sorts the keys and reads
the labels; pixels are read later, range by range, by the scan. Nothing here knows recipes or plans.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind, LabelLevel
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import FIRST
from mixup_cli.fields.target import Arrays, Survey, Target
from mixup_cli.storage.loaded import Loaded

NO_GROUPS = "none"
"""The group column that says to leave out groups which a source brings along."""


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How a source is to be read: which part of it, and where its labels stand.

    `labels_from` is a file with a row for each picture: `file_column` names it, `label_column` (one column, or several
    with commas between them) labels it, and `label_separator` stands between several classes in one cell.
    `group_column` is `NO_GROUPS` to leave groups out (where there is no column of that name).
    `max_pixels` bounds the pixels of one picture, so that a decompression bomb is an error and not a dead machine.
    `exclude` are folders that a walk never enters (the output folder of this run). `split` "" says that folders named
    as splits are classes. `classes` are the names of all classes, in their order, instead of those that are found.
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
    data_key: str | None = None
    label_key: str | None = None
    max_pixels: int = 100_000_000
    exclude: tuple[Path, ...] = ()

    def group_column_of(self, columns: Container[str]) -> str | None:
        """The column of groups that is asked for of a source with these columns."""
        return None if self.group_column == NO_GROUPS and NO_GROUPS not in columns else self.group_column


@dataclass(frozen=True)
class Stamps:
    """What tells, without reading it, whether stored content has changed.

    `files` is int64 (n, 4), a row for each input: size in bytes, times of the last change of the content and of the
    file's entry in nanoseconds, inode number; a row of −1 where there is no file. `reading` is what else decides what
    `Source.load` gives.
    """

    files: NDArray[np.int64]
    reading: tuple[str, ...]

    def same(self, other: Stamps | None) -> bool:
        return other is not None and self.reading == other.reading and np.array_equal(self.files, other.files)


class Source(ABC):
    """Labelled samples, in the order of their sorted keys.

    Safe to read from several threads at once. `location` is what the user called it, for messages.
    """

    kind: ClassVar[str]

    read_as: str
    """What messages call this kind of source, and the key of `sources.takes.TAKES`."""

    load_limit: int | None = None
    """The most samples to ask of one `load` where a single one can take long; None where all are quick."""

    portable: bool = False
    """Whether worker processes may be sent copies: small ones, since samples stay in files until they are decoded."""

    has_numbered_classes: ClassVar[bool] = False
    """Whether classes may be known by numbers alone, as in arrays: `--classes` then gives them names by position."""

    list_folder: str | None = None
    """Where the relative paths of a list of files begin; None for every other source."""

    beside: Mapping[str, Source] = MappingProxyType({})
    """Further signals of the same samples, by the name of their column: a source each, of the same length."""

    def __init__(self, location: str, keys: Sequence[str], labels: Labels, notices: Sequence[str] = ()) -> None:
        self.location = location
        self.keys = keys
        self.labels = labels
        self.notices = tuple(notices)

    def __len__(self) -> int:
        return len(self.keys)

    def ignores(self, name: str, value: object) -> bool:
        """Whether this value of an option, which sources of the kind take (`takes.TAKES`), has no effect here."""
        return False

    def name_of(self, index: int) -> str:
        """What messages call a sample: for pictures, the key is a path and says enough."""
        return self.keys[index]

    @abstractmethod
    def survey(self, limit: int | None = None) -> Survey:
        """Look at `limit` samples spread evenly over the source (all of them if None) without decoding."""

    @abstractmethod
    def stored_bytes(self) -> Sequence[int]:
        """The stored size of every sample in bytes, without reading them (−1 where it cannot be found out)."""

    def stamps(self) -> Stamps | None:
        """What tells whether any sample has changed; None where only reading it would tell, or nothing is gained."""
        return None

    def files(self) -> Iterator[str]:
        """The files that it is read from, as far as it knows them one by one."""
        yield from ()

    def changed(self) -> str | None:
        """A file that is not any more what it was when it was read, by size, time of change and inode. None where there
        is none, and where nothing tells."""
        return None

    def rehash(self, index: int) -> str:
        """The sha256 of a sample's stored bytes as they are now; empty where it cannot be had without decoding."""
        return ""

    def examine(self, start: int, stop: int, target: Target) -> list[Loaded]:
        """Read and hash samples start … stop−1, and see whether they fit the target, as far as can be told quickly:
        what only decoding shows may go unnoticed. Raises FormMismatch where `load` would.

        Here they are decoded: arrays are quick.
        """
        return self.load(start, stop, target, np.empty((stop - start, *target.form.shape), target.form.dtype))

    @property
    def signals(self) -> dict[str, Source]:
        """This source, which has the first signal, and those beside it, by the names of their columns."""
        return {FIRST: self, **self.beside}

    def load_signals(self, start: int, stop: int, targets: Sequence[Target], out: Arrays) -> list[Loaded]:
        """As `load`, for all signals: a target and an array for each."""
        signals = zip(self.signals.values(), targets, out, strict=True)
        return self._together([signal.load(start, stop, target, room) for signal, target, room in signals])

    def examine_signals(self, start: int, stop: int, targets: Sequence[Target]) -> list[Loaded]:
        """As `examine`, for all signals: a target for each."""
        signals = zip(self.signals.values(), targets, strict=True)
        return self._together([signal.examine(start, stop, target) for signal, target in signals])

    def _together(self, found: list[list[Loaded]]) -> list[Loaded]:
        return found[0] if len(found) == 1 else [_of_all(self.signals, each) for each in zip(*found, strict=True)]

    @abstractmethod
    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """Read, hash and decode samples start … stop−1 into `out` (stop−start, *target.form.shape).

        A sample that cannot be read or decoded is reported in its `Loaded.problem`, and its row of `out` is left
        undefined. Raises FormMismatch (see `Target`), and nothing else for damaged content; DataError where a file
        changes while it is read.
        """


def _of_all(names: Iterable[str], parts: Sequence[Loaded]) -> Loaded:
    """What became of a sample with several signals: its hash is that of their hashes, 32 bytes each, in order."""
    problems = (f"{name}: {part.problem}" for name, part in zip(names, parts, strict=True) if part.problem is not None)
    is_read = all(part.sha256 for part in parts)
    digest = hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in parts)).hexdigest() if is_read else ""
    stored_bytes = sum(part.stored_bytes for part in parts) if is_read else -1
    return Loaded(stored_bytes, digest, next(problems, None))
