"""The members of a merged data set: what each was before, and where its rows and inputs are now.

Shards are not rewritten, so the numbers in their columns `index` and `source_index` stay those of their member. A data
set that was not merged is its own only member.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the manifest checks its members
    from mixup_cli.storage.manifest import Manifest, MemberRecord, ShardRecord


@dataclass(frozen=True)
class Member:
    """One data set of those that were merged. `manifest` is its own, with its own row numbers and inputs; only its
    shards are called as they are in the merged one. `rows` and `inputs` are those that it has there."""

    manifest: Manifest
    rows: range
    inputs: range


def members_of(manifest: Manifest) -> Iterator[Member]:
    """The members of a data set, in order."""
    if manifest.members is None:
        yield Member(manifest, range(manifest.totals.samples), range(manifest.source.samples))
        return
    starts = [shard.start for shard in manifest.shards]
    for record in manifest.members:
        first, last = (bisect_right(starts, row) for row in (record.start, record.stop - 1))
        shards = manifest.shards[first - 1 : last]
        yield Member(_alone(manifest, record, shards), range(record.start, record.stop), record.inputs)


def _alone(manifest: Manifest, record: MemberRecord, shards: Sequence[ShardRecord]) -> Manifest:
    """The manifest of one member."""
    first, inputs = record.start, record.inputs
    moved = [each.model_copy(update={"start": each.start - first, "stop": each.stop - first}) for each in shards]
    skipped = [
        replace(each, source_index=each.source_index - inputs.start)
        for each in manifest.source.skipped
        if each.source_index in inputs
    ]
    totals = {"samples": record.stop - first, "shards": len(shards), "bytes": sum(shard.bytes for shard in shards)}
    return manifest.model_copy(
        update={
            "recipe": record.recipe,
            "recipe_id": record.recipe_id,
            "source": manifest.source.model_copy(update={**dict(record.source), "skipped": tuple(skipped)}),
            "totals": manifest.totals.model_copy(update=totals),
            "shards": tuple(moved),
            "members": None,
        }
    )


def tables_of(manifest: Manifest) -> list[range]:
    """The stretches of sources.csv that were a table of their own, in order: one for each different source."""
    return list(dict.fromkeys(member.inputs for member in members_of(manifest)))


def shifts_of(manifest: Manifest, column: str) -> list[int]:
    """What to add to the numbers in a column of each shard, so that they count rows, or inputs, of the whole."""
    members = manifest.members if column in ("index", "source_index") else None
    if members is None:
        return [0] * len(manifest.shards)
    shifts = [member.start if column == "index" else member.first_input for member in members]
    starts = [member.start for member in members]
    return [shifts[bisect_right(starts, shard.start) - 1] for shard in manifest.shards]


def common_recipe(members: Sequence[MemberRecord]) -> dict[str, Any]:
    """The fields that all members' recipes have with the same value."""
    first, *others = (member.recipe for member in members)
    return {
        name: value for name, value in first.items() if all(name in other and other[name] == value for other in others)
    }


def members_id(members: Sequence[MemberRecord]) -> str:
    """The hash of the members as canonical JSON: it stands for all that decides the rows."""
    plain = [member.model_dump(mode="json", exclude_none=True) for member in members]
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
