"""The objects of mixed rows: those of all parents, moved with the pixels that they stand on, clipped to what is seen of
them, and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.fields.objects import KEYPOINTS, LOST, NO_CLASS, Objects, object_forms
from mixup_cli.fields.signal import INSTANCES
from mixup_cli.fields.target import Target
from mixup_cli.methods import Shown
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.mixing.inner import Inner, places_in
from mixup_cli.mixing.instances import InstanceMaps
from mixup_cli.plan.plan import Rows
from mixup_cli.recipe import Recipe
from mixup_cli.storage.hdf5.layout import Column

Floats = NDArray[np.float64]

SLIVER_PX = 0.5
"""What sticks out of a cover by less does not count: no pixel shows it."""

HIDDEN = 1
"""COCO's visibility of a keypoint that is labelled and cannot be seen."""


def object_columns(most: int, keypoint_count: int | None) -> tuple[Column, ...]:
    """The columns of objects, with places for `most` of them in each row."""
    return tuple(Column(name, *form) for name, form in object_forms(most, keypoint_count).items())


def most_objects(objects: Objects, recipe: Recipe, parent_count: int) -> int:
    """How many places for objects a row has: as many as any row of such a source can have, however many rows are made,
    so that a data set can grow; no more than the recipe allows, and at least one."""
    return max(1, min(objects.most(parent_count), recipe.max_objects or objects.most(parent_count)))


