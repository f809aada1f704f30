"""Which options each kind of source takes. An option that has no effect on a source is refused, and named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from mixup_cli.errors import UsageError
from mixup_cli.sources.reading.base import Source, SourceOptions
from mixup_cli.wording import setting

TAKES: Mapping[str, frozenset[str]] = {
    "class folders": frozenset({"classes", "split", "label_kind", "max_pixels"}),
    "pictures with metadata": frozenset(
        {
            *("split", "labels_from", "file_column", "label_column", "label_separator"),
            *("classes", "label_kind", "group_column", "max_pixels"),
        }
    ),
    "a list of pictures": frozenset({"classes", "label_kind", "max_pixels"}),
    "CIFAR": frozenset({"split", "label_level", "classes", "label_kind"}),
    "IDX": frozenset({"split", "label_key", "classes", "label_kind"}),
    "STL-10": frozenset({"classes", "split", "label_kind"}),
    "a .npy file": frozenset({"label_key", "classes", "label_kind", "group_column", "max_pixels"}),
    "an array file": frozenset(
        {"split", "data_key", "label_key", "classes", "label_kind", "group_column", "max_pixels"}
    ),
    "a mixup-gen data set": frozenset({"classes", "label_kind", "group_column"}),
}
"""By what a source is read as (`Source.read_as`): the fields of `SourceOptions` that have an effect on it."""

OF_ALL = frozenset({"split"})
"""Options that every one of several sources must take: a source that ignored the split would add samples of another."""


def check_taken(sources: Sequence[Source], options: SourceOptions) -> None:
    """Raise UsageError for an option that is not at its default and has no effect.

    With several sources, an option must have an effect on one of them; those in `OF_ALL`, on each.
    """
    for name in _given(options):
        value = getattr(options, name)
        ignoring = [each for each in sources if name not in TAKES[each.read_as] or each.ignores(name, value)]
        if len(ignoring) == len(sources) or (ignoring and name in OF_ALL):
            first = ignoring[0]
            raise UsageError(
                f"{first.location} is read as {first.read_as}, where {setting(name)} has no effect.",
                f"Leave it out. It works with {_listed(name, first)}.",
                field=name,
                value=value,
            )


def _given(options: SourceOptions) -> list[str]:
    """The fields that are not at their defaults; `exclude` is the run's own."""
    names = (each.name for each in fields(SourceOptions) if each.name != "exclude")
    return [name for name in names if getattr(options, name) != getattr(SourceOptions, name)]


def _listed(name: str, ignoring: Source) -> str:
    return ", ".join(kind for kind, taken in TAKES.items() if name in taken and kind != ignoring.read_as)
