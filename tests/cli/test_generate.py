"""`mixup-gen generate`: what it says, what it writes, and what it does where something is already."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import StorageError
from tests.data_sets import Columns, columns, digests, identities, manifest
from tests.running import Runner, error_line
from tests.small_sources import write_colours


def test_bare_command_never_takes_its_own_output_for_input(
    real_mixup_gen: Runner, mixup_gen: Runner, tmp_path: Path
) -> None:
    here = write_colours(tmp_path / "colours")
    first = real_mixup_gen("generate", "--alpha", "0.2", cwd=here)
    assert (first.returncode, first.stdout) == (0, "mixup-out/manifest.json\n")
    shutil.copy(here / "red/0.png", here / "mixup-out/preview.png")
    made = digests(here / "mixup-out", but=())
    for _ in range(2):
        again = mixup_gen("generate", "--alpha", "0.2", cwd=here)
        assert (again.returncode, again.stdout) == (0, "mixup-out/manifest.json\n")
        assert "nothing to do" in again.stderr
    other = mixup_gen("generate", "--alpha", "0.2", "-o", "other", cwd=here)
    assert (other.returncode, other.stdout) == (0, "other/manifest.json\n")
    assert digests(here / "mixup-out", but=()) == made
    assert digests(here / "other") == digests(here / "mixup-out", but=("run.json", "preview.png"))
    assert manifest(here / "other")["source"]["samples"] == 12


def test_stdout_has_the_manifest_alone_and_stderr_the_notices(
    real_mixup_gen: Runner, photos: Path, tmp_path: Path
) -> None:
    ended = real_mixup_gen("generate", photos, cwd=tmp_path)
    assert ended.stdout == "mixup-out/manifest.json\n"
    lines = ended.stderr.splitlines()
    assert all(line.startswith("mixup-gen: ") for line in lines), "no progress bar where stderr is no terminal"
    assert "differ in size (from 64x20 to 33x33)" in lines[0]
    assert "resized and centre-cropped to 224x224" in lines[0]
    assert lines[1].startswith("mixup-gen: 8 samples in 1 shard, ")


def test_quiet_says_nothing_but_the_result(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", photos, "-q", cwd=tmp_path)
    assert (ended.stdout, ended.stderr) == ("mixup-out/manifest.json\n", "")


def test_json_is_ndjson(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    events = []
    for passes in (1, 1, 2):
        ended = run_cli("generate", colours, "--passes", passes, "--json", cwd=tmp_path)
        events += [json.loads(line) for line in ended.stdout.splitlines()]
    assert [event["event"] for event in events] == ["made", "unchanged", "extended"]
    assert [event["samples"] for event in events] == [12, 12, 24]
    assert {event["manifest"] for event in events} == {"mixup-out/manifest.json"}


def test_finished_one_is_left_alone(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, cwd=tmp_path)
    before = identities(tmp_path / "mixup-out")
    again = run_cli("generate", colours)
    assert again.returncode == 0
    assert again.stderr == "mixup-gen: nothing to do: 12 samples in 1 shard, already complete\n"
    assert identities(tmp_path / "mixup-out") == before


def test_more_passes_keep_full_shards_and_remake_the_last(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    out = tmp_path / "mixup-out"
    run_cli("generate", colours, "--samples-per-shard", 5, cwd=tmp_path)
    before = identities(out)
    ended = run_cli("generate", colours, "--samples-per-shard", 5, "--passes", 3)
    assert "36 samples in 8 shards" in ended.stderr
    assert "extended: 6 made now" in ended.stderr
    after = identities(out)
    assert [name for name in sorted(before) if name.startswith("shard") and before[name] == after[name]] == [
        "shard-00000.h5",
        "shard-00001.h5",
    ]
    assert columns(out)["index"].tolist() == list(range(36))


def test_fewer_passes_than_there_are_is_refused(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--passes", 2, cwd=tmp_path)
    refused = run_cli("generate", colours)
    assert refused.returncode == 73
    assert "has 24 samples, more than the 12 asked for" in error_line(refused)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--seed 1", "seed was 0 and is 1"),
        ("--alpha 0.4", "mixup.alpha was 0.2 and is 0.4"),
        ("--size 5", "size was [6, 8] and is [5, 5]"),
        ("--dtype float32", "dtype was 'uint8' and is 'float32'"),
        ("--labels sparse", "labels was 'both' and is 'sparse'"),
        ("--samples-per-shard 3", "samples_per_shard was"),
        ("--shard-size 1KiB", "samples_per_shard was"),
    ],
)
def test_another_recipe_is_refused_by_name(
    options: str, told: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("generate", colours, cwd=tmp_path)
    before = identities(tmp_path / "mixup-out")
    refused = run_cli("generate", colours, *options.split())
    assert refused.returncode == 73
    message = error_line(refused)
    assert message.startswith("mixup-out: ")
    assert told in message
    assert message.endswith("Use another -o, or --force to replace it.")
    assert identities(tmp_path / "mixup-out") == before


def add(root: Path) -> None:
    shutil.copy(root / "red/0.png", root / "red/9.png")


def remove(root: Path) -> None:
    (root / "green/3.png").unlink()


def move(root: Path) -> None:
    (root / "red/1.png").rename(root / "green/1.png")


def change(root: Path) -> None:
    (root / "blue/2.png").write_bytes((root / "blue/2.png").read_bytes() + b"more")


CHANGES = [(add, "red/9.png is new"), (remove, "green/3.png is gone"), (move, "red/1.png"), (change, "blue/2.png has")]


@pytest.mark.parametrize(("alter", "told"), CHANGES)
def test_another_source_is_refused_by_the_first_difference(
    alter: Callable[[Path], None], told: str, run_cli: Runner, tmp_path: Path
) -> None:
    source = write_colours(tmp_path / "colours")
    run_cli("generate", source, cwd=tmp_path)
    alter(source)
    refused = run_cli("generate", source)
    assert refused.returncode == 73
    assert told in error_line(refused)
    assert run_cli("generate", source, "--force").returncode == 0


def test_an_unfinished_one_notices_content_of_the_same_size(
    run_cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_colours(tmp_path / "colours")
    with monkeypatch.context() as patched:
        patched.setattr("mixup_cli.runs.generate.finish", fail)
        assert run_cli("generate", source, cwd=tmp_path).returncode == 74
    (tmp_path / "mixup-out/.mixup-gen/done/00000.json").unlink()
    picture = source / "red/0.png"
    data = picture.read_bytes()
    picture.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    refused = run_cli("generate", source)
    assert refused.returncode == 73
    assert "red/0.png has other content" in error_line(refused)


def fail(*_: object) -> None:
    raise StorageError("the disk is full")


def test_foreign_files_are_refused_and_survive_force(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "o/sub").mkdir(parents=True)
    kept = [tmp_path / "o/notes.txt", tmp_path / "o/README.md.bak", tmp_path / "o/sub/shard-00000.h5"]
    for path in kept:
        path.write_text("mine")
    refused = run_cli("generate", colours, "-o", "o", cwd=tmp_path)
    assert refused.returncode == 73
    assert "'README.md.bak', which is not part of a data set" in error_line(refused)
    assert run_cli("generate", colours, "-o", "o", "--force").returncode == 0
    assert run_cli("generate", colours, "-o", "o", "--force", "--seed", 1).returncode == 0
    assert [path.read_text() for path in kept] == ["mine"] * 3
    run_cli("generate", colours, "-o", "fresh", "--seed", 1)
    there = digests(tmp_path / "o")
    assert digests(tmp_path / "fresh").items() <= there.items(), "nothing is left of what was replaced"
    assert len(there) == len(digests(tmp_path / "fresh")) + 3


@pytest.mark.parametrize("samples", [1, 7, 30])
def test_samples_counts_rows(samples: int, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--samples", samples, cwd=tmp_path)
    assert columns(tmp_path / "mixup-out")["index"].tolist() == list(range(samples))


def test_kept_originals_come_first_and_once(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--keep-originals", "--alpha", 8, cwd=tmp_path)
    there, methods = columns(tmp_path / "mixup-out"), manifest(tmp_path / "mixup-out")["methods"]
    assert [methods[number] for number in there["method"]] == ["none"] * 12 + ["mixup"] * 12
    assert sorted(there["source_index"][:12, 0]) == list(range(12))
    assert (there["images"][:12].max(axis=(1, 2, 3)) == 255).all(), "a pure colour"
    assert (there["labels"][:12].max(axis=1) == 1).all()


def test_alpha_zero_is_unmixed(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--alpha", 0, cwd=tmp_path)
    there = columns(tmp_path / "mixup-out")
    assert (there["share"] == [1, 0]).all()
    assert (there["labels"].argmax(axis=1) == there["source_label"][:, 0]).all()


def test_several_methods_share_the_rows(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    chosen = "mixup:0.5:alpha=1,cutmix:0.3,cutout:0.2:side=0.25"
    run_cli("generate", colours, "--method", chosen, "--passes", 20, cwd=tmp_path)
    there = columns(tmp_path / "mixup-out")
    assert manifest(tmp_path / "mixup-out")["methods"] == ["mixup", "cutmix", "cutout"]
    counts = np.bincount(there["method"]) / 240
    assert np.abs(counts - [0.5, 0.3, 0.2]).max() < 0.15, "five standard deviations"
    has_box = there["box"].any(axis=1)
    assert not (has_box & (there["method"] == 0)).any()
    assert (has_box | (there["method"] != 2)).all()


def test_variants_hold_the_same_rows(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    """Every way of storing is held against `--dtype float32`, which rounds nothing."""

    def made(*options: str) -> Columns:
        out = tmp_path / "-".join(("out", *options)).replace("/", "_")
        ended = run_cli("generate", photos, "--size", "16x12", "--alpha", 1, "-o", out, *options)
        assert ended.returncode == 0, ended.stderr
        return columns(out)

    exact = made("--dtype", "float32")
    images = exact["images"]
    assert images.shape == (8, 12, 16, 3)
    assert np.abs(made()["images"] / 255.0 - images).max() <= 0.5 / 255 + 1e-6
    assert np.abs(made("--dtype", "uint16")["images"] / 65535.0 - images).max() <= 0.5 / 65535 + 1e-6
    assert (made("--dtype", "float16")["images"] == images.astype(np.float16)).all()
    assert (made("--dtype", "float32", "--layout", "nchw")["images"] == images.transpose(0, 3, 1, 2)).all()
    grey = made("--dtype", "float32", "--channels", "grey")["images"]
    assert np.abs(grey[..., 0] - images @ [0.299, 0.587, 0.114]).max() < 0.01
    normal = made("--dtype", "float32", "--normalize", "0.5,0.4,0.3/0.2,0.25,0.5")["images"]
    assert np.abs(normal - (images - [0.5, 0.4, 0.3]) / [0.2, 0.25, 0.5]).max() < 2e-6
    for compression in ("gzip", "zstd"):
        packed = made("--dtype", "float32", "--compression", compression)
        assert all((packed[name] == column).all() for name, column in exact.items())
    dense, sparse = made("--dtype", "float32", "--labels", "dense"), made("--dtype", "float32", "--labels", "sparse")
    assert exact.keys() - dense.keys() == {"source_label", "label_share"}
    assert exact.keys() - sparse.keys() == {"labels"}
    rebuilt = (np.eye(2)[sparse["source_label"]] * sparse["label_share"][..., None]).sum(axis=1)
    assert (rebuilt == dense["labels"]).all()
