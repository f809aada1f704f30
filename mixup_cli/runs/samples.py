"""The samples of a data set that stores its plan: an unmixed data set of the same source, made once and shared."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from mixup_cli.choices import PLACED_TASKS
from mixup_cli.errors import OutputExistsError, UsageError
from mixup_cli.fields.form import working
from mixup_cli.fields.signal import but_texts
from mixup_cli.fields.target import Survey, Target
from mixup_cli.listener import Listener
from mixup_cli.methods import METHODS, resolve
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.apart import check_no_donors
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.scanned import Scanned
from mixup_cli.runs.settings import Run
from mixup_cli.runs.standing import stored_in
from mixup_cli.scan.cache import CacheSettings
from mixup_cli.scan.scan import settle
from mixup_cli.scan.stored_samples import StoredSamples, manifest_hash
from mixup_cli.scan.table import table_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.sources.reading.names import escape_name
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest_records import SamplesRecord
from mixup_cli.storage.names import SAMPLES
from mixup_cli.storage.source_table import SourceTable, finished_table
from mixup_cli.wording import counted, readable, setting


class _Remembering(Listener):
    """Passes notices on, and remembers them. The stages are those of the samples."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self.notices = listener, set[str]()
        self.begin, self.advance, self.end = listener.begin, listener.advance, listener.end  # type: ignore[method-assign]

    def notice(self, text: str) -> None:
        self.notices.add(text)
        self._listener.notice(text)


LOOK_BYTES = 32 << 20
"""Samples that are looked at together."""

Make = Callable[[Source, Recipe, Run, Listener], object]
"""Makes a data set, as `runs.generate.generate` does."""


