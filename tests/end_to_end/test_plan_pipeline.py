"""A plan as a step of its own: untouched it gives what generate gives, and filtered just the rows that stay."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mixup_cli.methods import undecided
from mixup_cli.recipe import Recipe
from tests.data_sets import columns, digests, manifest
from tests.faults.progress import meet_fault
from tests.labelled_texts import TEXTS_FOLDER, TOKENIZER
from tests.plain_methods import PLAIN
from tests.running import Runner, shell

KEEP_BELOW = r"""
NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
NR == 1 || $column["lam"] < 0.9
"""


def test_plan_awk_generate(colours: Path, tmp_path: Path) -> None:
    (tmp_path / "below.awk").write_text(KEEP_BELOW)
    ended = shell(
        f"mixup-gen plan {colours} -q --passes 4 --alpha 0.4 | tee plan.csv | awk -F, -f below.awk | tee some.csv "
        f"| mixup-gen generate {colours} -q --plan - -o some",
        tmp_path,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    kept = [row for row in csv.DictReader((tmp_path / "plan.csv").read_text().splitlines()) if float(row["lam"]) < 0.9]
    made = columns(tmp_path / "some")
    assert 0 < len(kept) < 48
    assert made["source_index"].tolist() == [[int(row["parent_0"]), int(row["parent_1"])] for row in kept]
    assert made["index"].tolist() == list(range(len(kept)))
    assert (made["share"][:, 0] < 0.9).all()
    for command in ("verify some", "verify some --deep --plan some.csv", "verify some --deep --plan - < some.csv"):
        ended = shell(f"mixup-gen {command}", tmp_path)
        assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr
    ended = shell(f"mixup-gen generate {colours} --alpha 0.4 --passes 4 -q -o all", tmp_path)
    everything = columns(tmp_path / "all")
    places = [int(row["index"]) for row in kept]
    for name in set(everything) - {"index"}:
        np.testing.assert_array_equal(made[name], everything[name][places])


def test_rows_put_together_from_several_plans(colours: Path, tmp_path: Path) -> None:
    ended = shell(
        f"(mixup-gen plan {colours} -q --pair same-class; mixup-gen plan {colours} -q --pair cross-class --seed 5 "
        f"| tail -n +2) | mixup-gen generate {colours} -q --plan - -o both && mixup-gen verify both -q",
        tmp_path,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    classes = columns(tmp_path / "both")["source_label"]
    assert (classes[:12, 0] == classes[:12, 1]).all()
    assert (classes[12:, 0] != classes[12:, 1]).all()


@pytest.mark.parametrize(
    "line",
    [
        "mixup-gen plan {source} -q --passes 5000 | head -n 1",
        "mixup-gen plan {source} -q --passes 5000 | true; exit ${{PIPESTATUS[0]}}",
    ],
)
def test_a_reader_that_leaves(line: str, colours: Path, tmp_path: Path) -> None:
    ended = shell(line.format(source=colours), tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_step_that_fails_fails_the_next(tmp_path: Path, colours: Path) -> None:
    ended = shell(f"mixup-gen plan nowhere -q | mixup-gen generate {colours} --plan - -o o", tmp_path)
    assert ended.returncode == 66
    assert "nowhere" in ended.stderr
    assert "stdin: is empty" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(("what", "redirected"), [("plan", ">&-"), ("generate --plan -", "<&-")])
def test_closed_streams(what: str, redirected: str, colours: Path, tmp_path: Path) -> None:
    ended = shell(f"mixup-gen {what} {colours} {redirected}", tmp_path, real=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("mixup-gen: error: ")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


FAMILY = ",".join(name for name in reversed(PLAIN) if name != "none")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(
    ("options", "decided"),
    [
        (["--method", "mixup"], []),
        (["--method", FAMILY, "--size", "24"], ["--keep-originals", "--passes", "6"]),
        (["--method", "erase:fill=noise,fmix:decay=2", "--size", "20x30"], ["--passes", "3"]),
        (["--flip", "0.5", "--crop-pad", "3", "--size", "16"], ["--keep-originals", "--passes", "3"]),
        (["--random-resized-crop", "--method", "cutmix,mixup,saliencymix", "--size", "16"], ["--passes", "3"]),
        (["--method", "mixup", "--label-smoothing", "0.1"], ["--pair", "cross-class"]),
        (["--method", "cutmix"], ["--pair", "same-class", "--samples", "9"]),
    ],
)
def test_an_untouched_plan_gives_what_generate_gives(
    suffix: str, options: list[str], decided: list[str], photos: Path, tmp_path: Path, run_cli: Runner
) -> None:
    check_untouched(suffix, options, decided, photos, tmp_path, run_cli)


SAMPLES = TEXTS_FOLDER.parent
TOKENS = f"--tokenizer {TOKENIZER}"


@pytest.mark.parametrize(
    ("suffix", "source", "options"),
    [
        ("csv", "sounds", "--task audio --seconds 0.3 --method bc,snr,cutmix"),
        ("parquet", "sounds", "--task audio --seconds 0.3 --features logmel:20 --method specmix,mixup"),
        ("csv", "clips", "--task video --frames 4 --clips 2 --size 16 --method cutmix,fmix"),
        ("parquet", "texts/questions.csv", f"--task text {TOKENS} --method ssmix,cutmix"),
        (
            "csv",
            "photos",
            f"--task caption {TOKENS} --labels-from {TEXTS_FOLDER}/captions.csv --method mixgen --size 16",
        ),
    ],
)
def test_an_untouched_plan_of_other_tasks(
    suffix: str, source: str, options: str, tmp_path: Path, run_cli: Runner
) -> None:
    check_untouched(suffix, options.split(), ["--keep-originals"], SAMPLES / source, tmp_path, run_cli)


def check_untouched(
    suffix: str, options: list[str], decided: list[str], source: Path, tmp_path: Path, run_cli: Runner
) -> None:
    """A plan that was written and read gives the rows of the plan that is computed."""
    plan = tmp_path / f"plan.{suffix}"
    commands: list[tuple[Any, ...]] = [
        ("plan", source, *options, *decided, "-o", plan),
        ("generate", source, *options, *decided, "-o", tmp_path / "computed"),
        ("generate", source, *options, "--plan", plan, "-o", tmp_path / "read"),
    ]
    for command in commands:
        ended = run_cli(*command, "-q")
        assert (ended.returncode, ended.stderr) == (0, "")
    computed, read = columns(tmp_path / "computed"), columns(tmp_path / "read")
    assert computed.keys() == read.keys()
    for name, values in computed.items():
        assert values.tobytes() == read[name].tobytes(), name
    one, other = manifest(tmp_path / "computed"), manifest(tmp_path / "read")
    changed = {name for name in other["recipe"] if other["recipe"][name] != one["recipe"].get(name)} - {"methods"}
    decided_in_plan = {name[2:].replace("-", "_") for name in decided} & {"keep_originals", "pair"}
    assert changed == {"plan", *decided_in_plan}
    was = (Recipe.from_dict(each["recipe"]).methods for each in (one, other))
    assert undecided(next(was)) == next(was), "what the plan has decided is not written down"
    rest = {"recipe", "recipe_id", "shards", "totals"}
    assert {name: one[name] for name in one.keys() - rest} == {name: other[name] for name in other.keys() - rest}


def test_shards_differ_in_the_attribute_alone(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("plan", colours, "-q", "-o", tmp_path / "plan.csv")
    run_cli("generate", colours, "-q", "-o", tmp_path / "computed")
    run_cli("generate", colours, "-q", "--plan", tmp_path / "plan.csv", "-o", tmp_path / "read")
    attributes = []
    for name in ("computed", "read"):
        with h5py.File(tmp_path / name / "shard-00000.h5") as file:
            attributes.append(dict(file.attrs))
    assert {name for name in attributes[0] if attributes[0][name] != attributes[1][name]} == {"recipe"}


def test_csv_and_parquet_make_the_same_bytes(photos: Path, tmp_path: Path, run_cli: Runner) -> None:
    made = []
    for suffix in ("csv", "parquet"):
        plan = tmp_path / f"plan.{suffix}"
        run_cli("plan", photos, "-q", "--method", "mixup,fmix", "--flip", "0.5", "--size", "16", "-o", plan)
        out = tmp_path / suffix
        run_cli("generate", photos, "-q", "--plan", plan, "--flip", "0.5", "--size", "16", "-o", out)
        made.append(digests(out))
    assert made[0] == made[1]
    assert made[0]


def test_the_methods_of_a_plan_need_no_mention(photos: Path, tmp_path: Path, run_cli: Runner) -> None:
    plan = tmp_path / "plan.csv"
    run_cli("plan", photos, "-q", "--method", "cutmix,mixup", "--keep-originals", "--size", "16", "-o", plan)
    run_cli("generate", photos, "-q", "--plan", plan, "--size", "16", "-o", tmp_path / "o")
    made = manifest(tmp_path / "o")
    assert [choice["name"] for choice in made["recipe"]["methods"]] == ["mixup", "cutmix"]
    assert made["methods"] == ["mixup", "cutmix", "none"]


def test_arrays_that_are_no_pictures(tmp_path: Path, run_cli: Runner) -> None:
    draw = np.random.default_rng(1)
    np.savez(tmp_path / "waves.npz", x=draw.normal(size=(20, 7)).astype(np.float32), y=np.arange(20) % 3)
    run_cli("plan", tmp_path / "waves.npz", "-q", "--method", "mixup,dirichlet", "-o", tmp_path / "plan.csv")
    ended = run_cli("generate", tmp_path / "waves.npz", "-q", "--plan", tmp_path / "plan.csv", "-o", tmp_path / "o")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert run_cli("verify", tmp_path / "o", "--deep", "--plan", tmp_path / "plan.csv").returncode == 0


def test_killed_and_resumed(arrays: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("plan", arrays, "-q", "--samples", 2000, "--method", "fmix", "-o", tmp_path / "plan.csv")
    command = ("generate", arrays, "-q", "--plan", tmp_path / "plan.csv", "--samples-per-shard", 50)
    meet_fault("kill", "replace:20", *command, "-o", tmp_path / "cut", cwd=tmp_path).communicate()
    assert not (tmp_path / "cut" / "manifest.json").exists()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").glob("shard-*.h5")}
    assert run_cli(*command, "-o", tmp_path / "cut").returncode == 0
    assert run_cli(*command, "-o", tmp_path / "whole").returncode == 0
    assert digests(tmp_path / "cut") == digests(tmp_path / "whole")
    assert len(before) >= 8
    assert sum(path.stat().st_mtime_ns == when for path, when in before.items()) >= len(before) - 2
