"""WebDataset: tars in which the members of a sample stand together, `000017.jpg` beside `000017.cls`.

The key is a member's name up to the first dot behind the last slash, and the rest says what the member is, as in
https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from operator import itemgetter
from pathlib import Path, PurePath

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.packed.beside import check_alone
from mixup_cli.sources.packed.folders import open_tar
from mixup_cli.sources.packed.media import Medium, WebDataset, first_in, media_for
from mixup_cli.sources.packed.places import REQUESTS, Packed, Span
from mixup_cli.sources.packed.tars import Member, members
from mixup_cli.sources.packed.values import labels_of_values
from mixup_cli.sources.packed.web_members import LABELS, caption_endings, caption_in, label_endings, label_in
from mixup_cli.sources.pictures.walk import is_picture
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_table import as_given, names_in
from mixup_cli.sources.reading.containers import Container, content_at, open_container
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import of_one_split, split_kind
from mixup_cli.storage.stores import is_url
from mixup_cli.wording import setting

NO_LABEL = len(LABELS)
CLASS_NAMES = "classes.txt"
MOST_TARS = 1_000_000
_BRACES = re.compile(r"\{(?:([^{},]+(?:,[^{},]+)+)|(\d+)\.\.(\d+))\}")
_SPLIT_NAME = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)")


@dataclass(slots=True)  # there is one for every sample
class _Sample:
    """What a tar holds of one sample: files that may be it, by their endings, the label, with the place of its ending
    among those that hold labels, and the caption, if captions are read."""

    files: dict[str, Span | str] = field(default_factory=dict)
    label: object = None
    rank: int = NO_LABEL
    text: object = None


def expanded(pattern: str) -> list[str]:
    """The names that braces stand for, as in a shell: `a-{00..12}.tar`, `{train,val}.tar`. Raises UsageError for none
    or too many."""
    if (found := _BRACES.search(pattern)) is None:
        return [pattern]
    words, first, last = found.groups()
    low, high = (0, 0) if words else (int(first), int(last))
    if low > high:
        raise UsageError(f"{pattern}: counts down from {first} to {last}. Write the smaller number first.")
    names = list[str]()
    for word in words.split(",") if words else (f"{number:0{len(first)}d}" for number in range(low, high + 1)):
        names += expanded(pattern[: found.start()] + word + pattern[found.end() :])
        if max(len(names), high - low + 1) > MOST_TARS:
            raise UsageError(f"{pattern}: stands for more than {MOST_TARS:,} files. Give fewer.")
    return names


def open_tars(places: Sequence[str], shown: str, options: SourceOptions) -> Packed:
    """Tars by their paths or URLs, as one source. A single tar without labels beside its images is read as the folder
    that was packed into it. Raises what its parts raise: DataError for a damaged tar, NoInputError without images."""
    endings = {*label_endings(options), *caption_endings(options)}
    listed = partial(members, wanted=lambda name: _split(name)[1] in endings)
    with ThreadPoolExecutor(REQUESTS if any(map(is_url, places)) else 1) as pool:
        containers = [*pool.map(open_container, places)]
        if len(containers) == 1:
            found = list(listed(containers[0]))
            if not _is_web_dataset(found, options):
                return open_tar(containers[0], found, options)
            of_tars = [_samples(containers[0], found, options)]
        else:
            of_tars = [*pool.map(lambda n, each: _samples(each, listed(each, n), options), count(), containers)]
    return _source(shown, containers, of_tars, options)


def open_some(tars: Mapping[str, str], shown: str, options: SourceOptions) -> Packed:
    """Those of some tars that are of one split, by the names that count for each. Raises what `open_tars` raises, and
    UsageError for splits in doubt."""
    chosen, notices = of_one_split(tars, options.split, shown)
    source = open_tars(chosen, shown, replace(options, split=None))  # which is chosen
    if isinstance(source, WebDataset):
        source.has_splits = True
    source.notices = (*notices, *source.notices)
    return source


def has_tars(folder: Path) -> bool:
    """Whether a folder holds tars, in itself or in folders named as splits, and no images beside them."""
    return folder.is_dir() and bool(tars_among(_names_in(folder)))


def open_folder_of_tars(folder: Path, options: SourceOptions) -> Packed:
    """The tars of one split of a folder. Raises what `open_some` raises."""
    found = tars_among(_names_in(folder))
    check_alone(folder, found)
    return open_some({str(folder / name): split for name, split in found.items()}, str(folder), options)


def tars_among(names: Iterable[str]) -> dict[str, str]:
    """The tars among the files of a folder, sorted, and which of their names may say of which split each is; none where
    images lie beside them."""
    found: dict[str, str] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        if not folder and is_picture(name):
            return {}
        if file.endswith(".tar") and (not folder or ("/" not in folder and split_kind(folder))):
            found[name] = folder or file.removesuffix(".tar")
    return dict(sorted(found.items()))


def _names_in(folder: Path) -> Iterator[str]:
    """The files of a folder, and the tars of folders in it that are named as splits."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if os.path.isfile(entry):  # false for a link that leads in a circle, of which `DirEntry` raises an error
                yield entry.name
            elif split_kind(entry.name):
                yield from (f"{entry.name}/{each.name}" for each in Path(entry).glob("*.tar") if each.is_file())


