"""WebDataset: tars in which the members of a sample stand together, `000017.jpg` beside `000017.cls`.

The key is a member's name up to the first dot behind the last slash, and the rest says what the member is, as in
https://github.com/webdataset/webdataset.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import ClassVar

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.packed.folders import open_tar
from mixup_cli.sources.packed.pictures import REQUESTS, PackedPictures, Span, Spans
from mixup_cli.sources.packed.tars import Member, members
from mixup_cli.sources.packed.values import labels_of_values
from mixup_cli.sources.pictures.source import SUFFIXES
from mixup_cli.sources.pictures.walk import is_picture
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.class_table import as_given, read_classes
from mixup_cli.sources.reading.containers import Container, open_container
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.sources.reading.splits import of_one_split, split_kind
from mixup_cli.storage.stores import Store, is_url
from mixup_cli.wording import json_problem, setting

LABELS = ("cls", "json", "txt")
"""The endings that hold a label, the surest first."""

JSON_FIELDS = ("label", "class", "cls")
CLASS_NAMES = "classes.txt"
MOST_TARS = 1_000_000
_BRACES = re.compile(r"\{([^{},]+(?:,[^{},]+)+|\d+\.\.\d+)\}")
_SPLIT_NAME = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)")


class WebDataset(PackedPictures):
    """Images in tars; `tar/000017.jpg` is the key, with the tar's name."""

    kind: ClassVar[str] = "webdataset"
    read_as = "WebDataset"
    has_numbered_classes: ClassVar[bool] = True

    def name_of(self, index: int) -> str:
        """See `Source.name_of`: the key has the tar's name."""
        return self.keys[index]

    def ignores(self, name: str, value: object) -> bool:
        """See `Source.ignores`. Tars that are named one by one have no splits."""
        return name == "split" and not self.has_splits

    has_splits = False


@dataclass(slots=True)  # there is one for every image
class _Sample:
    """What a tar holds of one sample: images by their endings, and the label with the place of its ending in LABELS."""

    pictures: dict[str, Span | str] = field(default_factory=dict)
    label: object = None
    rank: int = len(LABELS)


def expanded(pattern: str) -> list[str]:
    """The names that braces stand for, as in a shell: `a-{00..12}.tar`, `{train,val}.tar`. Raises UsageError for none
    or too many."""
    if (found := _BRACES.search(pattern)) is None:
        return [pattern]
    first, dots, last = found[1].partition("..")
    if dots and int(first) > int(last):
        raise UsageError(f"{pattern}: counts down from {first} to {last}. Write the smaller number first.")
    numbers = range(int(first), min(int(last), int(first) + MOST_TARS) + 1) if dots else ()
    words = (f"{number:0{len(first)}d}" for number in numbers) if dots else iter(found[1].split(","))
    names: list[str] = []
    for word in words:
        names += expanded(pattern[: found.start()] + word + pattern[found.end() :])
        if max(len(names), len(numbers)) > MOST_TARS:
            raise UsageError(f"{pattern}: stands for more than {MOST_TARS:,} files. Give fewer.")
    return names


def open_tars(places: Sequence[str], shown: str, options: SourceOptions, has_splits: bool = False) -> PackedPictures:
    """Tars by their paths or URLs, as one source. A single tar without labels beside its images is read as the folder
    that was packed into it. Raises what its parts raise: DataError for a damaged tar, NoInputError without images."""
    containers = [open_container(place) for place in places]
    is_wanted = partial(_is_label, options=options)
    if len(containers) == 1:
        found = list(members(containers[0], is_wanted))
        if not _is_web_dataset(found):
            return open_tar(containers[0], found, options)
        of_tars = [_samples(containers[0], 0, found, options)]
    else:
        with ThreadPoolExecutor(REQUESTS if any(each.is_far for each in containers) else 1) as pool:
            numbers = range(len(containers))
            found_in = (partial(members, each, is_wanted) for each in containers)
            listed = pool.map(lambda n, each, found: _samples(each, n, found(), options), numbers, containers, found_in)
            of_tars = list(listed)
    return _source(shown, containers, of_tars, options, has_splits)


