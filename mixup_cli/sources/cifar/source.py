"""CIFAR-10 and CIFAR-100: the Python and the binary version, as .tar.gz, as .tar, or as the extracted folder.

All versions give the same samples, keys and classes. Format: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

import re
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import chain
from mmap import mmap
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.scaling import write_converted
from mixup_cli.sources.arrays.source import ArraySource, sha256_of
from mixup_cli.sources.cifar.members import AGAIN, NAMES_LIMIT_BYTES, Member, members, published_folder
from mixup_cli.sources.cifar.safe_pickle import read_pickle
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.bounded_read import is_gzip
from mixup_cli.sources.reading.labels import index_names
from mixup_cli.sources.reading.splits import one_split, split_kind
from mixup_cli.wording import counted, setting

Role: TypeAlias = Literal["train", "test", "names"]

PIXEL_BYTES = 3 * 32 * 32
_TAR_MAGIC_AT = 257


@dataclass(frozen=True)
class Version:
    """One of the four published forms. `label_bytes` per row (binary version only); `class_counts` by label level."""

    folder: str
    files: dict[Role, str]
    class_counts: dict[str, int]
    label_bytes: int = 0

    def role(self, base_name: str) -> Role | None:
        return next((role for role, pattern in self.files.items() if re.fullmatch(pattern, base_name)), None)


_CIFAR_100_CLASSES = {"coarse": 20, "fine": 100}
VERSIONS = (
    Version(
        "cifar-10-batches-py",
        {"train": r"data_batch_[1-9]", "test": r"test_batch", "names": r"batches\.meta"},
        {"fine": 10},
    ),
    Version(
        "cifar-10-batches-bin",
        {"train": r"data_batch_[1-9]\.bin", "test": r"test_batch\.bin", "names": r"batches\.meta\.txt"},
        {"fine": 10},
        label_bytes=1,
    ),
    Version("cifar-100-python", {"train": r"train", "test": r"test", "names": r"meta"}, _CIFAR_100_CLASSES),
    Version(
        "cifar-100-binary",
        {"train": r"train\.bin", "test": r"test\.bin", "names": r"(fine|coarse)_label_names\.txt"},
        _CIFAR_100_CLASSES,
        label_bytes=2,
    ),
)
_KNOWN = re.compile("|".join(f"(?:{pattern})" for version in VERSIONS for pattern in version.files.values()))


class CifarSource(ArraySource):
    """An `ArraySource` of uint8 (n, 3, 32, 32), shown as (32, 32, 3)."""

    kind: ClassVar[str] = "cifar"
    read_as = "CIFAR"


_Batch: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""The samples of one file: pixels (n, 3072), channel by channel, and classes int64 (n,)."""

_TILE_ROWS = 2048
"""Rows turned at a time: in less time than this takes, another thread does not let go of Python's lock."""

_PLACES = 5
"""CIFAR-10 has five training files, and any of them may come first."""


class _Images:
    """The images of all files as they are mixed, uint8 (n, 32, 32, 3), and the hashes of their stored bytes.

    They are made while the archive is inflated, in one array: files of equal length get places there by their number.
    The thread of `turner` copies pixels while this one hashes, which takes Python's lock.
    """

    def __init__(self, turner: Executor) -> None:
        self._turner = turner
        self._room = np.empty((0, 0, 32, 32, 3), np.uint8)
        self._of: dict[str, tuple[NDArray[np.uint8], list[str]]] = {}

    def add(self, stem: str, pixels: NDArray[np.uint8]) -> None:
        """Take the pixels (n, 3072) of a file."""
        images, hashes = self._place(stem, len(pixels)), []
        turning = self._turner.submit(_turn, pixels, images)
        for start in range(0, len(pixels), _TILE_ROWS):
            hashes += sha256_of(np.ascontiguousarray(pixels[start : start + _TILE_ROWS]))
        turning.result()  # before the next file is read: into the memory of this one
        self._of[stem] = images, hashes

    def _place(self, stem: str, count: int) -> NDArray[np.uint8]:
        if not self._room.size:
            # What is not filled takes no memory. Not from NumPy, which asks for huge pages: some virtual machines take
            # five times as long to provide them.
            pages = mmap(-1, max(1, _PLACES * count * PIXEL_BYTES))
            self._room = np.frombuffer(pages, np.uint8, _PLACES * count * PIXEL_BYTES).reshape(_PLACES, -1, 32, 32, 3)
        place = int(stem[-1]) - 1 if stem[-1].isdigit() else 0
        fits = place < _PLACES and count == self._room.shape[1]
        return self._room[place] if fits else np.empty((count, 32, 32, 3), np.uint8)

    def all(self) -> tuple[NDArray[np.uint8], list[str]]:
        """The images of all files, and their hashes, in the order of the files' names."""
        images, hashes = zip(*(self._of[stem] for stem in sorted(self._of)), strict=True)
        places = self._room[: len(images)]
        is_whole = [each.ctypes.data for each in images] == [each.ctypes.data for each in places]
        return places.reshape(-1, 32, 32, 3) if is_whole else np.concatenate(images), [*chain.from_iterable(hashes)]


