"""Merged data sets hold the rows of their members, one after another, in every reader."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mixup_cli.checks.verify import verify
from mixup_cli.errors import DataError, UsageError
from mixup_cli.listener import Listener
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.merge import merge
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.storage.manifest import read_manifest
from mixup_cli.storage.members import members_of
from mixup_cli.storage.shard_records import shard_name
from tests.data_sets import columns, manifest
from tests.small_sources import write_photos

BLUE, OTHERS = ("blue",), ("green", "red")


class Sets(NamedTuple):
    """Finished data sets and what they were merged into."""

    members: list[Path]
    merged: Path


def made(folder: Path, *sources: Path, passes: int = 2, classes: tuple[str, ...] = (), **recipe: object) -> Path:
    """A data set in shards of five rows, the last of which is short."""
    source = open_source([*sources], SourceOptions(classes=classes or None))
    generate(source, Recipe(samples_per_shard=5, **recipe), Run(out=folder, passes=passes, workers=1))  # type: ignore[arg-type]
    return folder


@pytest.fixture(scope="module")
def seeds(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Sets:
    """Three seeds of one source; the last with another method, originals, and another number of passes."""
    place = tmp_path_factory.mktemp("seeds")
    members = [made(place / f"run-{seed}", colours, seed=seed) for seed in (1, 2)]
    members.append(made(place / "run-3", colours, passes=1, keep_originals=True, methods=(MethodChoice("cutmix"),)))
    merge(members, place / "merged")
    return Sets(members, place / "merged")


@pytest.fixture(scope="module")
def tasks(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Sets:
    """Two sources with different classes of one list, one of them mixed with two seeds."""
    place, classes = tmp_path_factory.mktemp("tasks"), ("blue", "green", "red")
    for name, kept in (("first", BLUE), ("second", OTHERS)):
        for each in kept:
            shutil.copytree(colours / each, place / name / each)
    twice = [made(place / f"task-2-{n}", place / "second", classes=classes, seed=n, compression="gzip") for n in (0, 1)]
    members = [twice[0], made(place / "task-1", place / "first", classes=classes, compression="gzip"), twice[1]]
    merge(members, place / "merged")
    return Sets(members, place / "merged")


@pytest.fixture(params=["seeds", "tasks"])
def sets(request: pytest.FixtureRequest) -> Sets:
    found: Sets = request.getfixturevalue(request.param)
    return found


def keys(folder: Path) -> list[str]:
    """The keys in sources.csv, which are in order."""
    with (folder / "sources.csv").open(newline="") as file:
        return [row["key"] for row in csv.DictReader(file)]


def test_the_rows_are_those_of_the_members(sets: Sets) -> None:
    found, expected = columns(sets.merged), [columns(member) for member in sets.members]
    assert found.keys() == expected[0].keys()
    for name in found:  # the shards' own numbers too, since no shard was rewritten
        np.testing.assert_array_equal(found[name], np.concatenate([each[name] for each in expected]), err_msg=name)


def test_the_manifest_says_which_row_and_input_a_number_means(sets: Sets) -> None:
    """As docs/format.md says it, for readers in any language."""
    told, stored, names = manifest(sets.merged), columns(sets.merged), keys(sets.merged)
    for member, folder in zip(told["members"], sets.members, strict=True):
        rows = slice(member["start"], member["stop"])
        assert (stored["index"][rows] + member["start"]).tolist() == [*range(member["start"], member["stop"])]
        assert member["methods"] == manifest(folder)["methods"]
        own = np.array(keys(folder))[stored["source_index"][rows]]
        assert np.array_equal(np.array(names)[stored["source_index"][rows] + member["first_input"]], own)
    assert told["members"][-1]["stop"] == told["totals"]["samples"]


def test_readers_count_rows_and_inputs_of_the_whole(sets: Sets) -> None:
    merged, names = MixedArrays(sets.merged), np.array(keys(sets.merged))
    assert merged.column("index")[:].tolist() == [*range(len(merged))]
    rows = np.random.default_rng(3).permutation(len(merged))
    assert merged.column("index").take(rows).tolist() == rows.tolist()
    methods = [np.array(manifest(each)["methods"])[columns(each)["method"]] for each in sets.members]
    told = np.array(manifest(sets.merged)["methods"])
    assert np.array_equal(told[merged.column("method")[:]], np.concatenate(methods))
    own = [np.array(keys(each))[columns(each)["source_index"]] for each in sets.members]
    assert np.array_equal(names[merged.column("source_index")[:]], np.concatenate(own))
    for name in ("images", "labels", "share"):
        assert np.array_equal(merged.column(name)[:], columns(sets.merged)[name])


def test_each_input_is_listed_once(seeds: Sets, tasks: Sets) -> None:
    assert (seeds.merged / "sources.csv").read_bytes() == (seeds.members[0] / "sources.csv").read_bytes()
    assert keys(tasks.merged) == [*keys(tasks.members[0]), *keys(tasks.members[1])]
    assert [member["first_input"] for member in manifest(tasks.merged)["members"]] == [0, 8, 0]


def test_each_members_own_manifest_can_be_told_from_it(sets: Sets) -> None:
    for member, folder in zip(members_of(read_manifest(sets.merged)), sets.members, strict=True):
        numbered = [each.model_copy(update={"file": shard_name(n)}) for n, each in enumerate(member.manifest.shards)]
        own = member.manifest.model_copy(update={"shards": tuple(numbered)})
        assert own.to_json() == (folder / "manifest.json").read_bytes()


def test_the_checksums_are_those_of_the_files(sets: Sets) -> None:
    for line in (sets.merged / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((sets.merged / name).read_bytes()).hexdigest() == digest


def test_hugging_face_loads_all_rows(seeds: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(seeds.merged), split="train", cache_dir=str(tmp_path / "cache"))
    read = np.asarray(loaded.with_format("numpy")[:]["labels"])
    assert np.array_equal(read, np.concatenate([columns(member)["labels"] for member in seeds.members]))


def test_merging_what_was_merged_gives_the_same(seeds: Sets, tmp_path: Path) -> None:
    first, second, third = seeds.members
    merge([first, second], tmp_path / "two")
    merge([tmp_path / "two", third], tmp_path / "nested")
    for name in ("manifest.json", "sources.csv", "SHA256SUMS"):
        assert (tmp_path / "nested" / name).read_bytes() == (seeds.merged / name).read_bytes()
    nested, flat = (json.loads((each / "run.json").read_text()) for each in (tmp_path / "nested", seeds.merged))
    assert nested["sources"] == flat["sources"]


class OneChanges(Listener):
    """Makes a data set again, with other rows in shards of the same sizes, as soon as its first shard was linked."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder, self.source, self.is_made = folder, source, False

    def advance(self, count: int) -> None:
        if not self.is_made:
            shutil.rmtree(self.folder)
            made(self.folder, self.source, seed=9)
        self.is_made = True


