"""Standing: what an output folder holds, compared with what is wanted. A difference is exit code 73."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.fields.target import Survey
from mixup_cli.recipe import Recipe
from mixup_cli.runs.differences import Identity, LabelMeaning, differences
from mixup_cli.runs.fingerprint import Pixels, otherwise, versions
from mixup_cli.runs.job import Asked, Job
from mixup_cli.runs.settings import Run, check_caching, row_count
from mixup_cli.scan.table import table_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.begun import Begun
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.json_files import read_json
from mixup_cli.storage.loaded import LoadedColumn
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.names import MANIFEST, RUN, SOURCES
from mixup_cli.storage.source_table import SourceTable, finished_table, sealed_table
from mixup_cli.wording import counted, setting, use_another

State = Literal["made", "resumed", "extended", "unchanged", "part"]


@dataclass(frozen=True)
class Stored:
    """What an output folder holds: the manifest of a finished data set, and what an unfinished run has written down.

    The properties are fields of `Identity`: they read files when they are asked. Raises DataError for a damaged file.
    """

    folder: DataSetFolder
    finished: Manifest | None = None
    begun: Begun | None = None

    @property
    def recipe(self) -> Recipe | None:
        """The recipe of a finished data set, or else of an unfinished one. Raises OutputExistsError if it was merged,
        since it has several."""
        if (self.finished and self.finished.members) or (self.begun and self.begun.merged):
            found = "was merged from other data sets, and only these can be extended."
            raise OutputExistsError(f"{self.folder.path}: {found}", use_another(or_force=True))
        if self.finished is not None:
            return Recipe.from_dict(self.finished.recipe)
        return None if self.begun is None else self.begun.recipe

    @property
    def pixels(self) -> Pixels | None:
        """From the unfinished run, or else from run.json; None if neither says it."""
        if self.begun is not None:
            return Pixels(self.begun.pixel_fingerprint, self.begun.versions)
        record = _run_record(self.folder)
        if "pixel_fingerprint" not in record:
            return None
        then = record.get("versions")
        return Pixels(record["pixel_fingerprint"], then if isinstance(then, dict) else {})

    @cached_property
    def source(self) -> SourceTable | str | None:
        """sources.csv. If it is lost, the fingerprint of the source that finished shards are from; None if there are
        no such shards, as when a run was cut off before it wrote sources.csv."""
        folder, finished = self.folder.path, self.finished
        table = finished_table(folder, finished) if finished else sealed_table(folder)
        if table is None:
            return self.begun.source_fingerprint if self.begun and self.folder.rows_done() else None
        if finished is not None and finished.source.samples != len(table.loaded):
            found = f"says {counted(finished.source.samples, 'input')}, and {SOURCES} lists {len(table.loaded)}."
            remedy = f"Make the data set again with {setting('force')}."
            raise DataError(f"{self.folder.path / MANIFEST}: {found}", remedy)
        return table

    @property
    def labels(self) -> LabelMeaning | None:
        """sources.csv has the values of labels alone."""
        if self.finished is not None:
            return self.finished.label_kind, self.finished.class_names
        if self.begun is None or self.begun.label_kind is None:
            return None
        return self.begun.label_kind, self.begun.class_names or ()

    @property
    def rows(self) -> int | None:
        """The rows that all parts must ask for. None for a whole run, which may ask for another number than before."""
        is_unfinished = self.finished is None or self.folder.growth.is_begun
        return self.begun.rows if self.begun and is_unfinished and not self.folder.part.is_whole else None

    def is_complete(self, rows: int) -> bool:
        """Whether it is a finished data set of just these rows, with its shards. Raises as `has_rows` does."""
        return self.finished is not None and self.has_rows(rows) and self.has_shards

    def has_rows(self, rows: int) -> bool:
        """Whether a finished data set has just these rows. Raises OutputExistsError if it has more."""
        found = 0 if self.finished is None else self.finished.totals.samples
        if rows < found:
            problem = f"{self.folder.path}: has {counted(found, 'sample')}, more than the {rows} asked for."
            raise OutputExistsError(problem, use_another(or_force=True))
        return rows == found

    @property
    def has_shards(self) -> bool:
        """Whether every shard of the manifest exists in full length. `verify` is what reads their content."""
        sizes = self.folder.shard_sizes()
        return self.finished is not None and all(sizes.get(each.file) == each.bytes for each in self.finished.shards)

    def done_bytes(self, rows: int, samples_per_shard: int) -> int:
        """The bytes of shards that need not be written for `rows` rows. A short last shard is made again, beside the
        old one."""
        if self.folder.outlet.is_remote:
            return 0  # on this disk
        done = self.folder.shard_bytes()
        if self.finished is not None and self.finished.totals.samples < rows:
            last = self.finished.shards[-1:]
            done -= sum(shard.bytes for shard in last if shard.stop - shard.start < samples_per_shard)
        return done


@dataclass(frozen=True)
class Standing:
    """The job, compared with what is stored."""

    state: State
    job: Job
    stored: Stored

    @property
    def complete(self) -> Manifest | None:
        """The data set that is wanted, if it is finished already."""
        return self.stored.finished if self.state == "unchanged" else None


def standing_of(stored: Stored, asked: Asked, survey: Survey, run: Run) -> Standing:
    """Resolve the job, and find out what a run has to do. Raises OutputExistsError if the folder holds something
    else."""
    job = job_beside(stored, asked, survey, run)
    state: State = "made" if stored.recipe is None else "resumed"
    if stored.finished is not None:
        rows = row_count(job.recipe, run, asked.source.labels, stored.finished.usable)
        if not stored.has_rows(rows):
            state = "extended"
        elif stored.has_shards:  # shards that were removed or cut are made again
            state = "unchanged"
    return Standing(state, job, stored)


def job_beside(stored: Stored, asked: Asked, survey: Survey, run: Run) -> Job:
    """The job of a run that goes on with what is stored. Raises OutputExistsError unless it is the same, as far as can
    be known without reading a sample."""
    if stored.begun is not None and stored.begun.depth is not None:
        survey.dtypes[stored.begun.depth] += 1
    job = asked.following(stored.recipe).job(survey)
    check_caching(job.recipe, run)
    if stored.recipe is not None:
        check_same(stored, Identity(recipe=job.recipe))
        check_same(stored, Identity(source=_listing(asked.source, stored.source), labels=job.labels))
    return job


def stored_in(folder: DataSetFolder, force: bool = False) -> Stored:
    """What a folder holds that a run must go on with: nothing with `force`. Raises OutputExistsError if no data set can
    lie here."""
    nearest = next((each for each in (folder.path, *folder.path.parents) if os.path.lexists(each)), None)
    if nearest is not None and not nearest.is_dir():
        needed = f"{setting('out', folder.path)} needs one. Use another {setting('out')}."
        raise OutputExistsError(f"{nearest}: is not a folder, and {needed}")
    if force:
        folder.check_clearable()
        return Stored(folder)
    foreign = folder.foreign()
    if foreign and not folder.is_ours:
        folder.check_clearable()  # if force would be refused too, do not offer it
        remedy = f"Use another {setting('out')} (or {setting('force')}, which leaves such files alone)."
        raise OutputExistsError(f"{folder.path}: holds {foreign[0]!r}, which is not part of a data set.", remedy)
    return Stored(folder, folder.finished(), folder.begun())


def check_same(stored: Stored, wanted: Identity) -> None:
    """Raises OutputExistsError for the first difference. A file is read only when its turn comes."""
    for name in (field.name for field in fields(Identity) if getattr(wanted, field.name) is not None):
        for _, found in differences(Identity(**{name: getattr(stored, name)}), wanted):
            raise _refusal(stored, wanted, name, found)


def _refusal(stored: Stored, wanted: Identity, field: str, found: str) -> OutputExistsError:
    """What to say of a difference, and what to do about it."""
    folder, remedy = stored.folder, use_another(or_force=True)
    encode = stored.recipe.encode if field == "pixels" and stored.recipe else None
    problem = {
        "recipe": f"was made with different settings ({found})",
        "pixels": f"was begun where images {otherwise(encode)} ({found})",
        "source": f"was {'begun' if isinstance(stored.source, str) else 'made'} from another source ({found})",
        "labels": f"was made from other labels ({found})",
        "rows": f"was begun {found} in part {folder.part}",
    }[field]
    if field == "pixels":
        remedy = f"Continue there. {remedy}"
    elif field == "rows":
        remedy = f"Ask for the same number in all parts, or {folder.give_up}."
    elif field == "labels" and stored.finished and wanted.labels and wanted.labels[0] == stored.finished.label_kind:
        remedy = f"Pass {setting('classes', folder.path)} for the classes that it was made with. {remedy}"
    return OutputExistsError(f"{folder.path}: {problem}.", remedy)


def other_pixels(folder: DataSetFolder, fingerprint: str) -> str | None:
    """How versions differ from those under which the data set was begun; None if the pixels are the same, or if that is
    not known."""
    stored = Identity(pixels=Stored(folder, begun=folder.begun()).pixels)
    found = differences(stored, Identity(pixels=Pixels(fingerprint, versions())))
    return next((how for _, how in found), None)


def _listing(source: Source, before: SourceTable | str | None) -> SourceTable | None:
    """The table of a source that was listed and not read: each input of the same size counts as unchanged."""
    if not isinstance(before, SourceTable):
        return None
    unchanged = [
        loaded if size in (-1, loaded.stored_bytes) or loaded.problem else loaded.resized(size)
        for loaded, size in zip(before.loaded, source.stored_bytes(), strict=False)
    ]
    return table_of(source, LoadedColumn.of(unchanged))


def _run_record(folder: DataSetFolder) -> dict[str, Any]:
    """run.json; empty if absent. Raises DataError for one that does not say what the pixels depend on."""
    path = folder.path / RUN
    try:
        return read_json(path) if path.exists() else {}
    except DataError as problem:
        raise DataError(problem.found, "Remove it: the data set is complete without it.") from None
