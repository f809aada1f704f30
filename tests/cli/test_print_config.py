"""`--print-config` and back: whatever was asked for, the file asks for it again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.cli.app import app
from mixup_cli.cli.options.config import NOT_IN_CONFIG
from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import Outcome
from mixup_cli.runs.job import SURVEY_SAMPLES, Asked
from mixup_cli.runs.settings import Run
from mixup_cli.sources.reading.base import Source
from tests.labelled_texts import TOKENIZER, words_tokenizer
from tests.mask_scenes import write_pairs
from tests.object_scenes import write_scenes
from tests.running import Runner
from tests.small_clips import write_videos
from tests.small_objects import write_coco, write_voc
from tests.small_sounds import write_sounds
from tests.small_sources import write_colours

CASES = {
    "files_from": "--files-from list.txt",
    "null": "--files-from nul.txt -0",
    "split": "split --split test",
    "classes": "colours --classes red,green,blue",
    "label_level": "cifar-100-python.tar.gz --label-level coarse",
    "labels_from": "meta --labels-from meta/metadata.csv --label-column colour",
    "file_column": "two-names --labels-from two-names/table.csv --file-column second --label-column kind",
    "label_separator": "tags --labels-from tags/table.csv --label-separator +",
    "label_column": "meta --label-column kind",
    "label_kind": "colours --label-kind none",
    "group_column": "meta --label-column kind --group-column who",
    "task": "boxes --task detect",
    "ignore_index": "pairs --ignore-index 0",
    "box_origin": "voc --box-origin 0",
    "flip_pairs": "pose --flip-pairs 0-1",
    "tokenizer": f"texts.csv --method ssmix --tokenizer {TOKENIZER}",
    "length": f"texts.csv --method ssmix --tokenizer {TOKENIZER} --length 9",
    "text_column": f"texts.csv --method ssmix --tokenizer {TOKENIZER} --text-column review",
    "encoding": f"texts.csv --method ssmix --tokenizer {TOKENIZER} --encoding latin-1",
    "data_key": "two.npz --data-key b --label-key y",
    "label_key": "two.npz --data-key a --label-key z",
    "frames": "videos --frames 4",
    "stride": "videos --stride 3",
    "clips": "videos --clips 2",
    "donors_from": "sounds --method snr --donors-from noise",
    "max_pixels": "colours --max-pixels 1000",
    "rate": "sounds --rate 4000",
    "seconds": "sounds --seconds 0.25",
    "short": "sounds --short loop",
    "features": "sounds --features logmel:8",
    "object_weights": "scenes --object-weights one",
    "min_visible": "scenes --min-visible 0.3",
    "masks": "pairs --masks both",
    "max_objects": "scenes --max-objects 2",
    "method": "colours --method cutmix:0.25:box=minmax,mixup:0.75:base=2",
    "alpha": "colours --alpha 0.7",
    "keep_originals": "colours --keep-originals",
    "seed": "colours --seed 9",
    "pair": "colours --pair cross-class",
    "bandwidth": "real.npz --label-kind real --pair nearest --bandwidth 0.5",
    "balance": "colours --balance classes",
    "per_class": "colours --per-class 3",
    "window": "colours --window 5",
    "flip": "colours --flip 0.25",
    "crop_pad": "colours --crop-pad 2",
    "random_resized_crop": "colours --random-resized-crop",
    "crop_area": "colours --random-resized-crop --crop-area 0.5,1",
    "cache_size": "colours --random-resized-crop --cache-size 20x30",
    "linear_light": "colours --linear-light",
    "fill": "colours --method cutout --fill 1,2,3",
    "store": "colours --store plan",
    "heldout": "colours --per-class 3 --heldout rest.csv",
    "samples_folder": "colours --store plan --samples-folder elsewhere",
    "size": "colours --size 9x5",
    "resize": "colours --size 9x5 --resize pad",
    "channels": "colours --channels grey",
    "dtype": "colours --dtype float16",
    "value_range": "real.npz --label-kind real --dtype uint8 --value-range 0,2",
    "normalize": "colours --dtype float32 --normalize 0.1,0.2,0.3/0.4",
    "layout": "colours --layout nchw",
    "labels": "colours --labels sparse",
    "label_rule": "colours --label-rule union",
    "remix_kappa": "colours --label-rule remix --remix-kappa 2.5",
    "remix_tau": "colours --label-rule remix --remix-tau 0.25",
    "label_smoothing": "colours --label-smoothing 0.1",
    "compression": "colours --compression gzip",
    "encode": "colours --encode jpeg:90",
    "samples_per_shard": "colours --samples-per-shard 5",
    "shard_size": "colours --shard-size 3KiB",
    "samples": "colours --samples 7",
    "passes": "colours --passes 3",
    "on_error": "colours --on-error skip",
    "max_errors": "colours --on-error skip --max-errors 2",
    "cache": "colours --cache memory",
    "cache_folder": "colours --cache disk --cache-folder kept",
    "cache_limit": "colours --cache disk --cache-limit 3GiB",
    "workers": "colours --workers 3",
    "engine": "colours --engine processes",
    "ray_address": "colours --engine ray --ray-address auto",
    "device": "colours --device cpu-torch",
    "batch_size": "colours --batch-size 2",
    "part": "colours --part 2/3",
    "force": "colours --force",
    "json": "colours --json",
    "quiet": "colours --quiet",
    "plan": "colours --plan plan.csv",
    "out": "colours -o elsewhere",
}
"""Each option of generate, with whatever it needs. An option without a case fails the first test."""

BASES = {"null": "--files-from list.txt", "data_key": "two.npz --data-key a --label-key y"}
BASES |= {"label_key": BASES["data_key"], "label_column": "meta --label-column colour"}
BASES |= {"group_column": "meta --label-column kind", "bandwidth": "real.npz --label-kind real --pair nearest"}
BASES |= {"crop_area": "colours --random-resized-crop", "cache_size": "colours --random-resized-crop"}
BASES |= {"value_range": "real.npz --label-kind real --dtype uint8 --value-range 0,1", "resize": "colours --size 9x5"}
BASES |= {"file_column": "two-names --labels-from two-names/table.csv --file-column first --label-column kind"}
BASES |= {"labels_from": "meta --label-column kind", "label_separator": "tags --labels-from tags/table.csv"}
BASES |= {"ray_address": "colours --engine ray"}
BASES |= {"files_from": "colours", "fill": "colours --method cutout"}
BASES |= {"donors_from": "sounds --method snr"}
BASES |= {"task": "boxes --task classify", "ignore_index": "pairs", "masks": "pairs"}

TEXTS = f"texts.csv --method ssmix --tokenizer {TOKENIZER}"
BASES |= {"tokenizer": "texts.csv --method ssmix --tokenizer words.json"}
BASES |= {"length": TEXTS, "text_column": TEXTS, "encoding": TEXTS}


def command() -> Any:
    return app.commands["generate"]


def test_every_option_has_a_case() -> None:
    names = {each.name for each in command().params}
    assert names - {*NOT_IN_CONFIG, "dry_run"} == CASES.keys()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all that the cases name."""
    from tests.unit.sources.cifar.cifar_archives import cifar_files, write_cifar

    root = tmp_path_factory.mktemp("print-config")
    colours = write_colours(root / "colours")
    write_colours(root / "split/train")
    write_colours(root / "split/test")
    pictures = sorted(str(path) for path in colours.rglob("*.png"))
    (root / "list.txt").write_text("\n".join(pictures))
    (root / "nul.txt").write_text("\0".join(pictures[:-1]))
    write_cifar(root / "cifar-100-python.tar.gz", cifar_files("100", "python"), "cifar-100-python")
    write_sounds(root / "sounds")
    write_sounds(root / "noise")
    meta = write_colours(root / "meta")
    rows = [f"{path.relative_to(meta)},{n % 2},k{n % 3},w{n % 2}" for n, path in enumerate(sorted(meta.rglob("*.png")))]
    (meta / "metadata.csv").write_text("\n".join(["file_name,colour,kind,who", *rows]))
    names = [path.relative_to(meta) for path in sorted(meta.rglob("*.png"))]
    shutil.copytree(meta, root / "two-names")
    pairs = [f"{first},{second},k{n % 3}" for n, (first, second) in enumerate(zip(names, names[::-1], strict=True))]
    (root / "two-names/table.csv").write_text("\n".join(["first,second,kind", *pairs]))
    shutil.copytree(meta, root / "tags")
    (root / "tags/table.csv").write_text("\n".join(["file_name,label", *(f"{n},x+y{len(str(n)) % 2}" for n in names)]))
    for name in ("two-names", "tags"):
        (root / name / "metadata.csv").unlink()
    write_coco(root / "boxes")
    write_voc(root / "voc")
    pose = write_coco(root / "pose") / "annotations.json"
    content = json.loads(pose.read_text())
    content["categories"] = [{**each, "keypoints": ["nose", "tail"]} for each in content["categories"]]
    pose.write_text(json.dumps(content))
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 255, (2, 12, 8, 8, 3), np.uint8)
    np.savez(root / "two.npz", a=pixels[0], b=pixels[1], y=np.arange(12) % 2, z=np.arange(12) % 3)
    np.savez(root / "real.npz", x=draw.random((12, 8, 8, 3), np.float32), y=draw.random(12, np.float32))
    write_scenes(root / "scenes")
    write_pairs(root / "pairs")
    (root / "texts.csv").write_text("text,review,label\nwho é é é?,who lives here in the sea?,a\nwhere?,how?,b\n")
    words_tokenizer(root / "words.json", ["[PAD]", "who", "where?"])
    write_videos(root / "videos")
    return root