@pytest.mark.parametrize("which", "ab")
def test_a_data_set_that_changes_during_the_merge_is_noticed(which: str, colours: Path, tmp_path: Path) -> None:
    """Hard links are not read: rows under the hash of others would be found by verify alone."""
    both = [made(tmp_path / name, colours, seed=seed) for seed, name in enumerate("ab")]
    with pytest.raises(DataError, match=r"one of the data sets changed .* Run the same command again with force\."):
        merge(both, tmp_path / "out", listener=OneChanges(tmp_path / which, colours))
    assert not (tmp_path / "out/manifest.json").exists()
    merge(both, tmp_path / "out", force=True)
    assert verify(tmp_path / "out") == []


def test_passes_follow_each_other(seeds: Sets) -> None:
    passes = MixedArrays(seeds.merged).passes
    expected = [range(12), range(12, 24), range(24, 36), range(36, 48), range(60, 72)]
    assert [passes[number] for number in range(len(passes))] == expected
    assert passes[-1] == expected[-1]
    with pytest.raises(IndexError):
        passes[5]
    data = MixedDataset(seeds.merged, epoch=0)
    data.set_epoch(4)
    label = columns(seeds.members[2])["labels"][12]
    assert (len(data), data[0][1].tolist()) == (12, label.tolist())


def test_passes_of_several_lengths_are_not_shown_one_by_one(tasks: Sets) -> None:
    assert len(MixedDataset(tasks.merged, passes=2)) == 4
    with pytest.raises(
        UsageError, match=r"pass 2 is short, with 4 rows of 8, and epochs have one length\. Leave it out\."
    ):
        MixedDataset(tasks.merged, epoch=0)
    assert len(MixedDataset(tasks.merged, passes=(0, 1, 4), epoch=0)) == 8


def test_balanced_passes_of_several_sources(tasks: Sets, tmp_path: Path) -> None:
    """How long such a pass is takes the classes of the member's own inputs."""
    place, classes = tasks.merged.parent, ("blue", "green", "red")
    made(tmp_path / "a", place / "first", classes=classes, balance="classes")
    made(tmp_path / "b", place / "second", classes=classes, per_class=2)
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    passes = MixedArrays(tmp_path / "both").passes
    assert [len(passes[number]) for number in range(len(passes))] == [4, 4, 4, 4]


def test_a_merged_data_set_is_a_source_with_its_groups(tmp_path: Path) -> None:
    for name, folds in (("a", "xy"), ("b", "yz")):
        write_photos(tmp_path / name)
        files = sorted(path.relative_to(tmp_path / name) for path in (tmp_path / name).rglob("*.*"))
        rows = [f"{file},{folds[n % 2]},{file.parent}" for n, file in enumerate(files)]
        (tmp_path / name / "metadata.csv").write_text("\n".join(["file_name,fold,label", *rows]))
        source = open_source([tmp_path / name], SourceOptions(group_column="fold", label_column="label"))
        generate(source, Recipe(size=(8, 8), samples_per_shard=3), Run(out=tmp_path / f"{name}-set", workers=1))
    merge([tmp_path / "a-set", tmp_path / "b-set"], tmp_path / "both")
    groups = open_source([tmp_path / "both"]).labels.groups
    own = [open_source([tmp_path / f"{name}-set"]).labels.groups or () for name in "ab"]
    assert groups == (*own[0], *own[1])
    assert {*groups} == {*"xyz"}
    assert manifest(tmp_path / "both")["source"]["groups"] == 3
