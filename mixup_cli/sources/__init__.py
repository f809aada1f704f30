"""Where samples come from: a folder of rooms, one for each kind of source, and the function that recognises the kind.

`open_source` opens one location, `combined` makes one source of several. A new kind is a room, or a file in one, and a
line in `_kinds`; a new container of arrays, as `.npz` is one, is a line in `arrays.containers` instead."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from mixup_cli.choices import PLACED_TASKS, TIMED_TASKS, reads_texts
from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.file_kind import TABLES_AND_TEXTS
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.takes import check_taken
from mixup_cli.storage.stores import is_url
from mixup_cli.wording import counted, setting

__all__ = ["Labels", "Source", "SourceOptions", "open_list", "open_source"]

_ARCHIVES = (".gz", ".tgz", ".xz", ".txz", ".bz2", ".tbz2", ".zst", ".7z", ".rar")


def open_source(locations: Sequence[str | Path], options: SourceOptions | None = None) -> Source:
    """Open a source, or several that are combined: list and sort the keys, read the labels, leave the pixels for later.

    Raises NoInputError if nothing is found, DataError for damage or an unknown kind, and UsageError for `options` that
    do not fit.
    """
    from mixup_cli.sources.combined import combine

    options = options or SourceOptions()
    places = [each if is_url(each) else Path(each) for each in locations]
    of_source = options
    if options.donors_from is not None:
        from mixup_cli.sources.donors import without_donors

        of_source = without_donors(options, Path(options.donors_from), places)
    tokenizer = None
    if options.task == "caption":
        from mixup_cli.sources.captions import check_have_captions, give_captions, tokenizer_of

        tokenizer = tokenizer_of(options)
    opened = list(_opened(places, of_source))
    if tokenizer is not None:
        check_have_captions(opened)
    check_taken(opened, options)
    for source in opened:
        source.labels = _labels_as_asked(source, options)
    source = combine(opened)
    source.notices = (*source.notices, *_as_one(opened, options))
    if tokenizer is not None:
        give_captions(source, tokenizer, options.length)
    return _with_donors(source, options)


def _as_one(sources: Sequence[Source], options: SourceOptions) -> list[str]:
    """A notice where a shell made class folders of `photos/*`: each by itself has no class."""
    is_plain = all(each.labels.kind == "none" and each.task not in PLACED_TASKS for each in sources)
    if len(sources) < 2 or not is_plain or options.label_kind == "none":
        return []
    above = {Path(each.location).parent for each in sources if os.path.isdir(each.location)}
    if len(above) != 1:
        return []
    return [f"each folder is unlabelled by itself: to read them as classes, give {escape_name(str(*above))}"]


def open_list(lines: Iterable[bytes], location: str, options: SourceOptions, root: str = os.curdir) -> Source:
    """Open a list of paths of images, sounds or videos. See `pictures.file_list.open_file_list`."""
    from mixup_cli.sources.clips.source import VIDEO_FILES, ClipSource
    from mixup_cli.sources.pictures.file_list import of_pictures, open_file_list
    from mixup_cli.sources.reading.stored_files import WatchedFiles
    from mixup_cli.sources.sounds.source import SOUND_FILES, SoundSource

    def make(
        root: str, paths: Sequence[str], labels: Labels, notices: Sequence[str], options: SourceOptions
    ) -> WatchedFiles:
        makers = {"video": ClipSource, "audio": SoundSource}
        of_files = {"video": VIDEO_FILES, "audio": SOUND_FILES}
        found = next((task for task, kind in of_files.items() if all(map(kind.has, paths))), None)
        return makers.get(options.task or found or "", of_pictures)(root, paths, labels, notices, options)

    return _with_donors(open_file_list(lines, location, options, root, make), options)


def _with_donors(source: Source, options: SourceOptions) -> Source:
    """The source with the donors that `options` name, if they name any: who names none waits for no decoders."""
    if options.donors_from is None:
        return source
    from mixup_cli.sources.donors import with_donors

    return with_donors(source, Path(options.donors_from), options)


def _labels_as_asked(source: Source, options: SourceOptions) -> Labels:
    """The source's labels, of the kind and over the classes asked for. Raises UsageError for other labels."""
    from mixup_cli.sources.reading.class_table import as_given

    if source.task in PLACED_TASKS:  # their classes were given when they were read
        return source.labels
    if options.label_kind == "none":
        source.labels = Labels(groups=source.labels.groups)
    elif options.label_kind not in (None, source.labels.kind):
        raise UsageError(
            f"{source.location} has labels of the kind {source.labels.kind}. Leave it out, or give labels of that kind "
            f"in metadata.csv or .jsonl, in a table with {setting('labels_from')}, or in an array file.",
            field="label_kind",
            value=options.label_kind,
        )
    return source.labels if options.classes is None else as_given(source, options.classes)


