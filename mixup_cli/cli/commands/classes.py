"""What commands say about a source's classes: their number, and the first of them with their sample counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mixup_cli.wording import counted

if TYPE_CHECKING:
    from mixup_cli.sources import Labels

CLASSES_SHOWN = 20


def class_facts(labels: Labels) -> dict[str, Any]:
    """For machines."""
    return {"class_names": list(labels.class_names), "class_counts": _class_counts(labels)}


def _class_counts(labels: Labels) -> dict[str, int]:
    """Samples per class name, in the order of the classes; empty unless every sample has one."""
    if labels.values is not None and labels.kind == "multi":
        return dict(zip(labels.class_names, (labels.values > 0).sum(axis=0).tolist(), strict=True))
    if labels.classes is None:
        return {}
    counts = Counter(labels.classes.tolist())
    return {name: counts[number] for number, name in enumerate(labels.class_names)}


def class_lines(labels: Labels) -> Iterator[tuple[str, str]]:
    """For people: name and value of each fact."""
    counts = _class_counts(labels)
    how = {"soft": ", soft labels", "multi": ", any number for each sample"}.get(labels.kind, "")
    if labels.kind == "none":
        yield "classes", "none: an unlabelled source"
    elif labels.values is not None and labels.kind == "real":
        yield "quantities", f"{len(labels.class_names)}, real numbers"
        spans = zip(labels.class_names, labels.values.min(axis=0), labels.values.max(axis=0), strict=True)
        yield "", some([f"{name} ({low:g} … {high:g})" for name, low, high in spans])
    else:
        yield "classes", f"{len(labels.class_names)}{how}"
    if counts:
        yield "", some([f"{name} ({count:,})" for name, count in counts.items()])
    if labels.groups is not None:
        sizes = Counter(labels.groups).values()
        yield "groups", f"{len(sizes):,}, of {min(sizes):,} to {counted(max(sizes), 'sample')}"


def some(names: list[str]) -> str:
    """As many names as fit a few lines."""
    more = len(names) - CLASSES_SHOWN
    return ", ".join(names[:CLASSES_SHOWN]) + (f" and {more} more" if more > 0 else "")
