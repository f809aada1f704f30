"""A preview of a source: some rows of the plan with their parents, results and labels, before anything is generated.

Nothing is scanned: the plan is made as if every input could be read, and only the parents of the rows are loaded. The
real plan and mixer make the results, so that they are what `generate` would write.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import PICTURES
from mixup_cli.fields.decide import void_of
from mixup_cli.fields.objects import OBJECT_COLUMNS
from mixup_cli.fields.signal import ATTENTION, INPUT_IDS, INSTANCES
from mixup_cli.kernels.resample import nearest, resample
from mixup_cli.methods.base import Resample, pure
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.none import Unmixed
from mixup_cli.mixing.columns import RowColumns
from mixup_cli.mixing.stage import Stage
from mixup_cli.mixing.surface import surface_of
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.plan.plan import Planned, Rows
from mixup_cli.plan.views import Views
from mixup_cli.recipe import Recipe
from mixup_cli.report.drawn import DRAWN, regions
from mixup_cli.report.gather import Gathered
from mixup_cli.report.joined import joined_captions
from mixup_cli.report.lines import Mixed, Parents, Preview, lines_of
from mixup_cli.report.maps import IndexMaps
from mixup_cli.report.objects import of_parents, seen_in
from mixup_cli.report.played import Player
from mixup_cli.report.rgb import levels
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.planning import finder_of, maker_of, planned, row_columns
from mixup_cli.runs.scanned import fitting
from mixup_cli.runs.settings import Run
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import setting

SHOWN = (*PICTURES, *DRAWN)
"""The axes of samples that can be shown."""

Parts: TypeAlias = tuple[Views | None, NDArray[np.int64] | None]
"""The views through which parents are seen, and the places in time that are seen first, if not all is seen."""


def preview_source(source: Source, recipe: Recipe, wanted: range, plan_file: PlanFile | None = None) -> Preview:
    """Rows of the plan, computed or from a file, and what `generate` would make of them.

    Raises what `generate` raises for a recipe that does not fit the source, and UsageError for samples that
    are not images.
    """
    return fitting(Asked(source, recipe), lambda job: preview_of_job(source, job, wanted, plan_file))


def preview_of_job(
    source: Source, job: Job, wanted: range, plan_file: PlanFile | None, player: Player | None = None
) -> Preview:
    """Rows of the plan of a job, with what `player` makes of them. Raises FormMismatch where a sample does not fit it,
    and UsageError for other samples than images."""
    check_pictures(job.form.axes, job.form.shape)
    shown = {job.signals[0].name, "share", INPUT_IDS, ATTENTION, *job.recipe.index_maps, *OBJECT_COLUMNS}
    sketch = sketched(source, job, wanted, shown, plan_file)
    gathered, plan, rows, columns, made = sketch.gathered, sketch.plan, sketch.rows, sketch.columns, sketch.made
    share = made["share"]
    mixed = Mixed(
        numbers=rows.index,
        methods=[plan.methods.names[number] for number in rows.method],
        parents=rows.parents,
        samples=made[job.signals[0].name],
        pictures=levels(made[job.signals[0].name], job.form.axes, job.recipe.normalize),
        boxes=regions(rows.decisions.box, rows.decisions.span, (job.form.shape, job.form.axes)),
        lam=share[:, 0],
        labels=None if source.labels.kind == "none" else columns.values("labels", rows, share),
        label_kind=job.label_kind,
        class_names=job.class_names,
        objects=None if source.objects is None else seen_in(_of_objects(made), job.form.size, job.class_names),
        maps=IndexMaps.of(job.signals, made.__getitem__),
        captions=joined_captions(source, made.__getitem__),
    )
    parents = parents_seen(source, job, gathered, rows.parents, (rows.views, rows.decisions.start))
    notices = (*source.notices, *job.notices, *plan.notices, *doubts(source, gathered))
    return Preview(lines_of(mixed, job.recipe, parents, player), notices)


def check_pictures(axes: str, shape: tuple[int, ...]) -> None:
    """Raises UsageError for samples that are not images."""
    if axes not in SHOWN:
        raise UsageError(f"preview shows images, and these samples have the shape {shape}. Use mixup-gen inspect.")


@dataclass(frozen=True)
class Sketch:
    """Some rows as they would be made: the samples that were gathered for them, the plan and its rows, what computes
    columns from these, and some columns, by name."""

    gathered: Gathered
    plan: Planned
    rows: Rows
    columns: RowColumns
    made: dict[str, NDArray[Any]]


def sketched(source: Source, job: Job, wanted: range, names: Container[str], plan_file: PlanFile | None) -> Sketch:
    """Make some columns of some rows, without a scan. Raises FormMismatch where a sample does not fit the job."""
    gathered = Gathered(source, job.targets, partial(finder_of, job=job))
    everything = np.arange(len(source))  # as if each of them could be read
    plan = planned(job, source, everything, gathered, plan_file)
    rows = plan.rows(wanted.start, wanted.stop)
    gathered.places(rows.parents)
    columns = row_columns(source, job, plan, everything)
    values = maker_of(job, columns, plan, gathered.supply, Run(device="cpu", batch_size=1)).values(wanted)
    made = {
        column.name: np.concatenate([tile.copy() for tile in values(column)])  # a tile is good until the next one
        for column in job.columns
        if column.name in names
    }
    return Sketch(gathered, plan, rows, columns, made)


def _of_objects(made: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {name: values for name, values in made.items() if name in OBJECT_COLUMNS}


def parents_seen(source: Source, job: Job, gathered: Gathered, indices: NDArray[np.int64], parts: Parts) -> Parents:
    """The parents `indices` (m, P) as they are seen in their rows, of which `parts` are shown, not yet mixed."""
    places, maps, (views, starts) = gathered.places(indices), None, parts

    def seen(number: int, fill: NDArray[Any], resize: Resample) -> NDArray[Any]:
        signal, target = job.signals[number], job.targets[number]
        stage = Stage(target.form, signal.mixed(target), fill, linear_light=False, resample=resize)
        alone = replace(decided(pure(len(places), 0, places.shape[1])), start=starts)
        samples, positions = stage.set(gathered.signal(number), places, views, Unmixed(), alone)
        return samples[positions]

    for number, signal in enumerate(job.signals):
        if maps is None and (void := void_of(job.recipe, signal)) is not None:
            numbers = seen(number, np.full((1, 1), void, job.targets[number].form.dtype), nearest)
            slots = np.tile(np.arange(places.shape[1]), len(places))[:, None] if signal.name == INSTANCES else None
            maps = IndexMaps(numbers.reshape(-1, 1, *numbers.shape[2:]), slots)
    samples = seen(0, surface_of(job.form, job.recipe).fill, resample)
    flat = levels(samples.reshape(-1, *samples.shape[2:]), job.form.axes)
    pictures = flat.reshape(*places.shape, *flat.shape[1:])
    return Parents(source, samples, pictures, of_parents(source, job, indices, views), gathered.problems, maps)


def doubts(source: Source, gathered: Gathered) -> list[str]:
    """Why `generate` may make other rows than these."""
    if not gathered.problems:
        return []
    index, problem = next(iter(sorted(gathered.problems.items())))
    skips = f"with {setting('on_error', 'skip')} it leaves it out, and pairs change"
    return [f"{source.name_of(index)}: {problem}. generate would refuse it; {skips}"]
