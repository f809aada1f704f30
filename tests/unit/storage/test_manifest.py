"""The manifest: the same text for the same content, and nothing damaged comes in."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mixup_cli.errors import DataError, StorageError
from mixup_cli.recipe import Recipe
from mixup_cli.storage.json_files import read_json, to_json
from mixup_cli.storage.manifest import Manifest, read_manifest
from mixup_cli.storage.names import MANIFEST
from mixup_cli.storage.shard_records import ShardRecord
from tests.costs import seconds_of
from tests.unit.storage.small_data_set import manifest_of, shard_records

Damage = Callable[[dict[str, Any]], Any]


@pytest.fixture
def manifest() -> Manifest:
    return manifest_of(shard_records(2))


def test_what_is_written_is_read(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / MANIFEST).write_bytes(manifest.to_json())
    assert read_manifest(tmp_path) == manifest
    assert read_manifest(tmp_path).to_json() == manifest.to_json()


def test_its_recipe_is_a_recipe_and_has_its_id(manifest: Manifest) -> None:
    assert Recipe.from_dict(manifest.recipe).recipe_id == manifest.recipe_id


def test_names_stay_readable_and_lines_end_plainly(manifest: Manifest) -> None:
    text = manifest.model_copy(update={"class_names": ("Äpfel",)}).to_json().decode()
    assert '"Äpfel"' in text
    assert text.endswith("}\n")
    assert "\r" not in text


def test_an_offset_or_a_hash_that_is_not_there_is_left_out(manifest: Manifest) -> None:
    stored = json.loads(manifest.to_json())["shards"][0]["columns"]["images"]
    assert stored == {"offset": 4096}


def remove_recipe(plain: dict[str, Any]) -> None:
    del plain["recipe"]


@pytest.mark.parametrize(
    ("damage", "place"),
    [
        (remove_recipe, "recipe"),
        (lambda plain: plain.update(format_version=2), "format_version"),
        (lambda plain: plain.update(surprise=1), "surprise"),
        (lambda plain: plain.update(recipe_id="0" * 63), "recipe_id"),
        (lambda plain: plain["totals"].update(samples=-1), "totals.samples"),
        (lambda plain: plain["shards"][1].update(sha256="G" * 64), "shards.1.sha256"),
        (lambda plain: plain["shards"][0]["columns"]["images"].update(offset=-4096), "shards.0.columns.images.offset"),
    ],
)
def test_damage_is_named_by_its_place(tmp_path: Path, manifest: Manifest, damage: Damage, place: str) -> None:
    plain = json.loads(manifest.to_json())
    damage(plain)
    (tmp_path / MANIFEST).write_bytes(to_json(plain))
    with pytest.raises(DataError, match=rf"manifest\.json: {place}: "):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "../shard-00000.h5",
        "/shard-00000.h5",
        "a/shard-00000.h5",
        "shard-00000.h5\n",
        "shard-0.h5",
        "shard-00000.h5.",
        "",
    ],
)
def test_a_shard_outside_the_folder_cannot_be_written_down(name: str) -> None:
    plain = shard_records(1)[0].model_dump() | {"file": name}
    with pytest.raises(ValidationError, match="file"):
        ShardRecord.model_validate(plain)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'{"format_version": 1', b"\xff\xfe"])
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(text)
    with pytest.raises(DataError, match=r"manifest\.json: .* force\."):
        read_manifest(tmp_path)


def test_no_manifest_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff"])
def test_other_json_of_ours_must_be_an_object(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "run.json").write_bytes(text)
    with pytest.raises(DataError, match=r"run\.json: not"):
        read_json(tmp_path / "run.json")


def without_parents(plain: dict[str, Any]) -> None:
    for column in plain["columns"][3:5]:
        column["shape"] = []


def without_offset(plain: dict[str, Any]) -> None:
    del plain["shards"][1]["columns"]["share"]["offset"]


SKIPPED = {"source_index": 99, "key": "x", "reason": "y"}

CONTRADICTIONS: list[tuple[Damage, str]] = [
    (lambda plain: plain["recipe"].update(seed="1"), "recipe: seed: "),
    (lambda plain: plain["recipe"].update(seed=-1), "seed: "),
    (lambda plain: plain["recipe"].pop("fill"), "recipe: lacks fields"),
    (lambda plain: plain["recipe"].update(seed=1), "recipe_id: is "),
    (lambda plain: plain["totals"].update(samples=21), "totals: are "),
    (lambda plain: plain["totals"].update(shards=1), "totals: are "),
    (lambda plain: plain["totals"].update(bytes=0), "totals: are "),
    (lambda plain: plain["shards"].reverse(), "shards.0: is shard-00001.h5 "),
    (lambda plain: plain["shards"].append(plain["shards"][1]), "shards.2: is shard-00001.h5 "),
    (lambda plain: plain["shards"][1].update(start=11), "shards.1: is shard-00001.h5 with rows 11 "),
    (lambda plain: plain["shards"][1].update(stop=10), "shards.1: is "),
    (lambda plain: plain["shards"][1].update(bytes=4100), r"shards.1.columns.\w+: does not fit"),
    (lambda plain: plain["shards"][1]["columns"].pop("share"), "shards.1.columns: are "),
    (without_offset, "shards.1.columns.share: has no offset"),
    (lambda plain: plain.update(compression="gzip"), r"shards.0.columns.\w+: has no content_sha256"),
    (lambda plain: plain["columns"][0].update(dtype="object"), "columns.0.dtype: "),
    (lambda plain: plain["columns"][1].update(shape=[3]), "columns: labels is "),
    (without_parents, r"columns: \w+ is .*, expected .*\(0,\)"),
    (lambda plain: plain["columns"].append(plain["columns"][1]), "columns: two have the same name"),
    (lambda plain: plain["columns"].pop(0), "columns: lack images"),
    (lambda plain: plain["columns"][0].update(shape=[3]), "columns: images has the shape "),
    (lambda plain: plain["columns"][0].update(shape=[2, 2, 3, 1]), "columns: images has the shape "),
    (lambda plain: plain["columns"][0].update(shape=[1] * 40), "columns: images has rows of 40 dimensions"),
    (lambda plain: plain["columns"][0].update(shape=[1 << 40] * 3), "columns: images has rows of 3 dimensions"),
    (lambda plain: plain["shards"][1].update(stop=1 << 62), r"shards.1.columns.\w+: has 4611686018427387894 rows"),
    (lambda plain: plain["shards"][0]["columns"]["share"].update(offset=10**25), "shards.0.columns.share.offset: "),
    (lambda plain: plain["shards"][0].update(bytes=10**4000), "shards.0.bytes: |not JSON"),
    (lambda plain: plain["source"].update(skipped=[SKIPPED]), "source.skipped: has the input 99 of "),
    (lambda plain: plain["source"].update(donors=1), "source.donors: is 1 of "),
]


@pytest.mark.parametrize(("damage", "told"), CONTRADICTIONS)
def test_fields_that_contradict_each_other_are_refused(
    tmp_path: Path, manifest: Manifest, damage: Damage, told: str
) -> None:
    plain = json.loads(manifest.to_json())
    damage(plain)
    (tmp_path / MANIFEST).write_bytes(to_json(plain))
    with pytest.raises(DataError, match=rf"manifest\.json: {told}"):
        read_manifest(tmp_path)


def test_thousands_of_shards_take_little_more_than_their_json(tmp_path: Path) -> None:
    """Five to eight times as long: each field is checked. Anything but linear takes a hundred times."""
    (tmp_path / MANIFEST).write_bytes(manifest_of(shard_records(5000)).to_json())
    data = (tmp_path / MANIFEST).read_bytes()
    plain_seconds = min(seconds_of(lambda: json.loads(data)) for _ in range(5))
    assert min(seconds_of(lambda: read_manifest(tmp_path)) for _ in range(3)) < 30 * plain_seconds
    assert read_manifest(tmp_path).totals.samples == 50_000


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    for read in (read_manifest, lambda folder: read_json(folder / MANIFEST)):
        with pytest.raises(StorageError, match=r"manifest\.json: cannot be read"):
            read(tmp_path)