def _turn(pixels: NDArray[np.uint8], images: NDArray[np.uint8]) -> None:
    """Copy pixels (n, 3072), channel by channel, into images (n, 32, 32, 3)."""
    for start in range(0, len(pixels), _TILE_ROWS):
        stored = pixels[start : start + _TILE_ROWS].reshape(-1, 3, 32, 32)
        write_converted(stored.transpose(0, 2, 3, 1), images[start : start + len(stored)], None)


@dataclass
class _Contents:
    """The result of one pass over the members; `classes` by the file's name without its ending, `splits` are all that
    have files."""

    images: _Images
    version: Version | None = None
    classes: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    splits: set[Role] = field(default_factory=set)


def looks_like_cifar(path: Path) -> bool:
    """Whether `path` holds CIFAR, by the names of its files; by the first members only for a tar."""
    if not path.is_dir() and not _may_be_tar(path):
        return False
    found: list[Member] = []
    with suppress(DataError, NoInputError, OSError), closing(members(path, _KNOWN, peek=True)) as peeked:
        for member in peeked:
            found.append(member)
            if any(_is_version(version, found) for version in VERSIONS):
                return True
    return False


def open_cifar(path: Path, options: SourceOptions) -> CifarSource:
    """Read one split. Raises DataError for a damaged archive, NoInputError for one without samples, UsageError for an
    absent split."""
    contents, said = _of_one_split(path, options)
    version = contents.version
    if version is None or not contents.splits:
        raise NoInputError(f"{path}: has no samples of CIFAR. Check the path.")
    by_file = dict(sorted(contents.classes.items()))
    names, notices = _class_names(contents.names, version.class_counts[_level(version, options, str(path))], str(path))
    notices = [*notices, *said, *_notices(contents, path)]
    classes = np.concatenate([*by_file.values()]).astype(np.int32)
    if classes.min() < 0 or classes.max() >= len(names):
        found = f"labels from {classes.min()} to {classes.max()}"
        raise DataError(f"{path}: has {found}, expected 0 to {len(names) - 1}. {AGAIN}")
    keys = [f"{stem}/{row:05d}" for stem, rows in by_file.items() for row in range(len(rows))]
    images, hashes = contents.images.all()
    rows = images.transpose(0, 3, 1, 2)
    source = CifarSource(str(path), keys, Labels(names, classes), rows, shown="hwc", notices=notices)
    return source.hashed_before(hashes).watch(*([path] if path.is_file() else []))


def _may_be_tar(path: Path) -> bool:
    try:
        if is_gzip(path):
            return True
        with path.open("rb") as stream:
            return stream.read(_TAR_MAGIC_AT + 5).endswith(b"ustar")
    except (NoInputError, OSError):
        return False


def _is_version(version: Version, found: list[Member]) -> bool:
    """CIFAR-10 has unique file names; `train`, `test` and `meta` mean it only together, or in their folder."""
    roles = {version.role(member.base_name) for member in found} - {None}
    if version.folder.startswith("cifar-10-"):
        return bool(roles & {"train", "test"})
    in_folder = any(version.role(member.base_name) and member.parent_name == version.folder for member in found)
    return in_folder or {"train", "test", "names"} <= roles


def _of_one_split(path: Path, options: SourceOptions) -> tuple[_Contents, list[str]]:
    """What one split holds, and notices. An archive shows only at its end which splits it has: it is read again where
    the likely one is not taken."""
    likely = "train" if options.split is None else split_kind(options.split)
    contents = _read(path, likely, options)
    if not contents.splits:
        return contents, []
    split, notices = one_split({each: each for each in sorted(contents.splits)}, options.split, str(path))
    return contents if split == likely else _read(path, split, options), notices


def _read(path: Path, split: str | None, options: SourceOptions) -> _Contents:
    """What is stored of a split, by one pass over all files."""
    with (
        ThreadPoolExecutor(1, "turn") as turner,
        closing(members(path, _KNOWN)) as contained,  # else a thread would go on reading ahead
    ):
        contents = _Contents(_Images(turner))
        for member in contained:
            _take(contents, member, str(path), split, options)
    return contents


def _level(version: Version, options: SourceOptions, location: str) -> str:
    level = options.label_level or "fine"
    if level not in version.class_counts:
        raise UsageError(f"{location}: CIFAR-10 has no coarse labels. Drop {setting('label_level', level)}.")
    return level


