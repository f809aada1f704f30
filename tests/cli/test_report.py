"""`mixup-gen report`: one page about a data set or a source, whatever they hold."""

from __future__ import annotations

import re
import shlex
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.boxed_pictures import write_boxes
from tests.data_sets import manifest
from tests.object_stores import Bucket
from tests.running import Runner, error_line

MOST_BYTES = 5_000_000


def text_of(page: Path) -> str:
    data = page.read_bytes()
    assert len(data) < MOST_BYTES
    return data.decode()


def commands(page: str) -> list[str]:
    """The commands to copy."""
    found = re.search(r'aria-label="Command"><code>(.*?)</code>', page, re.DOTALL)
    assert found
    return unescape(found[1]).splitlines()


def test_objects_stand_on_the_page(run_cli: Runner, tmp_path: Path) -> None:
    write_boxes(tmp_path / "boxes", count=12)
    assert run_cli("generate", "boxes", "--method", "cutmix", "-o", "out", cwd=tmp_path).returncode == 0
    assert run_cli("report", "boxes", "--method", "cutmix", "-o", "before.html").returncode == 0
    ended = run_cli("report", "out", "-o", "after.html")
    assert (ended.returncode, ended.stderr) == (0, "")
    before, after = (text_of(tmp_path / name) for name in ("before.html", "after.html"))
    section = re.compile(r'<section id="objects".*?</section>', re.DOTALL)
    found = section.findall(before)
    assert len(found) == 1
    assert found == section.findall(after), "what was foretold is what was made"
    assert sorted(re.findall(r'<path class="p\d" d="[^"]*"', before)) == sorted(
        re.findall(r'<path class="p\d" d="[^"]*"', after)
    )


def test_a_data_set_and_its_source_make_a_page(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    options = ("--method", "mixup,cutmix", "--size", 24)
    assert run_cli("generate", photos, *options, "-o", "out", cwd=tmp_path).returncode == 0
    ended = run_cli("report", "out", "-o", "report.html")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "report.html\n", "")
    page = text_of(tmp_path / "report.html")
    assert page.count('class="card"') == 8
    assert page.count("data:image/webp;base64,") == 3 * 8
    assert "sizes of all shards; not their hashes" in page
    assert run_cli("report", "out", "--verify", "-o", "verified.html").returncode == 0
    assert "all hashes and values verified" in text_of(tmp_path / "verified.html")
    ended = run_cli("report", photos, *options, "-o", "before.html")
    assert ended.returncode == 0
    before = text_of(tmp_path / "before.html")
    assert "What generate would make" in before
    assert re.findall(r'src="data:[^"]+"', before) == re.findall(r'src="data:[^"]+"', page)
    assert not (tmp_path / "mixup-out").exists()


