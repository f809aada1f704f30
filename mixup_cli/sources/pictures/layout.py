"""Which folders of a tree are splits, and which are classes: by their names, and by how deep the pictures lie."""

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
from mixup_cli.sources.reading.splits import find_splits, split_kind
from mixup_cli.wording import plural

NO_SPLIT = ""
"""`--split ""`: the first level are the classes, whatever they are called and however deep their pictures lie."""

_NOT_CLASSES = frozenset(
    "annotations annotation bboxes data dataset gt ground_truth ground-truth image images img imgs jpegimages "
    "label labels mask masks photos pictures samples segmentation segmentations segmentationclass segmentationobject "
    "trimaps".split()
)
"""Folders that say what kind of files they hold: no data set has only such classes."""

_PARTS = re.compile(r"(images|imgs|photos|pictures)[\W_]*\d+", re.IGNORECASE)
"""Parts of one heap of pictures, as archives of a few GB hold them."""

_LIKELY = ("train", "im", "jpeg", "photo", "picture")
"""How the folder begins that is most likely meant."""

_SHOWN_CLASSES = 6


@dataclass(frozen=True)
class Folders:
    """The folders of a tree that hold pictures themselves, as paths relative to its root; "" is the root."""

    holding: frozenset[str]

    @classmethod
    def of(cls, pictures: Sequence[str]) -> Folders:
        return cls(frozenset(name.rpartition("/")[0] for name in pictures))

    def below(self, base: str) -> dict[str, bool]:
        """The folders in `base` ("" or a path that ends with "/") with pictures in or below them, sorted, and whether
        they hold pictures themselves."""
        heads: dict[str, bool] = {}
        for folder in self.holding:
            if folder.startswith(base) and folder:
                head, _, rest = folder[len(base) :].partition("/")
                heads[head] = heads.get(head, False) or not rest
        return dict(sorted(heads.items()))


@dataclass(frozen=True)
class Split:
    """What is taken of a tree: all that lies below `base` ("" or a path that ends with "/"). `others` are the bases of
    the splits beside it. `doubt` says why the folders in `base` cannot be taken for classes."""

    base: str
    others: tuple[str, ...] = ()
    notices: list[str] = field(default_factory=list)
    doubt: str | None = None


@dataclass(frozen=True)
class Taken:
    """The pictures taken (paths relative to the root) and their labels, in the same order."""

    paths: Sequence[str]
    labels: Labels
    notices: tuple[str, ...]


def choose_split(root: str, folders: Folders, options: SourceOptions) -> Split:
    """The split that is asked for, or the training split; all of the tree if it has none. Looks one folder deeper while
    there is only one. Raises UsageError where the split is not there, or several could be meant."""
    if options.split == NO_SPLIT:
        return Split("")
    for base, heads in _while_alone(folders, ""):
        splits = {} if _is_asked_for(heads, options) else find_splits(heads)
        if options.split is not None:
            if (name := _synonym(root + "/" + base, heads, splits, options.split)) is not None:
                return _taken(base, name, [each for each in splits if each != name], said=False)
        elif splits:
            return _training_split(root, base, heads, splits)
    if options.split is not None:
        raise UsageError(
            f"--split {options.split}: {escape_name(root)} has no split folders (found: "
            f"{names_of(list(folders.below(''))) or 'none'}). Drop --split."
        )
    return Split("")


def _while_alone(folders: Folders, base: str) -> Iterator[tuple[str, dict[str, bool]]]:
    """`base` and what lies in it; and the same one folder deeper, while there is one folder, of folders only."""
    while heads := folders.below(base):
        yield base, heads
        (first, *others) = heads
        if others or heads[first]:
            return
        base += first + "/"


def _is_asked_for(heads: dict[str, bool], options: SourceOptions) -> bool:
    """Whether `--classes` names all of these folders."""
    return options.classes is not None and {escape_name(head) for head in heads} <= {*options.classes}


def _synonym(place: str, heads: dict[str, bool], splits: dict[str, str], wanted: str) -> str | None:
    """The folder that `wanted` names. Raises UsageError where there are splits, and it names none or several."""
    if wanted in heads:
        return wanted
    alike = [head for head, kind in splits.items() if kind == split_kind(wanted)]
    if len(alike) == 1 or not splits:
        return alike[0] if alike else None
    found = f"(found: {names_of(list(splits))})"
    problem = f"has several such splits {found}" if alike else f"has no such split {found}"
    raise UsageError(f"--split {wanted}: {escape_name(place.rstrip('/'))} {problem}. Pass one of them.")