def _opened(locations: Sequence[str | Path], options: SourceOptions) -> Iterator[Source]:
    """The sources at these places. Several tars are one, as braces are that a shell has expanded."""
    names = [_expanded(each) for each in locations]
    every = [name for found in names for name in found]
    if len(locations) > 1 and all(name.lower().endswith(".tar") for name in every):
        yield _open_tars(every, f"{every[0]} and {len(every) - 1} more", options)
        return
    for each, found in zip(locations, names, strict=True):
        if found != [str(each)] and all(name.lower().endswith(".tar") for name in found):
            yield _open_tars(found, str(each), options)
        else:
            yield _open_one(each, options) if isinstance(each, Path) else _open_far(each, options)


def _open_tars(names: Sequence[str], location: str, options: SourceOptions) -> Source:
    from mixup_cli.sources.packed.web_dataset import open_tars

    return open_tars(names, location, options)


def _open_far(url: str, options: SourceOptions) -> Source:
    from mixup_cli.sources.far import open_far

    return open_far(url, options, _open_one)


def _expanded(location: str | Path) -> list[str]:
    """The files that a place with braces stands for; or the place itself."""
    if "{" not in str(location) or (isinstance(location, Path) and location.exists()):
        return [str(location)]
    from mixup_cli.sources.packed.web_dataset import expanded

    return expanded(str(location))


def _open_one(path: Path, options: SourceOptions) -> Source:
    """Open a place on this machine as the first kind that recognises it."""
    try:
        _check_is_there(path)
        for looks_alike, open_it in _kinds(options):
            if looks_alike(path):
                return open_it(path, options)
        if (placed := _open_placed(path, options)) is not None:
            return placed
        if path.is_dir():
            return _open_tars_or_folder(path, options)
    except OSError as problem:
        raise NoInputError(f"{path}: cannot be read ({problem.strerror or problem}).") from problem
    raise _unknown_kind(path)


def _kinds(options: SourceOptions) -> Iterator[tuple[Callable[[Path], bool], Callable[[Path, SourceOptions], Source]]]:
    """What recognises a kind of source, and what opens it, from the kind that is surest of itself on.

    Each brings its own libraries, and is imported when the kinds before it have not recognised the place.
    """
    if reads_texts(options.task, options.tokenizer):
        from mixup_cli.sources.texts.source import open_texts

        yield lambda _: True, open_texts
    from mixup_cli.sources.cifar import source as cifar

    yield cifar.looks_like_cifar, cifar.open_cifar
    from mixup_cli.sources.arrays import data_set, idx, stl10
    from mixup_cli.sources.arrays import files as array_files

    yield data_set.looks_like_data_set, data_set.open_data_set
    yield idx.looks_like_idx, idx.open_idx
    yield stl10.looks_like_stl10, stl10.open_stl10
    yield array_files.looks_like_array_file, array_files.open_array_file
    from mixup_cli.sources.packed import folders, hugging_face, tars, zips
    from mixup_cli.sources.reading.containers import LocalFile

    yield tars.looks_like_tar, lambda path, options: _open_tars([str(path)], str(path), options)
    yield zips.looks_like_zip, lambda path, options: folders.open_zip(LocalFile.open(path), options)
    yield hugging_face.looks_like_hugging_face, hugging_face.open_hugging_face


