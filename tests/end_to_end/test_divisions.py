"""A data set in parts, and one that goes on: the first to come reads all of the source, the others what their rows
need, and the bytes are those of one run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mixup_cli import Listener, MethodChoice, Normalize, Recipe, Run, SourceOptions, Tolerance, open_source
from mixup_cli.checks.verify import verify
from mixup_cli.errors import DataError, OutputExistsError
from mixup_cli.pairing import Population
from mixup_cli.plan.plan import Plan
from mixup_cli.runs.generate import Outcome, generate
from mixup_cli.runs.job import SURVEY_SAMPLES
from mixup_cli.scan.cache import CacheSettings
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.parts import Part
from tests.data_sets import digests
from tests.running import Runner, interrupted_at_the_end

COUNT = 24
SMALL = Recipe(samples_per_shard=3, size=(12, 12))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of eight pictures of noise, in two sizes."""
    root, draw = tmp_path_factory.mktemp("divisions") / "pictures", np.random.default_rng(0)
    for number in range(COUNT):
        path = root / "abc"[number % 3] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (14 + number % 2, 14, 3), np.uint8)).save(path)
    return root


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz of as many arrays with numbers to predict."""
    path, draw = tmp_path_factory.mktemp("divisions") / "real.npz", np.random.default_rng(1)
    np.savez(path, x=draw.integers(0, 256, (COUNT, 6, 6, 3), np.uint8), y=draw.random(COUNT, np.float32))
    return path


@dataclass
class Divided:
    """How a data set was made: the outcome of each part in turn, and how many samples it decoded."""

    outcomes: list[Outcome]
    decoded: list[int]


Open = Callable[[], Source]


class Heard(Listener):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the pictures that are decoded in this process from now on, each time."""
    keys = []
    load_one = PictureSource._load_one

    def heard(source: PictureSource, index: int, *rest: object) -> object:
        keys.append(source.keys[index])
        return load_one(source, index, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(PictureSource, "_load_one", heard)
    return keys


def divided(open_it: Open, recipe: Recipe, run: Run, parts: list[Part], decoded: list[str]) -> Divided:
    found = Divided([], [])
    for part in parts:
        decoded.clear()
        found.outcomes.append(generate(open_it(), recipe, replace(run, part=part)))
        found.decoded.append(len(decoded))
    return found


METHODS: dict[str, dict[str, Any]] = {
    "mixup": {},
    "saliency": {"methods": (MethodChoice("saliencymix"),)},
    "views": {"flip": 0.5, "crop_area": (0.2, 1.0)},
    "originals": {"keep_originals": True},
    "same class": {"pair": "same-class"},
    "four parents": {"methods": (MethodChoice("mosaic"),)},
    "floats": {"dtype": "float32", "linear_light": False},
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("engine", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_only_the_first_part_reads_all(
    name: str, engine: str, pictures: Path, tmp_path: Path, decoded: list[str]
) -> None:
    recipe = SMALL.with_(**METHODS[name])
    run = Run(out=tmp_path / "out", workers=2, engine=engine)  # type: ignore[arg-type]
    generate(open_source([pictures]), recipe, replace(run, out=tmp_path / "whole"))
    found = divided(lambda: open_source([pictures]), recipe, run, [*Part(1, 4).all_parts()], decoded)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert [each.state for each in found.outcomes] == ["part", "part", "part", "resumed"]
    if engine == "threads":
        assert found.decoded[0] == COUNT
        assert all(0 < each < COUNT for each in found.decoded[1:])
    assert verify(tmp_path / "out") == []


def test_partners_by_their_labels_need_no_pixels(real: Path, tmp_path: Path) -> None:
    recipe, kind = Recipe(samples_per_shard=3, pair="nearest"), SourceOptions(label_kind="real")
    generate(open_source([real], kind), recipe, Run(out=tmp_path / "whole"))
    for part in Part(1, 4).all_parts():
        generate(open_source([real], kind), recipe, Run(out=tmp_path / "out", part=part))
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_windows_are_decoded_by_the_part_that_mixes_them(pictures: Path, tmp_path: Path, decoded: list[str]) -> None:
    """Nothing is scanned again: the first part hashed every file, and windows are checked against that."""
    run = Run(out=tmp_path / "out", caching=CacheSettings("none"))
    generate(open_source([pictures]), SMALL.with_(window=6), replace(run, out=tmp_path / "whole"))
    parts = [*Part(1, 4).all_parts()]
    found = divided(lambda: open_source([pictures]), SMALL.with_(window=6), run, parts, decoded)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert found.decoded == [COUNT // 4] * 4


def test_a_kept_cache_serves_the_other_parts(pictures: Path, tmp_path: Path, decoded: list[str]) -> None:
    generate(open_source([pictures]), SMALL, Run(out=tmp_path / "whole"))
    run = Run(out=tmp_path / "out", caching=CacheSettings("disk"))
    found = divided(lambda: open_source([pictures]), SMALL, run, [*Part(1, 3).all_parts()], decoded)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert found.decoded == [COUNT, 0, 0]


def test_the_first_part_settles_broken_inputs(pictures: Path, tmp_path: Path, decoded: list[str]) -> None:
    source = Path(shutil.copytree(pictures, tmp_path / "source"))
    (source / "b/04.png").write_bytes(b"broken")
    run = Run(out=tmp_path / "out", tolerance=Tolerance("skip"))
    generate(open_source([source]), SMALL, replace(run, out=tmp_path / "whole"))
    found = divided(lambda: open_source([source]), SMALL, run, [*Part(1, 3).all_parts()][:2], decoded)
    with pytest.raises(DataError, match=r"b/04.png: .* pass on_error=skip"):
        generate(open_source([source]), SMALL, replace(run, part=Part(3, 3), tolerance=Tolerance()))
    found = divided(lambda: open_source([source]), SMALL, run, [Part(3, 3)], decoded)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert found.outcomes[0].skipped == 1
    assert "b/04.png" not in decoded


def test_rows_of_a_plan_file(pictures: Path, tmp_path: Path, run_cli: Runner, decoded: list[str]) -> None:
    assert run_cli("plan", pictures, "--size", 12, "-o", tmp_path / "plan.csv").returncode == 0
    command = ["generate", pictures, "--size", 12, "--samples-per-shard", 3, "--plan", tmp_path / "plan.csv"]
    assert run_cli(*command, "-o", tmp_path / "whole").returncode == 0
    for part, most in zip(Part(1, 4).all_parts(), (COUNT, 7, 7, 7), strict=True):
        decoded.clear()
        ended = run_cli(*command, "-o", tmp_path / "out", "--part", part)
        assert ended.returncode == 0, ended.stderr
        assert len(decoded) == most
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


@pytest.fixture
def unfinished(pictures: Path, tmp_path: Path) -> Path:
    """A data set that lacks its manifest and its third shard, rows 6 … 8."""
    generate(open_source([pictures]), SMALL, Run(out=tmp_path / "whole"))
    with interrupted_at_the_end(), pytest.raises(SystemExit):
        generate(open_source([pictures]), SMALL, Run(out=tmp_path / "out"))
    (tmp_path / "out/.mixup-gen/done/00002.json").unlink()
    return tmp_path / "out"


def needed_keys() -> set[str]:
    """What rows 6 … 8 are made from."""
    plan = Plan(SMALL.with_(methods=(MethodChoice("mixup"),)), Population(np.arange(COUNT)), None)
    ordered = sorted(f"{'abc'[number % 3]}/{number:02}.png" for number in range(COUNT))
    return {ordered[index] for index in plan.parents(6, 9).ravel().tolist()}


def test_a_run_that_goes_on_reads_what_its_missing_rows_need(
    pictures: Path, unfinished: Path, tmp_path: Path, decoded: list[str]
) -> None:
    listener = Heard()
    outcome = generate(open_source([pictures]), SMALL, Run(out=unfinished), listener)
    assert {*decoded} == needed_keys()
    assert len(decoded) == 4, "a cycle of partners"
    assert "reads 4 of 24 inputs: those that its missing rows are made from" in listener.notices
    assert (outcome.state, outcome.shards_made) == ("resumed", 1)
    assert digests(unfinished) == digests(tmp_path / "whole")


def test_a_needed_input_that_changed_is_refused_by_its_name(pictures: Path, unfinished: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(pictures, tmp_path / "source"))
    changed = min(needed_keys())
    data = (source / changed).read_bytes()
    for broken in (data[:-1] + bytes([data[-1] ^ 1]), data[:20] + bytes([data[20] ^ 255]) + data[21:]):
        (source / changed).write_bytes(broken)
        with pytest.raises(OutputExistsError, match=rf"from another source \({changed}[ ,]"):
            generate(open_source([source]), SMALL, Run(out=unfinished))


def test_the_depth_of_a_cache_is_that_of_all_inputs(tmp_path: Path) -> None:
    """One picture has 16 bits, and neither the look at some headers nor the second part sees it."""
    count = 2 * SURVEY_SAMPLES
    draw = np.random.default_rng(2)
    for number in range(count):
        pixels = draw.integers(0, 256, (5, 5), np.uint8)
        path = tmp_path / "source" / "ab"[number * 2 // count] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint16) * 251 if number == 1 else pixels).save(path)
    recipe = Recipe(samples_per_shard=4, dtype="float32", normalize=Normalize((0.3,), (0.7,)))
    generate(open_source([tmp_path / "source"]), recipe, Run(out=tmp_path / "whole"))
    for part in Part(1, 16).all_parts():
        generate(open_source([tmp_path / "source"]), recipe, Run(out=tmp_path / "out", part=part))
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


RECIPES = st.builds(
    Recipe,
    methods=st.sampled_from([(MethodChoice(name),) for name in ("mixup", "cutmix", "mosaic", "saliencymix", "none")]),
    seed=st.integers(0, 5),
    keep_originals=st.booleans(),
    flip=st.sampled_from([0.0, 0.5]),
    window=st.sampled_from([None, 8]),
    samples_per_shard=st.integers(2, 9),
    size=st.just((6, 6)),
)


@given(RECIPES, st.integers(1, 30), st.integers(2, 4), st.randoms(use_true_random=False))
@settings(max_examples=8)
def test_any_division_in_any_order_gives_the_same_bytes(
    pictures: Path, recipe: Recipe, samples: int, of: int, random: Random
) -> None:
    if recipe.window is None and recipe.methods[0].name != "none":
        recipe = recipe.with_(pair=random.choice(["any", "same-class", "cross-class"]))
    with TemporaryDirectory() as folder:
        run = Run(out=Path(folder, "whole"), samples=samples, workers=1)
        parts = [*Part(1, of).all_parts()]
        random.shuffle(parts)
        generate(open_source([pictures]), recipe, run)
        for part in parts:
            generate(open_source([pictures]), recipe, replace(run, out=Path(folder, "out"), part=part))
        assert digests(Path(folder, "out")) == digests(Path(folder, "whole"))


class Waiting(Exception):
    """A part waits for another."""


class Impatient(Listener):
    def notice(self, text: str) -> None:
        if text.startswith("waiting while another part"):
            raise Waiting(text)


@pytest.mark.parametrize(("passes", "waits"), [(1, True), (2, False)])
def test_a_part_that_needs_most_inputs_does_not_wait(
    passes: int, waits: bool, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mixup_cli.storage.locks.SCAN_LOOK_SECONDS", 0.01)
    other = DataSetFolder(tmp_path / "out", Part(2, 2))
    run = Run(out=tmp_path / "out", part=Part(1, 2), passes=passes)
    with other.locked(), other.scanning(lambda _: None):
        if waits:
            with pytest.raises(Waiting, match=r"another part \(process \d+ on .*\) reads the source"):
                generate(open_source([pictures]), SMALL, run, Impatient())
        else:
            assert generate(open_source([pictures]), SMALL, run, Impatient()).running == (Part(2, 2),)
