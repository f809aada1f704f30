"""What commands say about a source's classes: their number, and the first of them with their sample counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mixup_cli.wording import counted

if TYPE_CHECKING:
    from mixup_cli.report.object_counts import ObjectCounts
    from mixup_cli.sources import Labels, Source

CLASSES_SHOWN = 20


def class_facts(source: Source) -> dict[str, Any]:
    """For machines."""
    labels, objects = source.labels, _objects(source)
    facts = {"class_names": list(labels.class_names), "class_counts": _class_counts(labels)}
    return facts if objects is None else {**facts, "objects": object_facts(objects, labels.class_names)}


def _objects(source: Source) -> ObjectCounts | None:
    """The objects of a source; None where it has labels instead."""
    if source.objects is None:
        return None
    from mixup_cli.report.object_counts import ObjectCounts

    return ObjectCounts.of_source(source.objects, len(source.labels.class_names))


def _class_counts(labels: Labels) -> dict[str, int]:
    """Samples per class name, in the order of the classes; empty unless every sample has one."""
    if labels.values is not None and labels.kind == "multi":
        return dict(zip(labels.class_names, (labels.values > 0).sum(axis=0).tolist(), strict=True))
    if labels.classes is None:
        return {}
    counts = Counter(labels.classes.tolist())
    return {name: counts[number] for number, name in enumerate(labels.class_names)}


def class_lines(source: Source) -> Iterator[tuple[str, str]]:
    """For people: name and value of each fact."""
    labels, objects = source.labels, _objects(source)
    if objects is None:
        yield from _label_lines(labels)
        if labels.base_count is not None:
            yield "donors", counted(len(source) - labels.base_count, "sample")
    else:
        yield "task", source.task
        yield "classes", f"{len(labels.class_names)}"
        yield from object_lines(objects, labels.class_names, "sample")
    if labels.groups is not None:
        sizes = Counter(labels.groups).values()
        yield "groups", f"{len(sizes):,}, of {min(sizes):,} to {counted(max(sizes), 'sample')}"


def _label_lines(labels: Labels) -> Iterator[tuple[str, str]]:
    counts = _class_counts(labels)
    how = {"soft": ", soft labels", "multi": ", any number for each sample"}.get(labels.kind, "")
    if labels.kind == "none":
        yield "classes", "none: an unlabelled source"
    elif labels.values is not None and labels.kind == "real":
        yield "quantities", f"{len(labels.class_names)}, real numbers"
        values = labels.values[: labels.base_count]
        spans = zip(labels.class_names, values.min(axis=0), values.max(axis=0), strict=True)
        yield "", some([f"{name} ({low:g} … {high:g})" for name, low, high in spans])
    else:
        yield "classes", f"{len(labels.class_names)}{how}"
    if counts:
        yield "", some([f"{name} ({count:,})" for name, count in counts.items()])


def object_lines(counts: ObjectCounts, class_names: Sequence[str], noun: str) -> Iterator[tuple[str, str]]:
    """For people: the objects of so many samples or rows, and the classes that they have."""
    mean = f"{counts.mean:.1f} in each {noun} on average, {counts.most:,} at most"
    without = f"; {int(counts.rows[0]):,} without any" if counts.rows[0] else ""
    yield "objects", f"{counts.total:,} in {counted(counts.row_count, noun)}: {mean}{without}"
    yield "", some([f"{name} ({count:,})" for name, count in object_counts(counts, class_names).items() if count])


def object_facts(counts: ObjectCounts, class_names: Sequence[str]) -> dict[str, Any]:
    """For machines."""
    return {
        "count": counts.total,
        "mean": round(counts.mean, 3),
        "most": counts.most,
        "without": int(counts.rows[0]),
        "class_counts": object_counts(counts, class_names),
    }


def object_counts(counts: ObjectCounts, class_names: Sequence[str]) -> dict[str, int]:
    """Objects per class name, in the order of the classes."""
    return dict(zip(class_names, counts.classes.tolist(), strict=True))


def some(names: list[str]) -> str:
    """As many names as fit a few lines."""
    more = len(names) - CLASSES_SHOWN
    return ", ".join(names[:CLASSES_SHOWN]) + (f" and {more} more" if more > 0 else "")
