"""The beginning of a run: what it is about to make is held against what is there, and written down.

All of it happens under the folder's sealing lock, so that of several parts one begins and the others join it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.runs import resume
from mixup_cli.runs.fingerprint import versions
from mixup_cli.runs.job import Job, shard_count
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import SOURCES, Manifest
from mixup_cli.storage.source_table import SourceTable, sealed_table


@dataclass(frozen=True)
class Beginning:
    """What a run makes, once its source has been scanned: `rows` of the job, under a pixel fingerprint."""

    job: Job
    table: SourceTable
    fingerprint: str
    rows: int

    @property
    def record(self) -> dict[str, Any]:
        """What recipe.json says of it."""
        return {
            "recipe": self.job.recipe.to_dict(),
            "pixel_fingerprint": self.fingerprint,
            "versions": versions(),
            "rows": self.rows,
            "label_kind": self.job.label_kind,
            "class_names": list(self.job.class_names),
            "source_fingerprint": self.table.fingerprint,
        }


def begin(folder: DataSetFolder, wanted: Beginning, force: bool) -> Manifest | None:
    """Begin, or join what another part has begun. Call it under `folder.sealing`.

    Returns the manifest if others have finished just this meanwhile. Raises OutputExistsError where something else is
    there. With `force` that makes way, but for what a part of the same data set has begun: that is joined.
    """
    finished = None
    if folder.half_cleared or (force and not _joins(folder, wanted)):
        folder.clear()
    else:
        finished = _check_same(folder, wanted)
        if finished is not None and resume.complete(folder, finished, wanted.rows):
            return finished
    resume.check_not_cut_down(folder, wanted.rows)
    is_begun = finished is None or folder.growth.is_begun
    if not (is_begun and _is_written_down(folder, wanted)):
        folder.begin(wanted.record, wanted.table.csv)
    folder.remove_from(shard_count(wanted.rows, wanted.job.samples_per_shard))
    folder.join()
    return None


def _joins(folder: DataSetFolder, wanted: Beginning) -> bool:
    """Whether this is one of several parts, and another one has begun just what it would make."""
    if folder.part.is_whole:
        return False
    try:
        return _check_same(folder, wanted) is None and folder.job() is not None
    except (OutputExistsError, DataError):
        return False


def _check_same(folder: DataSetFolder, wanted: Beginning) -> Manifest | None:
    """Refuse where what is there is something else. Returns the manifest, if it is finished."""
    finished, stored = resume.what_is_there(folder)
    resume.check_same_recipe(folder, stored, wanted.job.recipe)
    resume.check_same_pixels(folder, wanted.fingerprint)
    resume.check_same_source(folder, sealed_table(folder.path, finished), wanted.table)
    resume.check_same_labels(folder, finished, wanted.job.label_kind, wanted.job.class_names)
    if finished is None or folder.growth.is_begun:
        resume.check_same_rows(folder, wanted.rows)
    if finished is None:
        resume.check_same_fingerprint(folder, wanted.table)
    return finished


def _is_written_down(folder: DataSetFolder, wanted: Beginning) -> bool:
    """Whether a run has written down just this; with which versions it began does not matter."""
    there = folder.job()
    return (
        there is not None
        and there == {**wanted.record, "versions": there["versions"]}
        and folder.place_of(SOURCES).exists()
    )
