"""A preview of a finished data set: results and labels from its shards, parents from the source if it can be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.objects import OBJECT_COLUMNS
from mixup_cli.fields.signal import Signal
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.report.drawn import regions
from mixup_cli.report.gather import Gathered
from mixup_cli.report.joined import joined_captions
from mixup_cli.report.lines import Mixed, Parents, Preview, lines_of
from mixup_cli.report.maps import IndexMaps
from mixup_cli.report.object_counts import checked
from mixup_cli.report.objects import Objects, seen_in
from mixup_cli.report.played import Player
from mixup_cli.report.preview import Parts, check_pictures, parents_seen
from mixup_cli.report.rgb import levels
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.scanned import fitting
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.members import Member, members_of
from mixup_cli.storage.source_table import SourceTable, sealed_table
from mixup_cli.wording import counted

Opened: TypeAlias = Callable[[int, int], Source | None]
"""Opens a source of a data set, by its number and how many there are, which is one unless the data set was merged; None
where it has gone."""


def preview_data_set(folder: Path, opened: Opened, wanted: range) -> Preview:
    """Rows of a finished data set, with their parents where `opened` gives the source that they were made from.

    Raises DataError if the data set is damaged, UsageError if it has no such rows or its samples are not images.
    """
    finished = Finished(folder, MixedArrays(folder), opened)
    count = len(finished.data)
    if wanted.start >= count:
        found = f"{folder} has the rows 0 to {count - 1}."
        raise UsageError(found, "Give one of these.", field="start", value=wanted.start)
    return finished.preview(np.arange(wanted.start, min(wanted.stop, count)))


@dataclass(frozen=True)
class Finished:
    """A finished data set, and what opens a source of it: see `Opened`. `player` is for previews that play."""

    folder: Path
    data: MixedArrays
    opened: Opened
    player: Player | None = None

    @cached_property
    def table(self) -> SourceTable | None:
        """Its sources.csv, if it is there. Raises DataError for a damaged one."""
        return sealed_table(self.folder)

    def preview(self, rows: NDArray[np.int64]) -> Preview:
        """Some rows, int64 (m) ascending. Raises UsageError if they are not images, DataError for damaged ones."""
        check_pictures(self.data.axes, self._first.shape)
        shown = list[Preview]()
        for member in members_of(self.data.manifest):
            own = rows[(rows >= member.rows.start) & (rows < member.rows.stop)]
            if len(own):
                shown.append(self._of_member(member, self.opened(*member.source), own))
        notices = dict.fromkeys(notice for each in shown for notice in each.notices)
        return Preview(tuple(line for each in shown for line in each.lines), tuple(notices))

    def _of_member(self, member: Member, source: Source | None, rows: NDArray[np.int64]) -> Preview:
        """Rows of one member, as the whole numbers them."""
        data, recipe = self.data, Recipe.from_dict(member.manifest.recipe)
        check_numbers(self.folder, data, member.inputs, rows)
        samples = data.images(rows)
        pictures = levels(samples, data.axes, recipe.normalize)
        mixed = Mixed(
            numbers=data.column("index").take(rows),
            methods=[data.manifest.methods[number] for number in data.column("method").take(rows)],
            parents=data.column("source_index").take(rows) - member.inputs.start,
            samples=samples,
            pictures=pictures,
            boxes=regions(data.column("box").take(rows), self._taken("span", rows), (self._first.shape, data.axes)),
            lam=data.column("share").take(rows)[:, 0],
            labels=data.labels(rows),
            label_kind=data.label_kind,
            class_names=data.class_names,
            objects=self._objects(rows, pictures.shape[1:3]),
            maps=IndexMaps.of(data.manifest.signals, lambda name: data.column(name).take(rows)),
        )
        if source is None:
            return Preview(lines_of(mixed, recipe, None, self.player))
        parts = self._taken("view", rows), self._taken("source_start", rows)
        parents = _parents(self.table and self.table.part(member.inputs), recipe, source, mixed.parents, parts)
        if isinstance(parents, Parents):
            mixed = replace(mixed, captions=joined_captions(source, lambda name: data.column(name).take(rows)))
            return Preview(lines_of(mixed, recipe, parents, self.player))
        lines = lines_of(mixed, recipe, None, self.player)
        return Preview(lines, (f"{self.folder}: {parents}. Showing results without parents.",))

    @property
    def _first(self) -> Signal:
        return self.data.manifest.signals[0]

    def _taken(self, name: str, rows: NDArray[np.int64]) -> NDArray[Any] | None:
        """A column of some rows; None if the data set lacks it."""
        there = any(column.name == name for column in self.data.manifest.columns)
        return self.data.column(name).take(rows) if there else None

    def _objects(self, rows: NDArray[np.int64], size: tuple[int, int]) -> Objects | None:
        """The objects of some rows of images of `size`; None where samples have a label instead."""
        there = [column.name for column in self.data.manifest.columns if column.name in OBJECT_COLUMNS]
        if not there:
            return None
        columns = checked(self.data, {name: self.data.column(name).take(rows) for name in there})
        return seen_in(columns, size, self.data.class_names)


def check_numbers(folder: Path, data: MixedArrays, inputs: range, rows: NDArray[np.int64]) -> None:
    """Raises DataError where a row names a method, an input or a class that the manifest does not have."""
    manifest = data.manifest
    known = {
        "method": range(len(manifest.methods)),
        "source_index": inputs,
        "source_label": range(manifest.least_class, len(manifest.class_names)),
    }
    there = {column.name for column in manifest.columns}
    for name in known.keys() & there:
        found = data.column(name).take(rows)
        if found.min() < known[name].start or found.max() >= known[name].stop:
            raise DataError(f"{folder}: {name} goes beyond {known[name].stop - 1}. Run mixup-gen verify {folder}.")


def _parents(
    table: SourceTable | None, recipe: Recipe, source: Source, indices: NDArray[np.int64], parts: Parts
) -> Parents | str:
    """The parents `indices` (m, P), or why the source is not the one that the data set was made from."""
    if table is None:
        return "sources.csv is missing, so the source cannot be recognised"
    if len(table.keys) != len(source):
        return f"made from {counted(len(table.keys), 'input')}, and {source.location} has {len(source)}"

    def read(job: Job) -> Parents | str:
        gathered = Gathered(source, job.targets)
        gathered.places(indices)
        return _difference(table, source, gathered) or parents_seen(source, job, gathered, indices, parts)

    try:
        return fitting(Asked(source, recipe, is_recorded=True), read)
    except (DataError, UsageError) as problem:
        return f"made from another source ({problem})"


def _difference(table: SourceTable, source: Source, gathered: Gathered) -> str:
    """What has changed since the data set was made, among the inputs that were read; empty if nothing."""
    for index, loaded in sorted(gathered.loaded.items()):
        key = table.keys[index]
        if source.keys[index] != key:
            return f"made from {key}, and {source.location} now has {source.keys[index]}"
        if loaded.sha256 != table.loaded[index].sha256:
            return f"{source.name_of(index)} has changed since"
    return ""
