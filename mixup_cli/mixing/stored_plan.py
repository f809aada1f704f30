"""A data set that stores its plan: its rows, read back from shards, and mixed from its samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli import backend
from mixup_cli.errors import DataError
from mixup_cli.fields.decide import recipe_of, void_of
from mixup_cli.fields.field import PLAN_COLUMNS, SCALE
from mixup_cli.fields.form import Form
from mixup_cli.fields.label import Label
from mixup_cli.fields.signal import Signal, but_texts
from mixup_cli.fields.target import Target
from mixup_cli.methods import Decisions
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.shard_values import blend_dtype, stored
from mixup_cli.mixing.signal import Mixer
from mixup_cli.plan.plan import Rows
from mixup_cli.recipe import Recipe
from mixup_cli.scan.stored_samples import OneByOne, StoredSamples
from mixup_cli.scan.supply import Portion
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.opened import OpenedDataSet

PORTION_BYTES = 32 << 20
"""Samples that are taken together when shards are made: enough that few are taken twice, and little memory."""


class StoredPlan:
    """The plan in the shards of a data set: a `plan.plan.Planned` whose rows can be asked for in any order."""

    notices: tuple[str, ...] = ()

    def __init__(self, opened: OpenedDataSet) -> None:
        manifest = opened.manifest
        self.recipe, first = Recipe.from_dict(manifest.recipe), manifest.signals[0]
        self.methods = MethodSet(self.recipe, first.grid, Unmixed.name in manifest.methods)
        if tuple(self.methods.names) != manifest.methods:
            known = f"{', '.join(manifest.methods)}, and its recipe {', '.join(self.methods.names)}"
            raise DataError(f"{opened.folder}: has the methods {known}.", "Run mixup-gen verify.")
        names = {column.name for column in manifest.columns}
        self.columns = {name: ShardedColumn(opened, name) for name in names}
        self._is_scaled = any(method.shares_apart for method in self.methods.methods)  # else all scales are 1

    def at(self, rows: NDArray[np.int64]) -> Rows:
        """Some rows, in the given order. Raises DataError for numbers that no method decides: kernels believe them."""
        taken = {name: self.columns[name].take(rows) for name in ("source_index", "method", "box", *PLAN_COLUMNS)}
        if len(rows) and taken["method"].max() >= len(self.methods.methods):
            raise DataError("a row has a method that its recipe lacks. Run mixup-gen verify.")
        span, start, views = (
            self.columns[name].take(rows) if name in self.columns else None for name in ("span", "source_start", "view")
        )
        scale = self.columns[SCALE].take(rows) if self._is_scaled else None
        self._check_places(taken["box"], span)
        decisions = Decisions(taken["weight"], taken["box"], taken["mask_seed"].view(np.uint64))
        decisions = replace(decisions, span=span, start=start, scale=scale)
        return Rows(rows, taken["source_index"], taken["method"], decisions, views)

    def _check_places(self, box: NDArray[np.int32], span: NDArray[np.int32] | None) -> None:
        grid = self.methods.grid
        ends = np.zeros((1, 2), np.int32) if span is None else span
        is_inside = (ends[:, 0] >= 0) & (ends[:, 0] <= ends[:, 1]) & (ends[:, 1] <= grid.length)
        if not (grid.holds(box).all() and is_inside.all()):
            raise DataError("a row has a box or a span that leaves its sample. Run mixup-gen verify.")

    def rows(self, start: int, stop: int) -> Rows:
        """See `Planned`."""
        return replace(self.at(np.arange(start, stop)), share=self.columns["share"][start:stop])

    def parents(self, start: int, stop: int) -> NDArray[np.int64]:
        """See `Planned`."""
        return self.columns["source_index"][start:stop]


@dataclass(frozen=True)
class StoredSupply:
    """The samples that rows of a stored plan need, as `ShardMaker` takes them."""

    plan: StoredPlan
    samples: StoredSamples
    sample_bytes: int

    def serving(self, shards: Sequence[range]) -> AbstractContextManager[object]:
        """See `Supply.serving`."""
        return nullcontext()

    def portions(self, rows: range) -> Iterator[Portion]:
        """See `Supply.portions`."""
        step = max(1, PORTION_BYTES // (self.sample_bytes * self.plan.methods.parent_count))
        for start in range(rows.start, rows.stop, step):
            part = range(start, min(start + step, rows.stop))
            indices = np.unique(self.plan.parents(part.start, part.stop))
            signals = range(len(self.samples.forms))
            yield Portion(part, tuple(self.samples.take(each, indices) for each in signals), indices, is_cached=False)


class Remixer:
    """Mixes any rows of a data set that stores its plan. Safe to call from several threads at once.

    Raises what `StoredSamples` raises if its samples are missing or others.
    """

    def __init__(self, opened: OpenedDataSet) -> None:
        manifest = opened.manifest
        backend.settle(manifest.totals.samples, sum(column.row_bytes for column in manifest.mixed or ()))
        self._samples = StoredSamples.open(opened.folder, manifest.samples)
        self._signals, self._plan = but_texts(manifest.signals), StoredPlan(opened)
        self._mixers = [*map(self._mixer, self._signals, self._samples.forms)]
        self._label = Label(self._samples.labels.kind, manifest.class_names, self._plan.recipe)

    def _mixer(self, signal: Signal, cached: Form) -> Mixer:
        recipe = recipe_of(self._plan.recipe, signal)
        forms = cached, signal.mixed(Target(cached))
        return Mixer.open(recipe, self._plan.methods, forms, "cpu", void_of(recipe, signal))

    def values(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
        """The signal, or the labels, of some rows in the given order: (m, *shape)."""
        if name == Label.name:
            return self._labels(rows)
        return self._mixed([signal.name for signal in self._signals].index(name), rows)

    def _mixed(self, number: int, rows: NDArray[np.int64]) -> NDArray[Any]:
        signal, methods = self._signals[number], self._plan.methods
        dtype = blend_dtype(signal.dtype, self._mixers[number].stage.form.dtype)
        mixed = np.empty((len(rows), *signal.shape), dtype)
        step = min(methods.block_rows, max(1, PORTION_BYTES // mixed[:1].nbytes))
        for start in range(0, len(rows), step):
            self._mix(number, rows[start : start + step], mixed[start : start + step])
        return stored(mixed, signal.dtype)

    def _mix(self, number: int, rows: NDArray[np.int64], out: NDArray[Any]) -> None:
        planned, methods = self._plan.at(rows), self._plan.methods
        samples, placed = self._taken(number, planned)
        for method, positions in methods.groups(planned.method):
            weights = methods.weights(method, planned.decisions[positions])
            self._mixers[number].mix(samples, placed[positions], weights, out, positions)

    def _taken(self, number: int, planned: Rows) -> tuple[NDArray[Any], Rows]:
        """The samples of rows, and the rows with the places of their parents among them. Of samples of which rows show
        a part in time, no more is read than that."""
        decisions, shape = planned.decisions, planned.parents.shape
        if decisions.start is None:
            indices, places = np.unique(planned.parents, return_inverse=True)
            return self._samples.take(number, indices), replace(planned, parents=places.reshape(shape))
        whole, stage = OneByOne(self._samples, number), self._mixers[number].stage
        parts = stage.later(whole, planned.parents.ravel(), decisions.start.ravel())
        places = np.arange(len(parts)).reshape(shape)
        return parts, replace(planned, parents=places, decisions=replace(decisions, start=None))

    def _labels(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        parents, share, label_share = (
            self._plan.columns[name].take(rows) for name in ("source_index", "share", "label_share")
        )
        self._samples.rows_of(parents)  # raises DataError for a number that is not an input
        return self._label.mix(self._samples.labels, parents, share, label_share)
