"""MNIST's IDX files (`*-ubyte`, `*.idx3-ubyte`, each also with `.gz`), of any dtype and number of dimensions.

Format: two zero bytes, a type code, the number of dimensions, their lengths as big-endian uint32, then the values,
big-endian (http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources.array_labels import check_count, labels_from_array
from mixup_cli.sources.array_splits import Elsewhere, number_over_splits
from mixup_cli.sources.arrays import ArraySource, RowKeys
from mixup_cli.sources.base import Axes, Labels, SourceOptions
from mixup_cli.sources.bounded_read import Readable, check_inflated, is_gzip, open_inflated, read_array
from mixup_cli.sources.file_rows import FileRows, check_claim, whole
from mixup_cli.sources.splits import files_of_other_splits

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(r"(?P<before>.*?)(?P<what>images|labels)(?P<dot>[-.])idx(?P<rank>\d)-ubyte(?P<gz>\.gz)?")
_SPLIT_PREFIXES = {"train": "train", "test": "t10k|test"}


class IdxSource(ArraySource):
    """An `ArraySource` of big-endian numbers; pictures (28, 28) are shown with a channel, as (28, 28, 1)."""

    kind: ClassVar[str] = "idx"
    read_as = "IDX"


@dataclass(frozen=True)
class _Header:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    data_at: int

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def looks_like_idx(path: Path) -> bool:
    """Whether `path` is an IDX file, or a folder with the images of some split."""
    if path.is_dir():
        return bool(_images_in(path))
    try:
        with open_inflated(path) as stream:
            start = stream.read(4)
    except (DataError, NoInputError, OSError):
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in DTYPES and 0 < start[3] < 33


def open_idx(path: Path, options: SourceOptions) -> IdxSource:
    """Open a folder of IDX files, or one images file. Raises DataError, NoInputError or UsageError."""
    notices: list[str] = []
    images = _choose(path, options, notices) if path.is_dir() else path
    rows = read_idx(images)
    labels_file = _labels_beside(images)
    labels = Labels()
    if labels_file is not None:
        stored = read_idx(labels_file)
        check_count(stored.shape, rows.shape[0], str(labels_file))
        labels = labels_from_array(whole(stored), rows.shape[0], str(labels_file), options.label_kind)
    else:
        notices.append(f"{images}: found no labels file beside it; the samples are unlabelled.")
    shown: Axes | None = "hwc" if len(rows.shape) == 3 else None
    source = IdxSource(str(path), RowKeys(rows.shape[0]), labels, rows, shown=shown, notices=notices)
    if labels_file is not None:
        plain = labels_file.with_name(labels_file.name.removesuffix(".gz"))
        others = [*files_of_other_splits(plain), *files_of_other_splits(plain.with_name(f"{plain.name}.gz"))]
        number_over_splits(
            source, [Elsewhere(str(each), each.name, partial(read_idx, each)) for each in others], options
        )
    return source.watch(images, labels_file, mapped=not isinstance(rows, np.ndarray))


def read_idx(path: Path) -> NDArray[Any] | FileRows:
    """The file's array: left where it is, or for `.gz` in memory. Raises DataError if the size is not what it says."""
    with open_inflated(path) as stream:
        header = _read_header(stream, str(path))
        if is_gzip(path):
            check_inflated(header.data_bytes, path.stat().st_size, str(path))
            return _read_inflated(stream, header, str(path))
    found_bytes = path.stat().st_size - header.data_at
    _check_size(found_bytes, header, str(path))
    if header.data_bytes == 0:
        return np.empty(header.shape, header.dtype)
    return FileRows(path, header.shape, header.dtype, header.data_at)


def _read_header(stream: Readable, location: str) -> _Header:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in DTYPES or not 0 < start[3] < 33:
        raise DataError(f"{location}: begins with {start.hex(' ')}, which no IDX file does. Fetch it again.")
    lengths = stream.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise DataError(f"{location}: is cut short within its header. Fetch it again.")
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    check_claim(shape, np.dtype(DTYPES[start[2]]), location)
    return _Header(np.dtype(DTYPES[start[2]]), shape, 4 + len(lengths))


def _read_inflated(stream: Readable, header: _Header, location: str) -> NDArray[Any]:
    data = read_array(stream, header.data_bytes + 1)  # one more, to notice what is too long
    _check_size(len(data), header, location)
    return data.view(header.dtype).reshape(header.shape)


def _check_size(found_bytes: int, header: _Header, location: str) -> None:
    if found_bytes != header.data_bytes:
        found = f"{found_bytes} or more" if found_bytes > header.data_bytes else str(found_bytes)
        raise DataError(
            f"{location}: its header says {header.dtype} {header.shape}, which is {header.data_bytes} bytes of data, "
            f"but there are {found}. Fetch it again."
        )


def _images_in(folder: Path) -> list[Path]:
    found = []
    for file in sorted(folder.iterdir()):
        match = _NAME.fullmatch(file.name)
        if match and match["what"] == "images" and file.is_file():
            found.append(file)
    # Of NAME and NAME.gz the plain one is taken, as it can be mapped.
    return [file for file in found if not (file.suffix == ".gz" and file.with_suffix("") in found)]


def _choose(folder: Path, options: SourceOptions, notices: list[str]) -> Path:
    """The images file of the wanted split in `folder`; the training split if none is wanted and there are several."""
    found = _images_in(folder)
    if not found:
        raise NoInputError(f"{folder}: holds no IDX images (names like train-images-idx3-ubyte). Check the path.")
    if options.split is None and len(found) == 1:
        return found[0]
    split = "train" if options.split is None else options.split
    if split not in _SPLIT_PREFIXES:
        raise UsageError(f"{folder}: IDX folders have the splits train and test, not {split!r}. Pass one of them.")
    chosen = [file for file in found if re.search(rf"(^|[-_.])({_SPLIT_PREFIXES[split]})[-_.]images", file.name)]
    if len(chosen) != 1:
        names = ", ".join(file.name for file in found)
        raise DataError(
            f"{folder}: found {len(chosen)} images files of the split {split} among {names}. Give the file."
        )
    if options.split is None:
        others = ", ".join(file.name for file in found if file != chosen[0])
        notices.append(f"{folder}: using the training split, {chosen[0].name}; beside it is {others} (--split test).")
    return chosen[0]


def _labels_beside(images: Path) -> Path | None:
    match = _NAME.fullmatch(images.name)
    if not match or match["what"] != "images":
        return None
    stem = f"{match['before']}labels{match['dot']}idx1-ubyte"
    return next((file for name in (stem, f"{stem}.gz") if (file := images.with_name(name)).is_file()), None)
