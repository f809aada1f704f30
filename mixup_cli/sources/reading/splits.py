"""Names of splits: `train`, `Testing`, `training_set`, and `seg_train` beside `seg_test`; and which split is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import UsageError
from mixup_cli.sources.reading.names import names_of
from mixup_cli.wording import setting

KINDS = {
    "train": ("train", "training", "trainval"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval", "evaluation", "t10k"),
    "extra": ("extra",),
    "unlabelled": ("unlabelled", "unlabeled"),
    "pred": ("pred", "predict", "prediction"),
}
"""The kinds of splits, and the words for each, the usual one first."""

_KIND_OF = {word: kind for kind, words in KINDS.items() for word in words}
_OFTEN_CLASSES = frozenset(("valid", "dev", "eval", "evaluation", "extra", *KINDS["pred"]))
"""Words that mean a split only beside a surer one."""

_FILLERS = ("set", "data", "dataset", "images", "image", "img", "imgs", "pictures", "split", "folder")
_WORD = re.compile(rf"({'|'.join(_KIND_OF)})(?:{'|'.join(_FILLERS)})?\d*")


@dataclass(frozen=True)
class _Named:
    """A name with a split's word in it. `rest` are the other words that mean something: `seg` of `seg_train`."""

    kind: str
    rest: tuple[str, ...]
    is_sure: bool


def _named(name: str) -> _Named | None:
    words = [word for word in re.split(r"[\W_]+", name.lower()) if word and not word.isdigit()]
    found = [match[1] for word in words if (match := _WORD.fullmatch(word))]
    kinds = {_KIND_OF[word] for word in found}
    if kinds == {"train", "val"}:
        kinds = {"train"}
    if len(kinds) != 1:
        return None
    rest = tuple(word for word in words if not _WORD.fullmatch(word) and word not in _FILLERS)
    return _Named(kinds.pop(), rest, not rest and found[0] not in _OFTEN_CLASSES)


def split_kind(name: str) -> str | None:
    """The split of a name with no other word in it: "train" for `Training` or `training_set`; None for other names."""
    named = _named(name)
    return None if named is None or named.rest else named.kind


def split_in(name: str) -> str | None:
    """The split of a name that may have other words too: "train" for `y_train.npy`."""
    named = _named(name)
    return None if named is None else named.kind


def split_of(file: Path) -> str | None:
    """The split of a file, by its name or that of its folder."""
    return split_in(file.stem) or split_in(file.absolute().parent.name)


def find_splits(heads: Mapping[str, bool]) -> dict[str, str]:
    """The folders that are splits, with their kind. `heads` says of each folder whether it holds images itself.

    A name with another word in it (`seg_train`, `train_station`) is a split's if the same word stands in another split
    beside it, or if the folder holds only folders.
    """
    named = {head: each for head in heads if (each := _named(head)) is not None}
    kinds: dict[tuple[str, ...], set[str]] = {}
    for each in named.values():
        kinds.setdefault(each.rest, set()).add(each.kind)
    found = {
        head: each for head, each in named.items() if not each.rest or len(kinds[each.rest]) > 1 or not heads[head]
    }
    if len(found) < len(heads) and not any(each.is_sure or each.rest for each in found.values()):
        return {}
    return {head: each.kind for head, each in found.items()}


def has_labels(base: str) -> bool:
    """Whether the images of a split can have classes, by the name of its folder."""
    return split_in(base.rstrip("/").rpartition("/")[2]) not in ("unlabelled", "pred")


def names_of_other_splits(name: str) -> Iterator[str]:
    """The name with its split's word replaced by each word of another split: `y_test` for `y_train`."""
    pieces = re.split(r"([_\-./])", name)
    for position, piece in enumerate(pieces):
        if piece.lower() in _KIND_OF:
            spelled = (word.capitalize() if piece[0].isupper() else word for word in _KIND_OF if word != piece.lower())
            yield from ("".join([*pieces[:position], word, *pieces[position + 1 :]]) for word in spelled)
            return


def of_one_split(files: Mapping[str, str], wanted: str | None, place: str) -> tuple[list[str], list[str]]:
    """Those of several files that are of one split, by the name that counts for each; and notices.

    This is the rule of all sources. Without `wanted`, the only split is taken, whichever it is, and of several the
    training split; a notice says so wherever another could have been meant. Files without a split's word are taken if
    none has one. Raises UsageError for a split that no file is of, and for several without a training split.
    """
    kinds = {each: split_in(name) for each, name in files.items()}
    found = sorted({kind for kind in kinds.values() if kind is not None})
    if wanted is None and not found:
        return [*files], []
    only = found[0] if len({*kinds.values()}) == 1 else "train"
    kind = only if wanted is None else split_kind(wanted)
    chosen = [each for each in files if kinds[each] == kind]
    if kind is None or not chosen:
        raise _lacking(found, wanted, place)
    return chosen, [] if wanted is not None else _said(place, kind, [each for each in found if each != kind])


def one_split(names: Mapping[str, str], wanted: str | None, place: str) -> tuple[str, list[str]]:
    """The one that `of_one_split` takes, where each is a whole split; and notices.

    What is called exactly as it is wanted goes before its kind, and `train` before `trainval`. Raises UsageError where
    that leaves none, or several.
    """
    exact = [each for each, name in names.items() if name == wanted]
    if len(exact) == 1:
        return exact[0], []
    chosen, _ = of_one_split(names, wanted, place)
    chosen = [each for each in chosen if names[each].lower() in KINDS] or chosen
    if not chosen:
        raise _lacking([], wanted, place)
    if len(chosen) > 1:
        by_name = len({names[each] for each in chosen}) == len(chosen)
        remedy = f"Pass {setting('split', 'NAME')}." if by_name else "Name one of them as the source."
        raise UsageError(f"{place}: has several that could be meant ({names_of(chosen)}).", remedy)
    others = dict.fromkeys(name for each, name in names.items() if name and each != chosen[0])
    kind = split_in(names[chosen[0]])
    return chosen[0], [] if wanted is not None or kind is None else _said(place, kind, [*others])


def _said(place: str, kind: str, others: Sequence[str]) -> list[str]:
    """What to say of a split that was not asked for."""
    if others:
        return [using(place, f"the {'training' if kind == 'train' else kind} split", others)]
    return [] if kind == "train" else [f"{place}: using the {kind} split, the only one"]


def using(place: str, taken: str, others: Sequence[str]) -> str:
    """The notice about what is taken of a place that has splits besides."""
    return f"{place}: using {taken}; {setting('split', 'NAME')} picks another ({names_of(others)})"


def _lacking(found: Sequence[str], wanted: str | None, place: str) -> UsageError:
    has = f"has no {'training split' if wanted is None else 'such split'} (found: {', '.join(found) or 'none'})"
    if wanted is None:
        return UsageError(f"{place}: {has}.", f"Pass {setting('split', 'NAME')}.")
    remedy = "Pass one of them." if found else f"Drop {setting('split')}."
    return UsageError(f"{place}: {has}.", remedy, field="split", value=wanted)


def files_of_other_splits(path: Path) -> Iterator[Path]:
    """The files beside `path` with another split's word in their name. If its name has no such word, the files of the
    same name in folders that are so related to its own."""
    folder = path.absolute().parent
    others = [path.with_name(name) for name in names_of_other_splits(path.name)]
    others = others or [folder.with_name(name) / path.name for name in names_of_other_splits(folder.name)]
    return (other for other in others if other.is_file())
