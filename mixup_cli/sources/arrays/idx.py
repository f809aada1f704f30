"""MNIST's IDX files (`*-ubyte`, `*.idx3-ubyte`, each also with `.gz`): pictures and labels that belong together."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.arrays.contents import array_beside, read_beside
from mixup_cli.sources.arrays.idx_file import begins_as_idx, read_idx
from mixup_cli.sources.arrays.source import ArraySource, RowKeys, Rows
from mixup_cli.sources.arrays.splits import Elsewhere, number_over_splits
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.labels import check_count, labels_from_array
from mixup_cli.sources.reading.splits import files_of_other_splits, split_in, split_kind, split_of

_NAME = re.compile(r"(?P<before>.*?)(?P<what>images|labels)(?P<dot>[-.])idx(?P<rank>\d)-ubyte(?P<gz>\.gz)?")


class IdxSource(ArraySource):
    """An `ArraySource` of big-endian numbers; pictures (28, 28) are shown with a channel, as (28, 28, 1)."""

    kind: ClassVar[str] = "idx"
    read_as = "IDX"


def looks_like_idx(path: Path) -> bool:
    """Whether `path` is an IDX file, or a folder with the images of some split."""
    if path.is_dir():
        return bool(_images_of(path))
    return begins_as_idx(path)


def open_idx(path: Path, options: SourceOptions) -> IdxSource:
    """Open a folder of IDX files, one that has them in `raw` as torchvision does, or one images file.

    Raises DataError, NoInputError or UsageError.
    """
    notices: list[str] = []
    images = _choose(path, options, notices) if path.is_dir() else path
    rows = read_idx(images)
    labels_file = _labels_beside(images)
    beside: tuple[Path, Rows] | None = None if labels_file is None else (labels_file, read_idx(labels_file))
    if options.label_key is not None:
        beside = array_beside(images, "--label-key", options.label_key)
    labels = Labels()
    if beside is not None:
        labels_file, stored = beside
        check_count(stored.shape, rows.shape[0], str(labels_file))
        values = read_beside(stored, labels_file)
        labels = labels_from_array(values, rows.shape[0], str(labels_file), options.label_kind)
    else:
        notices.append(f"{images}: found no labels file beside it; the samples are unlabelled.")
    shown: Axes | None = "hwc" if len(rows.shape) == 3 else None
    source = IdxSource(str(path), RowKeys(rows.shape[0]), labels, rows, shown=shown, notices=notices)
    if labels_file is not None:
        plain = labels_file.with_name(labels_file.name.removesuffix(".gz"))
        others = [*files_of_other_splits(plain), *files_of_other_splits(plain.with_name(f"{plain.name}.gz"))]
        number_over_splits(
            source,
            [Elsewhere(str(each), split_of(each) == "train", partial(_only_idx, each)) for each in others],
            options,
        )
    return source.watch(images, labels_file, mapped=not isinstance(rows, np.ndarray))


def _only_idx(file: Path) -> list[Rows]:
    return [read_idx(file)]


def _images_of(folder: Path) -> list[Path]:
    """The images files of a folder; torchvision keeps them in `raw`."""
    inner = folder / "raw"
    return _images_in(folder) or (_images_in(inner) if inner.is_dir() else [])


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
    found = _images_of(folder)
    if not found:
        raise NoInputError(f"{folder}: holds no IDX images (names like train-images-idx3-ubyte). Check the path.")
    if options.split is None and len(found) == 1:
        return found[0]
    split = "train" if options.split is None else split_kind(options.split)
    if split not in ("train", "test"):
        raise UsageError(f"{folder}: has the splits train and test, not {options.split!r}. Pass one of them.")
    chosen = [file for file in found if split_in(file.name) == split]
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
