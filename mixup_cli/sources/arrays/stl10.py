"""STL-10 in its binary version (https://cs.stanford.edu/~acoates/stl10/).

`train_X.bin` and its like are uint8 (n, 3, 96, 96), each plane stored column by column; `train_y.bin` has classes from
1, and `class_names.txt` their names.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.files import ArrayFileSource
from mixup_cli.sources.arrays.source import RowKeys
from mixup_cli.sources.arrays.stored import FileArray, TurnedArray
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.bounded_read import read_up_to
from mixup_cli.sources.reading.labels import check_count
from mixup_cli.sources.reading.splits import one_split
from mixup_cli.wording import counted

_PLANES = (3, 96, 96)
_SAMPLE_BYTES = 3 * 96 * 96
_NAMES_BYTES = 1 << 12


def looks_like_stl10(path: Path) -> bool:
    """Whether `path` is a folder with the images of some split, or contains that folder as torchvision keeps it."""
    return bool(_splits_in(_folder_in(path)))


def open_stl10(path: Path, options: SourceOptions) -> ArrayFileSource:
    """Open one split. Raises DataError, NoInputError or UsageError."""
    folder = _folder_in(path)
    split, notices = one_split({each: each for each in _splits_in(folder)}, options.split, str(folder))
    samples, labels = folder / f"{split}_X.bin", folder / f"{split}_y.bin"
    count, rest = divmod(samples.stat().st_size, _SAMPLE_BYTES)
    if rest:
        raise DataError(f"{samples}: is not a whole number of images of {_SAMPLE_BYTES} bytes. Fetch it again.")
    if not count:
        raise NoInputError(f"{samples}: holds no samples. Fetch it again.")
    rows = TurnedArray(FileArray(samples, (count, *_PLANES), np.dtype("u1"), 0), (0, 3, 2, 1))
    has_labels = options.label_kind != "none" and labels.is_file()
    if not has_labels and options.label_kind != "none":
        notices.append(f"{samples}: no labels found; the samples are unlabelled")
    source = ArrayFileSource(
        str(path), RowKeys(count), _labels(labels, count) if has_labels else Labels(), rows, notices=notices
    )
    source.read_as = "STL-10"
    return source.watch(samples, *([labels] if has_labels else []))


def _folder_in(path: Path) -> Path:
    return path / "stl10_binary" if (path / "stl10_binary").is_dir() else path


def _splits_in(folder: Path) -> list[str]:
    return [split for split in ("train", "test", "unlabeled") if (folder / f"{split}_X.bin").is_file()]


def _labels(path: Path, count: int) -> Labels:
    check_count((path.stat().st_size,), count, str(path))
    classes = np.fromfile(path, np.uint8).astype(np.int32) - 1
    names = _class_names(path.with_name("class_names.txt"), int(classes.max()) + 1)
    if classes.min() < 0 or classes.max() >= len(names):
        found = f"labels from {classes.min() + 1} to {classes.max() + 1}, expected 1 to {len(names)}"
        raise DataError(f"{path}: has {found}. Fetch it again.")
    return Labels(names, classes)


def _class_names(path: Path, most: int) -> tuple[str, ...]:
    """The names; numbers from 1 without such a file."""
    if not path.is_file():
        return tuple(str(number + 1) for number in range(most))
    with path.open("rb") as file:
        names = read_up_to(file, _NAMES_BYTES).decode("utf-8", "replace").split()
    if len(set(names)) != len(names) or not names:
        raise DataError(f"{path}: names {counted(len(set(names)), 'class')}, some of them twice. Fetch it again.")
    return tuple(names)
