"""What a finished run writes down: the manifest, from the sidecars, and run.json, with all that may differ."""

from __future__ import annotations

import platform
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from mixup_cli.errors import DataError
from mixup_cli.fingerprint import versions
from mixup_cli.prepare import Job
from mixup_cli.sources.table import SourceTable
from mixup_cli.storage.manifest import ColumnRecord, Manifest, ShardRecord, Skipped, SourceRecord, Totals


def manifest_of(
    job: Job, kind: str, table: SourceTable, methods: Sequence[str], shards: Sequence[ShardRecord]
) -> Manifest:
    """The manifest of a finished data set: a function of the recipe and the source alone."""
    try:
        return _manifest_of(job, kind, table, methods, shards)
    except ValidationError as problem:  # what is wrong was read from the sidecars of an earlier run
        found = problem.errors()[0]["msg"]
        raise DataError(f"the sidecars of finished shards are damaged ({found}). Start anew with --force.") from None


def _manifest_of(
    job: Job, kind: str, table: SourceTable, methods: Sequence[str], shards: Sequence[ShardRecord]
) -> Manifest:
    skipped = [Skipped(source_index=index, key=key, reason=reason) for index, key, reason in table.skipped()]
    return Manifest(
        recipe=job.recipe.to_dict(),
        recipe_id=job.recipe.recipe_id,
        source=SourceRecord(
            kind=kind,
            samples=len(table.keys),
            fingerprint=table.fingerprint,
            groups=None if table.groups is None else len(set(table.groups)),
            skipped=tuple(skipped),
        ),
        class_names=job.class_names,
        label_kind=job.label_kind,
        axes=job.form.axes,
        methods=tuple(methods),
        compression=job.recipe.compression,
        columns=tuple(ColumnRecord(name=c.name, dtype=c.dtype, shape=c.shape) for c in job.spec.columns),
        totals=Totals(
            samples=sum(shard.stop - shard.start for shard in shards),
            shards=len(shards),
            bytes=sum(shard.bytes for shard in shards),
        ),
        shards=tuple(shards),
    )


def run_record(fingerprint: str, began: float, settings: Mapping[str, Any]) -> dict[str, Any]:
    """run.json: times, host, versions, and how and from where this run was made."""
    return {
        "pixel_fingerprint": fingerprint,
        "versions": versions(),
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began, 3),
        **settings,
    }
