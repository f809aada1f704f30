"""Which folders of a tree are splits, and which are classes: by their names, and by how deep the images lie."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mixup_cli.errors import UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import find_splits, one_split, split_kind
from mixup_cli.wording import plural, setting

NO_SPLIT = ""
"""The option `split` that says: the first level are the classes, whatever their names and however deep their images."""

_NOT_CLASSES = frozenset(
    "annotations annotation bboxes data dataset gt ground_truth ground-truth image images img imgs jpegimages "
    "label labels mask masks photos pictures samples segmentation segmentations segmentationclass segmentationobject "
    "trimaps".split()
)
"""Folders that say what kind of files they hold: no data set has only such classes."""

_HEAPS = re.compile(r"(images|imgs|photos|pictures)[\W_]*\d+", re.IGNORECASE)
"""Pieces of one heap of images, as archives of a few GB hold them."""

_LIKELY = ("train", "im", "jpeg", "photo", "picture")
"""How the name of the folder begins that is most likely meant."""

_SHOWN_CLASSES = 6


@dataclass(frozen=True)
class Folders:
    """The folders of a tree that hold samples themselves, as paths relative to its root; "" is the root. `noun` is what
    messages call a sample."""

    holding: frozenset[str]
    noun: str = "image"

    @classmethod
    def of(cls, samples: Sequence[str], noun: str = "image") -> Folders:
        return cls(frozenset(name.rpartition("/")[0] for name in samples), noun)

    def below(self, base: str) -> dict[str, bool]:
        """The folders in `base` ("" or a path that ends with "/") with images in or below them, sorted, and whether
        they hold images themselves."""
        heads: dict[str, bool] = {}
        for folder in self.holding:
            if folder.startswith(base) and folder:
                head, _, rest = folder[len(base) :].partition("/")
                heads[head] = heads.get(head, False) or not rest
        return dict(sorted(heads.items()))


@dataclass(frozen=True)
class Split:
    """What is used of a tree: all below `base` ("" or a path that ends with "/"). `others` are the bases of the splits
    beside it. `doubt` says why the folders in `base` cannot be taken for classes."""

    base: str
    others: tuple[str, ...] = ()
    notices: list[str] = field(default_factory=list)
    doubt: str | None = None


@dataclass(frozen=True)
class Taken:
    """The samples taken (paths relative to the root), their labels and perhaps their captions, in the same order."""

    paths: Sequence[str]
    labels: Labels
    notices: tuple[str, ...]
    texts: Sequence[object] | None = None


def choose_split(root: str, folders: Folders, options: SourceOptions) -> Split:
    """The split that `one_split` takes; all of the tree if it has none. Looks one folder deeper while there is only
    one. Raises UsageError for an unknown split, and if several could be meant."""
    if options.split == NO_SPLIT:
        return Split("")
    for base, heads in _while_alone(folders, ""):
        splits = {} if _is_asked_for(heads, options) else find_splits(heads)
        place = escape_name(f"{root}/{base}".rstrip("/"))
        if options.split is None and splits and len(splits) < len(heads):
            return Split(base, doubt=_doubt(place, base, heads, splits))
        if splits or options.split in heads:
            candidates = heads if options.split in heads else splits
            name, notices = one_split({each: each for each in candidates}, options.split, place)
            others = tuple(f"{base}{each}/" for each in splits if each != name)
            return Split(f"{base}{name}/", others, notices)
    if options.split is not None:
        found = names_of(list(folders.below(""))) or "none"
        problem = f"{escape_name(root)} has no split folders (found: {found})"
        raise UsageError(f"{problem}. Drop {setting('split')}.", field="split", value=options.split)
    return Split("")


def _while_alone(folders: Folders, base: str) -> Iterator[tuple[str, dict[str, bool]]]:
    """`base` and its folders; and the same one folder deeper, while it is the only one and holds only folders."""
    while heads := folders.below(base):
        yield base, heads
        (first, *others) = heads
        if others or heads[first]:
            return
        base += first + "/"


def _is_asked_for(heads: dict[str, bool], options: SourceOptions) -> bool:
    """Whether the option `classes` names all of these folders."""
    return options.classes is not None and {escape_name(head) for head in heads} <= {*options.classes}


def _doubt(place: str, base: str, heads: dict[str, bool], splits: dict[str, str]) -> str:
    """What to say of split folders beside others."""
    rest = [head for head in heads if head not in splits]
    found = f"{plural(len(splits), 'split folder')} {names_of(list(splits))} beside {names_of(rest)}"
    training = [head for head, kind in splits.items() if kind == "train"]
    one = setting("split", shlex.quote(escape_name((training or [*splits])[0])))
    remedy = f"Pass {one} to use that split, or {_as_classes(base, list(heads))} to use all of them as classes"
    return f"{place}: has the {found}. {remedy}."


def class_level(root: str, folders: Folders, base: str, options: SourceOptions) -> tuple[str, list[str]]:
    """Where the class folders of a split lie, and notices about it. Raises UsageError if that is in doubt.

    A single folder that holds only folders is not a class: the level below counts. Nor is a single folder with the name
    of its parent, of a split or of a kind of files: its images have no class.
    """
    if options.split == NO_SPLIT:
        return base, []
    level = descend(folders, base, options)
    heads, notices = folders.below(level), []
    if level != base:
        notices.append(f"looking for classes in {escape_name(level)}: no other folder has {folders.noun}s")
    if len(heads) > 1 and not _is_asked_for(heads, options):
        _check_classes(root, folders, level, heads)
        if deeper := [head for head, holds in heads.items() if not holds]:
            notices.append(
                f"each of these is one class, though its {folders.noun}s lie in subfolders: {names_of(deeper)}"
            )
    return level, notices


def descend(folders: Folders, base: str, options: SourceOptions) -> str:
    """The level of `class_level`, in doubt or not."""
    while len(heads := folders.below(base)) == 1 and not _is_asked_for(heads, options):
        (name,) = heads
        of_no_class = name.lower() in _NOT_CLASSES or split_kind(name) or name == PurePosixPath(base or "/").name
        if heads[name] and not of_no_class:
            break
        base += name + "/"
    return base


def _check_classes(root: str, folders: Folders, base: str, heads: dict[str, bool]) -> None:
    """Raises UsageError for several folders that cannot be taken for classes."""
    place, shown = escape_name((root + "/" + base).rstrip("/")), names_of(list(heads))
    as_classes = f"pass {_as_classes(base, list(heads))}"
    of_files = all(head.lower() in _NOT_CLASSES or _HEAPS.fullmatch(head) for head in heads)
    if of_files or len(find_splits(heads)) == len(heads):
        likely = min(heads, key=lambda head: not head.lower().startswith(_LIKELY))
        raise UsageError(
            f"{place}: has the folders {shown}, which do not look like classes. Give one of them, such as "
            f"{place}/{escape_name(likely)}; or {as_classes} if they are classes."
        )
    inner = {folder.lower() for head in heads for folder in folders.below(f"{base}{head}/")}
    if not any(heads.values()) and not inner <= _NOT_CLASSES:  # Tiny ImageNet has `images` in each class
        first = next(iter(heads))
        below = names_of(list(folders.below(f"{base}{first}/")), 3)
        if find_splits(dict.fromkeys(sorted(inner), True)):
            raise UsageError(
                f"{place}: its folders ({shown}) hold splits (in {escape_name(first)}: {below}), expected splits that "
                f"hold classes. Make it train/{escape_name(first)}, and so on; or {as_classes} to take all of them."
            )
        raise UsageError(
            f"{place}: its folders ({shown}) hold no {folders.noun}s themselves, only folders (in "
            f"{escape_name(first)}: {below}). If {shown} are the classes, {as_classes}; else give the folder that "
            f"holds the class folders, such as {place}/{escape_name(first)}."
        )
    for head in (head for head, holds in heads.items() if not holds):
        if {*folders.below(f"{base}{head}/")} <= {*heads} - {head}:
            raise UsageError(
                f"{place}: {escape_name(head)} holds no {folders.noun}s itself, and its folders have the names of "
                f"those beside it. Move it away if it is a copy, or {as_classes} if it is a class."
            )


def _as_classes(base: str, heads: Sequence[str]) -> str:
    """The option that says that these folders are the classes."""
    if not base:
        return setting("split", "''")
    if len(heads) > _SHOWN_CLASSES or any("," in head for head in heads):
        return f"{setting('classes', 'FILE')}, with their names"
    return setting("classes", shlex.quote(",".join(map(escape_name, heads))))