def _training_split(root: str, base: str, heads: dict[str, bool], splits: dict[str, str]) -> Split:
    place = escape_name((root + "/" + base).rstrip("/"))
    if rest := [head for head in heads if head not in splits]:
        found = f"{plural(len(splits), 'split folder')} {names_of(list(splits))} beside {names_of(rest)}"
        one = shlex.quote(escape_name(_first_of(splits)))
        remedy = f"Pass --split {one} to take that, or {_as_classes(base, list(heads))} to take all of them as classes"
        return Split(base, doubt=f"{place}: has the {found}. {remedy}.")
    training = [head for head, kind in splits.items() if kind == "train"]
    candidates = list(splits) if len(splits) == 1 else training
    if len(candidates) != 1:
        found = "several training splits" if training else "no training split"
        raise UsageError(f"{place}: has {found} (found: {names_of(list(splits))}). Pass --split NAME.")
    return _taken(base, candidates[0], [each for each in splits if each != candidates[0]], said=True)


def _first_of(splits: dict[str, str]) -> str:
    return next((head for head, kind in splits.items() if kind == "train"), next(iter(splits)))


def _taken(base: str, name: str, others: list[str], said: bool) -> Split:
    notice = f"{escape_name(base + name)}/ taken (also there: {names_of(others)}); --split NAME picks another"
    return Split(f"{base}{name}/", tuple(f"{base}{other}/" for other in others), [notice] if said and others else [])


def class_level(root: str, folders: Folders, base: str, options: SourceOptions) -> tuple[str, list[str]]:
    """Where the class folders of a split lie, and what to say about it. Raises UsageError where that is in doubt.

    Only one folder, of folders, is not a class: the level below is looked at. Nor is only one folder that is named as
    its parent, as a split or as a kind of files: its pictures have no class.
    """
    if options.split == NO_SPLIT:
        return base, []
    level = descend(folders, base, options)
    heads, notices = folders.below(level), []
    if level != base:
        notices.append(f"{escape_name(level)} looked into: no other folder has pictures")
    if len(heads) > 1 and not _is_asked_for(heads, options):
        _check_classes(root, folders, level, heads)
        if deeper := [head for head, holds in heads.items() if not holds]:
            notices.append(f"each taken as one class, though its pictures lie in folders: {names_of(deeper)}")
    return level, notices


def descend(folders: Folders, base: str, options: SourceOptions) -> str:
    """See `class_level`; in doubt or not."""
    while len(heads := folders.below(base)) == 1 and not _is_asked_for(heads, options):
        (name,) = heads
        of_no_class = name.lower() in _NOT_CLASSES or split_kind(name) or name == PurePosixPath(base or "/").name
        if heads[name] and not of_no_class:
            break
        base += name + "/"
    return base


def _check_classes(root: str, folders: Folders, base: str, heads: dict[str, bool]) -> None:
    """Raises UsageError where several folders cannot be taken for classes."""
    place, shown = escape_name((root + "/" + base).rstrip("/")), names_of(list(heads))
    as_classes = f"pass {_as_classes(base, list(heads))}"
    of_files = all(head.lower() in _NOT_CLASSES or _PARTS.fullmatch(head) for head in heads)
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
        raise UsageError(
            f"{place}: its folders ({shown}) hold no pictures themselves, only folders (in {escape_name(first)}: "
            f"{below}). If {shown} are the classes, {as_classes}; else give the folder whose folders are, such as "
            f"{place}/{escape_name(first)}."
        )
    for head in (head for head, holds in heads.items() if not holds):
        if {*folders.below(f"{base}{head}/")} <= {*heads} - {head}:
            raise UsageError(
                f"{place}: {escape_name(head)} holds no pictures itself, and its folders are named as those beside it. "
                f"Move it away if it is a copy, or {as_classes} if it is a class."
            )


def _as_classes(base: str, heads: Sequence[str]) -> str:
    """The option that says that these folders are the classes."""
    if not base:
        return "--split ''"
    if len(heads) > _SHOWN_CLASSES or any("," in head for head in heads):
        return "--classes FILE, with their names"
    return f"--classes {shlex.quote(','.join(map(escape_name, heads)))}"
