"""What a finished run writes down: the manifest, from the sidecars, and run.json, with all that may differ."""

from __future__ import annotations

import platform
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError
from mixup_cli.fields.objects import BOX_EDGES, ObjectField
from mixup_cli.fields.signal import Signal
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.runs.job import Job
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord, FieldRecord, SamplesRecord, Skipped, SourceRecord, Totals
from mixup_cli.storage.names import SAMPLES
from mixup_cli.storage.shard_records import ShardRecord, shard_lists
from mixup_cli.storage.source_table import SourceTable
from mixup_cli.wording import setting


@dataclass(frozen=True)
class Content:
    """What a data set holds, whatever its source and shards: the resolved recipe, and what its columns mean."""

    recipe: Recipe
    class_names: tuple[str, ...]
    label_kind: LabelKind
    signals: tuple[Signal, ...]
    columns: tuple[ColumnRecord, ...]
    mixed: tuple[ColumnRecord, ...] = ()
    samples: SamplesRecord | None = None

    @classmethod
    def of(cls, job: Job, samples: SamplesRecord | None = None) -> Self:
        """What a job makes. `samples` are those that readers mix, if shards hold the plan."""
        columns = tuple(map(_recorded, job.spec.columns))
        mixed = tuple(_recorded(column) for column in job.columns if column not in job.spec.columns)
        if mixed and samples is None:  # before they are made
            samples = SamplesRecord(folder=SAMPLES, manifest_sha256="0" * 64)
        return cls(job.recipe, job.class_names, job.label_kind, job.signals, columns, mixed, samples)


def _recorded(column: Column) -> ColumnRecord:
    return ColumnRecord.encoded(column.name, column.dtype, column.shape, column.encoding)


def manifest_of_run(
    content: Content, kind: str, table: SourceTable, methods: Sequence[str], shards: Sequence[ShardRecord]
) -> Manifest:
    """The manifest of what a run and those before it have made. Raises DataError where it cannot be true."""
    try:
        return manifest_of(content, kind, table, methods, shards)
    except ValidationError as problem:  # what is wrong was read from the sidecars of an earlier run
        found = f".mixup-gen/done: the sidecars of finished shards are damaged ({problem.errors()[0]['msg']})."
        raise DataError(found, f"Start over with {setting('force')}.") from None


def manifest_of(
    content: Content, kind: str, table: SourceTable, methods: Sequence[str], shards: Sequence[ShardRecord]
) -> Manifest:
    """The manifest of a finished data set: a function of the recipe and the source alone.

    Raises pydantic's ValidationError where the arguments contradict each other.
    """
    made = Manifest(
        recipe=content.recipe.to_dict(),
        recipe_id=content.recipe.recipe_id,
        source=source_record(kind, table, content.recipe.separate_donors),
        class_names=content.class_names,
        label_kind=content.label_kind,
        axes=content.signals[0].axes,
        boxes=BOX_EDGES if ObjectField.name in {column.name for column in content.columns} else None,
        fields=tuple(map(FieldRecord.of, content.signals[1:])) or None,
        methods=tuple(methods),
        compression=content.recipe.compression,
        columns=content.columns,
        samples=content.samples,
        mixed=content.mixed or None,
        **fields_of_shards(shards),
    )
    return made.of_shards(shards)


def source_record(kind: str, table: SourceTable, has_donors: bool = False) -> SourceRecord:
    """What the manifest says of the source, whose inputs are in `table`: perhaps with donors alone as its last part."""
    return SourceRecord(
        kind=kind,
        samples=len(table.keys),
        fingerprint=table.fingerprint,
        groups=None if table.groups is None else len(set(table.groups)),
        donors=len(table.last_part) if has_donors else None,
        skipped=tuple(Skipped(source_index=index, key=key, reason=reason) for index, key, reason in table.skipped()),
    )


def fields_of_shards(shards: Sequence[ShardRecord]) -> dict[str, Any]:
    """What the manifest says of its shards: of very many, where their records are."""
    lists = tuple(each for each, _ in shard_lists(shards))
    return {
        "totals": Totals.of(shards, lists),
        "shards": () if lists else tuple(shards),
        "shard_lists": lists or None,
    }


def run_record(pixels: Pixels, began: float, settings: Mapping[str, Any]) -> dict[str, Any]:
    """run.json: times, host, versions, and how and from where this run was made."""
    made = {"pixel_fingerprint": pixels.fingerprint, "versions": dict(pixels.versions)}
    return {**made, **when_and_where(began), **settings}


def when_and_where(began: float) -> dict[str, Any]:
    """What every run.json says: times, in seconds, and the host."""
    return {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began, 3),
    }


def origins_of(run: Mapping[str, Any]) -> dict[int, object]:
    """What run.json says of where the source lay: as number 0, or, of a merged data set, of each source by its
    number."""
    sources = run.get("sources", [run.get("source")])
    return dict(enumerate(sources)) if isinstance(sources, list) else {}
