"""Where samples come from: a folder of rooms, one for each kind of source, and the function that tells the kinds apart.

`open_source` opens one location, `combined` makes one source of several. A new kind is a room, or a file in one, and a
line in `_open_one`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.takes import check_taken
from mixup_cli.wording import url_problem

__all__ = ["Labels", "Source", "SourceOptions", "open_source"]


def open_source(locations: Sequence[str | Path], options: SourceOptions | None = None) -> Source:
    """Open one source, or several as one: list and sort the keys, read the labels, leave the pixels for later.

    Raises NoInputError where nothing is found, DataError where what is found is damaged or of no known kind, and
    UsageError where `options` do not fit it.
    """
    from mixup_cli.sources.combined import combine

    options = options or SourceOptions()
    for problem in filter(None, map(url_problem, map(str, locations))):
        raise UsageError(*problem)
    opened = [_open_one(Path(location), options) for location in locations]
    check_taken(opened, options)
    opened = [_as_asked(source, options) for source in opened]
    return opened[0] if len(opened) == 1 else combine(opened)


def _as_asked(source: Source, options: SourceOptions) -> Source:
    """The source with labels of the kind and over the classes asked for. Raises UsageError where it has others."""
    from mixup_cli.sources.reading.class_table import as_given

    kind, groups = source.labels.kind, source.labels.groups
    if options.label_kind == "none":
        source.labels = Labels(groups=groups)
    elif options.label_kind not in (None, kind):
        raise UsageError(
            f"--label-kind {options.label_kind}: {source.location} has labels of the kind {kind}. Leave it out; other "
            "kinds stand in metadata.csv or .jsonl, in a table that --labels-from names, or in an array file."
        )
    if options.classes is not None:
        source.labels = as_given(source, options.classes)
    return source


def _check_there(path: Path) -> None:
    if not path.exists():
        raise NoInputError(f"{path}: there is nothing there. Give a folder, an archive or an array file.")
    if not path.is_dir() and not path.is_file():
        raise DataError(f"{path}: is neither a file nor a folder. Put what comes out of it into a file.")


def _open_one(path: Path, options: SourceOptions) -> Source:
    """The kinds, from the one that is surest of itself to the one that takes any folder."""
    from mixup_cli.sources.arrays import (
        data_set,
        idx,
        stl10,  # each brings its own libraries
    )
    from mixup_cli.sources.arrays import files as array_files
    from mixup_cli.sources.arrays.containers import CONTAINERS
    from mixup_cli.sources.cifar import source as cifar
    from mixup_cli.sources.pictures import folder
    from mixup_cli.sources.pictures.source import SUFFIXES

    try:
        _check_there(path)
        if data_set.looks_like_data_set(path):
            return data_set.open_data_set(path, options)
        if cifar.looks_like_cifar(path):
            return cifar.open_cifar(path, options)
        if idx.looks_like_idx(path):
            return idx.open_idx(path, options)
        if stl10.looks_like_stl10(path):
            return stl10.open_stl10(path, options)
        if array_files.looks_like_array_file(path):
            return array_files.open_array_file(path, options)
        if path.is_dir():
            return folder.open_folder(path, options)
    except OSError as problem:
        raise NoInputError(f"{path}: cannot be read ({problem.strerror or problem}).") from problem
    if path.suffix.lower().lstrip(".") in SUFFIXES:
        raise DataError(f"{path}: a single picture. Give its folder, or a list of pictures with --files-from.")
    if path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2", ".zst", ".7z"):
        raise DataError(
            f"{path}: an archive, and nothing in it is a plain file of CIFAR, such as data_batch_1. If it was to be "
            "CIFAR, fetch it again; if it holds pictures, unpack it and give the folder."
        )
    raise DataError(
        f"{path}: of no known kind. Known are folders of pictures, CIFAR archives (.tar, .tar.gz), MNIST IDX files, "
        f"{', '.join(CONTAINERS)}. For a list of pictures use --files-from."
    )
