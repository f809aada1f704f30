"""Random recipes, made by the command and computed again from docs/format.md alone (`from_format.py`): every column of
every row that is looked at has the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.data_sets import columns, manifest
from tests.end_to_end.from_format import Reference, Source
from tests.running import Runner

ROWS_LOOKED_AT = 40
ANYWHERE = ["mixup:alpha=0.7", "none", "dirichlet:alpha=1", "zetamix:k=3"]
PICTURE = [
    "cutmix", "cutmix:box=inside", "cutmix:box=minmax", "cutout", "erase", "erase:fill=mean", "erase:fill=noise",
    "mosaic", "fmix", "gridmix", "smoothmix", "jigsaw",
]  # fmt: skip
LABELS = st.sampled_from(["classes", "classes", "soft", "multi", "real"])


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Any]:
    """What is typed, and what the source is like. Kinds of labels decide which options go together."""
    kind = draw(LABELS)
    pairs = {"classes": ["any", "same-class", "cross-class", "balanced"], "real": ["any", "nearest"]}
    pair = draw(st.sampled_from(pairs.get(kind, ["any", "nearest"])))
    names = draw(st.lists(st.sampled_from(ANYWHERE + PICTURE), min_size=1, max_size=3, unique_by=_name))
    rules = {"classes": ["soft", "base", "union"], "multi": ["soft", "base", "union"]}
    few_parents = not {"dirichlet", "zetamix", "mosaic"} & set(map(_name, names))
    remix = ["remix", "remix"] if kind == "classes" and few_parents else []
    rule = draw(st.sampled_from(rules.get(kind, ["soft", "base"]) + remix))
    options = ["--method", ",".join(names), "--pair", pair, "--label-rule", rule, "--seed", draw(st.integers(0, 99))]
    options += ["--keep-originals"] * draw(st.booleans()) + ["--flip", 0.5] * draw(st.booleans())
    options += ["--crop-pad", 2] * draw(st.booleans()) + ["--fill", "9,20,77"] * draw(st.booleans())
    if kind == "classes":
        options += ["--per-class", draw(st.integers(2, 9))] * draw(st.booleans())
        if draw(st.booleans()):
            options += ["--balance", "classes"]
    if "--balance" not in options and pair in ("any", "same-class", "cross-class") and draw(st.booleans()):
        options += ["--window", draw(st.integers(6, 30))]
    if rule != "union" and kind in ("classes", "soft") and draw(st.booleans()):
        options += ["--label-smoothing", 0.1]
    options += ["--dtype", draw(st.sampled_from(["uint8", "uint16", "float32", "float16"]))]
    if str(options[-1]).startswith("float") and draw(st.booleans()):
        options += ["--normalize", "0.4,0.5,0.6/0.2,0.3,0.1"]
    stored = "uint8" if options[-1] == "uint8" else draw(st.sampled_from(["uint8", "uint16", "float32"]))
    if stored == "float32" and "uint16" in options:
        stored = "uint16"
    return {
        "kind": kind,
        "options": options,
        "groups": draw(st.booleans()),
        "seed": draw(st.integers(0, 9)),
        "stored": stored,
    }


def _name(method: str) -> str:
    return method.partition(":")[0]


def write_source(path: Path, asked: dict[str, Any]) -> Source:
    """Some tens of small pictures with labels of a kind, in classes of very unequal size."""
    draw, kind, has_groups, seed = np.random.default_rng(asked["seed"]), asked["kind"], asked["groups"], asked["seed"]
    count, class_count = int(draw.integers(40, 90)), 4
    shape = (count, 7, 10, 3)
    pictures: Any = draw.normal(size=shape).astype(np.float32)
    if asked["stored"] != "float32":
        pictures = draw.integers(0, np.iinfo(asked["stored"]).max, shape, asked["stored"], endpoint=True)
    classes = np.minimum(draw.integers(0, 12, count), 3)
    classes[:class_count] = range(class_count)
    if seed % 2:  # a class without samples
        classes[classes == 1], class_count = class_count, class_count + 1
    groups = draw.integers(0, 3, count)
    stored: Any = classes
    values: Any = None
    if kind == "soft":
        stored = draw.dirichlet(np.ones(class_count), count)
        values = (stored / stored.sum(axis=1, keepdims=True)).astype(np.float32)
    elif kind == "multi":
        values = stored = draw.integers(0, 2, (count, class_count)).astype(np.float32)
    elif kind == "real":
        values = stored = draw.normal(size=(count, class_count)).astype(np.float32)
    np.savez(path, x=pictures, y=stored, g=groups)
    return Source(
        pictures,
        class_count,
        classes.tolist() if kind == "classes" else None,
        values,
        [str(group) for group in groups] if has_groups else None,
    )


REMIX = ["--method", "mixup:alpha=1", "--label-rule", "remix", "--per-class", 6, "--pair", "cross-class", "--seed", 0]


FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@given(asked=recipes())
@example(asked={"kind": "classes", "options": REMIX, "groups": False, "seed": 0, "stored": "uint8"})
@settings(max_examples=8, deadline=None, suppress_health_check=FIXTURES)
def test_rows_are_what_the_format_says(
    asked: dict[str, Any], run_cli: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_rows(asked, run_cli, tmp_path_factory)


@pytest.mark.slow
@given(asked=recipes())
@settings(max_examples=60, deadline=None, suppress_health_check=FIXTURES)
def test_rows_of_many_recipes_are_what_the_format_says(
    asked: dict[str, Any], run_cli: Runner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check_rows(asked, run_cli, tmp_path_factory)


def check_rows(asked: dict[str, Any], run_cli: Runner, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("made")
    source = write_source(folder / "a.npz", asked)
    options = [*asked["options"], "--label-kind", asked["kind"], *["--group-column", "g"] * asked["groups"]]
    ended = run_cli("generate", folder / "a.npz", *options, "--passes", 2, "-o", folder / "o", "-q")
    if ended.returncode == 65:  # nobody can meet: nothing was made
        return
    assume("it has no effect" not in ended.stderr)  # a fill where nothing is filled, a pairing of one parent …
    assert ended.returncode == 0, ended.stderr
    check_against(folder / "o", source)


def check_against(folder: Path, source: Source) -> None:
    """Compare some rows of two passes with the second writing."""
    made, told = columns(folder), manifest(folder)
    reference = Reference(told["recipe"], told["methods"], source)
    originals = reference.n if told["recipe"]["keep_originals"] else 0
    assert len(made["index"]) == originals + 2 * reference.rows_of_pass
    for index in np.random.default_rng(1).permutation(len(made["index"]))[:ROWS_LOOKED_AT].tolist():
        expected = reference.row(index)
        assert expected.keys() | {"index"} == made.keys()
        for name, value in expected.items():
            assert made[name][index].tolist() == np.asarray(value).tolist(), (index, name)


@pytest.mark.parametrize(
    "options",
    [
        "--method mixup:alpha=0.7,cutmix --keep-originals --flip 0.5",
        "--method dirichlet:alpha=1,mosaic,cutout --balance classes --seed 5 --label-smoothing 0.1",
        "--method mosaic --per-class 3 --crop-pad 2",
    ],
)
@pytest.mark.parametrize("count", [1, 7, 150])
def test_donors_of_their_own_are_what_the_format_says(
    run_cli: Runner, tmp_path: Path, options: str, count: int
) -> None:
    asked = {"kind": "classes", "groups": False, "seed": 2, "stored": "uint8"}
    source = write_source(tmp_path / "a.npz", asked)
    donors = np.random.default_rng(3).integers(0, 256, (count, *source.pictures.shape[1:]), dtype=np.uint8)
    (tmp_path / "donors").mkdir()
    for number, pixels in enumerate(donors):
        Image.fromarray(pixels).save(tmp_path / f"donors/{number:03d}.png")
    given = [*options.split(), "--label-rule", "base", "--passes", 2, "--donors-from", tmp_path / "donors"]
    ended = run_cli("generate", tmp_path / "a.npz", *given, "-o", tmp_path / "o", "-q")
    assert ended.returncode == 0, ended.stderr
    assert source.classes is not None
    pictures = np.concatenate([source.pictures, donors])
    check_against(tmp_path / "o", Source(pictures, source.class_count, [*source.classes, *[-1] * count], donors=count))


def test_remix_counts_the_classes_of_the_chosen_samples(run_cli: Runner, tmp_path: Path) -> None:
    """With --per-class all classes are of a size, and nothing is relabelled: eight to one without it."""
    classes = np.repeat([0, 1], [80, 10])
    pictures = np.random.default_rng(2).integers(0, 256, (90, 4, 4, 3), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=pictures, y=classes)
    options = ["--label-rule", "remix", "--alpha", 1, "--passes", 4, "--pair", "cross-class"]
    run_cli("generate", "a.npz", *options, "-o", "all", cwd=tmp_path)
    run_cli("generate", "a.npz", *options, "--per-class", 10, "-o", "even", cwd=tmp_path)
    relabelled = [
        (columns(tmp_path / out)["label_share"] != columns(tmp_path / out)["share"]).any() for out in ("all", "even")
    ]
    assert relabelled == [True, False]
    assert run_cli("verify", "even", "--deep", cwd=tmp_path).returncode == 0