@dataclass(frozen=True)
class PlannedOn:
    """Samples that a run only plans with."""

    stored: StoredSamples
    record: SamplesRecord
    reported: frozenset[str]
    """The notices of the run that made the samples."""

    def asked(self, asked: Asked) -> Asked:
        """What was asked for, in the form that the samples have."""
        manifest, recipe = self.stored.manifest, asked.recipe
        found = Recipe.from_dict(manifest.recipe)
        sized = "size" if recipe.crop_area is None else "cache_size"
        form = {name: getattr(found, name) for name in ("channels", "layout")}
        return replace(asked, recipe=recipe.with_(**form, **{sized: found.size}))

    def widen(self, survey: Survey) -> None:
        """Let a look at some headers know the dtype of all samples. That of tokens follows from their tokenizer."""
        if not self.stored.manifest.signals[0].is_index_map:
            survey.dtypes[self.stored.forms[0].dtype] += 1

    def scanned(self, source: Source, job: Job, run: Run) -> Scanned:
        """The source as the samples' table has it: it is not read again. Raises OutputExistsError for samples of
        another form, UsageError for what only samples show."""
        for signal, found, target in zip(but_texts(job.signals), self.stored.forms, job.targets, strict=True):
            dtype = working(signal.dtype) if signal.is_index_map else target.form.dtype
            if found != (expected := replace(target.form, dtype=dtype)):
                differs = f"{signal.name} of {found.dtype} {found.shape}, expected {expected.dtype} {expected.shape}"
                remedy = f"Use another {setting('samples_folder')}."
                raise OutputExistsError(f"{self.stored.folder}: holds {differs}.", remedy)
        table = table_of(source, finished_table(self.stored.folder, self.stored.manifest).loaded)
        settle(source, table.loaded, run.tolerance)
        if job.target.finish is not None:
            self._check_values(job.target, table)
        return Scanned(source, job, None, table, samples=self.stored)

    def _check_values(self, target: Target, table: SourceTable) -> None:
        """Raises UsageError for a sample of which normalisation makes infinities, as a scan finds it."""
        step, usable = max(1, LOOK_BYTES // target.form.sample_bytes), table.usable
        for start in range(0, len(usable), step):
            some = usable[start : start + step]
            for index, problem in zip(some.tolist(), target.problems(self.stored.take(0, some)), strict=True):
                if problem is not None:
                    remedy = f"Pass {setting('store', 'rows')} and {setting('on_error', 'skip')}, or another scale."
                    raise UsageError(f"{table.keys[index]}: {problem}.", remedy, field="normalize")


def planned_on(asked: Asked, run: Run, listener: Listener, make: Make) -> PlannedOn:
    """Make the samples of a run that stores its plan, or take those that are there. Raises UsageError for a run that
    cannot store its plan, OutputExistsError if the folder holds others, and what `make` raises."""
    check_stores_plan(asked, run)
    stored_in(DataSetFolder(run.out), run.force)
    folder = run.samples_place
    heard = _Remembering(listener)
    try:
        make(asked.source, recipe_of_samples(asked), run_of_samples(run), heard)
    except OutputExistsError as problem:
        remedy = f"It is for the samples: name another folder with {setting('samples_folder')}, or remove it."
        raise OutputExistsError(problem.found, remedy) from None
    place = os.path.relpath(folder.resolve(), run.out.resolve())
    record = SamplesRecord(folder=escape_name(Path(place).as_posix()), manifest_sha256=manifest_hash(folder))
    stored = StoredSamples.open(folder)
    totals = stored.manifest.totals
    held = f"{counted(totals.samples, 'sample')} that readers mix, {readable(totals.bytes)}"
    listener.notice(f"{folder}: holds the {held}")
    return PlannedOn(stored, record, frozenset(heard.notices))


def planning(run: Run) -> Run:
    """How a run that only plans is carried out."""
    return replace(run, caching=CacheSettings("none"))


def run_of_samples(run: Run) -> Run:
    """How they are made: each once, whatever the run asks for."""
    caching = replace(run.caching, folder=run.caching.kept_in(run.out))  # beside the output, not in it
    own = replace(run, out=run.samples_place, caching=caching, passes=1, samples=None, plan=None, force=False)
    return replace(own, samples_folder=None, heldout=None, batch_size=None, shard_bytes=None)


def recipe_of_samples(asked: Asked) -> Recipe:
    """What makes an unmixed data set of every input, in the form in which the recipe would cache it."""
    recipe, size = asked.recipe, asked.recipe.size
    if recipe.crop_area is not None:
        size = recipe.cache_size or asked.job(asked.source.survey()).target.form.size
    dtype = recipe.dtype if recipe.dtype in (None, "uint8", "uint16") else "source"
    same = {name: getattr(recipe, name) for name in ("resize", "channels", "value_range", "layout")}
    pads = recipe.resize == "canvas" or (asked.source.task in PLACED_TASKS and recipe.resize in (None, "pad"))
    fill = recipe.fill if pads else Recipe.fill
    methods, is_whole = (MethodChoice("none"),), _are_longer(asked)
    return Recipe(methods=methods, size=size, dtype=dtype, fill=fill, is_whole_in_time=is_whole, **same)


def _are_longer(asked: Asked) -> bool:
    """Whether samples are longer than the rows, which show parts of them in time."""
    return asked.survey().window is not None


def check_stores_plan(asked: Asked, run: Run) -> None:
    """Raises UsageError for a run that is to store its plan, and cannot."""
    if (recipe := asked.recipe).store == "rows":
        return
    check_no_donors(asked.source)
    if pasted := [choice.name for choice in resolve(recipe.methods) if METHODS[choice.name].needs_map]:
        found = f"{pasted[0]} decides by masks what it pastes, and readers mix without them."
        raise UsageError(found, "Leave it out.", field="store", value="plan")
    if run.store is not None:
        raise UsageError("the samples beside it must be files here.", "Use a folder.", field="out", value=run.store)
    inside, usual = run.samples_place.resolve(), run.out.resolve() / SAMPLES
    if inside != usual and inside.is_relative_to(run.out.resolve()):
        found = f"it lies in {run.out}, which is for the plan."
        raise UsageError(found, "Use another, or leave it out.", field="samples_folder", value=run.samples_place)
    if inside.drive.lower() != run.out.resolve().drive.lower():  # only Windows has drives
        found = f"it lies on another drive than {run.out}, from which its path is relative."
        raise UsageError(found, "Use a folder on the same drive.", field="samples_folder", value=run.samples_place)
    if run.caching.kind == "none":
        raise UsageError("the samples are decoded once, and written.", "Leave it out.", field="cache", value="none")
    if not run.part.is_whole:
        first = f"make {setting('samples_folder')} with {setting('methods', 'none')}, in parts"
        remedy = "Leave it out." + f" If reading the source takes long, first {first}." * (not _are_longer(asked))
        found = f"{setting('store', 'plan')} writes little, and one run does it."
        raise UsageError(found, remedy, field="part", value=run.part)