def _suffixes(options: SourceOptions) -> frozenset[str]:
    """The endings of files that may be samples."""
    return frozenset().union(*(each.files.suffixes for each in media_for(options.task)))


def _split(name: str) -> tuple[str, str]:
    """The key of a member, and what it is, in lower case; empty if it is not of a sample."""
    parts = _SPLIT_NAME.fullmatch(name)
    return (parts[1], parts[2].lower()) if parts else ("", "")


def _is_web_dataset(found: Sequence[Member], options: SourceOptions) -> bool:
    """Whether an option of these is given, or any sample has a label beside it."""
    suffixes, samples = _suffixes(options), set[str]()
    labelled: set[str] = set()
    for key, ending in (_split(each.name) for each in found):
        if ending in LABELS:
            labelled.add(key)
        elif ending in suffixes:
            samples.add(key)
        if key in samples and key in labelled:
            return True
    return options.data_key is not None or options.label_key is not None or options.task == "caption"


def _samples(container: Container, found: Iterable[Member], options: SourceOptions) -> dict[str, _Sample]:
    """The samples of one tar, by key."""
    samples: dict[str, _Sample] = {}
    endings, texts, suffixes = label_endings(options), caption_endings(options), _suffixes(options)
    data_key = options.data_key and options.data_key.lower()
    for name, place, content in found:
        key, ending = _split(name)
        if not ending:
            continue
        if (sample := samples.get(key)) is None:
            sample = samples[key] = _Sample()
        if ending == data_key or (data_key is None and ending in suffixes):
            sample.files[name[len(key) + 1 :]] = place
            continue
        if content is not None and ending in texts and (ending == texts[0] or sample.text is None):
            sample.text = caption_in(content, ending, options)
        if content is not None and ending in endings and (rank := endings.index(ending)) < sample.rank:
            label = label_in(content, ending, f"{escape_name(container.name)}: {escape_name(name)}", options)
            if label is not None:
                sample.label, sample.rank = label, rank
    return samples


def _source(
    shown: str, containers: Sequence[Container], of_tars: Sequence[dict[str, _Sample]], options: SourceOptions
) -> WebDataset:
    medium = _medium(of_tars, options)
    rows: list[tuple[str, Span | str, _Sample]] = []
    for tar, samples in zip(_short_names([each.name for each in containers]), of_tars, strict=True):
        for key, sample in samples.items():
            ending, place = _chosen(sample, f"{tar}: {key}", medium, options)
            rows.append((escape_name(f"{tar}/{key}{ending}"), place, sample))
    if all(isinstance(place, str) for _, place, _ in rows):
        looked_for = options.data_key or ", ".join(sorted(medium.files.suffixes))
        raise NoInputError(
            f"{shown}: no sample has {medium.files.one} (looked for members that end in {looked_for}). "
            f"Pass {setting('data_key', 'ENDING')}, or give other tars."
        )
    rows.sort(key=itemgetter(0))
    labels, notices = _labels(rows, shown, options)
    places = containers, [place for _, place, _ in rows]
    keys = [key for key, _, _ in rows]
    source = medium.web(shown, keys, labels, notices, places=places, **medium.how(options))
    if options.task == "caption":
        source.texts, source.task = [sample.text for _, _, sample in rows], "caption"
    if options.classes is None and labels.kind != "none":
        _name_classes(source, containers[0].name)
    return source