def _open_placed(path: Path, options: SourceOptions) -> Source | None:
    """Images whose labels have a place in them: annotations, or masks; None without both."""
    from mixup_cli.sources.annotations.opening import open_annotated
    from mixup_cli.sources.masks.pairs import open_pairs

    if options.task in TIMED_TASKS:
        return None
    wants_masks = options.task == "segment" or os.path.isdir(options.labels_from or "")
    for open_it in (open_pairs, open_annotated) if wants_masks else (open_annotated, open_pairs):
        if (placed := open_it(path, options)) is not None:
            return placed
    return None


def _open_tars_or_folder(path: Path, options: SourceOptions) -> Source:
    from mixup_cli.sources.packed import web_dataset

    if web_dataset.has_tars(path):
        return web_dataset.open_folder_of_tars(path, options)
    return _open_folder(path, options)


def _open_folder(path: Path, options: SourceOptions) -> Source:
    """Images; or in a folder without any, if the labels are not said to be of images, videos or sounds."""
    from mixup_cli.sources.annotations.opening import annotated_above, undescribed
    from mixup_cli.sources.clips.source import VIDEO_FILES, open_clips
    from mixup_cli.sources.pictures import folder
    from mixup_cli.sources.sounds.folder import open_sounds
    from mixup_cli.sources.sounds.source import SOUND_FILES

    if options.task == "video":
        return open_clips(path, options)
    if options.task == "audio":
        return open_sounds(path, options)
    tree = folder.walked(path, options)
    if options.task is None and not tree.samples:
        if any(map(VIDEO_FILES.has, tree.others)):
            return open_clips(path, options)
        if any(map(SOUND_FILES.has, tree.others)):
            return open_sounds(path, options)
    source = folder.open_walked(path, tree, options)
    for task, kind in (("video", VIDEO_FILES), ("audio", SOUND_FILES)):
        if options.task is None and (count := sum(map(kind.has, tree.others))):
            source.notices = (
                *source.notices,
                f"ignored {counted(count, kind.noun)}: {setting('task', task)} reads them",
            )
    if options.task is None and source.labels.kind == "none":
        source.notices = (*source.notices, *annotated_above(path), *undescribed(tree.others))
    return source


def _check_is_there(path: Path) -> None:
    if not path.exists():
        raise NoInputError(f"{path}: no such file or folder. Give a folder, an archive or an array file.")
    if not path.is_dir() and not path.is_file():
        raise DataError(f"{path}: neither a file nor a folder. Write what it yields into a file, and give that.")


def _unknown_kind(path: Path) -> DataError:
    from mixup_cli.sources.arrays.containers import CONTAINERS
    from mixup_cli.sources.clips.source import VIDEO_FILES
    from mixup_cli.sources.pictures.source import SUFFIXES
    from mixup_cli.sources.sounds.source import SOUND_FILES

    in_list = f"a list of images with {setting('files_from')}"
    for kind in (VIDEO_FILES, SOUND_FILES):
        if kind.has(path.name):
            listed = f"a list of {kind.noun}s with {setting('files_from')}"
            return DataError(f"{path}: a single {kind.noun}. Give its folder, or {listed}.")
    if path.suffix.lower().lstrip(".") in SUFFIXES:
        return DataError(f"{path}: a single image. Give its folder, or {in_list}.")
    if path.suffix.lower() in TABLES_AND_TEXTS:
        texts = f"Pass {setting('tokenizer', 'tokenizer.json')} if it holds labelled texts"
        labels = f"give a folder and {setting('labels_from', path)} if it holds labels of images"
        return DataError(f"{path}: an unknown kind of file.", f"{texts}; {labels}; or {in_list}.")
    if path.suffix.lower() in _ARCHIVES:
        return DataError(
            f"{path}: an archive without a plain file of CIFAR, such as data_batch_1. Fetch it again if it should hold "
            "CIFAR, or uncompress it (gunzip, unxz) if it holds images: a .tar is read in place."
        )
    return DataError(
        f"{path}: an unknown kind of file. Give a folder of images, sounds or videos, a .zip or .tar of one, "
        f"WebDataset tars, a CIFAR archive (.tar, .tar.gz), MNIST IDX files, .parquet, {', '.join(CONTAINERS)}, "
        f"annotations (.json of COCO, .yaml of YOLO), labelled texts with {setting('tokenizer', 'tokenizer.json')}; "
        f"or {in_list}."
    )
