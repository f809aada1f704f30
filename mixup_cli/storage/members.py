"""The members of a merged data set: what each was before, and where its rows and inputs are now.

Shards are not rewritten, so the numbers in their columns `index`, `source_index` and `method` stay those of their
member. A data set that was not merged is its own only member.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.recipe import canonical_json

if TYPE_CHECKING:  # the manifest checks its members
    from mixup_cli.storage.manifest import Manifest
    from mixup_cli.storage.manifest_records import MemberRecord
    from mixup_cli.storage.shard_records import ShardRecord


@dataclass(frozen=True)
class Member:
    """One data set of those that were merged. `manifest` is its own, with its own row numbers and inputs; only its
    shards are called as they are in the merged one. `rows` and `inputs` are those that it has there. `source` is the
    number of its source, and how many different ones there are."""

    manifest: Manifest
    rows: range
    inputs: range
    source: tuple[int, int]


def members_of(manifest: Manifest) -> Iterator[Member]:
    """The members of a data set, in order."""
    if manifest.members is None:
        yield Member(manifest, range(manifest.totals.samples), range(manifest.source.samples), (0, 1))
        return
    tables = [*dict.fromkeys(record.inputs for record in manifest.members)]
    own: dict[int, list[ShardRecord]] = defaultdict(list)
    for number, shard in _moved(manifest.members, manifest.shards):
        own[number].append(shard)
    for number, record in enumerate(manifest.members):
        source = tables.index(record.inputs), len(tables)
        yield Member(_alone(manifest, record, own[number]), range(record.start, record.stop), record.inputs, source)


def sound_shards_of(manifest: Manifest) -> Iterator[tuple[Manifest, ShardRecord]]:
    """Every shard whose record can be read, with the rows that its member counts, and the manifest of that member,
    which lacks its shards if the data set was merged."""
    if manifest.members is None:
        yield from ((manifest, shard) for shard in manifest.sound_shards)
        return
    alone = [_alone(manifest, record, ()) for record in manifest.members]
    yield from ((alone[number], shard) for number, shard in _moved(manifest.members, manifest.sound_shards))


def _moved(members: Sequence[MemberRecord], shards: Iterable[ShardRecord]) -> Iterator[tuple[int, ShardRecord]]:
    """Each shard with the number of its member, and the rows that this one counts."""
    starts = [record.start for record in members]
    for shard in shards:
        number = bisect_right(starts, shard.start) - 1
        first = starts[number]
        yield number, shard.model_copy(update={"start": shard.start - first, "stop": shard.stop - first})


def _alone(manifest: Manifest, record: MemberRecord, shards: Sequence[ShardRecord]) -> Manifest:
    """The manifest of one member."""
    first, own, everything = record.first_input, record.inputs, manifest.source.skipped
    skipped = tuple(replace(s, source_index=s.source_index - first) for s in everything if s.source_index in own)
    changed = {
        "recipe": record.recipe,
        "recipe_id": record.recipe_id,
        "source": manifest.source.model_copy(update={**dict(record.source), "skipped": skipped}),
        "methods": record.methods,
        "totals": manifest.totals.of(shards, ()),
        "shards": tuple(shards),
        "shard_lists": None,
        "members": None,
    }
    return manifest.model_copy(update=changed)


Renumbering: TypeAlias = int | NDArray[np.uint8]
"""What to add to numbers, or the number to put in the place of each."""


def renumberings_of(manifest: Manifest, column: str) -> list[tuple[int, Renumbering]]:
    """What becomes of the numbers in a column, so that they are those of the whole: for each member its first row, and
    what is done from there on. The last member stands first."""

    def of_member(member: MemberRecord) -> Renumbering:
        if column != "method":
            return member.start if column == "index" else member.first_input
        places = np.arange(256, dtype=np.uint8)  # a damaged number stays what it is
        places[: len(member.methods)] = [*map(manifest.methods.index, member.methods)]
        return places

    is_numbered = column in ("index", "source_index", "method")
    return [(member.start, of_member(member)) for member in reversed(manifest.members or ()) if is_numbered]


def derived(members: Sequence[MemberRecord]) -> dict[str, Any]:
    """The fields of the whole that follow from the members: what their recipes have in common, the hash of the members
    as canonical JSON, which stands for all that decides the rows, and the methods of all, each once."""
    first, *others = (member.recipe for member in members)
    plain = [member.model_dump(mode="json", exclude_none=True) for member in members]
    return {
        "recipe": {
            name: value for name, value in first.items() if all(name in each and each[name] == value for each in others)
        },
        "recipe_id": hashlib.sha256(canonical_json(plain).encode()).hexdigest(),
        "methods": tuple(dict.fromkeys(name for member in members for name in member.methods)),
    }
