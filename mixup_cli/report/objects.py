"""Objects as pictures show them: those of results, and those of each parent before it is mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.objects import KEYPOINTS, NO_CLASS
from mixup_cli.methods.base import pure
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.objects import ObjectMaker, most_objects
from mixup_cli.plan.plan import Rows
from mixup_cli.plan.views import Views
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.report.captions import Word, listed, share_text
from mixup_cli.runs.job import Job
from mixup_cli.sources.reading.base import Source

Columns = Mapping[str, NDArray[Any]]
"""The columns of objects of some rows, by name."""


@dataclass(frozen=True)
class Seen:
    """An object on a tile. `box`: x1, y1, x2, y2 in pixels of the image, within it; `parent` is the slot of the parent
    that it comes from; `points`: x, y and COCO's visibility of the keypoints that are labelled."""

    name: str
    box: tuple[float, float, float, float]
    weight: float
    visible: float
    parent: int
    points: tuple[tuple[float, float, float], ...] = ()
    crowd: bool = False

    @property
    def area(self) -> float:
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)

    @property
    def rest(self) -> str:
        """What a caption says behind the name: whether it is a crowd, the weight, unless it is 1, and which part is
        seen, unless it is all."""
        seen = "" if self.visible > 0.995 else f" {max(1, round(100 * self.visible))}%"
        return " (crowd)" * self.crowd + share_text(self.weight) + seen


Objects: TypeAlias = Sequence[tuple[Seen, ...]]
"""The objects of some tiles."""


def seen_in(columns: Columns, size: tuple[int, int], names: Sequence[str]) -> Objects:
    """The objects of each row of images of `size` (height, width): boxes within it, and parts within 0 … 1, whatever a
    damaged data set says."""
    sides = np.tile(np.array(size[::-1], np.float64), 2)
    values = {name: np.nan_to_num(column) for name, column in columns.items()}
    box = np.clip(values["object_box"].astype(np.float64), 0, sides)
    is_there = (values["object_class"] != NO_CLASS) & (box[..., :2] < box[..., 2:]).all(axis=-1)
    values["object_box"] = box
    return [
        tuple(_seen({name: column[row, place] for name, column in values.items() if column.ndim > 1}, sides, names))
        for row, places in enumerate(is_there)
        for place in [np.flatnonzero(places)]
    ]


def _seen(values: Columns, sides: NDArray[np.float64], names: Sequence[str]) -> Iterator[Seen]:
    """Objects from their columns, each (m, ...)."""
    points = values.get(KEYPOINTS, np.zeros((len(values["object_class"]), 0, 3)))
    is_in = (points[..., 2] > 0) & ((points[..., :2] >= 0) & (points[..., :2] <= sides[:2])).all(axis=-1)
    for number, (x1, y1, x2, y2) in enumerate(values["object_box"].tolist()):
        yield Seen(
            name=names[int(values["object_class"][number])],
            box=(x1, y1, x2, y2),
            weight=float(np.clip(values["object_weight"][number], 0, 1)),
            visible=float(np.clip(values["object_visible"][number], 0, 1)),
            parent=int(values["object_parent"][number]),
            points=tuple((x, y, sight) for x, y, sight in points[number][is_in[number]].tolist()),
            crowd=bool(values["object_crowd"][number]),
        )


def of_parents(source: Source, job: Job, parents: NDArray[np.int64], views: Views | None) -> Sequence[Objects]:
    """The objects of `parents` int64 (m, P) by row and slot, each parent as its tile shows it: fitted and through its
    view, not yet mixed. None of a source without objects."""
    (rows, slots), count = parents.shape, parents.size
    if source.objects is None:
        return [[()] * slots] * rows
    recipe = job.recipe.with_(max_objects=None)
    methods = MethodSet(Recipe(methods=(MethodChoice(Unmixed.name),)), job.form.grid)
    maker = ObjectMaker.open(source.objects, methods, recipe, job.target, most_objects(source.objects, recipe, 1))
    own = None if views is None else views.reshape(count, 1, 5)
    alone = Rows(
        np.arange(count), parents.reshape(count, 1), np.zeros(count, np.uint8), decided(pure(count, 0, 1)), own
    )
    made = dict(maker.columns(alone))
    slot = np.tile(np.arange(slots), rows)[:, None]
    made["object_parent"] = np.broadcast_to(slot, made["object_parent"].shape)
    seen = seen_in(made, job.form.size, job.class_names)
    return [seen[start : start + slots] for start in range(0, count, slots)]


def object_words(objects: Sequence[Seen]) -> tuple[Word, ...]:
    """How many objects of which class, the most frequent first: `dog x2, cat`."""
    counts = Counter(each.name for each in objects)
    return listed([Word(name, f" x{count}" if count > 1 else "") for name, count in counts.most_common()], ",")
