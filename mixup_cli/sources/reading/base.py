"""What every source offers: keys, labels, and samples in the working form.

A source is a sequence of labelled samples. It is opened once (`open_source`), which lists and sorts the keys and reads
the labels; pixels are read later, range by range, by the scan. Nothing here knows recipes or plans.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind, LabelLevel
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import Survey, Target
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

    @abstractmethod
    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        """Read, hash and decode samples start … stop−1 into `out` (stop−start, *target.form.shape).

        A sample that cannot be read or decoded is reported in its `Loaded.problem`, and its row of `out` is left
        undefined. Raises FormMismatch (see `Target`), and nothing else for damaged content; DataError where a file
        changes while it is read.
        """
