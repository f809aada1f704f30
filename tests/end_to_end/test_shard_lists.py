"""A data set of very many shards has lists of them beside its manifest. Here "very many" is more than three."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.checks.repair import Repaired, repair
from mixup_cli.checks.verify import verify
from mixup_cli.errors import DataError
from mixup_cli.listener import Listener
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.runs.forecast import forecast
from mixup_cli.runs.generate import Outcome, generate
from mixup_cli.runs.merge import merge
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from mixup_cli.storage import shard_records
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.manifest import read_manifest
from mixup_cli.storage.shard_records import ListedShards
from mixup_cli.storage.stores import Store
from tests.data_sets import columns, digests, manifest
from tests.small_sources import write_colours

FULL = ["shards-000000000004.json", "shards-000000000008.json"]
LISTS = [*FULL, "shards-000000000010.json"]
"""Of ten rows, two to a shard and two shards to a list."""


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_records, "MOST_IN_MANIFEST", 3)
    monkeypatch.setattr(shard_records, "PER_LIST", 2)


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colours(tmp_path_factory.mktemp("source") / "colours")


def made(source: Path, out: Path, samples: int = 10, compression: str = "none", **changes: object) -> Outcome:
    recipe = Recipe(samples_per_shard=2, compression=compression)  # type: ignore[arg-type]
    return generate(open_source([source]), recipe, Run(out=out, samples=samples, workers=1, **changes))  # type: ignore[arg-type]


def repaired(source: Path, out: Path) -> Repaired:
    return repair(DataSetFolder(out), lambda *_: open_source([source]), Run(out=out, workers=1), Listener())


def lists_in(out: Path) -> list[str]:
    return sorted(path.name for path in out.glob("shards-*.json"))


@pytest.fixture
def out(colours: Path, tmp_path: Path) -> Path:
    made(colours, tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_only_where_records_are_kept_differs(
    compression: str, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, whole = tmp_path / "listed", tmp_path / "whole"
    made(colours, listed, compression=compression)
    monkeypatch.setattr(shard_records, "MOST_IN_MANIFEST", 5)
    made(colours, whole, compression=compression)
    assert (lists_in(listed), lists_in(whole)) == (LISTS, [])
    plain = manifest(listed)
    assert plain["shards"] == []
    entries = [entry for each in plain["shard_lists"] for entry in json.loads((listed / each["file"]).read_bytes())]
    assert entries == manifest(whole)["shards"]
    assert {**plain, "shards": entries, "shard_lists": None} == {**manifest(whole), "shard_lists": None}
    rows = [*range(10)][::-1]
    for name, values in columns(whole).items():
        column = MixedArrays(listed).column(name)
        np.testing.assert_array_equal(column.take(rows), values[rows])
        np.testing.assert_array_equal(column[3:9], values[3:9])
    assert verify(listed) == verify(whole) == []


@pytest.mark.parametrize(("most", "told"), [(4, 1), (5, 0)])
def test_a_dry_run_advises_larger_shards(most: int, told: int, colours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixup_cli.runs.forecast.MOST_IN_MANIFEST", most)
    wanted = forecast(open_source([colours]), Recipe(samples_per_shard=2), Run(samples=10, workers=1))
    advice = "5 shards take long to list and to seal: pass a larger shard_size"
    assert [*wanted.warnings()].count(advice) == told


def test_every_list_has_its_hash_in_the_manifest_and_in_the_checksums(out: Path) -> None:
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=out, capture_output=True, text=True, check=True)
    assert [line for line in done.stdout.splitlines() if "shards-" in line] == [f"{name}: OK" for name in LISTS]
    found = digests(out)
    assert {each["file"]: each["sha256"] for each in manifest(out)["shard_lists"]} == {n: found[n] for n in LISTS}


def test_a_list_is_read_when_a_row_of_it_is_asked_for(out: Path) -> None:
    expected = columns(out)["index"]
    for name in LISTS[1:]:
        (out / name).unlink()
    index = MixedArrays(out).column("index")
    np.testing.assert_array_equal(index[0:4], expected[0:4])
    with pytest.raises(DataError, match=f"{LISTS[1]}: is missing. Run mixup-gen repair"):
        index[4:5]


def test_a_complete_data_set_is_left_alone(colours: Path, out: Path) -> None:
    before = digests(out, but=())
    assert made(colours, out).state == "unchanged"
    assert digests(out, but=()) == before


@pytest.mark.parametrize("first", [4, 10])
def test_what_grows_ends_as_what_is_made_at_once(first: int, colours: Path, tmp_path: Path) -> None:
    """From a manifest with all records, and from one with lists. The old last list stays, for readers."""
    grown, whole = tmp_path / "grown", tmp_path / "whole"
    made(colours, grown, first)
    reader = MixedArrays(grown)
    assert made(colours, grown, 13).state == "extended"
    made(colours, whole, 13)
    old = {LISTS[2]} if first == 10 else set()
    assert {name: found for name, found in digests(grown).items() if name not in old} == digests(whole)
    assert set(lists_in(grown)) == {*FULL, "shards-000000000012.json", "shards-000000000013.json"} | old
    np.testing.assert_array_equal(reader.column("index")[:], np.arange(first))
    assert verify(grown) == []


def test_a_run_that_is_made_again_leaves_no_old_list(colours: Path, out: Path) -> None:
    made(colours, out, 6, force=True)
    assert lists_in(out) == []
    assert verify(out) == []


def test_lists_lie_in_a_store_too(colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIXUP_GEN_STORE_CACHE", str(tmp_path / "mirrors"))
    store = Store.open("memory://lists/set")
    for samples in (10, 13):
        made(colours, tmp_path / "unused", samples, store=store)
        np.testing.assert_array_equal(MixedArrays(store.url).column("index")[:], np.arange(samples))
    assert {*LISTS, "shards-000000000013.json"} < {*store.names()}


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"start"', b'"stars"', 1))


DAMAGES = [Path.unlink, spoil]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_list_is_found_and_made_again_from_the_shards(damage: object, colours: Path, out: Path) -> None:
    before = digests(out)
    damage(out / LISTS[1])  # type: ignore[operator]
    assert {finding.file for finding in verify(out)} == {LISTS[1]}
    assert [each.file for each in repaired(colours, out).damages] == [LISTS[1]]
    assert digests(out) == before


def test_a_lost_manifest_is_rebuilt_with_its_lists(colours: Path, out: Path) -> None:
    before = digests(out)
    for name in ("manifest.json", LISTS[0]):
        (out / name).unlink()
    assert {each.file for each in repaired(colours, out).damages} == {"manifest.json", LISTS[0]}
    assert digests(out) == before


def test_without_its_hash_a_manifest_is_vouched_for_by_the_metadata(colours: Path, out: Path) -> None:
    before = digests(out)
    (out / "SHA256SUMS").unlink()
    repaired(colours, out)
    assert digests(out) == before


def test_a_damaged_shard_is_found_beside_a_damaged_list(out: Path) -> None:
    (out / LISTS[0]).unlink()
    (out / "shard-00004.h5").unlink()
    assert {finding.file for finding in verify(out)} == {LISTS[0], "shard-00004.h5"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"start": 1}, r"shard_lists\.0: has rows 1"),
        ({"shards": 3}, "totals: are "),
        ({"shard_bytes": 1}, "totals: are "),
        ({"file": "../shards-000000000004.json"}, r"shard_lists\.0\.file: "),
        ({"shards": 10**15}, r"shard_lists\.0\.shards: "),
    ],
)
def test_lists_that_contradict_the_manifest_are_refused(change: dict[str, object], told: str, out: Path) -> None:
    plain = manifest(out)
    plain["shard_lists"][0] |= change
    (out / "manifest.json").write_text(json.dumps(plain))
    with pytest.raises(DataError, match=told):
        read_manifest(out)


def test_records_are_not_in_both_places(out: Path) -> None:
    plain = manifest(out)
    plain["shards"] = json.loads((out / LISTS[0]).read_bytes())
    (out / "manifest.json").write_text(json.dumps(plain))
    with pytest.raises(DataError, match="shards: are in the manifest and in its lists"):
        read_manifest(out)


def test_a_list_that_does_not_hold_what_the_manifest_says_is_refused(out: Path) -> None:
    """The hash is right: only a hostile manifest is so."""
    shutil.copy(out / LISTS[0], out / LISTS[1])
    plain = manifest(out)
    plain["shard_lists"][1]["sha256"] = plain["shard_lists"][0]["sha256"]
    (out / "manifest.json").write_text(json.dumps(plain))
    shards = read_manifest(out).shards
    assert isinstance(shards, ListedShards)
    assert [shards[number].start for number in (0, 1, -1)] == [0, 2, 8]
    with pytest.raises(DataError, match=f"{LISTS[1]}: "):
        shards[2]


def test_data_sets_with_lists_are_merged(colours: Path, tmp_path: Path) -> None:
    """Their last shards are short, and one list has shards of both."""
    for name, samples, per_shard in (("a", 9, 2), ("b", 7, 3)):
        recipe = Recipe(samples_per_shard=per_shard, seed=per_shard)
        generate(open_source([colours]), recipe, Run(out=tmp_path / name, samples=samples, workers=1))
    out = tmp_path / "ab"
    merge([tmp_path / "a", tmp_path / "b"], out)
    assert merge([tmp_path / "a", tmp_path / "b"], out).state == "unchanged"
    assert [each["stop"] for each in manifest(out)["shard_lists"]] == [4, 8, 12, 16]
    expected, merged = [columns(tmp_path / name)["labels"] for name in "ab"], MixedArrays(out)
    np.testing.assert_array_equal(merged.column("labels")[:], np.concatenate(expected))
    assert merged.column("index").take([15, 8, 9]).tolist() == [15, 8, 9]
    assert verify(out) == []
    before = digests(out)
    (out / LISTS[0]).write_text("[]")
    (out / "shard-00006.h5").unlink()
    assert {finding.file for finding in verify(out)} == {LISTS[0], "shard-00006.h5"}
    assert [damage.file for damage in repaired(colours, out).left] == []
    assert digests(out) == before
