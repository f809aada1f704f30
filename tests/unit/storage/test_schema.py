"""The published JSON Schema is the one that the code has, and it judges as the code does."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mixup_cli.storage.json_files import to_json
from mixup_cli.storage.manifest import json_schema
from tests.unit.storage.small_data_set import manifest_of, shard_records, write_data_set

PUBLISHED = Path(__file__).parents[3] / "docs" / "manifest.schema.json"


@pytest.fixture
def plain() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(manifest_of(shard_records(2)).to_json())
    return content


def is_valid(plain: dict[str, Any]) -> bool:
    return bool(Draft202012Validator(json.loads(PUBLISHED.read_bytes())).is_valid(plain))


def test_the_published_schema_is_the_codes() -> None:
    assert PUBLISHED.read_bytes() == to_json(json_schema())


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_real_manifest_is_valid(tmp_path: Path, compression: str) -> None:
    manifest = write_data_set(tmp_path / "out", compression)
    assert is_valid(json.loads(manifest.to_json()))


def test_a_shard_elsewhere_is_not_valid(plain: dict[str, Any]) -> None:
    plain["shards"][0]["file"] = "../shard-00000.h5"
    assert not is_valid(plain)


def test_an_unknown_field_is_not_valid(plain: dict[str, Any]) -> None:
    assert not is_valid(plain | {"surprise": 1})


def test_another_format_version_is_not_valid(plain: dict[str, Any]) -> None:
    assert not is_valid(plain | {"format_version": 2})
