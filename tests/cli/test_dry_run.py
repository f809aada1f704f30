"""`--dry-run` and the room on the disk: told before anything is written, and refused where it cannot fit."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from tests.data_sets import digests
from tests.running import Runner, error_line
from tests.small_sources import write_arrays


class Usage(NamedTuple):
    """As shutil.disk_usage returns it."""

    total: int
    used: int
    free: int


def leave_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free_bytes))


def told(run_cli: Runner, *args: object) -> dict[str, Any]:
    ended = run_cli("generate", *args, "--dry-run", "--json")
    assert ended.returncode == 0, ended.stderr
    facts: dict[str, Any] = json.loads(ended.stdout)
    return facts


def test_it_writes_nothing(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    before = digests(photos)
    ended = run_cli("generate", photos, "--dry-run", cwd=tmp_path)
    heads = [line.split()[0] for line in ended.stdout.splitlines()]
    assert heads == "classes cat would each output cache disk time".split()
    assert "cat (4), dog (4)" in ended.stdout
    assert "differ in size" in ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert digests(photos) == before


def test_a_part_is_foretold_by_the_inputs_that_it_reads(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    """Of forty, in a cycle of partners."""
    options = [arrays, "--samples-per-shard", 4, "-o", tmp_path / "out"]
    facts = [told(run_cli, *options, "--part", part) for part in ("1/4", "2/4")]
    assert [(each["part"], each["part_samples"], each["part_inputs"]) for each in facts] == [
        ("1/4", 8, 9),
        ("2/4", 12, 13),
    ]
    for part, is_first in (("1/4", True), ("2/4", False)):
        ended = run_cli("generate", *options, "--part", part)
        assert ended.returncode == 0
        assert ("reads 13 of 40 inputs" in ended.stderr) != is_first
    assert "part" not in told(run_cli, *options)
    shown = run_cli("generate", *options, "--part", "2/4", "--dry-run").stdout
    assert "2/4: 12 samples from 13 inputs; the first part to come reads all inputs\n" in shown


@pytest.mark.parametrize("options", [[], ["--labels", "dense"], ["--dtype", "float32"], ["--keep-originals"]])
def test_bytes_are_told_within_a_hundredth(options: list[str], run_cli: Runner, tmp_path: Path) -> None:
    source = write_arrays(tmp_path / "a.npz", 50, (400, 400, 3))
    facts = told(run_cli, source, "-o", tmp_path / "o", "--passes", 6, *options)
    run_cli("generate", source, "-o", tmp_path / "o", "--passes", 6, *options)
    made = list((tmp_path / "o").iterdir())
    assert facts["output_bytes"] == pytest.approx(sum(path.stat().st_size for path in made), rel=0.01)
    assert facts["shards"] == sum(path.suffix == ".h5" for path in made)
    assert facts["cache_bytes"] == 50 * 400 * 400 * 3


def test_what_cannot_fit_is_refused_before_it_starts(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_free(monkeypatch, 1000)
    refused = run_cli("generate", arrays, cwd=tmp_path)
    assert refused.returncode == 74
    message = error_line(refused)
    assert re.match(r"mixup-out: this run needs 1\d\d\.\d KiB of disk and 1000 B are free\. Make room", message)
    assert digests(tmp_path) == {}
    foretold = run_cli("generate", arrays, "--dry-run")
    assert (foretold.returncode, foretold.stderr.splitlines()[-1]) == (74, refused.stderr.splitlines()[-1])
    assert " needed, 1000 B free: this does not fit\n" in foretold.stdout
    assert run_cli("generate", arrays, "--dry-run", "--json").returncode == 74
    assert "this does not fit" in run_cli("inspect", arrays).stdout


@pytest.mark.parametrize("options", [[], ["--samples-per-shard", 10**18], ["--samples-per-shard", 1]])
def test_the_largest_wish_is_refused_alike(
    options: list[object], run_cli: Runner, arrays: Path, tmp_path: Path
) -> None:
    refused = run_cli("generate", arrays, "--samples", 10**18, *options, cwd=tmp_path)
    assert refused.returncode == 74
    assert "of disk and" in error_line(refused)


def test_what_is_there_already_needs_no_room(run_cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_arrays(tmp_path / "a.npz", 50, (100, 100, 3))
    how = ["--samples-per-shard", 50]  # a short last shard would be made anew, and needs room for both
    run_cli("generate", source, *how, "--passes", 2, cwd=tmp_path)
    leave_free(monkeypatch, 3_000_000)
    foretold = run_cli("generate", source, *how, "--passes", 3, "--dry-run")
    assert (foretold.returncode, "MiB needed, 2.9 MiB free\n" in foretold.stdout) == (0, True)
    assert run_cli("generate", source, *how, "--passes", 6, "--dry-run").returncode == 74
    more = run_cli("generate", source, *how, "--passes", 3)
    assert more.returncode == 0, "1.5 MB of shards, and what is around them"
    assert run_cli("generate", source, *how, "--passes", 6).returncode == 74


def test_a_short_last_shard_needs_room_twice(run_cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one stays until the new one takes its place; the dry run knows it, too."""
    source = write_arrays(tmp_path / "a.npz", 50, (100, 100, 3))
    run_cli("generate", source, "--passes", 2, cwd=tmp_path)
    leave_free(monkeypatch, 3_000_000)
    assert run_cli("generate", source, "--passes", 3, "--dry-run").returncode == 74
    assert run_cli("generate", source, "--passes", 3).returncode == 74


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_finished_one_needs_no_room(
    compression: str, run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_cli("generate", arrays, "--compression", compression, cwd=tmp_path)
    leave_free(monkeypatch, 0)
    again = run_cli("generate", arrays, "--compression", compression)
    assert (again.returncode, again.stderr[:23]) == (0, "mixup-gen: nothing to d")
    assert run_cli("generate", arrays, "--compression", compression, "--dry-run").returncode == 0


def test_forced_replacement_that_cannot_fit_leaves_what_is_there(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_cli("generate", arrays, cwd=tmp_path)
    before = digests(tmp_path, but=())
    leave_free(monkeypatch, 1000)
    assert run_cli("generate", arrays, "--passes", 99, "--force").returncode == 74
    assert {name: digest for name, digest in digests(tmp_path, but=()).items() if "lock" not in name} == before


def test_it_warns_where_labels_outweigh_pixels(run_cli: Runner, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    np.savez(tmp_path / "a.npz", x=draw.integers(0, 256, (600, 4, 4, 3), dtype=np.uint8), y=np.arange(600))
    warned = run_cli("generate", "a.npz", "--dry-run", cwd=tmp_path)
    assert "dense labels take 2.3 KiB a sample and the pixels 48 B: --labels sparse stores" in warned.stderr
    assert "dense labels" not in run_cli("generate", "a.npz", "--labels", "sparse", "--dry-run").stderr


@pytest.fixture
def sorted_by_class(tmp_path: Path) -> Path:
    """More samples of the first class than a look at the beginning would see."""
    np.savez(tmp_path / "sorted.npz", x=np.zeros((200, 4, 4, 3), np.uint8), y=np.repeat(np.arange(2), 100))
    return tmp_path / "sorted.npz"


@pytest.mark.parametrize("command", [["generate", "--dry-run"], ["inspect"]])
@pytest.mark.parametrize(
    "options",
    ["--pair cross-class", "--pair balanced", "--method saliencymix", "--method mosaic", "--cache none --window 60"],
)
def test_what_can_be_made_is_foretold(
    command: list[str], options: str, run_cli: Runner, sorted_by_class: Path, tmp_path: Path
) -> None:
    if command == ["inspect"] and "--cache" in options:
        options = "--window 60"
    ended = run_cli(*command, sorted_by_class, *options.split(), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "would make    200 samples" in ended.stdout


def test_what_cannot_be_made_is_refused_as_it_will_be(run_cli: Runner, sorted_by_class: Path, tmp_path: Path) -> None:
    options = [sorted_by_class, "--method", "mosaic", "--per-class", 1]
    foretold = run_cli("generate", *options, "--dry-run", cwd=tmp_path)
    refused = run_cli("generate", *options)
    assert (foretold.returncode, error_line(foretold)) == (refused.returncode, error_line(refused))
    assert "--per-class 1: it takes 2 samples, and mosaic mixes 4 different ones. Raise it" in error_line(refused)


def test_who_stays_unmixed_is_told_before(run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((60, 4, 4, 3), np.uint8), y=np.arange(60) // 59)
    ended = run_cli("generate", "a.npz", "--pair", "same-class", "--dry-run", cwd=tmp_path)
    assert "1 sample will stay unmixed" in ended.stderr


def test_what_compression_may_save_is_not_refused(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_free(monkeypatch, 400_000)
    command = ["generate", arrays, "--compression", "gzip", "--dry-run", "--passes", 60]
    assert "only if compression saves enough" in run_cli(*command, cwd=tmp_path).stderr
    refused = run_cli(*command, "--samples-per-shard", 8)
    assert (refused.returncode, ": this does not fit\n" in refused.stdout) == (74, True), "300 shards' metadata"


def test_many_small_shards_are_foretold_and_warned_of(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    command, advice = ["generate", arrays, "--passes", 4], "besides its rows, most of the output: pass a larger"
    ended = run_cli(*command, "--shard-size", "1KB", "--dry-run", cwd=tmp_path)
    assert "would make    160 samples in 54 shards of up to 3" in ended.stdout
    assert "output        5." in ended.stdout, "MiB"
    assert f"{advice} --shard-size" in ended.stderr
    assert run_cli(*command, "--shard-size", "1KB", "-o", tmp_path / "small").stderr.count(advice) == 1
    assert advice not in run_cli(*command, "-o", tmp_path / "large").stderr


def test_a_data_set_that_is_there_is_taken_into_account(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    run_cli("generate", arrays, "--samples-per-shard", 7, cwd=tmp_path)
    assert told(run_cli, arrays, "--passes", 2)["shards"] == 12


OTHERS = {
    "another split": ["data", "--split", "val"],
    "another folder": ["data/train"],
    "more classes": ["data", "--classes", "a,b,c"],
    "no labels": ["data", "--label-kind", "none"],
    "fewer samples": ["data", "--samples", "2"],
}


@pytest.mark.parametrize("given", OTHERS.values(), ids=OTHERS)
def test_another_data_set_is_there(given: list[str], run_cli: Runner, tmp_path: Path) -> None:
    """A dry run says what the run would say."""
    for number, folder in enumerate(("train/a", "train/b", "val/a", "val/b")):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for name in "xyz":
            Image.new("L", (4, 4), number).save(tmp_path / "data" / folder / f"{name}.png")
    assert run_cli("generate", "data", "-o", "o", cwd=tmp_path).returncode == 0
    dry, wet = (run_cli("generate", *given, "-o", "o", *more, cwd=tmp_path) for more in (["--dry-run"], []))
    assert dry.returncode == wet.returncode == 73
    assert error_line(dry) == error_line(wet)


@pytest.mark.parametrize("place", ["file", "file/below", "link", "link/below"])
@pytest.mark.parametrize("more", [[], ["--dry-run"], ["--force"], ["--force", "--dry-run"]])
def test_no_folder_can_be_there(place: str, more: list[str], run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("nowhere")
    ended = run_cli("generate", colours, "-o", tmp_path / place, *more)
    assert ended.returncode == 73
    first = tmp_path / place.partition("/")[0]
    assert error_line(ended) == f"{first}: is not a folder, and -o {tmp_path / place} needs one. Use another -o."
    assert (tmp_path / "file").read_text() == "mine"
