"""What a run will do, worked out before it does it, for `generate`, `verify --deep`, `--dry-run` and `inspect`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mixup_cli.columns import columns_of
from mixup_cli.errors import NoInputError
from mixup_cli.methods import parent_count, resolve
from mixup_cli.recipe import FORMAT_VERSION, Recipe
from mixup_cli.sources.base import Source, Survey, Target
from mixup_cli.sources.form import decide
from mixup_cli.storage.shard import ShardSpec

SURVEY_SAMPLES = 64
"""Headers looked at before the scan. Should a later picture not fit, the scan begins again with what it found."""

ZSTD_NOTICE = "zstd: readers need its HDF5 filter (in Python: import hdf5plugin); gzip is readable everywhere"

SHARD_BYTES = 64 << 20
"""The default size of a shard."""


@dataclass(frozen=True)
class Job:
    """A resolved recipe on one source: the working form, the columns, and what the user should know."""

    recipe: Recipe
    target: Target
    spec: ShardSpec
    samples_per_shard: int
    class_names: tuple[str, ...]
    notices: tuple[str, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one output row, uncompressed."""
        return self.spec.row_bytes


def prepare(recipe: Recipe, source: Source, survey: Survey, shard_bytes: int | None = None) -> Job:
    """Resolve a recipe for a source. Raises UsageError where they do not fit, NoInputError for an empty source."""
    if not len(source):
        raise NoInputError(f"{source.location}: no samples in it.")
    decided = decide(recipe.with_(methods=resolve(recipe.methods, None)), survey)
    resolved, labels = decided.recipe, source.labels
    columns = columns_of(resolved, decided.target.form, labels, parent_count(resolved.methods))
    row_bytes = sum(column.row_bytes for column in columns)
    per_shard = recipe.samples_per_shard or max(1, (shard_bytes or SHARD_BYTES) // row_bytes)
    resolved = resolved.with_(samples_per_shard=per_shard)
    attributes: Mapping[str, Any] = {
        "format_version": FORMAT_VERSION,
        "recipe": resolved.to_dict(),
        "class_names": list(labels.class_names),
    }
    spec = ShardSpec(columns, attributes, resolved.compression)
    notices = decided.notices + ((ZSTD_NOTICE,) if resolved.compression == "zstd" else ())
    return Job(resolved, decided.target, spec, per_shard, labels.class_names, notices)


def adopt(recipe: Recipe, stored: Recipe | None, keeps_shard_size: bool) -> Recipe:
    """A recipe whose open fields are those of the data set that is there already, if there is one."""
    if stored is None:
        return recipe
    fields = ["size", "channels", "dtype", "layout", *(["samples_per_shard"] if keeps_shard_size else [])]
    return recipe.with_(**{name: getattr(stored, name) for name in fields if getattr(recipe, name) in (None, "source")})


def shard_count(row_count: int, samples_per_shard: int) -> int:
    """How many shards rows make; the last one may be short, and none is empty."""
    return -(-row_count // samples_per_shard)


def shard_rows(number: int, row_count: int, samples_per_shard: int) -> range:
    """The rows of one shard."""
    start = number * samples_per_shard
    return range(start, min(start + samples_per_shard, row_count))
