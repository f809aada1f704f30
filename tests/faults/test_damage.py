"""Damage of a finished data set, all that there can be of a kind: verify finds each, and never crashes over it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.checks.verify import Finding, Piece, open_finished, verify
from mixup_cli.checks.verify import _files as files_around
from mixup_cli.checks.verify import _shard as check_shard
from mixup_cli.errors import DataError
from mixup_cli.storage.manifest import read_manifest
from mixup_cli.wording import counted
from tests.data_sets import digests
from tests.running import Runner

PRIME = 241
"""The default suite tries one bit in PRIME of a shard."""


@pytest.fixture
def data_set(request: pytest.FixtureRequest, run_cli: Runner, tmp_path: Path) -> Path:
    """Two shards of one row each, without labels: 69,648 bytes each, or compressed 94,219
    (a chunk of each column begins a page, and there is little in it)."""
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.uint8).reshape(2, 3, 1))
    options = ["--samples-per-shard", 1, "--compression", getattr(request, "param", "none")]
    ended = run_cli("generate", tmp_path / "a.npy", *options, "-o", tmp_path / "out", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    return tmp_path / "out"


def found_around(folder: Path) -> set[str]:
    """The files other than shards that verify reports or refuses."""
    try:
        return {finding.file for finding in files_around(folder, open_finished(folder))}
    except DataError as refusal:
        return {Path(str(refusal).split(":")[0]).name}


def flipped(path: Path, stride: int) -> Iterator[tuple[int, int]]:
    """Flip one bit after the other, each as the only one, and give its place: byte and bit."""
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place in range(0, 8 * len(whole), stride):
            byte, bit = divmod(place, 8)
            file.seek(byte)
            file.write(bytes([whole[byte] ^ 1 << bit]))
            yield byte, bit
            file.seek(byte)
            file.write(whole[byte : byte + 1])
    assert path.read_bytes() == whole


@pytest.mark.parametrize("data_set", ["none", "gzip"], indirect=True)
@pytest.mark.parametrize("stride", [PRIME, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_each_single_bit_of_a_shard(stride: int, data_set: Path) -> None:
    manifest = read_manifest(data_set)
    record = manifest.shards[1]
    assert check_shard(data_set, manifest, manifest, record) == (1, [])
    tried = 0
    for place in flipped(data_set / record.file, stride):
        _, found = check_shard(data_set, manifest, manifest, record)
        assert [finding.file for finding in found] == [record.file], place
        tried += 1
    assert tried > 60_000 / stride
    assert check_shard(data_set, manifest, manifest, record) == (1, [])


@pytest.mark.parametrize("name", ["manifest.json", "sources.csv", "README.md", "croissant.json", "SHA256SUMS"])
@pytest.mark.parametrize("stride", [PRIME, pytest.param(1, marks=pytest.mark.slow)])
def test_each_single_bit_of_the_files_around_it(name: str, stride: int, data_set: Path) -> None:
    for place in flipped(data_set / name, stride):
        assert found_around(data_set), place


@pytest.mark.parametrize("data_set", ["none", "gzip"], indirect=True)
@pytest.mark.parametrize("stride", [PRIME, pytest.param(1, marks=pytest.mark.slow)])
def test_each_length_of_a_shard(stride: int, data_set: Path) -> None:
    manifest = read_manifest(data_set)
    record = manifest.shards[0]
    path = data_set / record.file
    whole = path.read_bytes()
    for length in [*range(0, len(whole), stride), len(whole) - 1, len(whole) + 1]:
        path.write_bytes((whole + b"\0")[:length])
        _, found = check_shard(data_set, manifest, manifest, record)
        assert found[0] == Finding(record.file, f"has {counted(length, 'byte')} instead of {len(whole):,}", Piece.SHARD)


def test_swapped_missing_and_surplus_shards_at_once(data_set: Path) -> None:
    (data_set / "shard-00000.h5").rename(data_set / "shard-00002.h5")
    shutil.copy(data_set / "shard-00001.h5", data_set / "shard-00000.h5")
    (data_set / "shard-00001.h5").unlink()
    told = [str(finding) for finding in verify(data_set)]
    assert [line.split(",")[0] for line in told] == [
        "shard-00000.h5: its sha256 is that of shard-00001.h5",
        "shard-00001.h5: is missing",
        "shard-00002.h5: is not in the manifest. Remove it: readers that take shard-*.h5 would read it.",
    ]


def fields(plain: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all values in JSON, those of objects and lists too."""
    if where:
        yield where
    entries = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in entries:
        yield from fields(value, (*where, key))


