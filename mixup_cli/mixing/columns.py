"""Which columns a shard has, and how each is computed from rows of the plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mixup_cli.draws.beta import UNIT
from mixup_cli.fields.axes import has_time
from mixup_cli.fields.captions import Captions
from mixup_cli.fields.field import COLUMNS, SCALE
from mixup_cli.fields.label import Label
from mixup_cli.fields.labels import Labels, base_shares, remix_shares, shares_of_base_alone, union_shares
from mixup_cli.fields.objects import LOST, Objects
from mixup_cli.fields.signal import ATTENTION, INPUT_IDS, Signal
from mixup_cli.image_format import ImageFormat
from mixup_cli.methods import METHODS
from mixup_cli.mixing.captions import attention_mask, token_ids
from mixup_cli.mixing.inner import Inner
from mixup_cli.mixing.objects import ObjectMaker, most_objects, object_columns
from mixup_cli.pairing import chosen
from mixup_cli.plan.plan import Rows, population_of
from mixup_cli.recipe import Recipe
from mixup_cli.storage.contradictions import LABEL_COLUMNS
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.reading import ShardedColumn


def columns_of(
    recipe: Recipe, signals: Sequence[Signal], labels: Labels, parent_count: int, objects: Objects | None = None
) -> tuple[Column, ...]:
    """The columns that readers give, in the order in which they stand in `docs/format.md`. They are those that shards
    hold, unless the data set stores its plan: see `planned_columns`."""
    pair = (parent_count,)
    encoding = None if recipe.encode is None else ImageFormat.parse(recipe.encode)
    first, *others = signals
    chosen = [Column(first.name, first.dtype, first.shape, encoding)]
    chosen += [Column(signal.name, signal.dtype, signal.shape) for signal in others]
    sparse = labels.kind == "classes" and recipe.labels in ("sparse", "both")
    if labels.values is not None or (labels.kind == "classes" and recipe.labels in ("dense", "both")):
        chosen.append(Column("labels", "float32", (len(labels.class_names),)))
    chosen += [Column("index", "int64", ()), Column("source_index", "int64", pair)]
    if sparse:
        chosen.append(Column("source_label", "int32", pair))
    chosen.append(Column("share", "float32", pair))
    if sparse:
        chosen.append(Column("label_share", "float32", pair))
    chosen += [Column("method", "uint8", ()), Column("box", "int32", (4,))]
    if recipe.has_views:
        chosen.append(Column("view", "int32", (parent_count, 5)))
    chosen += _columns_in_time(recipe, first, pair)
    if objects is not None:
        keypoint_count = len(objects.keypoints.names) if objects.keypoints else None
        chosen += object_columns(most_objects(objects, recipe, parent_count), keypoint_count)
        if recipe.max_objects is not None:
            chosen.append(Column(LOST, "int32", ()))
    return tuple(chosen)


def _columns_in_time(recipe: Recipe, first: Signal, pair: tuple[int]) -> list[Column]:
    """The columns of samples that go on in time."""
    made = [Column("span", "int32", (2,))] if has_time(first.axes) else []
    if recipe.is_part_in_time or any(METHODS[choice.name].moves_in_time for choice in recipe.methods):
        made.append(Column("source_start", "int64", pair))
    return [*made, Column("gain", "float32", pair)] if first.axes == "tc" else made


def planned_columns(columns: Sequence[Column], signals: Sequence[Signal]) -> tuple[Column, ...]:
    """What shards hold of a data set that stores its plan, from the columns that readers give: no signals but texts and
    no dense labels, which readers compute, and all that they compute them from."""
    texts = [signal.name for signal in signals if signal.kind == "text"]
    computed = {Label.name, *(signal.name for signal in signals)}.difference(texts)
    kept = {column.name: column for column in columns if column.name not in computed}
    pair = kept["share"].shape
    if {column.name for column in columns} & LABEL_COLUMNS:
        kept["label_share"] = Column("label_share", "float32", pair)
    stored = [kept[name] for name in (*texts, *COLUMNS) if name in kept]
    scale = [Column(SCALE, "float32", ())] if "gain" in kept else []
    return (*stored, Column("weight", "int32", pair), Column("mask_seed", "int64", ()), *scale)


def _or_zeros(found: NDArray[Any] | None, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    return np.zeros(shape, dtype) if found is None else found


def _scale(rows: Rows) -> NDArray[np.float32]:
    scale = rows.decisions.scale
    return np.ones(len(rows), np.float32) if scale is None else scale


OF_PLAN: Mapping[str, Callable[[Rows], NDArray[Any] | None]] = {
    "index": lambda rows: rows.index,
    "source_index": lambda rows: rows.parents,
    "method": lambda rows: rows.method,
    "box": lambda rows: rows.decisions.box,
    "view": lambda rows: rows.views,
    "weight": lambda rows: rows.decisions.parts,
    "mask_seed": lambda rows: rows.decisions.mask_seed.view(np.int64),
    "span": lambda rows: _or_zeros(rows.decisions.span, (len(rows), 2), np.int32),
    "source_start": lambda rows: _or_zeros(rows.decisions.start, rows.parents.shape, np.int64),
    "gain": lambda rows: rows.decisions.parts.astype(np.float32) / np.float32(UNIT) * _scale(rows)[:, None],
    SCALE: _scale,
}
"""Columns that say what was planned."""


@dataclass(frozen=True)
class RowColumns:
    """Every column but those of signals that are loaded, from rows of the plan and the parents' shares, float32 (m, P).

    `recipe` is the resolved one; `usable` int64 (n) are the source indices of the samples that can be mixed. Remix
    counts the classes over those of them that the recipe chooses.
    """

    labels: Labels
    recipe: Recipe
    usable: NDArray[np.int64]
    objects: ObjectMaker | None = None
    captions: Captions | None = None
    inner: Inner | None = None
    """Where pictures lie in the padding around them, of samples that have index maps and no objects."""
    texts: Mapping[str, ShardedColumn] = field(default_factory=dict)
    """The columns of captions, where a plan was stored with them: its own columns, by name."""

    def seen(self, rows: Rows) -> Rows:
        """Rows with what of their parents' form decides where pixels go: see `Inner.seen`."""
        inner = self.inner if self.objects is None else self.objects.inner
        return rows if inner is None else inner.seen(rows)

    def values(self, name: str, rows: Rows, share: NDArray[np.float32]) -> NDArray[Any]:
        """The values of column `name` for the rows: (m, *column.shape)."""
        match name:
            case "labels":
                return self._dense(rows, share)
            case "source_label":
                return self._classes(rows)
            case "share":
                return share
            case "label_share":
                return self._label_share(rows, share)
        if name in self.texts:
            return self.texts[name].take(rows.index)
        if name in (INPUT_IDS, ATTENTION) and self.captions is not None:
            made = token_ids if name == INPUT_IDS else attention_mask
            return made(self.captions, rows.parents, share)
        return np.asarray(OF_PLAN[name](rows))

    def _classes(self, rows: Rows) -> NDArray[np.int32]:
        if self.labels.classes is None:
            raise KeyError("the source has no classes, so no column is made of them")
        return self.labels.classes[rows.parents]

    def _label_share(self, rows: Rows, share: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each parent counts in the label, by the recipe's rule: float32 (m, P)."""
        if self.recipe.separate_donors:
            return shares_of_base_alone(share)
        match self.recipe.label_rule:
            case "base":
                return base_shares(share)
            case "union":  # of other labels than classes, `Label.mix` makes the union itself
                return share if self.labels.classes is None else union_shares(self._classes(rows), share)
            case "remix":
                return self._remix_share(rows, share)
            case "soft":
                return share

    def _remix_share(self, rows: Rows, share: NDArray[np.float32]) -> NDArray[np.float32]:
        kappa, tau = self.recipe.remix_kappa, self.recipe.remix_tau
        if kappa is None or tau is None:
            raise ValueError("the recipe is not resolved")
        return remix_shares(self._classes(rows), share, self._class_sizes, kappa, tau)

    @cached_property
    def _class_sizes(self) -> NDArray[np.int64]:
        """How many samples of each class are mixed: int64 (K)."""
        mixed = chosen(self.recipe, population_of(self.labels, self.usable)).classes
        if mixed is None:
            raise KeyError("the source has no classes to count")
        return np.bincount(mixed, minlength=len(self.labels.class_names))

    def _dense(self, rows: Rows, share: NDArray[np.float32]) -> NDArray[np.float32]:
        label = Label(self.labels.kind, self.labels.class_names, self.recipe)
        return label.mix(self.labels, rows.parents, share, self._label_share(rows, share))
