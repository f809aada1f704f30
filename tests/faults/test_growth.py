"""A finished data set grows: until the larger one replaces it, readers find the old one intact."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import mixup_cli.checks.verify as verifying
from mixup_cli.errors import DataError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources.arrays.data_set import open_data_set
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.storage.hdf5.reading import ShardedColumn
from mixup_cli.storage.manifest import Manifest, read_manifest
from mixup_cli.storage.opened import OpenedDataSet
from mixup_cli.storage.shard_records import ShardRecord
from tests.data_sets import digests, manifest
from tests.faults import reading
from tests.faults.attempts import Attempt
from tests.faults.cases import CASES, FRESH, LARGE, check_completed, fall
from tests.faults.progress import meet_fault
from tests.running import Runner, error_line, run_process, start_process

SLOW = [pytest.mark.slow]


def unmatched(out: Path) -> set[str]:
    """What `sha256sum -c SHA256SUMS` complains about."""
    lines = (line.split("  ") for line in (out / "SHA256SUMS").read_text().splitlines())
    return {name for digest, name in lines if hashlib.sha256((out / name).read_bytes()).hexdigest() != digest}


def values(out: Path) -> dict[str, NDArray[Any]]:
    """All that a reader sees."""
    arrays = MixedArrays(out)
    return {column.name: arrays.column(column.name)[:] for column in arrays.manifest.columns}


def assert_rows_of(found: Mapping[str, NDArray[Any]], whole: Mapping[str, NDArray[Any]]) -> None:
    """The first rows of a data set, as many as were found."""
    assert found.keys() == whole.keys()
    for name, rows in found.items():
        np.testing.assert_array_equal(rows, whole[name][: len(rows)], err_msg=name)


def values_as_opened(out: Path, before: Manifest) -> dict[str, NDArray[Any]]:
    """What a reader sees that was opened when there was this manifest, and has mapped nothing yet."""
    opened = OpenedDataSet(out, before, (0, 0, 0))
    return {column.name: ShardedColumn(opened, column.name)[:] for column in before.columns}


def check_old_or_new(left: Attempt, whole: Mapping[str, NDArray[Any]]) -> bool:
    """Readers see one data set or the other. Returns whether files are still on their way to their places."""
    out = left.place / "mixup-out"
    old, new = values_as_opened(out, read_manifest(left.place.parent / "0/mixup-out")), values(out)
    assert (len(old["index"]), len(new["index"])) in ((12, 12), (12, 24)), left
    for found in (old, new):
        assert_rows_of(found, whole)
    is_moving = (out / ".mixup-gen/next/manifest.json").exists()
    assert is_moving or not unmatched(out), left
    return is_moving


def copy_of(left: Attempt, name: str) -> Path:
    """A copy of the data set that was left, for one command."""
    return Path(shutil.copytree(left.place / "mixup-out", left.place.with_name(f"{left.step} {name}")))


@pytest.mark.parametrize(
    ("name", "fault", "of_each"),
    [
        ("extended", "kill", 5),
        pytest.param("extended", "kill", None, marks=SLOW),
        pytest.param("extended", "EIO", None, marks=SLOW),
        pytest.param("extended, compressed", "kill", None, marks=SLOW),
        pytest.param("extended by parts", "kill", None, marks=SLOW),
        pytest.param("extended by parts", "EIO", None, marks=SLOW),
    ],
)
def test_at_every_step_the_old_or_the_new_one_is_there(
    name: str, fault: str, of_each: int | None, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """Or at five of each name."""
    fallen = fall(CASES[name], fault, run_cli, colours, tmp_path, of_each=of_each)
    whole = values(tmp_path / "x/whole/mixup-out")
    moving = [left for left in fallen.attempts if check_old_or_new(left, whole)]
    assert len(fallen.attempts) >= (25 if of_each else 45)
    assert len(moving) >= (3 if of_each else 6), "between the first and the last file that moves"
    still = [left for left in fallen.attempts if left not in moving]
    some = [*moving[::8], *still[::24]]
    for left in some:
        check_ways_on(left, left in moving, run_cli, ["generate", colours, *FRESH, *CASES[name].before[0]])
        check_completed(fallen, left, run_cli)


def check_ways_on(left: Attempt, is_moving: bool, run_cli: Runner, old_command: list[object]) -> None:
    """Each command does the right thing with what was left."""
    out = left.place / "mixup-out"
    is_old = manifest(out)["totals"]["samples"] == 12 and not is_moving
    checked = run_cli("verify", out)
    assert checked.returncode == (0 if is_old else checked.returncode), (left, checked.stdout)
    assert {line.split(":")[0] for line in checked.stdout.splitlines()} <= {".mixup-gen"}, left
    assert not is_moving or "Run generate or repair: both move them." in checked.stdout
    again = run_cli(*old_command, "-o", copy_of(left, "again"))
    assert again.returncode == (0 if is_old else 73), (left, again.stderr)
    assert not is_old or "nothing to do: 12 samples" in again.stderr
    repaired = copy_of(left, "repaired")
    assert run_cli("repair", repaired).returncode == 0, left
    assert run_cli("verify", repaired).returncode == 0, left
    assert not unmatched(repaired)
    assert (manifest(repaired)["totals"]["samples"] == 12) == is_old


def test_what_was_finished_is_kept(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """Shards of the old data set, and those that a killed run has made for the larger one."""
    command = ["generate", colours, *FRESH, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    meet_fault("kill", "replace:15", *command, "--passes", 20, cwd=tmp_path).communicate()
    places = [tmp_path / "out/shard-00000.h5", *(tmp_path / "out/.mixup-gen/next").glob("shard-*.h5")]
    kept = {path.name: path.stat().st_ino for path in places}
    assert len(kept) > 5
    assert (tmp_path / "out/.mixup-gen/next/shard-00001.h5").exists(), "it was short, and is made again"
    more = run_cli(*command, "--passes", 20)
    assert more.returncode == 0, more.stderr
    found = {name: (tmp_path / "out" / name).stat().st_ino for name in kept}
    assert [name for name in kept if found[name] != kept[name]] in ([], [sorted(kept)[-1]]), "but one without a sidecar"


def test_an_interrupted_extension_is_told_of_and_can_be_given_up(
    run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ["generate", colours, *FRESH, "-o", out]
    assert run_cli(*command).returncode == 0
    before = digests(out)
    assert run_cli(*command, "--passes", 9, "--part", "1/2").returncode == 0
    again = run_cli(*command)
    assert (again.returncode, again.stdout) == (0, f"{out}/manifest.json\n")
    assert f"{out}/.mixup-gen: holds an unfinished extension to 108 samples" in again.stderr
    assert "remove that folder to give it up" in again.stderr
    fewer, part = run_cli(*command, "--passes", 2), run_cli(*command, "--passes", 8, "--part", "2/2")
    for refused in (fewer, part):
        assert refused.returncode == 73
        assert error_line(refused).endswith(f", or remove {out}/.mixup-gen to discard them."), refused.stderr
    shutil.rmtree(out / ".mixup-gen")
    assert digests(out) == before
    assert run_cli(*command, "--passes", 2).returncode == 0
    assert run_cli("verify", out).returncode == 0


def test_a_lost_manifest_is_rebuilt_while_the_data_set_grows(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    command = ["generate", colours, *FRESH, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    sealed = (tmp_path / "out/manifest.json").read_bytes()
    assert run_cli(*command, "--passes", 9, "--part", "1/2").returncode == 0
    (tmp_path / "out/manifest.json").unlink()
    assert run_cli("repair", tmp_path / "out").returncode == 0
    assert (tmp_path / "out/manifest.json").read_bytes() == sealed
    assert run_cli(*command, "--passes", 9).returncode == 0
    assert run_cli("verify", tmp_path / "out").returncode == 0


def test_what_an_earlier_version_has_reopened_is_continued(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """It took the manifest away, and noted the old shards as done."""
    command = ["generate", colours, *FRESH]
    for name, passes in (("whole", 3), ("out", 1), ("begun", 3)):
        part = ["--part", "1/2"] if name == "begun" else []
        assert run_cli(*command, "--passes", passes, *part, "-o", tmp_path / name).returncode == 0
    out, done = tmp_path / "out", tmp_path / "out/.mixup-gen/done"
    done.mkdir(parents=True)
    shutil.copy(tmp_path / "begun/.mixup-gen/recipe.json", out / ".mixup-gen")
    for number, record in enumerate(manifest(out)["shards"]):
        (done / f"{number:05}.json").write_text(json.dumps(record))
    (out / "manifest.json").unlink()
    kept = (out / "shard-00000.h5").stat().st_ino
    more = run_cli(*command, "--passes", 3, "-o", out)
    assert more.returncode == 0, more.stderr
    assert "resumed: 5 made now" in more.stderr
    assert (out / "shard-00000.h5").stat().st_ino == kept
    assert digests(out) == digests(tmp_path / "whole")


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_who_reads_meanwhile_sees_right_values(
    compression: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """One that was opened before, and new ones all the time, while the data set grows six times."""
    command = ["generate", colours, *FRESH, *LARGE, "--compression", compression]
    for name, passes in (("out", 1), ("whole", 7)):
        assert run_cli(*command, "--passes", passes, "-o", tmp_path / name).returncode == 0
    reader = start_process(tmp_path / "out", tmp_path / "whole", script=reading.__file__, stdin=subprocess.PIPE)
    assert reader.stdout is not None
    assert reader.stdout.readline() == "12\n"
    short = (tmp_path / "out/shard-00001.h5").stat().st_size
    for passes in range(2, 8):
        more = run_cli(*command, "--passes", passes, "-o", tmp_path / "out")
        assert more.returncode == 0, more.stderr
    said, problems = reader.communicate("")
    assert (reader.returncode, problems) == (0, "")
    assert said.endswith("84\n")
    assert compression == "gzip" or (tmp_path / "out/shard-00001.h5").stat().st_size > short, (
        "else offsets are the same"
    )
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_shard_that_is_replaced_just_after_it_was_opened(
    compression: str, run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["generate", colours, *FRESH, *LARGE, "--compression", compression, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    expected, arrays = values(tmp_path / "out"), MixedArrays(tmp_path / "out")
    look_up = OpenedDataSet.shard

    def grow_first(opened: OpenedDataSet, *args: int) -> ShardRecord:
        monkeypatch.setattr(OpenedDataSet, "shard", look_up)
        assert run_cli(*command, "--passes", 2).returncode == 0
        return look_up(opened, *args)

    monkeypatch.setattr(OpenedDataSet, "shard", grow_first)
    np.testing.assert_array_equal(arrays.images([11]), expected["images"][[11]])
    np.testing.assert_array_equal(arrays.labels([11]), expected["labels"][[11]])


@pytest.mark.parametrize(("start", "workers"), [("fork", 2), ("spawn", 1)])
def test_a_loader_whose_workers_begin_anew_each_epoch(
    start: str, workers: int, run_cli: Runner, arrays: Path, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    from mixup_cli.readers.pytorch import MixedDataset

    command = ["generate", arrays, "--samples-per-shard", 37, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    short = (tmp_path / "out/shard-00001.h5").stat().st_size
    loader = torch.utils.data.DataLoader(
        MixedDataset(tmp_path / "out"), batch_size=8, num_workers=workers, multiprocessing_context=start
    )
    first = [torch.cat(parts) for parts in zip(*loader, strict=True)]
    assert run_cli(*command, "--passes", 3).returncode == 0
    second = [torch.cat(parts) for parts in zip(*loader, strict=True)]
    assert (tmp_path / "out/shard-00001.h5").stat().st_size > short, "else offsets are the same"
    assert len(first[0]) == 40
    assert all(torch.equal(then, now) for then, now in zip(first, second, strict=True))
    assert torch.equal(first[1].sum(dim=1), torch.ones(40))


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_as_a_source_it_stays_what_was_opened(compression: str, run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    command = ["generate", arrays, "--samples-per-shard", 37, "--compression", compression, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    source = open_data_set(tmp_path / "out", SourceOptions())
    generate(open_data_set(tmp_path / "out", SourceOptions()), Recipe(), Run(out=tmp_path / "before"))
    assert run_cli(*command, "--passes", 3).returncode == 0
    generate(source, Recipe(), Run(out=tmp_path / "after"))
    assert digests(tmp_path / "after") == digests(tmp_path / "before")


@pytest.mark.parametrize("options", [["--seed", "1"], ["--alpha", "0.9"], ["--passes", "2", "--seed", "1"]])
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_another_data_set_in_its_place_is_refused(
    options: list[str], compression: str, run_cli: Runner, arrays: Path, tmp_path: Path
) -> None:
    """Its shards may have the same sizes: the rows are others all the same."""
    command = ["generate", arrays, "--samples-per-shard", 16, "--compression", compression, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    opened = MixedArrays(tmp_path / "out")
    pickled, images = pickle.dumps(opened), opened.images([0])
    assert run_cli(*command, "--force", *options).returncode == 0
    for rows in ([17], [39]):
        with pytest.raises(DataError, match=r"shard-0000[12]\.h5: .* Open the data set again"):
            opened.labels(rows)
    with pytest.raises(DataError, match="another data set replaced"):
        pickle.loads(pickled)
    if compression == "none":
        np.testing.assert_array_equal(opened.images([0]), images, err_msg="what is mapped stays")


def test_a_data_set_that_is_being_replaced_is_refused(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    command = ["generate", arrays, "--samples-per-shard", 16, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    opened = MixedArrays(tmp_path / "out")
    assert run_cli(*command, "--force", "--seed", 1, "--part", "1/2").returncode == 0
    with pytest.raises(DataError, match=r"shard-00000\.h5: was replaced since the data set was opened"):
        opened.images([0])


def test_room_for_the_last_shard_is_needed_twice(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one stays until the new one takes its place."""
    command = ["generate", arrays, "--samples-per-shard", 4000, "-o", tmp_path / "out"]
    assert run_cli(*command, "--samples", 3900).returncode == 0
    there = sum(path.stat().st_size for path in (tmp_path / "out").glob("shard-*.h5"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=1 << 40, free=there))
    refused = run_cli(*command, "--samples", 3999)
    assert refused.returncode == 74, refused.stderr
    assert "of disk and" in error_line(refused)
    assert run_cli("verify", tmp_path / "out").returncode == 0


def test_verify_of_a_data_set_that_grows_meanwhile_finds_no_damage(
    run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["generate", colours, *FRESH, "-o", tmp_path / "out"]
    assert run_cli(*command).returncode == 0
    begin = verifying.findings_of

    def grow_first(*args: Any) -> Any:
        assert run_process(*command, "--passes", 2).returncode == 0
        return begin(*args)

    monkeypatch.setattr(verifying, "findings_of", grow_first)
    checked = run_cli("verify", tmp_path / "out")
    assert (checked.returncode, checked.stdout) == (65, "")
    assert error_line(checked).endswith("was extended or replaced during the check. Run mixup-gen verify again.")