def _take(contents: _Contents, member: Member, location: str, split: str | None, options: SourceOptions) -> None:
    """Read `member` if it is needed, and note what it holds."""
    version = next(version for version in VERSIONS if version.role(member.base_name))
    if contents.version not in (None, version):
        raise DataError(
            f"{location}: holds two versions of CIFAR at once ({member.name} is of {version.folder}). Keep one."
        )
    contents.version = version
    role = version.role(member.base_name)
    if role in ("train", "test"):
        contents.splits.add(role)
    level = _level(version, options, location)
    if role == "names":
        contents.names = contents.names or _read_names(version, member, location, level)
    elif role == split:
        batch = _read_batch(version, member, location, level)
        stem = member.base_name.removesuffix(".bin")
        if stem in contents.classes:
            raise DataError(f"{location}: holds {member.base_name} twice. Keep one.")
        contents.images.add(stem, batch[0])
        contents.classes[stem] = batch[1]


def _read_batch(version: Version, member: Member, location: str, level: str) -> _Batch:
    where = f"{location}: {member.base_name}"
    data = member.read(location)
    if version.label_bytes:
        batch = _binary_batch(data, version.label_bytes, level, where)
    else:
        batch = _pickled_batch(read_pickle(data, where), version, level, where)
    if len(batch[0]) == 0:
        raise DataError(f"{where}: holds no samples. {AGAIN}")
    return batch


def _binary_batch(data: memoryview, label_bytes: int, level: str, where: str) -> _Batch:
    """Records of 1 label byte (CIFAR-10) or 2 (CIFAR-100: coarse, fine), then the pixels."""
    row_bytes = label_bytes + PIXEL_BYTES
    if len(data) % row_bytes:
        raise DataError(f"{where}: has {len(data)} bytes, expected a multiple of {row_bytes}. Fetch the archive again.")
    table = np.frombuffer(data, np.uint8).reshape(-1, row_bytes)
    column = 0 if level == "coarse" else label_bytes - 1
    return table[:, label_bytes:], table[:, column].astype(np.int64)


def _pickled_batch(content: dict[str, Any], version: Version, level: str, where: str) -> _Batch:
    pixels = content.get("data")
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.shape[1:] != (PIXEL_BYTES,):
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise DataError(f"{where}: its 'data' is {found}, expected uint8 (n, {PIXEL_BYTES}). {AGAIN}")
    key = "labels" if len(version.class_counts) == 1 else f"{level}_labels"
    labels = content.get(key)
    if isinstance(labels, np.ndarray):
        labels = labels.tolist()
    if not isinstance(labels, list) or not all(isinstance(label, int) and 0 <= label < 256 for label in labels):
        raise DataError(f"{where}: its {key!r} are not a list of class indices. {AGAIN}")
    if len(labels) != len(pixels):
        found = f"{counted(len(labels), 'label')} for {counted(len(pixels), 'image')}"
        raise DataError(f"{where}: has {found}. {AGAIN}")
    return pixels, np.array(labels, np.int64)


def _read_names(version: Version, member: Member, location: str, level: str) -> list[str]:
    """The class names in `member`; empty if it has none of this level."""
    data = member.read(location, NAMES_LIMIT_BYTES)
    if version.label_bytes:
        member_level = "coarse" if member.base_name.startswith("coarse") else "fine"
        lines = bytes(data).decode("utf-8", "replace").splitlines()
        return [line.strip() for line in lines if line.strip()] if member_level == level else []
    content = read_pickle(data, f"{location}: {member.base_name}")
    names = content.get("label_names" if len(version.class_counts) == 1 else f"{level}_label_names")
    if not isinstance(names, list) or not all(isinstance(name, str | bytes) for name in names):
        return []
    return [name if isinstance(name, str) else name.decode("utf-8", "replace") for name in names]


def _class_names(names: list[str], expected: int, location: str) -> tuple[tuple[str, ...], list[str]]:
    """The names of the classes, and a notice if they are made up."""
    if len(names) == expected == len(set(names)):
        return tuple(names), []
    count = counted(len(names), "class name")
    notice = f"{location}: found {count}, expected {expected}; classes are named by their index."
    return index_names(expected), [notice]


def _notices(contents: _Contents, path: Path) -> list[str]:
    notices, classes = [], contents.classes
    if next(iter(classes)).startswith("data_batch") and len(classes) != 5:
        notices.append(f"{path}: holds {len(classes)} of the 5 training batches of CIFAR-10.")
    if path.is_dir() and (inner := published_folder(path)) != path and len(list(path.iterdir())) > 1:
        notices.append(f"{path}: using {inner.name} only")
    return notices