def changed(value: Any) -> list[Any]:
    """What could stand in the file as a value."""
    others: list[Any] = [None, {}, [], "", -1]
    if isinstance(value, bool):
        others.append(not value)
    elif isinstance(value, int | float):
        others += [value + 1, str(value), 2**70]
    elif isinstance(value, str):
        others += [value + "x", value[::-1] + "y", "../" + value]
    return [other for other in others if other != value or type(other) is not type(value)]


def test_each_field_of_the_manifest_that_is_edited(data_set: Path) -> None:
    path = data_set / "manifest.json"
    whole = path.read_bytes()
    tried = 0
    for where in fields(json.loads(whole)):
        plain = json.loads(whole)
        holder = plain
        for key in where[:-1]:
            holder = holder[key]
        for other in changed(holder[where[-1]]):
            holder[where[-1]] = other
            path.write_text(json.dumps(plain))
            tried += 1
            assert "manifest.json" in found_around(data_set), (where, other)
    assert tried > 500


def test_what_a_run_has_left_in_the_work_folder_is_told(data_set: Path) -> None:
    """The sidecars of these shards, those of others, a run that has begun: each by its kind. That a run is at work, as
    one that extends the data set may be, is nothing wrong with it."""
    manifest = json.loads((data_set / "manifest.json").read_bytes())
    done = data_set / ".mixup-gen/done"
    done.mkdir(parents=True)
    assert verify(data_set) == []
    (done / "00000.json").write_text(json.dumps(manifest["shards"][0]))
    told = [left_in(data_set)]
    (done / "00001.json").write_text(json.dumps({**manifest["shards"][1], "sha256": "0" * 64}))
    told.append(left_in(data_set))
    (done / "00000.json").unlink()
    (data_set / ".mixup-gen/recipe.json").write_text("{}")
    told.append(left_in(data_set))
    shutil.rmtree(done)
    (data_set / ".mixup-gen/part-1-of-1.lock").touch()
    holder = {"pid": 7, "host": "elsewhere", "since": "yesterday"}
    (data_set / ".mixup-gen/part-1-of-1.json").write_text(json.dumps(holder))
    told.append(left_in(data_set))
    (data_set / ".mixup-gen/recipe.json").unlink()
    assert verify(data_set) == []
    assert told == [
        "holds 1 sidecar of finished shards",
        "holds 2 sidecars of finished shards, 1 of other shards (done/00001.json)",
        "holds the recipe of an unfinished run; 1 sidecar of finished shards, 1 of other shards (done/00001.json)",
        "holds the lock of process 7 on elsewhere, since yesterday, which is running or was cut off; "
        "the recipe of an unfinished run",
    ]


def left_in(data_set: Path) -> str:
    """What verify says of the work folder, as its only finding, before the remedy."""
    (finding,) = verify(data_set)
    assert (finding.file, finding.remedy) == (".mixup-gen", "Running generate again, or repair, removes it.")
    return finding.problem


def test_a_sidecar_of_other_content_is_nothing_to_go_on_with(run_cli: Runner, data_set: Path) -> None:
    """It vouches for a shard of the same name and length. Generate and repair take the manifest's word, and tidy up."""
    manifest = json.loads((data_set / "manifest.json").read_bytes())
    kept = digests(data_set)
    for command in (["generate", data_set.parent / "a.npy", "--samples-per-shard", 1, "-o"], ["repair"]):
        done = data_set / ".mixup-gen/done"
        done.mkdir(parents=True)
        (done / "00000.json").write_text(json.dumps({**manifest["shards"][0], "sha256": "0" * 64}))
        ended = run_cli(*command, data_set)
        assert ended.returncode == 0, ended.stderr
        assert digests(data_set) == kept
        assert verify(data_set) == []