def _medium(of_tars: Sequence[dict[str, _Sample]], options: SourceOptions) -> Medium:
    """What the samples are: by the ending that was chosen, or by what they hold."""
    names = {name for samples in of_tars for sample in samples.values() for name in sample.files}
    return first_in(media_for(options.task), (name.rpartition(".")[2].lower() for name in names))


def _chosen(sample: _Sample, where: str, medium: Medium, options: SourceOptions) -> tuple[str, Span | str]:
    """The ending of a sample's file, with a dot, and where it lies; or nothing, and why. Raises UsageError if it has
    several."""
    noun, files = medium.files.noun, sample.files
    if options.data_key is None:
        files = {ending: place for ending, place in files.items() if ending.lower() in medium.files.suffixes}
    if len(files) > 1:
        endings, one = ", ".join(sorted(files)), setting("data_key", min(files))
        raise UsageError(f"{escape_name(where)} has several {noun}s ({endings}). Pick one: {one}.")
    for ending, place in files.items():
        return f".{ending}", place
    return "", f"has no {noun} beside its other members"


def _labels(
    rows: Sequence[tuple[str, object, _Sample]], shown: str, options: SourceOptions
) -> tuple[Labels, Sequence[str]]:
    """The labels of all samples, from members of one ending. Raises DataError for a sample without one."""
    if options.label_kind == "none":
        return Labels(), ()
    rank = min(sample.rank for _, _, sample in rows)
    if rank == NO_LABEL and options.label_key is None:
        found = f"{shown}: no labels found (looked for {', '.join(LABELS)}); the samples are unlabelled"
        found += f" ({setting('label_key')} names an ending, or a field of the .json members)"
        return Labels(), [found] * (options.task != "caption")  # whose .txt and .json hold captions
    if rank == NO_LABEL:
        remedy = "Name an ending, or a field of the .json members."
        raise UsageError(f"{shown}: no sample has that.", remedy, field="label_key", value=options.label_key)
    for key, _, sample in rows:
        if sample.rank != rank:
            remedy = f"Add it, or pass {setting('label_kind', 'none')} or another {setting('label_key')}."
            ending = label_endings(options)[rank]
            raise DataError(f"{key}: has no label, and other samples have one in .{ending}.", remedy)
    return labels_of_values([sample.label for _, _, sample in rows], shown, options)


def _name_classes(source: WebDataset, tar: str) -> None:
    """Take the names of classes that are numbers from `classes.txt` beside the tars, if it is there."""
    place = tar.removesuffix(PurePath(tar).name) + CLASS_NAMES
    if (content := content_at(place)) is None:
        return
    try:
        source.labels = as_given(source, names_in(io.BytesIO(content)))
    except MixupGenError as problem:
        raise DataError(f"{escape_name(place)}: {problem.found} {problem.remedy}".rstrip()) from None
    source.notices += (f"class names taken from {escape_name(place)}",)


def _short_names(names: Sequence[str]) -> list[str]:
    """The names of tars as they stand in keys: from the folder on that all have in common."""
    parts = [tuple(name.split("/")) if is_url(name) else Path(name).parts for name in names]
    common = len(os.path.commonprefix([each[:-1] for each in parts]))  # noqa: RUF071  # of lists
    short = ["/".join(each[common:]) for each in parts]
    if twice := [name for name, times in Counter(short).items() if times > 1]:
        raise DataError(f"{twice[0]}: is named twice. Name each tar once.")
    return short
