"""The manifest of a merged data set: what its members must be, and what each of them was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.recipe import Recipe
from mixup_cli.runs.pieces import Piece, merged_manifest, merged_table
from mixup_cli.runs.records import source_record
from mixup_cli.storage.manifest import Manifest, parse_manifest
from mixup_cli.storage.manifest_records import MemberRecord
from mixup_cli.storage.members import Member, derived, members_of, renumberings_of
from mixup_cli.storage.source_table import read_table
from tests.unit.storage.small_data_set import SOURCES_CSV, manifest_of, shard_records

OTHER_CSV = SOURCES_CSV.replace(b"aa", b"ab").replace(b",bb,ok", b",,broken").replace(b"cc", b"")
HASHED = {b"aa": b"aa" * 32, b"ab": b"ab" * 32, b"bb": b"bb" * 32, b"cc": b"cc" * 32}


def piece(seed: int, csv: bytes, methods: tuple[str, ...]) -> Piece:
    """A data set of two shards of ten rows, whose third input was left out."""
    for short, whole in HASHED.items():
        csv = csv.replace(b"," + short + b",", b"," + whole + b",")
    table = read_table(csv, "sources.csv")
    own = manifest_of(shard_records(2))
    recipe = {**own.recipe, "seed": seed}
    changes = {"recipe": recipe, "recipe_id": Recipe.from_dict(recipe).recipe_id, "methods": methods}
    return Piece(Path(), own.model_copy(update={**changes, "source": source_record("pictures", table)}), table, None)


PIECES = [
    piece(0, SOURCES_CSV, ("mixup",)),
    piece(0, OTHER_CSV, ("none", "mixup")),
    piece(1, SOURCES_CSV, ("mixup", "none")),
]


@pytest.fixture
def merged() -> Manifest:
    return merged_manifest(PIECES, merged_table(PIECES))


def test_what_is_written_is_read(merged: Manifest) -> None:
    assert parse_manifest(merged.to_json()) == merged


def test_members_are_what_they_were(merged: Manifest) -> None:
    for member, piece, first in zip(members_of(merged), PIECES, (0, 2, 4), strict=True):
        names = [f"shard-{first + number:05}.h5" for number in range(2)]
        assert [shard.file for shard in member.manifest.shards] == names
        shards = [
            shard.model_copy(update={"file": f"shard-{n:05}.h5"}) for n, shard in enumerate(member.manifest.shards)
        ]
        assert member.manifest.model_copy(update={"shards": tuple(shards)}) == piece.manifest
        assert merged_table(PIECES).part(member.inputs).csv == piece.table.csv


def test_each_table_stands_once(merged: Manifest) -> None:
    assert [(each.inputs, each.source) for each in members_of(merged)] == [
        (range(3), (0, 2)),
        (range(3, 6), (1, 2)),
        (range(3), (0, 2)),
    ]
    assert [each.source_index for each in merged.source.skipped] == [2, 4, 5]
    assert merged.usable.tolist() == [0, 1, 3]


def test_numbers_become_those_of_the_whole(merged: Manifest) -> None:
    assert renumberings_of(merged, "index") == [(40, 40), (20, 20), (0, 0)]
    assert renumberings_of(merged, "source_index") == [(40, 0), (20, 3), (0, 0)]
    assert renumberings_of(merged, "images") == renumberings_of(PIECES[0].manifest, "index") == []
    assert merged.methods == ("mixup", "none")
    places = [how.take([0, 1, 7]).tolist() for _, how in renumberings_of(merged, "method") if not isinstance(how, int)]
    assert places == [[0, 1, 7], [1, 0, 7], [0, 1, 7]]


def test_a_data_set_is_its_own_only_member() -> None:
    own = PIECES[0].manifest
    assert [*members_of(own)] == [Member(own, range(20), range(3), (0, 1))]


def test_a_list_of_shards_that_cross_from_member_to_member_is_only_wrong(merged: Manifest) -> None:
    """Such a list is read later than the manifest, whose members it contradicts."""
    crossing = [shard.model_copy(update={"stop": shard.stop + 15}) for shard in merged.shards[:2]]
    members = [*members_of(merged.of_shards(crossing))]
    assert [[shard.stop for shard in member.manifest.shards] for member in members] == [[25, 35], [], []]


def settle(plain: dict[str, Any]) -> None:
    """Make the recipe and its hash follow from the members again."""
    members = [MemberRecord.model_validate(each) for each in plain["members"]]
    plain.update({**derived(members), "methods": plain["methods"]})


def edited(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """Sets one field of the members, and lets the rest follow."""

    def edit(plain: dict[str, Any]) -> None:
        *most, last = path
        place = plain["members"]
        for name in most:
            place = place[name]
        place[last] = to
        settle(plain)

    return edit


def without_the_last(plain: dict[str, Any]) -> None:
    plain["members"].pop()
    settle(plain)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda plain: plain.update(members=[]), "members: Tuple should have at least 1 item"),
        (lambda plain: plain["recipe"].update(seed=0), "recipe: is not what follows from the members"),
        (lambda plain: plain.update(recipe_id="0" * 64), "recipe_id: is not what follows from the members"),
        (lambda plain: plain.update(methods=["none", "mixup"]), "methods: is not what follows from the members"),
        (edited(1, "recipe_id", to="0" * 64), "members.1: recipe_id: is 000000000000…, and the recipe's hash is "),
        (edited(1, "recipe", "seed", to=5), "members.1: recipe_id: is "),
        (edited(1, "recipe", "sed", to=5), "members.1: recipe: sed: "),
        (edited(1, "methods", to=["none"]), "members.1: methods: lack mixup of the recipe"),
        (edited(0, "stop", to=15), "members.0: has the rows 0 … 14, expected those of whole shards from 0 on"),
        (edited(1, "start", to=10), "members.1: has the rows 10 … 39, expected those of whole shards from 20 on"),
        (edited(2, "stop", to=40), "members.2: has the rows 40 … 39, expected those of whole shards from 40 on"),
        (without_the_last, "members: have 40 rows, and the data set 60"),
        (edited(1, "first_input", to=2), "members: their inputs are not the 6 of sources.csv"),
        (edited(2, "first_input", to=3), "members: their inputs are not the 6 of sources.csv"),
        (edited(1, "source", "samples", to=4), "members: their inputs are not the 6 of sources.csv"),
        (lambda plain: plain["members"][0].update(members=[]), "members.0.members: Extra inputs are not permitted"),
    ],
)
def test_members_that_contradict_the_rest(
    damage: Callable[[dict[str, Any]], Any], problem: str, merged: Manifest
) -> None:
    plain = json.loads(merged.to_json())
    damage(plain)
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse_manifest(json.dumps(plain).encode())