Wish = tuple[object, ...]


@pytest.fixture
def asked(run_cli: Runner, place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Wish]:
    """What generate is asked for by a command line, in full."""
    seen: list[Wish] = []

    def make(source: Source, recipe: Recipe, run: Run, listener: object) -> Outcome:
        job = Asked(source, recipe, run.shard_bytes).job(source.survey(SURVEY_SAMPLES))
        how = replace(run, plan=None, shard_bytes=None)
        samples = (source.location, list(source.keys), repr(source.labels), repr(source.objects))
        seen.append((job.recipe, how, run.plan and run.plan.digest(), samples, vars(listener)))
        return Outcome(None, "made", 1, 1, 1, 0, 1, 0.0)

    def ask(*args: object) -> Wish:
        ended = run_cli("generate", *args, cwd=place)
        assert ended.returncode == 0, ended.stderr
        return (*seen.pop(), ended.stdout)

    monkeypatch.setattr("mixup_cli.runs.generate.generate", make)
    return ask


@pytest.mark.parametrize("name", CASES)
def test_there_and_back(name: str, run_cli: Runner, asked: Callable[..., Wish], place: Path) -> None:
    if name == "plan":
        run_cli("plan", "colours", "--seed", 3, "-o", "plan.csv", cwd=place)
    options = CASES[name].split()
    sources = [options.pop(0)] if not options[0].startswith("-") else []
    direct = asked(*sources, *options)
    printed = run_cli("generate", *sources, *options, "--print-config")
    assert printed.returncode == 0, printed.stderr
    (place / "c.toml").write_text(printed.stdout)
    assert asked(*sources, "--config", "c.toml") == direct
    base = BASES.get(name, sources[0] if sources else "")
    assert asked(*base.split()) != direct, "the option makes a difference"


