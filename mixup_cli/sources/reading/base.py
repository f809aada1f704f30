"""What every source offers: keys, labels, and samples in the working form.

A source is a sequence of labelled samples. It is opened once (`open_source`), which lists and sorts the keys and reads
the labels; pixels are read later, range by range, by the scan. Nothing here knows recipes or plans.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind, LabelLevel, Resize
from mixup_cli.sources.reading.scaling import Finish

SampleDtype: TypeAlias = Literal["uint8", "uint16", "float32"]
Axes: TypeAlias = Literal["hwc", "chw", "hw", ""]

DEPTHS: tuple[SampleDtype, ...] = ("uint8", "uint16", "float32")
"""From the shallowest to the deepest: a form holds whatever is not deeper than itself."""


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
class Labels:
    """The labels of n samples, and the groups that mixing must not cross.

    `classes` is int32 (n,) with values in 0 … K−1; or else `values` is float32 (n, K), of the kind `values_kind`: rows
    of shares that sum to 1 ("soft"), of zeros and ones ("multi"), or of any finite numbers ("real"). `class_names` has
    K entries: the classes, or what the numbers are. `groups`, where given, has n texts: only samples of the same group
    are mixed (folds, patients, speakers …).
    """

    class_names: tuple[str, ...] = ()
    classes: NDArray[np.int32] | None = None
    values: NDArray[np.float32] | None = None
    values_kind: Literal["soft", "multi", "real"] = "soft"
    groups: tuple[str, ...] | None = None

    @property
    def kind(self) -> LabelKind:
        if self.classes is not None:
            return "classes"
        return "none" if self.values is None else self.values_kind

    def at(self, samples: Sequence[int]) -> Labels:
        """The labels of some samples, in that order, over the same classes."""
        chosen = np.array(samples, np.int64)
        return replace(
            self,
            classes=None if self.classes is None else self.classes[chosen],
            values=None if self.values is None else self.values[chosen],
            groups=None if self.groups is None else tuple(self.groups[sample] for sample in samples),
        )


def picture_extent(shape: tuple[int, ...], axes: Axes) -> tuple[int, int, int]:
    """Height, width and channels of a sample of this shape; 1 × 1 and one channel for what is no picture."""
    if axes == "hwc":
        return shape[0], shape[1], shape[2]
    if axes == "chw":
        return shape[1], shape[2], shape[0]
    return (shape[0], shape[1], 1) if axes == "hw" else (1, 1, 1)


@dataclass(frozen=True)
class Form:
    """The working form of one sample, as the cache holds it.

    `axes` names the dimensions of `shape` where they are those of a picture ("hwc", "chw" or "hw"), and is empty for
    anything else (volumes, embeddings …), which can be mixed as a whole but has no place for a box.
    """

    shape: tuple[int, ...]
    dtype: SampleDtype
    axes: Axes

    @property
    def extent(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture; 1 × 1 and one channel for what is none."""
        return picture_extent(self.shape, self.axes)

    @property
    def sample_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Target:
    """The form to bring samples into, and the rules for it.

    `resize` None means that pictures must have the form's size already; one that has not raises `FormMismatch`.
    `value_range` maps [low, high] of floats and 16-bit values linearly onto the full range of an integer form, clipping
    what lies outside.
    `deepest` is the dtype beyond which a deeper form would be of no use to the output (None: the form's own); a picture
    that is deeper than a form which is not that deep raises `FormMismatch`. `finish` is there where it could
    make infinities of samples: those are then broken.
    """

    form: Form
    resize: Resize | None = None
    value_range: tuple[float, float] | None = None
    deepest: SampleDtype | None = None
    finish: Finish | None = None

    def problems(self, samples: NDArray[Any]) -> list[str | None]:
        """Why samples (m, *form.shape) in the form cannot be used, per sample: `finish` makes them infinite."""
        if self.finish is None:
            return [None] * len(samples)
        return self.finish.problems(samples, {"hwc": 3, "chw": 1}.get(self.form.axes))


@dataclass(frozen=True)
class Survey:
    """What the samples look like before any is decoded: how many have which (height, width), and which dtype.
    `sizes` is empty for arrays that are no pictures, whose `array_form` then tells all. `broken` are left out of them:
    the keys of samples whose headers cannot be read, with the reasons. `upper_bits` is how many pictures have 16 bits
    a colour, of which only the upper 8 are read."""

    sizes: Counter[tuple[int, int]]
    dtypes: Counter[SampleDtype]
    array_form: Form | None = None
    broken: Mapping[str, str] = field(default_factory=dict)
    upper_bits: int = 0


@dataclass(frozen=True, slots=True)  # slots: there is one for every input
class Loaded:
    """What became of one sample: its stored size, the sha256 of the stored bytes, and why it could not be used."""

    stored_bytes: int
    sha256: str
    problem: str | None = None

    def resized(self, stored_bytes: int) -> Loaded:
        """The same sample seen again with another size: its content is not known."""
        return Loaded(stored_bytes, "")


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


class FormMismatch(Exception):
    """A sample's own size or depth does not fit the form that was assumed from a look at some of the samples."""

    def __init__(self, key: str, size: tuple[int, int], dtype: SampleDtype) -> None:
        super().__init__(f"{key}: {size[1]}x{size[0]} {dtype}")
        self.key, self.size, self.dtype = key, size, dtype

    def __reduce__(self) -> tuple[type[Self], tuple[str, tuple[int, int], SampleDtype]]:
        return type(self), (self.key, self.size, self.dtype)  # else the message alone would be sent to another process


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
