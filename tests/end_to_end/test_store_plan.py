"""A data set that stores its plan gives what one of mixed samples gives, and becomes one byte by byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.checks.verify import verify
from mixup_cli.errors import DataError, NoInputError, OutputExistsError, UsageError
from mixup_cli.mixing.shard_values import Mixing, ShardMaker
from mixup_cli.plan.files.reading import read_plan
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import MethodChoice, Normalize, Recipe
from mixup_cli.runs.generate import Outcome, generate
from mixup_cli.runs.materialize import materialize
from mixup_cli.runs.settings import Run
from mixup_cli.scan.cache import CacheSettings
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.manifest import parse_manifest, read_manifest
from tests.data_sets import digests, manifest
from tests.labelled_texts import QUESTIONS, TOKENIZER
from tests.running import Runner, error_line
from tests.small_captions import write_captioned
from tests.small_clips import write_videos
from tests.small_sounds import write_sounds
from tests.timed_sources import PartsOfWaves, clips, spectrograms, tokens, waves


def methods(*names: str) -> tuple[MethodChoice, ...]:
    return tuple(MethodChoice(name) for name in names)


RECIPES: dict[str, Recipe] = {
    "one method, several shards": Recipe(samples_per_shard=10),
    "every kind of weights": Recipe(methods=methods("mixup", "cutmix", "fmix", "smoothmix", "gridmix", "dirichlet")),
    "moved parents": Recipe(methods=methods("resizemix", "mosaic", "jigsaw", "erase", "cutout"), fill=(9, 8, 7)),
    "peaks of samples": Recipe(methods=methods("saliencymix"), layout="nchw"),
    "views and originals": Recipe(flip=0.5, crop_pad=2, keep_originals=True),
    "crops of larger samples": Recipe(crop_area=(0.2, 1.0), size=(9, 12), cache_size=(16, 20)),
    "floats": Recipe(dtype="float32", normalize=Normalize((0.4, 0.5, 0.6), (0.2, 0.3, 0.2)), layout="nchw"),
    "half floats in linear light": Recipe(dtype="float16", linear_light=True),
    "sparse labels of the larger share": Recipe(labels="sparse", label_rule="base"),
    "smoothed dense labels": Recipe(labels="dense", label_smoothing=0.1),
    "rare classes": Recipe(label_rule="remix"),
    "grey, compressed": Recipe(channels="grey", compression="gzip"),
}


SEVERAL = methods("mixup", "cutmix", "cutout", "none")

IN_TIME: dict[str, tuple[Source, Recipe]] = {
    "waves": (waves(), Recipe(methods=SEVERAL, samples_per_shard=7)),
    "parts of waves, by how loud they are": (
        waves(PartsOfWaves),
        Recipe(methods=methods("bc", "snr", "mixup", "cutmix"), keep_originals=True),
    ),
    "half floats of waves": (waves(PartsOfWaves), Recipe(methods=methods("bc"), dtype="float16")),
    "normalised spectrograms": (
        spectrograms(),
        Recipe(methods=methods("mixup"), dtype="float32", normalize=Normalize((60.0,), (20.0,))),
    ),
    "whole numbers of waves": (waves(), Recipe(methods=methods("bc", "mixup"), dtype="int16")),
    "parts of spectrograms": (
        spectrograms(),
        Recipe(methods=(*SEVERAL, *methods("fmix", "specmix", "erase")), keep_originals=True),
    ),
    "frames of clips": (
        clips(),
        Recipe(methods=(MethodChoice("cutmix", options={"over": "both"}), *methods("cutmix", "fmix", "mixup"))),
    ),
    "tokens": (tokens(), Recipe(methods=methods("ssmix", "cutmix", "cutout"))),
    "tokens of a large vocabulary, of both parents": (
        tokens("float32"),
        Recipe(methods=methods("ssmix", "mixup"), keep_originals=True, label_rule="base"),
    ),
}
"""Samples that go on in time."""

Read = tuple[Path, SourceOptions, Recipe]


def of_sounds(folder: Path) -> Read:
    options = SourceOptions(task="audio", seconds=0.35, short="loop")
    return write_sounds(folder, 2), options, Recipe(methods=methods("bc", "cutmix"), keep_originals=True)


def of_spectrograms(folder: Path) -> Read:
    options = SourceOptions(task="audio", seconds=0.35, features="logmel:8")
    return write_sounds(folder, 2), options, Recipe(methods=methods("specmix", "mixup"))


def of_clips(folder: Path) -> Read:
    options = SourceOptions(task="video", frames=3, stride=2, clips=3)
    recipe = Recipe(methods=methods("mixup", "cutmix"), size=(20, 24), keep_originals=True)
    return write_videos(folder, ("a/0.avi", "b/1.avi")), options, recipe


def of_texts(_: Path) -> Read:
    return QUESTIONS, SourceOptions(task="text", tokenizer=str(TOKENIZER)), Recipe(methods=methods("ssmix", "mixup"))


def of_captions(folder: Path) -> Read:
    options = SourceOptions(task="caption", tokenizer=str(TOKENIZER))
    return write_captioned(folder), options, Recipe(methods=methods("mixgen", "cutmix"), keep_originals=True)


IN_FILES = {
    "sounds": of_sounds,
    "spectrograms": of_spectrograms,
    "clips": of_clips,
    "texts": of_texts,
    "captions": of_captions,
}
"""Writes files, and says how they are read and mixed."""

OF_FILES = {
    "sounds": "--task audio --seconds 0.35 --method bc",
    "spectrograms": "--task audio --seconds 0.35 --features logmel:8",
    "clips": "--task video --frames 3 --clips 2 --size 24",
    "texts": f"--task text --tokenizer {TOKENIZER} --method ssmix",
    "captions": f"--task caption --tokenizer {TOKENIZER} --method mixgen",
}
"""The same on a command line."""


def made(source: Source, recipe: Recipe, out: Path, **run: Any) -> Outcome:
    return generate(source, recipe, Run(**{"out": out, "passes": 2, "workers": 1, **run}))


def same_values(planned: Path, rows: Path) -> None:
    """Every column of mixed samples has the same bits in both, in any order of rows."""
    found, expected = MixedArrays(planned), MixedArrays(rows)
    assert len(found) == len(expected)
    order = np.random.default_rng(0).permutation(len(expected))
    for column in expected.manifest.columns:
        ours, theirs = found.column(column.name), expected.column(column.name)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_array_equal(ours.take(order), theirs.take(order), err_msg=column.name)
        np.testing.assert_array_equal(ours[3:11], theirs[3:11], err_msg=column.name)
        np.testing.assert_array_equal(ours.take(order[:1]), theirs.take(order[:1]), err_msg=column.name)
    if expected.label_kind != "none":
        np.testing.assert_array_equal(found.labels(order), expected.labels(order))


@pytest.fixture
def source(colours: Path) -> Source:
    return open_source([colours])


def check_same(source: Source, recipe: Recipe, tmp_path: Path) -> None:
    """Readers of the plan, and `materialize`, give what rows hold; `verify` finds nothing."""
    made(source, recipe.with_(store="plan"), tmp_path / "planned")
    made(source, recipe, tmp_path / "rows")
    same_values(tmp_path / "planned", tmp_path / "rows")
    assert verify(tmp_path / "planned") == []
    materialize(tmp_path / "planned", Run(out=tmp_path / "made", workers=1), recipe.samples_per_shard)
    assert digests(tmp_path / "made") == digests(tmp_path / "rows")


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_readers_and_materialize_give_what_rows_hold(recipe: Recipe, source: Source, tmp_path: Path) -> None:
    check_same(source, recipe, tmp_path)


@pytest.mark.parametrize("case", IN_TIME.values(), ids=IN_TIME)
def test_samples_that_go_on_in_time_are_mixed_alike(case: tuple[Source, Recipe], tmp_path: Path) -> None:
    check_same(*case, tmp_path)
    samples = read_manifest(tmp_path / "planned" / "samples")
    assert samples.signals[0].shape == case[0].survey().array_form.shape, "they are whole"  # type: ignore[union-attr]


@pytest.mark.parametrize("read", ["sounds", "spectrograms", "clips", "texts", "captions"])
def test_what_lies_in_files_is_mixed_alike(read: str, tmp_path: Path) -> None:
    place, options, recipe = IN_FILES[read](tmp_path / "source")
    check_same(open_source([place], options), recipe, tmp_path)


@pytest.mark.parametrize("kind", ["soft", "multi", "real", "none"])
def test_labels_of_every_kind_and_signals_beside(kind: str, tmp_path: Path) -> None:
    drawn = np.random.default_rng(1)
    labels = drawn.random((12, 3)).astype(np.float32)
    labels = {"soft": labels / labels.sum(1, keepdims=True), "multi": (labels > 0.5).astype(np.float32)}.get(
        kind, labels
    )
    arrays = {
        "images": drawn.integers(0, 255, (12, 6, 5, 3), np.uint8),
        "wave": drawn.random((12, 7)).astype(np.float32),
    }
    np.savez(tmp_path / "two.npz", allow_pickle=False, **arrays, **({} if kind == "none" else {"y": labels}))
    given = {} if kind == "none" else {"label_key": "y", "label_kind": kind}
    source = open_source([tmp_path / "two.npz"], SourceOptions(data_key="images,wave", **given))  # type: ignore[arg-type]
    recipe = Recipe(dtype="source")
    made(source, recipe.with_(store="plan"), tmp_path / "planned")
    made(source, recipe, tmp_path / "rows")
    same_values(tmp_path / "planned", tmp_path / "rows")
    materialize(tmp_path / "planned", Run(out=tmp_path / "made", workers=1))
    assert digests(tmp_path / "made") == digests(tmp_path / "rows")


def test_rows_of_a_plan_file(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("plan", colours, "--method", "cutmix", "-o", tmp_path / "plan.csv", "-q")
    plan = read_plan(tmp_path / "plan.csv")
    recipe = Recipe(methods=methods("cutmix"), plan=plan.digest())
    for name, store in (("planned", "plan"), ("rows", "rows")):
        made(open_source([colours]), recipe.with_(store=store), tmp_path / name, plan=plan)
    same_values(tmp_path / "planned", tmp_path / "rows")


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, recipe = IN_TIME["parts of waves, by how loud they are"]
    recipe = recipe.with_(store="plan", samples_per_shard=7)
    made(source, recipe, tmp_path / "whole")
    mix, shards = ShardMaker.mix, list[range]()

    def stopped(maker: ShardMaker, rows: range) -> Mixing:
        shards.append(rows)
        if len(shards) in (1, 4):  # while samples are made, and then while the plan is
            raise KeyboardInterrupt
        return mix(maker, rows)

    monkeypatch.setattr(ShardMaker, "mix", stopped)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            made(source, recipe, tmp_path / "out")
    assert made(source, recipe, tmp_path / "out").state == "resumed"
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert digests(tmp_path / "out" / "samples") == digests(tmp_path / "whole" / "samples")


@pytest.mark.parametrize(("column", "value"), [("box", 9), ("span", 41), ("span", -1)])
def test_places_outside_of_a_sample_reach_no_kernel(column: str, value: int, tmp_path: Path) -> None:
    made(waves(), Recipe(methods=methods("cutmix"), store="plan"), tmp_path / "out")
    shard = manifest(tmp_path / "out")["shards"][0]
    data = bytearray((tmp_path / "out" / shard["file"]).read_bytes())
    offset = shard["columns"][column]["offset"] + 4
    data[offset : offset + 4] = value.to_bytes(4, "little", signed=True)
    (tmp_path / "out" / shard["file"]).write_bytes(data)
    with pytest.raises(DataError, match=r"leaves its sample\. Run mixup-gen verify"):
        MixedArrays(tmp_path / "out").images([0])


def test_further_data_sets_share_the_samples_and_read_no_input(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "samples"
    recipe = Recipe(store="plan")
    made(source, recipe, tmp_path / "first", samples_folder=shared)
    before = digests(shared, but=())

    def never(*_: Any) -> Iterator[Any]:
        raise AssertionError("an input is read again")

    monkeypatch.setattr(type(source), "load_signals", never)
    made(source, recipe.with_(seed=1), tmp_path / "second", samples_folder=shared, passes=5)
    assert digests(shared, but=()) == before
    assert manifest(tmp_path / "second")["samples"]["folder"] == "../samples"
    assert not np.array_equal(MixedArrays(tmp_path / "first").images([0]), MixedArrays(tmp_path / "second").images([0]))


def test_more_passes_extend_it(source: Source, tmp_path: Path) -> None:
    recipe = Recipe(store="plan", samples_per_shard=7)
    made(source, recipe, tmp_path / "grown")
    opened = MixedArrays(tmp_path / "grown")
    before = opened.images(range(len(opened)))
    assert made(source, recipe, tmp_path / "grown", passes=3).state == "extended"
    np.testing.assert_array_equal(opened.images(range(len(opened))), before)
    made(source, recipe, tmp_path / "whole", passes=3)
    assert digests(tmp_path / "grown") == digests(tmp_path / "whole")


def test_it_takes_little_room(source: Source, tmp_path: Path) -> None:
    made(source, Recipe(store="plan", labels="sparse", size=(64, 64)), tmp_path / "planned", passes=20)
    rows = manifest(tmp_path / "planned")["totals"]["samples"]
    row_bytes = sum(
        np.dtype(each["dtype"]).itemsize * int(np.prod(each["shape"]))
        for each in manifest(tmp_path / "planned")["columns"]
    )
    assert rows == 20 * len(source)
    assert row_bytes == 81
    assert manifest(tmp_path / "planned")["totals"]["bytes"] < rows * (row_bytes + 1) + (128 << 10)


@pytest.mark.parametrize(
    "how",
    ["", "sounds", *(pytest.param(each, marks=pytest.mark.slow) for each in OF_FILES if each != "sounds")],
)
def test_verify_and_repair_look_at_the_samples(run_cli: Runner, colours: Path, tmp_path: Path, how: str) -> None:
    out, source = tmp_path / "out", IN_FILES[how](tmp_path / "source")[0] if how else colours
    given = ("generate", source, "--store", "plan", "-q", "-o", out, *OF_FILES.get(how, "").split())
    assert run_cli(*given).returncode == 0
    whole = digests(out, but=())
    shard = out / "samples" / "shard-00000.h5"
    data = bytearray(shard.read_bytes())
    data[manifest(out / "samples")["shards"][0]["columns"][read_manifest(out).signals[0].name]["offset"] + 100] ^= 1
    shard.write_bytes(data)
    damaged = run_cli("verify", out, *["--deep"] * bool(how))
    assert damaged.returncode == 65
    assert damaged.stdout.startswith("samples/shard-00000.h5: its sha256 is ")
    assert run_cli("repair", out).returncode == 0
    assert digests(out, but=()) == whole
    assert run_cli("verify", "--deep", out).returncode == 0
    shutil.rmtree(out / "samples")
    gone = run_cli("repair", out)
    assert gone.returncode == 65
    assert gone.stdout.rstrip().endswith("left alone: run the command that made the data set again")
    assert run_cli(*given).returncode == 0
    assert digests(out, but=("run.json",)) == {name: hashed for name, hashed in whole.items() if "run.json" not in name}


def test_other_samples_are_refused(source: Source, tmp_path: Path) -> None:
    recipe = Recipe(store="plan")
    made(source, recipe, tmp_path / "out")
    made(source, Recipe(methods=methods("none"), seed=4), tmp_path / "others")
    with pytest.raises(OutputExistsError, match=r"others: was made with different settings .* It is for the samples"):
        made(source, recipe, tmp_path / "second", samples_folder=tmp_path / "others")
    shutil.rmtree(tmp_path / "out" / "samples")
    with pytest.raises(NoInputError, match=r"mixes the samples in .*samples, and no data set is there"):
        MixedArrays(tmp_path / "out")
    shutil.copytree(tmp_path / "others", tmp_path / "out" / "samples")
    with pytest.raises(
        DataError, match=r"is not the data set whose samples .* mixes: its manifest\.json has another hash"
    ):
        MixedArrays(tmp_path / "out")


def test_what_cannot_store_or_read_a_plan_says_so(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    planned, rows = tmp_path / "planned", tmp_path / "rows"
    run_cli("generate", colours, "--store", "plan", "-q", "-o", planned)
    run_cli("generate", colours, "-q", "-o", rows)
    apart, kept, inside = tmp_path / "apart", tmp_path / "kept", tmp_path / "inside"
    run_cli("generate", colours, "--store", "plan", "--samples-folder", kept, "-q", "-o", apart)
    cases = {
        ("generate", colours, "--store", "plan", "--part", "1/2", "-o", tmp_path / "x"): (2, "one run does it"),
        ("generate", colours, "--store", "plan", "--part", "1/2", "--dry-run"): (2, "one run does it"),
        ("generate", colours, "--store", "plan", "--cache", "none"): (2, "decoded once, and written. Leave it out."),
        ("generate", colours, "--store", "plan", "-o", f"file://{tmp_path}/y"): (
            2,
            "must be files here. Use a folder.",
        ),
        ("generate", planned, "-o", tmp_path / "x"): (
            65,
            "stores its plan, not mixed samples. Run mixup-gen materialize",
        ),
        ("merge", planned, rows, "-o", tmp_path / "x"): (65, "stores its plan. Merge what mixup-gen materialize"),
        ("materialize", rows, "-o", tmp_path / "x"): (2, "holds mixed samples already. Name a data set that stores"),
        ("materialize", planned): (2, "names the data set to make, and is missing"),
        ("materialize", planned, "-o", planned): (2, "would be changed"),
        ("materialize", apart, "-o", kept, "--force"): (2, "/kept would be changed"),
        ("materialize", planned, "-o", rows / "x"): (0, ""),
        ("materialize", apart, "-o", tmp_path / "from-apart"): (0, ""),
        ("generate", colours, "--store", "plan", "--samples-folder", inside, "-o", inside): (
            2,
            "Use another, or leave",
        ),
        ("generate", colours, "--store", "plan", "--samples-folder", inside / "y", "-o", inside, "--dry-run"): (
            2,
            f"--samples-folder {inside / 'y'}: it lies in {inside}, which is for the plan.",
        ),
    }
    for command, (code, words) in cases.items():
        ended = run_cli(*command)
        assert ended.returncode == code, ended.stderr
        assert not words or words in error_line(ended)
    assert not inside.exists()


def test_a_manifest_that_lies_is_refused(source: Source, tmp_path: Path) -> None:
    made(source, Recipe(store="plan"), tmp_path / "out")
    plain = manifest(tmp_path / "out")
    changes: list[dict[str, Any]] = [
        {"samples": None},
        {"mixed": None},
        {"mixed": plain["mixed"] * 2},
        {"mixed": plain["mixed"][1:]},
        {"columns": [each for each in plain["columns"] if each["name"] != "weight"]},
    ]
    for change in changes:
        lying = {name: value for name, value in {**plain, **change}.items() if value is not None}
        with pytest.raises(ValueError, match=r"samples, mixed|mixed: are|columns: lack"):
            parse_manifest(json.dumps(lying).encode())


def test_materialize_goes_on_where_it_was_stopped(source: Source, tmp_path: Path) -> None:
    made(source, Recipe(store="plan"), tmp_path / "planned", passes=4)
    out = tmp_path / "rows"
    assert materialize(tmp_path / "planned", Run(out=out, workers=1), 10).shards_made == 5
    whole = digests(out)
    (out / "shard-00003.h5").unlink()
    assert materialize(tmp_path / "planned", Run(out=out, workers=1), 10).shards_made == 1
    assert digests(out) == whole
    assert materialize(tmp_path / "planned", Run(out=out, workers=1), 10).shards_made == 0
    with pytest.raises(OutputExistsError, match="samples_per_shard was 10 and is 9"):
        materialize(tmp_path / "planned", Run(out=out, workers=1), 9)


def test_rows_and_plan_differ_in_the_recipe_alone(source: Source, tmp_path: Path) -> None:
    for store in ("plan", "rows"):
        made(source, Recipe(store=store, samples_per_shard=8), tmp_path / store)
    planned, rows = (read_manifest(tmp_path / store) for store in ("plan", "rows"))
    assert {**planned.recipe, "store": "rows"} == {**rows.recipe, "store": "rows"}
    assert planned.signals == rows.signals
    assert planned.source == rows.source


def test_a_scale_that_makes_infinities_is_refused(source: Source, tmp_path: Path) -> None:
    extreme = Recipe(store="plan", dtype="float16", normalize=Normalize((0.5,), (7e-6,)))
    with pytest.raises(UsageError, match=r"\.png: holds \d+, which, normalised, is beyond what float16 can hold"):
        made(source, extreme, tmp_path / "out")


def test_a_cache_that_is_kept_lies_beside_the_output(source: Source, tmp_path: Path) -> None:
    for seed, folder in ((0, "first"), (1, "second")):
        kept = CacheSettings("disk")
        made(source, Recipe(store="plan", seed=seed), tmp_path / folder, caching=kept)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} >= {".mixup-gen-cache", "first", "second"}
    assert verify(tmp_path / "second") == []


def test_the_dry_run_counts_the_samples_until_they_are_there(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    command = ("generate", colours, "--store", "plan", "--passes", 50, "-o", tmp_path / "out")
    expected = json.loads(run_cli(*command, "--dry-run", "--json").stdout)
    assert run_cli(*command, "-q").returncode == 0
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    shards = sum(path.stat().st_size for path in files if path.parent == tmp_path / "out" and path.suffix == ".h5")
    assert expected["bytes"] == shards
    samples = expected["samples_bytes"]
    stored = manifest(tmp_path / "out" / "samples")["columns"]
    row_bytes = sum(np.dtype(each["dtype"]).itemsize * int(np.prod(each["shape"])) for each in stored)
    assert samples == 12 * row_bytes
    again = json.loads(run_cli(*command, "--dry-run", "--json").stdout)
    assert (again["samples_bytes"], again["output_bytes"]) == (0, expected["output_bytes"] - samples)