def test_a_part_that_a_scheduler_says_stays_open(
    run_cli: Runner, asked: Callable[..., Wish], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one file serves all tasks of an array."""
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("RANK", "1")
    ways = [["--part"], ["--part", "auto"], ["--part=auto", "--json"]]
    printed = [run_cli("generate", "colours", *way, "--print-config", cwd=place) for way in ways]
    assert all('part = "auto"\n' in each.stdout for each in printed)
    assert "this is part 2/3, from RANK=1, WORLD_SIZE=3\n" in printed[0].stderr
    (place / "c.toml").write_text(printed[0].stdout)
    for rank in ("0", "2"):
        monkeypatch.setenv("RANK", rank)
        expected = asked("colours", "--part", f"{int(rank) + 1}/3")
        assert asked("colours", "--config", "c.toml") == expected
        monkeypatch.setenv("MIXUP_GEN_PART", "auto")
        assert asked("colours") == expected
        monkeypatch.delenv("MIXUP_GEN_PART")


def test_a_printed_configuration_prints_itself(run_cli: Runner, place: Path) -> None:
    options = ["--passes", 3, "--cache", "disk", "--json", "--method", "mixup:0.25:alpha=2,fmix:0.75"]
    first = run_cli("generate", "colours", *options, "--print-config", cwd=place)
    (place / "c.toml").write_text(first.stdout)
    again = run_cli("generate", "colours", "--config", "c.toml", "--print-config")
    assert (again.stdout, again.returncode) == (first.stdout, 0)


def test_a_stronger_option_wins_over_what_a_file_says_of_it(run_cli: Runner, place: Path) -> None:
    lines = ["cache = 'disk'", "cache-limit = '3GiB'", "crop-pad = 2", "max-errors = 3", "on-error = 'skip'"]
    (place / "c.toml").write_text("\n".join([*lines, "label-rule = 'remix'", "remix-tau = 0.3", "passes = 2"]))
    options = "--cache memory --random-resized-crop --on-error fail --label-rule soft --samples 5 --json"
    ended = run_cli("generate", "colours", "-o", "x", "--config", "c.toml", *options.split(), cwd=place)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["samples"] == 5
