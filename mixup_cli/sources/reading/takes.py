"""Which options each kind of source takes. An option that has no effect on a source is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields

from mixup_cli.errors import UsageError
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.sources.reading.names import names_of
from mixup_cli.wording import setting

_CLASSES = ("classes", "label_kind")
_DONORS = ("donors_from",)
_SOUNDS = ("task", "rate", "seconds", "short", "features")
_TABLES = ("labels_from", "file_column", "label_column", "label_separator", "group_column")
_TEXTS = ("tokenizer", "length", "text_column", "encoding", "label_column", "label_separator", "group_column")
_CAPTIONS = ("task", "tokenizer", "length", "text_column")
_CLIPS = ("task", "frames", "stride", "clips", "max_pixels")
TAKES: Mapping[str, frozenset[str]] = {
    "class folders": frozenset((*_CLASSES, *_DONORS, "split", "task", "max_pixels")),
    "images with metadata": frozenset((*_CLASSES, *_DONORS, *_TABLES, *_CAPTIONS, "split", "max_pixels")),
    "a list of images": frozenset((*_CLASSES, *_DONORS, "max_pixels")),
    "WebDataset": frozenset((*_CLASSES, *_DONORS, *_CAPTIONS, "split", "data_key", "label_key", "max_pixels")),
    "WebDataset of sounds": frozenset((*_CLASSES, *_DONORS, *_SOUNDS, "split", "data_key", "label_key")),
    "WebDataset of videos": frozenset((*_CLASSES, *_CLIPS, "split", "data_key", "label_key")),
    "a Hugging Face data set": frozenset(
        (*_CLASSES, *_DONORS, *_CAPTIONS, "split", "data_key", "label_key", "max_pixels")
    ),
    "a Hugging Face data set of sounds": frozenset((*_CLASSES, *_DONORS, *_SOUNDS, "split", "data_key", "label_key")),
    "a Hugging Face data set of videos": frozenset((*_CLASSES, *_CLIPS, "split", "data_key", "label_key")),
    "CIFAR": frozenset((*_CLASSES, *_DONORS, "split", "label_level")),
    "IDX": frozenset((*_CLASSES, *_DONORS, "split", "label_key")),
    "STL-10": frozenset((*_CLASSES, *_DONORS, "split")),
    "a .npy file": frozenset((*_CLASSES, *_DONORS, "label_key", "group_column", "max_pixels")),
    "an array file": frozenset((*_CLASSES, *_DONORS, "split", "data_key", "label_key", "group_column", "max_pixels")),
    "images with masks": frozenset(("classes", "split", "task", "labels_from", "ignore_index", "max_pixels")),
    "COCO annotations": frozenset(("task", "split", "flip_pairs", "labels_from", "max_pixels")),
    "COCO captions": frozenset(("task", "tokenizer", "length", "split", "labels_from", "max_pixels")),
    "panoptic COCO annotations": frozenset(("task", "split", "labels_from", "ignore_index", "max_pixels")),
    "YOLO annotations": frozenset(("task", "split", "flip_pairs", "max_pixels")),
    "Pascal VOC annotations": frozenset(("task", "split", "classes", "box_origin", "max_pixels")),
    "labelme annotations": frozenset(("task", "split", "classes", "max_pixels")),
    "Open Images annotations": frozenset(("task", "classes", "labels_from", "max_pixels")),
    "class folders of sounds": frozenset((*_CLASSES, *_DONORS, *_SOUNDS, "split")),
    "sounds with metadata": frozenset((*_CLASSES, *_DONORS, *_TABLES, *_SOUNDS, "split")),
    "a list of sounds": frozenset((*_CLASSES, *_DONORS, *_SOUNDS)),
    "labelled texts": frozenset((*_CLASSES, *_TEXTS, "split", "task")),
    "class folders of videos": frozenset((*_CLASSES, *_CLIPS, "split")),
    "videos with metadata": frozenset((*_CLASSES, *_TABLES, *_CLIPS, "split")),
    "a list of videos": frozenset((*_CLASSES, *_CLIPS)),
    "a mixup-gen data set": frozenset((*_CLASSES, *_DONORS, "group_column")),
}
"""By what a source is read as (`Source.read_as`): the fields of `SourceOptions` that have an effect on it."""

OF_ALL = frozenset({"split"})
"""Options that every one of several sources must take: a source that ignores the split would add samples of another."""


_SAME_ELSEWHERE = {"label_column": "label_key", "label_key": "label_column"}
"""Options that name the same thing in other kinds of sources."""

_SHOWN_KINDS = 6

OF_THE_RUN = ("exclude", "on_error")
"""Fields that a run sets for itself."""


def check_taken(sources: Sequence[Source], options: SourceOptions) -> None:
    """Raise UsageError for an option that is not at its default and has no effect.

    With several sources, an option must have an effect on one of them; those in `OF_ALL`, on each.
    """
    given = [name for each in fields(SourceOptions) if (name := each.name) not in OF_THE_RUN]
    for name in given:
        if (value := getattr(options, name)) == getattr(SourceOptions, name):
            continue
        ignoring = [each for each in sources if name not in TAKES[each.read_as] or each.ignores(name, value)]
        if len(ignoring) == len(sources) or (ignoring and name in OF_ALL):
            first = ignoring[0]
            found = f"{first.location} is read as {first.read_as}, where {setting(name)} has no effect."
            # Names of classes may be those of a file, and are not what was typed.
            shown = None if isinstance(value, tuple) else value
            raise UsageError(found, _remedy(name, value, TAKES[first.read_as]), field=name, value=shown)


def _remedy(name: str, value: object, taken: Collection[str]) -> str:
    """What to do about an option without effect on a source of a kind that takes these."""
    if (same := _SAME_ELSEWHERE.get(name)) in taken:
        return f"Pass {setting(str(same), value)}."
    # Where others of its own kind take the option, what differs is the source, and no list of kinds helps.
    kinds = [] if name in taken else [kind for kind, options in TAKES.items() if name in options]
    return f"Leave it out. It works with {names_of(kinds, _SHOWN_KINDS)}." if kinds else "Leave it out."