@dataclass(frozen=True)
class _Placed:
    """Objects on their way from parents to rows, T of them. `place` int64 (T) is where the parent of each stands: row
    times P plus slot. `low` and `high` float64 (T, 2: y, x) are the edges of its box, `full` (T) its area before
    anything was cut off. `points` (T, J, 3): x, y and visibility."""

    number: NDArray[np.int64]
    place: NDArray[np.int64]
    low: Floats
    high: Floats
    full: Floats
    points: Floats

    @property
    def area(self) -> Floats:
        area: Floats = np.prod(np.maximum(self.high - self.low, 0), axis=1)
        return area

    def moved(self, scale: Floats, shift: Floats) -> _Placed:
        """Each place (y, x) at scale · place + shift (T, 2)."""
        points = self.points.copy()
        points[..., :2] = points[..., :2] * scale[:, None, ::-1] + shift[:, None, ::-1]
        return replace(
            self,
            low=self.low * scale + shift,
            high=self.high * scale + shift,
            full=self.full * scale.prod(axis=1),
            points=points,
        )

    def within(self, window: Floats) -> _Placed:
        """What of them lies in windows (T, 4: top, left, bottom, right). Keypoints elsewhere are not labelled."""
        first, last = window[:, :2], window[:, 2:]
        place = self.points[..., 1::-1]
        is_in = np.all((place >= first[:, None]) & (place <= last[:, None]), axis=-1, keepdims=True)
        points = np.where(is_in, self.points, 0)
        return replace(self, low=np.maximum(self.low, first), high=np.minimum(self.high, last), points=points)

    def mirrored(self, is_mirrored: NDArray[np.bool_], width: int, order: tuple[int, ...]) -> _Placed:
        """Some of them in a mirror, left to right, in an image of that width."""
        low, high, points = self.low.copy(), self.high.copy(), self.points.copy()
        low[is_mirrored, 1], high[is_mirrored, 1] = (width - each[is_mirrored, 1] for each in (self.high, self.low))
        if order:
            seen = self.points[is_mirrored][:, list(order)]
            seen[..., 0] = np.where(seen[..., 2] > 0, width - seen[..., 0], 0)
            points[is_mirrored] = seen
        return replace(self, low=low, high=high, points=points)

    def behind(self, cover: Floats) -> tuple[_Placed, Floats]:
        """What is seen of them behind covers (T, 4: top, left, bottom, right): the tightest boxes around it, and its
        area (T). Keypoints behind a cover are hidden."""
        first, last = cover[:, :2], cover[:, 2:]
        overlap = np.prod(np.maximum(np.minimum(self.high, last) - np.maximum(self.low, first), 0), axis=1)
        low, high = self.low.copy(), self.high.copy()
        reach_low, reach_high = first < self.low + SLIVER_PX, last > self.high - SLIVER_PX
        spans = reach_low & reach_high & (overlap > 0)[:, None]
        for axis, other in ((0, 1), (1, 0)):
            begins, ends = spans[:, other] & reach_low[:, axis], spans[:, other] & reach_high[:, axis]
            low[begins, axis] = np.minimum(last, self.high)[begins, axis]
            high[ends, axis] = np.maximum(first, self.low)[ends, axis]
        place = self.points[..., 1::-1]
        is_hidden = ((place >= first[:, None]) & (place < last[:, None])).all(axis=-1)
        points = self.points.copy()
        points[..., 2] = np.where(is_hidden, np.minimum(points[..., 2], HIDDEN), points[..., 2])
        return replace(self, low=low, high=high, points=points), self.area - overlap

    def __getitem__(self, chosen: NDArray[np.bool_]) -> _Placed:
        return _Placed(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class _ByPixels:
    """What pixels say of T objects: the code of each, how many pixels it has in its sample, 0 of one without any, how
    many of them are seen in its row, and the edges of the tightest box around these (T, 2: y, x)."""

    code: NDArray[np.int64]
    own: NDArray[np.int64]
    area: NDArray[np.int64]
    low: Floats
    high: Floats

    def instead_of(self, found: _Placed, area: Floats) -> tuple[_Placed, Floats]:
        """Objects and areas by pixels, where they have any, and else as they are."""
        has_pixels = self.own > 0
        low, high = (
            np.where(has_pixels[:, None], mine, its) for mine, its in ((self.low, found.low), (self.high, found.high))
        )
        return replace(found, low=low, high=high), np.where(has_pixels, self.area, area)


@dataclass(frozen=True)
class ObjectMaker:
    """Makes the columns of objects. `objects` are those of the source with boxes and keypoints as cached samples have
    them, of `cached` height and width; `most` is how many places a row has."""

    objects: Objects
    methods: MethodSet
    recipe: Recipe
    cached: tuple[int, int]
    most: int
    inner: Inner | None
    """Where pictures lie in the padding around them; None if none has any."""

    @classmethod
    def open(cls, objects: Objects, methods: MethodSet, recipe: Recipe, target: Target, most: int) -> Self:
        """The maker for objects as the source has them, of samples that are brought to a target."""
        scale, shift = places_in(objects.extent, target)
        inner = Inner.of(objects.extent, target, methods.grid.sides)
        return cls(_fitted(objects, scale, shift), methods, recipe, target.form.size, most, inner)

    @property
    def stride(self) -> int:
        """One more than the most objects of a sample."""
        return 1 + int(self.objects.counts.max(initial=0))

    def columns(self, rows: Rows, maps: InstanceMaps | None = None) -> Mapping[str, NDArray[Any]]:
        """The values of each column for some rows of the plan, by name. Objects that have pixels in `maps` are measured
        by these, others by their boxes."""
        rows = self.seen(rows)
        shown, weight = self._shown(rows)
        found = self._parents(rows, weight)
        place = found.place
        measured = None if maps is None else self._measured(maps, rows, found)
        if measured is not None:
            found = replace(found, full=np.where(measured.own > 0, measured.own, found.full))
        if rows.views is not None:
            found = self._in_view(found, rows.views.reshape(-1, 5)[place])
        found = found.moved(shown.scale.reshape(-1, 2)[place], shown.shift.reshape(-1, 2)[place])
        found = found.within(shown.window.reshape(-1, 4)[place].astype(np.float64))
        found, area = found.behind(shown.cover.reshape(-1, 4)[place].astype(np.float64))
        if measured is not None:
            found, area = measured.instead_of(found, area)
        visible = np.minimum(area / found.full, 1.0)
        has_box = (found.low.astype(np.float32) < found.high.astype(np.float32)).all(axis=1)
        kept = has_box & (visible > 0) & (visible >= self.recipe.min_visible)
        found, area, visible = found[kept], area[kept], visible[kept]
        row = found.place // rows.parents.shape[1]
        fits = self._fitting(row, area)
        made = dict(self._laid_out(len(rows), found[fits], visible[fits], weight.ravel()))
        if self.recipe.max_objects is not None:
            made[LOST] = np.bincount(row[~fits], minlength=len(rows)).astype(np.int32)
        if maps is None or measured is None:
            return made
        row, code = row[fits], measured.code[kept][fits]
        return {**made, INSTANCES: maps.drawn(row, code, _place_in(row))}

    def seen(self, rows: Rows) -> Rows:
        """The same rows, with where the pictures of their parents lie in the padding around them."""
        return rows if self.inner is None else self.inner.seen(rows)

    def _shown(self, rows: Rows) -> tuple[Shown, Floats]:
        """Where the pixels of parents lie, and the weight of each (m, P): 0 of one that takes no part."""
        count, grid = self.methods.parent_count, self.methods.grid
        shown, weight = Shown.whole(len(rows), count, grid), np.zeros((len(rows), count))
        for number, positions in self.methods.groups(rows.method):
            method, decisions = self.methods.methods[number], self.methods.own(number, rows.decisions[positions])
            slots = slice(method.parent_count)
            own = method.shown(decisions, grid)
            for name in ("window", "cover", "scale", "shift"):
                getattr(shown, name)[positions, slots] = getattr(own, name)
            weight[positions, slots] = decisions.parts / UNIT if method.weighs else 1.0
        return shown, weight

    def _parents(self, rows: Rows, weight: Floats) -> _Placed:
        """The objects of all parents that take part, in the order of rows and slots, as they are cached."""
        slots = np.flatnonzero(weight.ravel() > 0)
        samples = rows.parents.ravel()[slots]
        number = self.objects.numbers_of(samples)
        box = self.objects.box[number]
        low, high = box[:, 1::-1], box[:, :1:-1]
        points = self.objects.points[number] if self.objects.keypoints else np.zeros((len(number), 0, 3))
        place = np.repeat(slots, self.objects.counts[samples])
        found = _Placed(number, place, low, high, np.prod(high - low, axis=1), points)
        return found.within(np.broadcast_to(np.array([0.0, 0.0, *self.cached]), (len(number), 4)))

    def _measured(self, maps: InstanceMaps, rows: Rows, found: _Placed) -> _ByPixels:
        """What the pixels of objects say of them."""
        slot = found.place % rows.parents.shape[1]
        number = found.number - self.objects.starts[rows.parents.ravel()[found.place]] + 1
        code, row = slot * maps.stride + number, found.place // rows.parents.shape[1]
        seen = maps.seen()
        return _ByPixels(
            code, maps.own[row, slot, number], seen.area[row, code], seen.low[row, code], seen.high[row, code]
        )

    def _in_view(self, found: _Placed, views: NDArray[np.int32]) -> _Placed:
        """Objects through the views (T, 5) of their parents."""
        part = views[:, :4].astype(np.float64)
        scale = np.array(self.methods.grid.sides) / (part[:, 2:] - part[:, :2])
        found = found.within(part).moved(scale, -part[:, :2] * scale)
        keypoints = self.objects.keypoints
        return found.mirrored(views[:, 4] == 1, self.methods.grid.width, keypoints.mirrored if keypoints else ())

    def _fitting(self, row: NDArray[np.int64], area: Floats) -> NDArray[np.bool_]:
        """Which objects find a place: of too many in a row, those of which the most is seen, ties to the earlier."""
        order = np.lexsort((-area, row))
        rank = np.empty(len(row), np.int64)
        rank[order] = _place_in(row)
        return rank < self.most

    def _laid_out(self, row_count: int, found: _Placed, visible: Floats, weight: Floats) -> Mapping[str, NDArray[Any]]:
        """Objects in the first places of their rows."""
        row = found.place // self.methods.parent_count
        where = row, _place_in(row)
        objects = self.objects
        values = {
            "object_count": np.bincount(row, minlength=row_count),
            "object_box": np.concatenate([found.low[:, ::-1], found.high[:, ::-1]], axis=1),
            "object_class": objects.classes[found.number],
            "object_weight": weight[found.place] if self.recipe.object_weights == "share" else np.ones(len(row)),
            "object_visible": visible,
            "object_parent": found.place % self.methods.parent_count,
            "object_id": objects.ids[found.number],
            "object_crowd": objects.crowd[found.number],
            KEYPOINTS: np.where(found.points[..., 2:] > 0, found.points, 0),
        }
        made = {}
        for column in object_columns(self.most, found.points.shape[1] or None):
            if column.name == "object_count":
                made[column.name] = values[column.name].astype(np.int32)
                continue
            empty = NO_CLASS if column.name in ("object_class", "object_parent") else 0
            made[column.name] = np.full((row_count, *column.shape), empty, column.dtype)
            made[column.name][where] = values[column.name]
        return made


def _place_in(row: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each object among those of its row, from rows in ascending order."""
    return np.arange(len(row)) - np.searchsorted(row, row)


def _fitted(objects: Objects, scale: Floats, shift: Floats) -> Objects:
    """Objects as samples have them whose places are scaled and shifted so."""
    scale, shift = (np.repeat(each[:, ::-1], objects.counts, axis=0) for each in (scale, shift))
    box = objects.box * np.tile(scale, 2) + np.tile(shift, 2)
    points = objects.points.copy()
    if objects.keypoints:
        moved = points[..., :2] * scale[:, None] + shift[:, None]
        points[..., :2] = np.where(points[..., 2:] > 0, moved, 0)
    return replace(objects, box=box, points=points)
