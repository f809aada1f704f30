"""MNIST's IDX files (`*-ubyte`, `*.idx3-ubyte`, each also with `.gz`): images and labels that belong together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from mixup_cli.errors import NoInputError
from mixup_cli.fields.axes import Axes
from mixup_cli.sources.arrays.idx_file import IdxFile, begins_as_idx
from mixup_cli.sources.arrays.labels import array_of, beside, labels_of, number_over_splits
from mixup_cli.sources.arrays.source import ArraySource, RowKeys, unlabelled
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.splits import one_split, split_in

_NAME = re.compile(r"(?P<before>.*?)(?P<what>images|labels)(?P<dot>[-.])idx(?P<rank>\d)-ubyte(?P<gz>\.gz)?")


class IdxSource(ArraySource):
    """An `ArraySource` of big-endian numbers; images (28, 28) are offered with a channel, as (28, 28, 1)."""

    kind: ClassVar[str] = "idx"
    read_as = "IDX"


def looks_like_idx(path: Path) -> bool:
    """Whether `path` is an IDX file, or a folder with the images of some split."""
    return bool(_images_of(path)) if path.is_dir() else begins_as_idx(path)


def open_idx(path: Path, options: SourceOptions) -> IdxSource:
    """Open a folder of IDX files, one that has them in `raw` as torchvision does, or one images file.

    Raises DataError, NoInputError or UsageError.
    """
    notices: list[str] = []
    images = IdxFile(_choose(path, options, notices) if path.is_dir() else path)
    rows = images.read(images.keys[0])
    labels = None
    if options.label_key is not None:
        labels = array_of(images, "label_key", options.label_key)
    elif (labels_path := _labels_beside(images.path)) is not None:
        labels = beside(IdxFile(labels_path), labels_path.name)
    else:
        notices.append(unlabelled(str(images.path)))
    count = rows.shape[0]
    shown: Axes | None = "hwc" if len(rows.shape) == 3 else None
    found = labels_of(count, labels, None, options)
    source = IdxSource(str(path), RowKeys(count), found, rows, shown=shown, notices=notices)
    if labels is None:
        return source.watch(images.path)
    number_over_splits(source, images.path, labels, options)
    return source.watch(images.path, labels.file.path)


def _images_of(folder: Path) -> list[Path]:
    """The images files of a folder; torchvision keeps them in `raw`."""
    inner = folder / "raw"
    return _images_in(folder) or (_images_in(inner) if inner.is_dir() else [])


def _images_in(folder: Path) -> list[Path]:
    names = ((file, _NAME.fullmatch(file.name)) for file in sorted(folder.iterdir()))
    found = [file for file, match in names if match and match["what"] == "images" and file.is_file()]
    # Of NAME and NAME.gz the plain one is taken, as it can be read in place.
    return [file for file in found if not (file.suffix == ".gz" and file.with_suffix("") in found)]


def _choose(folder: Path, options: SourceOptions, notices: list[str]) -> Path:
    """The images file of one split."""
    found = _images_of(folder)
    if not found:
        raise NoInputError(f"{folder}: holds no IDX images (names like train-images-idx3-ubyte). Check the path.")
    kinds = {str(file): split_in(file.name) or "" for file in found}
    chosen, said = one_split(kinds, options.split, str(folder))
    notices += said
    return Path(chosen)


def _labels_beside(images: Path) -> Path | None:
    match = _NAME.fullmatch(images.name)
    if not match or match["what"] != "images":
        return None
    stem = f"{match['before']}labels{match['dot']}idx1-ubyte"
    return next((file for name in (stem, f"{stem}.gz") if (file := images.with_name(name)).is_file()), None)
