"""croissant.json: mlcroissant accepts it and reads sources.csv by it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import mlcroissant
import pytest

from mixup_cli.storage.croissant import croissant
from mixup_cli.storage.names import CROISSANT, SOURCES
from mixup_cli.storage.seal import Sealed
from tests.unit.storage.small_data_set import SOURCES_CSV, manifest_of, shard_records, write_data_set


@pytest.fixture
def out(tmp_path: Path) -> Path:
    write_data_set(tmp_path / "out")
    return tmp_path / "out"


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "mlcroissant"
    return subprocess.run([program, "validate", "--jsonld", path], capture_output=True, text=True, check=False)


def test_the_validator_misses_only_what_nobody_knows(out: Path) -> None:
    result = validate(out / CROISSANT)
    assert result.returncode == 0, result.stderr
    assert re.findall(r'Property "\S+/(\w+)" is recommended', result.stderr) == ["datePublished", "license"]
    assert "not standard" not in result.stderr


def test_the_validator_refuses_a_damaged_one(out: Path) -> None:
    plain = json.loads((out / CROISSANT).read_bytes())
    del plain["distribution"][1]["sha256"]
    (out / CROISSANT).write_text(json.dumps(plain))
    assert validate(out / CROISSANT).returncode != 0


def test_mlcroissant_reads_the_sources(out: Path) -> None:
    records: list[dict[str, Any]] = list(mlcroissant.Dataset(out / CROISSANT).records("sources"))
    assert [record["sources/source_index"] for record in records] == [0, 1, 2]
    assert [record["sources/key"] for record in records] == [b"cat/1.png", b'cat/a, "b".png', b"dog/1.png"]
    assert [record["sources/bytes"] for record in records] == [120, 99, 7]
    assert records[2]["sources/status"] == b"cannot decode (file ends at byte 7)"


def test_its_record_set_has_the_columns_of_sources_csv() -> None:
    plain = croissant(manifest_of(shard_records(1)), {SOURCES: Sealed(1, "0" * 64)})
    columns = [field["source"]["extract"]["column"] for field in plain["recordSet"][0]["field"]]
    assert columns == SOURCES_CSV.decode().splitlines()[0].split(",")


def test_every_shard_is_a_file_object_with_its_hash() -> None:
    manifest = manifest_of(shard_records(3))
    files = croissant(manifest, {})["distribution"]
    assert [(file["@id"], file["contentUrl"], file["contentSize"], file["sha256"]) for file in files] == [
        (shard.file, shard.file, f"{shard.bytes} B", shard.sha256) for shard in manifest.shards
    ]
    assert {file["encodingFormat"] for file in files} == {"application/x-hdf5"}


def test_more_rows_are_a_newer_version_of_the_same_data_set() -> None:
    smaller, larger = (croissant(manifest_of(shard_records(count)), {}) for count in (1, 2))
    assert smaller["name"] == larger["name"]
    assert (smaller["version"], larger["version"]) == ("1.10.0", "1.20.0")


def test_the_columns_are_told_in_words() -> None:
    assert "images uint8 (N, 4, 5, 3); labels float32 (N, 2);" in croissant(manifest_of(()), {})["description"]


def test_unmixed_data_cite_no_paper() -> None:
    assert "citeAs" not in croissant(manifest_of((), methods=("none",)), {})


def test_writing_it_does_not_import_mlcroissant() -> None:
    code = "import sys, mixup_cli.storage.croissant; sys.exit('mlcroissant' in sys.modules)"
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
