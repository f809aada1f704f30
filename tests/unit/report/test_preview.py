"""A preview shows what generate makes: the same pixels, labels and parents, without reading more than it needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from mixup_cli.choices import Dtype, Layout
from mixup_cli.fields.target import Target
from mixup_cli.methods import METHODS, asked, resolve
from mixup_cli.recipe import MethodChoice, Normalize, Recipe
from mixup_cli.report.finished import preview_data_set
from mixup_cli.report.lines import Line, Mixed, Preview, lines_of
from mixup_cli.report.page.of_data_set import content_of_data_set
from mixup_cli.report.page.render import Words, page
from mixup_cli.report.preview import preview_source
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.storage.loaded import Loaded
from tests.data_sets import columns
from tests.labelled_texts import TOKENIZER
from tests.plain_methods import PLAIN
from tests.small_captions import write_captioned
from tests.small_sources import write_colours

NORMALIZED = Normalize((0.5, 0.4, 0.3), (0.2, 0.25, 0.3))


def recipe_of(*names: str, alpha: float | None = None, **fields: object) -> Recipe:
    chosen = resolve(asked([MethodChoice(name) for name in names], alpha))
    return Recipe(methods=chosen, **fields)  # type: ignore[arg-type]  # whatever a recipe takes


def same(one: Line, other: Line) -> bool:
    """Whether two lines show the same."""
    pairs = [(one.result, other.result), *zip(one.parents, other.parents, strict=True)]
    return (one.number, one.method, one.lam, one.label) == (other.number, other.method, other.lam, other.label) and all(
        (a.key, a.label, a.box) == (b.key, b.label, b.box)
        and np.array_equal(np.asarray(a.picture), np.asarray(b.picture))
        for a, b in pairs
    )


def made(source: Path, recipe: Recipe, out: Path) -> Path:
    generate(open_source([source]), recipe, Run(out=out, passes=3, workers=1))
    return out


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("start", [0, 9])
def test_results_are_what_generate_makes(name: str, start: int, photos: Path, tmp_path: Path) -> None:
    recipe = recipe_of(name, size=(20, 24), seed=3)
    shown = preview_source(open_source([photos]), recipe, range(start, start + 4))
    stored = columns(made(photos, recipe, tmp_path / "out"))
    assert [line.number for line in shown.lines] == list(range(start, start + 4))
    for line in shown.lines:
        assert np.array_equal(np.asarray(line.result.picture), stored["images"][line.number])
        assert line.lam == stored["share"][line.number, 0]
        assert line.result.box == (tuple(stored["box"][line.number].tolist()) if METHODS[name].has_box else None)


RECIPES = [
    recipe_of("mixup", "cutmix", size=(20, 24), dtype="float32", normalize=NORMALIZED),
    recipe_of("mixup", size=(20, 24), dtype="float16", layout="nchw"),
    recipe_of("mixup", "mosaic", size=(20, 24), channels="grey", keep_originals=True),
    recipe_of("saliencymix", "cutout", size=(20, 24), flip=0.5, crop_area=(0.3, 1.0)),
    recipe_of("mixup", size=(20, 24), flip=0.5, crop_pad=4, linear_light=True),
    recipe_of("mixup", pair="same-class", label_rule="remix", labels="sparse"),
    recipe_of("mixup", pair="cross-class", label_smoothing=0.1, labels="dense", compression="gzip"),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: "-".join(map(str, recipe.to_dict()["methods"][0])))
def test_source_and_data_set_show_the_same(recipe: Recipe, photos: Path, tmp_path: Path) -> None:
    source = open_source([photos])
    before = preview_source(source, recipe, range(3, 11))
    after = preview_data_set(made(photos, recipe, tmp_path / "out"), lambda *_: source, range(3, 11))
    assert after.notices == ()
    assert [same(*pair) for pair in zip(before.lines, after.lines, strict=True)] == [True] * 8


def test_joined_captions_are_shown_as_their_tokens_say_them(tmp_path: Path) -> None:
    """Cut where they are cut, without special tokens and padding."""
    captioned = SourceOptions(task="caption", tokenizer=str(TOKENIZER), length=24)
    source, recipe = open_source([write_captioned(tmp_path / "set")], captioned), recipe_of("mixgen", task="caption")
    out, tokenizer = tmp_path / "out", Tokenizer.from_file(str(TOKENIZER))
    generate(source, recipe, Run(out=out, workers=1))
    stored = columns(out)["input_ids"]
    before, after = preview_source(source, recipe, range(9)), preview_data_set(out, lambda *_: source, range(9))
    for line, again, ids in zip(before.lines, after.lines, stored, strict=False):
        assert line.caption == again.caption == " ".join(tokenizer.decode(ids.tolist()).split())
        whole = [tokenizer.encode(tile.label[0].name, add_special_tokens=False).ids for tile in line.parents]
        assert line.caption == " ".join(tokenizer.decode([*whole[0], *whole[1]][:22]).split())
    assert preview_data_set(out, lambda *_: None, range(2)).lines[0].caption == ""
    content = page(content_of_data_set(out, lambda *_: source), Words("set", "set", (), (), "nothing")).decode()
    assert f'<p class="caption"><bdi>{before.lines[0].caption}</bdi></p>' in content


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_colours_come_out_right_in_any_form(dtype: Dtype, layout: Layout, colours: Path) -> None:
    normalize = NORMALIZED if dtype == "float32" else None
    recipe = recipe_of("none", dtype=dtype, layout=layout, normalize=normalize)
    shown = preview_source(open_source([colours]), recipe, range(12))
    wanted = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}
    for line in shown.lines:
        ((name, _),) = line.label
        for tile in (line.result, *line.parents):
            assert np.array_equal(np.asarray(tile.picture), np.full((6, 8, 3), wanted[name], np.uint8))


@pytest.mark.parametrize("kind", ["uint16", "float32", "int64"])
def test_arrays_of_any_depth_are_shown_by_one_scale(kind: str, tmp_path: Path) -> None:
    ramp = np.linspace(0, 60000, 4 * 6 * 6).reshape(4, 6, 6).astype(kind)
    np.save(tmp_path / "ramp.npy", ramp)
    shown = preview_source(open_source([tmp_path / "ramp.npy"]), recipe_of("none"), range(4))
    pictures = np.array([line.result.picture for line in shown.lines])
    assert pictures.shape == (4, 6, 6, 3)
    assert (pictures[..., 0] == pictures[..., 2]).all()
    whole = 65535 if kind == "uint16" else 60000
    order = sorted(range(4), key=lambda row: float(pictures[row].mean()))
    assert np.abs(pictures[order][..., 0] - ramp / whole * 255).max() <= 1


def test_only_the_parents_are_loaded(arrays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source([arrays])
    asked: list[int] = []
    load = source.load

    def watched(start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        asked.extend(range(start, stop))
        return load(start, stop, target, out)

    monkeypatch.setattr(source, "load", watched)
    shown = preview_source(source, recipe_of("mixup"), range(3))
    assert len(shown.lines) == 3
    assert len(asked) == len(set(asked)) == 4  # a chain: each donor is the next row's base


@pytest.fixture
def with_a_broken_one(colours: Path, tmp_path: Path) -> Path:
    root = tmp_path / "broken"
    shutil.copytree(colours, root)
    (root / "red" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    return root


def test_a_broken_parent_is_told_and_its_rows_have_no_result(with_a_broken_one: Path) -> None:
    shown = preview_source(open_source([with_a_broken_one]), recipe_of("mixup"), range(12))
    without = [line for line in shown.lines if line.result.picture is None]
    assert len(without) == 2  # once as base, once as donor
    for line in without:
        problems = [tile.problem for tile in line.parents if tile.picture is None]
        assert len(problems) == 1
        assert problems[0]
    assert ["red/1.png: " in notice and "on_error=skip" in notice for notice in shown.notices] == [True]


def test_what_does_not_fit_the_survey_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_colours(tmp_path / "colours", sizes=[(8, 6), (8, 6), (9, 9), (8, 6)])
    monkeypatch.setattr("mixup_cli.runs.job.SURVEY_SAMPLES", 1)
    shown = preview_source(open_source([root]), recipe_of("mixup"), range(12))
    assert {np.asarray(line.result.picture).shape for line in shown.lines} == {(224, 224, 3)}


def results_alone(shown: Preview) -> bool:
    return all(line.parents == () and line.result.picture is not None for line in shown.lines)


def test_another_source_is_told_and_results_alone_are_shown(colours: Path, photos: Path, tmp_path: Path) -> None:
    out = made(colours, recipe_of("mixup"), tmp_path / "out")
    shown = preview_data_set(out, lambda *_: open_source([photos]), range(4))
    assert results_alone(shown)
    assert "made from 12 inputs" in shown.notices[0]


@pytest.mark.parametrize("shape", [(12, 16), (12, 9, 9, 3)])
def test_a_source_of_another_kind_is_told(shape: tuple[int, ...], colours: Path, tmp_path: Path) -> None:
    out = made(colours, recipe_of("mixup"), tmp_path / "out")
    np.save(tmp_path / "x.npy", np.zeros(shape, np.float32))
    shown = preview_data_set(out, lambda *_: open_source([tmp_path / "x.npy"]), range(4))
    assert results_alone(shown)
    assert "made from" in shown.notices[0]


def test_a_changed_input_is_told(with_a_broken_one: Path, colours: Path, tmp_path: Path) -> None:
    out = made(colours, recipe_of("mixup"), tmp_path / "out")
    shown = preview_data_set(out, lambda *_: open_source([with_a_broken_one]), range(12))
    assert results_alone(shown)
    assert "red/1.png" in shown.notices[0]


def test_rows_end_where_the_data_set_does(colours: Path, tmp_path: Path) -> None:
    out = made(colours, recipe_of("mixup"), tmp_path / "out")
    assert [line.number for line in preview_data_set(out, lambda *_: None, range(33, 50)).lines] == [33, 34, 35]


def test_parents_are_named_by_key_and_label(photos: Path, tmp_path: Path) -> None:
    source = open_source([photos])
    out = made(photos, recipe_of("mixup"), tmp_path / "out")
    for number, line in enumerate(preview_data_set(out, lambda *_: source, range(8)).lines):
        wanted = [source.keys[index] for index in columns(out)["source_index"][number]]
        assert [tile.key for tile in line.parents] == wanted
        assert [tile.label[0].name for tile in line.parents] == [key.partition("/")[0] for key in wanted]


def test_an_unlabelled_source_has_keys_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((5, 4, 4, 3), np.uint8))
    shown = preview_source(open_source([tmp_path / "x.npy"]), recipe_of("mixup"), range(2))
    assert shown.lines[0].label == ()
    assert all(tile.key in {f"0000{row}" for row in range(5)} for tile in shown.lines[0].parents)
    assert all(tile.label == () for tile in shown.lines[0].parents)


def test_boxes_of_a_damaged_data_set_end_with_the_picture() -> None:
    pictures, boxes = np.zeros((3, 6, 8, 3), np.float32), np.array([[-9, 2, 2**31 - 1, 4], [9, 9, 2, 2], [0, 0, 0, 0]])
    mixed = Mixed(
        numbers=np.arange(3),
        methods=["cutmix"] * 3,
        parents=np.zeros((3, 2), np.int64),
        samples=pictures,
        pictures=pictures,
        boxes=boxes.astype(np.int32),
        lam=np.ones(3, np.float32),
        labels=None,
        label_kind="none",
        class_names=(),
    )
    lines = lines_of(mixed, recipe_of("cutmix"), None)
    assert [line.result.box for line in lines] == [(0, 2, 6, 4), None, None]