def has_tars(folder: Path) -> bool:
    """Whether a folder holds tars, in itself or in folders named as splits, and no images beside them."""
    return folder.is_dir() and bool(_tars_in(folder))


def open_folder_of_tars(folder: Path, options: SourceOptions) -> PackedPictures:
    """The tars of one split of a folder. Raises what `open_tars` raises, and UsageError for splits in doubt."""
    return open_some(_tars_in(folder), str(folder), options)


def open_some(tars: Mapping[str, str], shown: str, options: SourceOptions) -> PackedPictures:
    """Those of some tars that are of one split, by the names that count for each."""
    chosen, notices = of_one_split(tars, options.split, shown)
    source = open_tars(chosen, shown, options, has_splits=True)
    source.notices = (*notices, *source.notices)
    return source


def _tars_in(folder: Path) -> dict[str, str]:
    """The tars of a folder, sorted, and which of their names may say of which split each is; none if it has images."""
    found: dict[str, str] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_picture(entry.name):
                return {}
            if entry.name.endswith(".tar") and entry.is_file():
                found[entry.path] = entry.name.removesuffix(".tar")
            elif split_kind(entry.name) and entry.is_dir():
                found |= {str(each): entry.name for each in Path(entry.path).glob("*.tar") if each.is_file()}
    return dict(sorted(found.items()))


def _is_label(name: str, options: SourceOptions) -> bool:
    parts = _SPLIT_NAME.fullmatch(name)
    return parts is not None and _rank(parts[2].lower(), options) is not None


def _rank(ending: str, options: SourceOptions) -> int | None:
    """The place of an ending among those that hold labels; None for others."""
    if options.label_kind == "none":
        return None
    if ending == options.label_key:
        return 0
    wanted = LABELS if options.label_key is None else ("json",)
    return LABELS.index(ending) if ending in wanted else None


def _is_web_dataset(found: Sequence[Member]) -> bool:
    """Whether any image has a label beside it."""
    parts = [match for each in found if (match := _SPLIT_NAME.fullmatch(each.name))]
    labelled = {each[1] for each in parts if each[2].lower() in LABELS}
    return any(each[1] in labelled and each[2].lower() in SUFFIXES for each in parts)


def _samples(
    container: Container, number: int, found: Iterator[Member] | Sequence[Member], options: SourceOptions
) -> dict[str, _Sample]:
    """The samples of one tar, by key. Raises DataError for members of the same name."""
    samples: dict[str, _Sample] = {}
    seen: set[str] = set()
    for name, start, stop, problem, content in found:
        if name in seen:
            raise DataError(f"{escape_name(container.name)}: holds {escape_name(name)} twice. Write it again.")
        seen.add(name)
        if (parts := _SPLIT_NAME.fullmatch(name)) is None:
            continue
        key, ending = parts[1], parts[2].lower()
        sample = samples.setdefault(key, _Sample())
        if ending == options.data_key or (options.data_key is None and ending in SUFFIXES):
            sample.pictures[parts[2]] = problem or Span(number, start, stop, stop - start)
        elif content is not None and (rank := _rank(ending, options)) is not None and rank < sample.rank:
            label = _label(content, ending, f"{escape_name(container.name)}: {escape_name(name)}", options)
            if label is not None:
                sample.label, sample.rank = label, rank
    return samples


def _label(content: bytes, ending: str, where: str, options: SourceOptions) -> object:
    """What a member says of a sample's class; None if it says nothing. Raises DataError for damage."""
    try:
        text = content.decode().strip()
        if not ending.endswith("json"):
            return text or None
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise DataError(
            f"{where}: is not {'JSON' if ending.endswith('json') else 'UTF-8 text'} "
            f"({json_problem(problem)}). Write it again."
        ) from None
    names = JSON_FIELDS if options.label_key in (None, ending) else (options.label_key,)
    return next((found[name] for name in names if name in found), None) if isinstance(found, dict) else found


