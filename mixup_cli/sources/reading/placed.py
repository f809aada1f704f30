"""Several sources whose labels have a place: their objects together, over the classes of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mixup_cli.choices import PLACED_TASKS
from mixup_cli.errors import DataError
from mixup_cli.fields.objects import Objects
from mixup_cli.fields.signal import MASK
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import setting


def check_placed(sources: Sequence[Source]) -> None:
    """Raise DataError for sources that are read for different tasks if one of them has objects or masks, and for
    keypoints that are not the same in all."""
    first = sources[0]
    for source in sources[1:]:
        if source.task != first.task and {source.task, first.task} & {*PLACED_TASKS}:
            read = " and ".join(f"{each.location} for {setting('task', each.task)}" for each in (first, source))
            raise DataError(f"{read}: sources are combined for one task.", f"Pass a {setting('task')} that all can do.")
        if source.objects is None or first.objects is None or source.objects.keypoints == first.objects.keypoints:
            continue
        found = f"{source.location}: has other keypoints, or other pairs that swap, than {first.location}."
        raise DataError(found, f"Give sources of the same keypoints, or pass {setting('task', 'detect')}.")


def merge_objects(sources: Sequence[Source], names: Sequence[str]) -> Objects | None:
    """The objects of all samples, over the classes `names`; None without any. Each keeps the id of its own source, so
    that an id says something only beside its sample."""
    found = [_moved(each.objects, each.labels.class_names, names) for each in sources if each.objects is not None]
    if len(found) < len(sources):
        return None
    return replace(
        found[0],
        starts=np.concatenate([[0], np.cumsum(np.concatenate([each.counts for each in found]))]),
        box=np.concatenate([each.box for each in found]),
        classes=np.concatenate([each.classes for each in found]),
        ids=np.concatenate([each.ids for each in found]),
        crowd=np.concatenate([each.crowd for each in found]),
        extent=np.concatenate([each.extent for each in found]),
        points=np.concatenate([each.points for each in found]),
    )


def check_masks(sources: Sequence[Source], names: tuple[str, ...]) -> None:
    """Raise DataError for class masks in which a class has another number than among `names`, the classes of all: the
    numbers in masks stay as they are."""
    for source in sources:
        own = source.labels.class_names
        if MASK in source.beside and own != names[: len(own)]:
            found = f"{source.location}: its masks have other numbers for its classes than all sources together"
            raise DataError(f"{found}, and masks stay as they are.", "Give sources of the same classes, or each alone.")


def _moved(objects: Objects, own: Sequence[str], names: Sequence[str]) -> Objects:
    numbers = {name: number for number, name in enumerate(names)}
    return replace(objects, classes=np.array([numbers[name] for name in own], np.int32)[objects.classes])