def test_the_same_page_twice(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    assert run_cli("generate", arrays, "-o", "out", cwd=tmp_path).returncode == 0
    for name in ("a.html", "b.html", "a.html"):
        assert run_cli("report", "out", "-o", name).returncode == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        "--alpha 0.3 --seed 5",
        "--method mixup:0.25:alpha=0.4,cutmix:0.75:box=minmax --keep-originals --passes 2",
        "--pair cross-class --balance classes --label-rule remix --dtype float32 --normalize cifar10 --layout nchw",
        "--random-resized-crop --size 6 --flip 0.5 --linear-light --labels sparse --compression gzip --samples 7",
    ],
)
def test_the_command_gives_the_same_recipe(options: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    assert run_cli("generate", colours, *options.split(), "-o", "out", cwd=tmp_path).returncode == 0
    assert run_cli("report", "out", "-o", "report.html").returncode == 0
    (command,) = commands(text_of(tmp_path / "report.html"))
    before = manifest(tmp_path / "out")
    shutil.move(tmp_path / "out", tmp_path / "before")
    assert run_cli(*shlex.split(command)[1:], cwd=tmp_path).returncode == 0
    assert manifest(tmp_path / "out") == before


def test_the_command_of_a_source_asks_for_what_is_shown(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    ended = run_cli("report", colours, "--alpha", 0.3, "--label-kind", "none", "-o", "report.html", cwd=tmp_path)
    assert ended.returncode == 0
    page = text_of(tmp_path / "report.html")
    (command,) = commands(page)
    assert run_cli(*shlex.split(command)[1:], cwd=tmp_path).returncode == 0
    assert manifest(tmp_path / "mixup-out")["recipe_id"] in page


def test_what_is_not_recorded_has_a_name_in_the_command(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    assert run_cli("plan", arrays, "--method", "mixup,cutmix", "-o", "PLAN.csv", cwd=tmp_path).returncode == 0
    assert run_cli("generate", arrays, "--plan", "PLAN.csv", "-o", "out").returncode == 0
    (tmp_path / "out" / "run.json").unlink()
    assert run_cli("report", "out", "-o", "report.html").returncode == 0
    page = text_of(tmp_path / "report.html")
    assert "PLAN.csv stands for the plan" in page
    assert "SOURCE stands for the source" in page
    assert "The recipe gives no Beta law of its lam." in page
    (command,) = commands(page)
    before = manifest(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    words = [str(arrays) if word == "SOURCE" else word for word in shlex.split(command)[1:]]
    assert run_cli(*words, cwd=tmp_path).returncode == 0
    assert manifest(tmp_path / "out") == before


def test_commands_of_a_merged_data_set(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        assert run_cli("generate", arrays, "--seed", seed, "-o", f"part {seed}", cwd=tmp_path).returncode == 0
    assert run_cli("merge", "part 1", "part 2", "-o", "whole").returncode == 0
    assert run_cli("report", "whole", "-o", "report.html").returncode == 0
    page = text_of(tmp_path / "report.html")
    before = manifest(tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole")
    for command in commands(page):
        assert run_cli(*shlex.split(command)[1:], cwd=tmp_path).returncode == 0, command
    assert manifest(tmp_path / "whole") == before


DRAW = np.random.default_rng(11)
PICTURES = DRAW.integers(0, 256, (12, 8, 6, 3), np.uint8)
NOT_COMPARED = "The samples have no labels of classes to compare."
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "unlabelled": ({"x": PICTURES}, "", NOT_COMPARED),
    "multi": ({"x": PICTURES, "y": DRAW.integers(0, 2, (12, 3))}, "--label-kind multi", "Classes before and after"),
    "no-class": ({"x": PICTURES, "y": np.zeros((12, 3), int)}, "--label-kind multi", NOT_COMPARED),
    "real": (
        {"x": PICTURES, "y": DRAW.random((12, 2), np.float32)},
        "--label-kind real",
        NOT_COMPARED,
    ),
    "one-class": ({"x": PICTURES, "y": np.zeros(12, int)}, "--method cutout,mosaic --keep-originals", "100.00 %"),
    "chw": ({"x": DRAW.random((12, 3, 8, 6), np.float32), "y": np.arange(12) % 2}, "", "base"),
    "normalized": ({"x": PICTURES, "y": np.arange(12) % 2}, "--dtype float32 --normalize cifar10", "base"),
    "grey": ({"x": PICTURES[..., 0], "y": np.arange(12) % 2}, "--method fmix,resizemix", "base"),
    "vectors": ({"x": DRAW.random((12, 9), np.float32), "y": np.arange(12) % 2}, "", "the samples are not images"),
    "signals": (
        {"a": PICTURES, "b": DRAW.random((12, 5), np.float32), "y": np.arange(12) % 2},
        "--data-key a,b",
        "base",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_whatever_it_holds(case: str, run_cli: Runner, tmp_path: Path) -> None:
    arrays, options, said = CASES[case]
    np.savez(tmp_path / "x.npz", **arrays)
    for location in ("x.npz", "mixup-out"):
        given = options.split() if location == "x.npz" else []
        ended = run_cli("report", location, *given, "-o", "report.html", cwd=tmp_path)
        assert ended.returncode == 0, ended.stderr
        assert said in text_of(tmp_path / "report.html")
        if location == "x.npz":
            assert run_cli("generate", location, *given).returncode == 0


HOSTILE = ["<script>alert(1)<", '"><img src=x onerror=alert(2)>', "{{ 7*7 }}", "ночь 夜 ليل", "x" * 200, "\u202eevil"]


def test_names_are_text(run_cli: Runner, tmp_path: Path) -> None:
    for number, name in enumerate(HOSTILE):
        (tmp_path / "source" / name).mkdir(parents=True)
        Image.new("RGB", (6, 6), (40 * number, 0, 0)).save(tmp_path / "source" / name / "a'\"<b>.png")
    (tmp_path / "source" / HOSTILE[0] / "<broken>.png").write_bytes(b"no picture")
    assert run_cli("generate", "source", "--on-error", "skip", "-o", "<i>", cwd=tmp_path).returncode == 0
    assert run_cli("report", "<i>", "-o", "report.html").returncode == 0
    page = text_of(tmp_path / "report.html")
    assert page.count("<script>") == 1
    assert "<img src=x" not in page
    assert "<i>" not in page.replace("<i>lam</i>", "")
    assert "{{ 7*7 }}" in page
    assert "&lt;broken&gt;.png" in page


def test_without_its_source_it_shows_results_alone(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "the SOURCE of it")
    assert run_cli("generate", "the SOURCE of it", "--size", 24, "-o", "out", cwd=tmp_path).returncode == 0
    (tmp_path / "the SOURCE of it").rename(tmp_path / "moved")
    ended = run_cli("report", "out", "-o", "report.html")
    assert (ended.returncode, "without parents" in ended.stderr) == (0, True)
    page = text_of(tmp_path / "report.html")
    assert page.count("data:image/webp;base64,") == 8
    assert "The sizes of the images are not known here." in page
    assert "SOURCE stands for" not in page, "it is a part of a name"
    assert run_cli("report", "out", "--source", "moved", "-o", "report.html").returncode == 0
    assert text_of(tmp_path / "report.html").count("data:image/webp;base64,") == 24


def test_a_data_set_in_a_store(run_cli: Runner, arrays: Path, s3: Bucket, tmp_path: Path) -> None:
    assert run_cli("generate", arrays, "-o", f"{s3.url}/out", cwd=tmp_path).returncode == 0
    ended = run_cli("report", f"{s3.url}/out", "-o", "report.html")
    assert ended.returncode == 0, ended.stderr
    page = text_of(tmp_path / "report.html")
    assert "hashes of all shards" in page
    assert f"{s3.url}/out" in page


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        ((), 2, "-o: names the page to write, and is missing. Pass, for example, -o report.html."),
        (("-o", "report.png"), 2, "-o report.png: does not end in .html."),
        (("-o", "nowhere/report.html"), 66, "nowhere: no such folder"),
        (("-o", "report.html", "--verify"), 2, "--verify: it goes with a finished data set."),
        (("-o", "report.html", "--source", "x"), 2, "--source: it goes with a finished data set."),
    ],
)
def test_what_cannot_be_done_is_refused(
    args: tuple[str, ...], code: int, told: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    ended = run_cli("report", colours, *args, cwd=tmp_path)
    assert (ended.returncode, told in error_line(ended)) == (code, True)
    assert list(tmp_path.iterdir()) == []


def test_damage_is_one_line_and_writes_nothing(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    assert run_cli("generate", arrays, "-o", "out", cwd=tmp_path).returncode == 0
    shard = tmp_path / "out" / "shard-00000.h5"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    ended = run_cli("report", "out", "--verify", "-o", "report.html")
    assert (ended.returncode, "1 finding, the first is shard-00000.h5" in error_line(ended)) == (65, True)
    shard.write_bytes(whole[:-1])
    ended = run_cli("report", "out", "-o", "report.html")
    assert (ended.returncode, "were sealed. Run mixup-gen verify out." in error_line(ended)) == (65, True)
    assert not (tmp_path / "report.html").exists()


def test_only_our_own_pages_are_replaced(run_cli: Runner, arrays: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>Mine")
    ended = run_cli("report", arrays, "-o", "page.html", cwd=tmp_path)
    assert (ended.returncode, "already exists" in error_line(ended)) == (73, True)
    assert (tmp_path / "page.html").read_text() == "<p>Mine"
    for options in (("--force",), ("--seed", 3)):
        assert run_cli("report", arrays, *options, "-o", "page.html").returncode == 0


@pytest.mark.slow
def test_a_million_samples_of_a_thousand_classes(run_cli: Runner, tmp_path: Path) -> None:
    draw, count = np.random.default_rng(1), 1_000_000
    pixels = draw.integers(0, 256, (count, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "x.npz", x=pixels, y=draw.integers(0, 1000, count))
    options = ("--labels", "sparse", "--method", "mixup:0.5:alpha=0.2,cutmix:0.5")
    assert run_cli("generate", "x.npz", *options, "-o", "out", cwd=tmp_path).returncode == 0
    assert run_cli("report", "out", "-o", "report.html").returncode == 0
    page = text_of(tmp_path / "report.html")
    assert "over all 1,000,000 rows" in page
    assert page.count("<option value=") > 700, "most classes can be chosen"
    assert "976 others" in page