def _source(
    shown: str,
    containers: Sequence[Container],
    of_tars: Sequence[dict[str, _Sample]],
    options: SourceOptions,
    has_splits: bool,
) -> WebDataset:
    tars = _short_names([each.name for each in containers])
    rows: list[tuple[str, Span | str, _Sample, str]] = []
    for tar, samples in zip(tars, of_tars, strict=True):
        for key, sample in samples.items():
            ending, span = _picture(sample, f"{tar}: {key}")
            rows.append((escape_name(f"{tar}/{key}{ending}"), span, sample, tar))
    if all(isinstance(span, str) for _, span, _, _ in rows):
        looked_for = options.data_key or ", ".join(sorted(SUFFIXES))
        raise NoInputError(
            f"{shown}: no sample has an image (looked for members that end in {looked_for}). "
            f"Pass {setting('data_key', 'ENDING')}, or give other tars."
        )
    rows.sort(key=lambda row: row[0])
    labels, notices = _labels(rows, shown, options)
    spans = Spans.of(containers, [span for _, span, _, _ in rows])
    source = WebDataset(shown, [row[0] for row in rows], labels, notices, spans, options.max_pixels)
    source.has_splits = has_splits
    if options.classes is None and labels.kind != "none":
        _name_classes(source, containers[0].name)
    return source


def _picture(sample: _Sample, where: str) -> tuple[str, Span | str]:
    """The ending of a sample's image, with a dot, and where it lies; or nothing, and why. Raises UsageError if it has
    several."""
    if len(sample.pictures) > 1:
        endings = ", ".join(sorted(sample.pictures))
        one = setting("data_key", min(sample.pictures))
        raise UsageError(f"{escape_name(where)} has several images ({endings}). Pick one: {one}.")
    for ending, span in sample.pictures.items():
        return f".{ending}", span
    return "", "has no image beside its other members"


def _labels(
    rows: Sequence[tuple[str, Span | str, _Sample, str]], shown: str, options: SourceOptions
) -> tuple[Labels, list[str]]:
    """The labels of all samples, from members of one ending. Raises DataError for a sample without one."""
    rank = min(sample.rank for _, _, sample, _ in rows)
    if options.label_kind == "none":
        return Labels(), []
    if rank == len(LABELS):
        if options.label_key is not None:
            raise UsageError(
                f"{shown}: no sample has that.",
                "Name an ending, or a field of the .json members.",
                field="label_key",
                value=options.label_key,
            )
        return Labels(), [f"{shown}: no labels found (looked for {', '.join(LABELS)}); the samples are unlabelled"]
    for key, _, sample, _ in rows:
        if sample.rank != rank:
            remedy = f"Add it, or pass {setting('label_kind', 'none')} or another {setting('label_key')}."
            raise DataError(f"{key}: has no label, and other samples have one in .{LABELS[rank]}.", remedy)
    return labels_of_values([sample.label for _, _, sample, _ in rows], shown, options)


def _name_classes(source: WebDataset, tar: str) -> None:
    """Take the names of classes that are numbers from `classes.txt` beside the tars, if it is there."""
    folder, _, _ = tar.rpartition("/")
    place = f"{folder}/{CLASS_NAMES}" if folder else CLASS_NAMES
    if is_url(place):
        store, name = Store.holding(place)
        if store.status(name) is None:
            return
        names = tuple(
            line for text in store.read(name).decode("utf-8", "replace").splitlines() if (line := text.strip())
        )
    elif os.path.isfile(place):
        names = read_classes(place)
    else:
        return
    try:
        source.labels = as_given(source, names)
    except UsageError as problem:
        raise DataError(f"{place}: {problem.found} {problem.remedy}".rstrip()) from None
    source.notices += (f"class names taken from {escape_name(place)}",)


def _short_names(names: Sequence[str]) -> list[str]:
    """The names of tars as they stand in keys: from the folder on that all have in common."""
    parts = [Path(name).parts if not is_url(name) else tuple(name.split("/")) for name in names]
    levels = zip(*(each[:-1] for each in parts), strict=False)
    common = sum(1 for _ in takewhile(lambda level: len({*level}) == 1, levels))
    short = ["/".join(each[common:]) for each in parts]
    if len({*short}) < len(short):
        twice = next(name for place, name in enumerate(short) if name in short[:place])
        raise DataError(f"{twice}: is named twice. Name each tar once.")
    return short
