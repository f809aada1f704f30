"""Which rows a reader shows, and in which form, of data sets of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.readers import selection
from mixup_cli.readers.view import View
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.merge import merge
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from mixup_cli.sources.reading.base import SourceOptions
from tests.data_sets import columns
from tests.running import Runner

CLASSES = np.arange(12) % 3
PLAIN = SourceOptions()


def made(out: Path, y: NDArray[Any] | None = CLASSES, options: SourceOptions = PLAIN, **fields: Any) -> Path:
    """A data set of two passes over twelve images of height and width alone."""
    draw = np.random.default_rng(2)
    values: dict[str, Any] = {"x": draw.random((12, 3, 5)).astype(np.float32)}
    if options.data_key:
        values["wave"] = draw.random((12, 7)).astype(np.float32)
    if y is not None:
        values["y"] = y
    np.savez(out.with_suffix(".npz"), **values)
    source = open_source([out.with_suffix(".npz")], options)
    generate(source, Recipe(samples_per_shard=5, **fields), Run(out=out, passes=2, workers=1))
    return out


def parts(view: View) -> list[tuple[str, tuple[int, ...]]]:
    return [(part.name, part.shape) for part in view.parts]


def rows(folder: Path, **choices: Any) -> list[int]:
    view = View(folder, **choices)
    found: list[int] = view.rows(range(len(view))).tolist()
    return found


@pytest.mark.parametrize(("axes", "shape"), [("chw", (1, 3, 5)), ("hwc", (3, 5, 1)), (None, (3, 5))])
def test_images_of_height_and_width_alone(axes: Axes | None, shape: tuple[int, ...], tmp_path: Path) -> None:
    view = View(made(tmp_path / "out"), axes, sample="columns")
    assert parts(view)[0] == ("images", shape)
    batch: Any = view.read(np.array([3, 1]))
    assert np.array_equal(batch["images"].reshape(2, 3, 5), view.arrays.images([3, 1]))


def test_samples_of_several_signals(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", options=SourceOptions(data_key="x,wave", label_key="y"))
    own = [("images", (1, 3, 5)), ("wave", (7,))]
    assert parts(View(folder, "chw")) == [*own, ("labels", (3,))]
    assert parts(View(folder, "chw", sample="pair")) == [*own, ("y_a", ()), ("y_b", ()), ("lam", ())]
    assert parts(View(folder, "chw", sample=["wave", "box", "wave"])) == [own[1], ("box", (4,))]
    for part in View(folder).parts:
        values = part.read(np.array([4]))
        assert (values.shape, values.dtype) == ((1, *part.shape), part.dtype)


SUM_TO_ONE = np.eye(3, dtype=np.float32)[CLASSES] * 0.5 + np.array([0.5, 0, 0], np.float32)
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("none", {"y": None}),
    ("real", {"y": SUM_TO_ONE, "options": SourceOptions(label_kind="real")}),
    ("soft", {"y": SUM_TO_ONE, "options": SourceOptions(label_kind="soft")}),
    ("multi", {"y": np.eye(3)[CLASSES], "options": SourceOptions(label_kind="multi")}),
    ("multi", {"label_rule": "union"}),
]


@pytest.mark.parametrize(("kind", "how"), KINDS, ids=["none", "real", "soft", "multi", "union"])
def test_labels_that_are_not_shares_of_two_classes(kind: str, how: dict[str, Any], tmp_path: Path) -> None:
    folder = made(tmp_path / "out", **how)
    view = View(folder)
    assert view.arrays.label_kind == kind
    assert [part.name for part in view.parts] == (["images"] if kind == "none" else ["images", "labels"])
    if kind != "none":
        batch: Any = view.read(np.arange(24))
        np.testing.assert_array_equal(batch[1], view.arrays.labels(range(24)))
    with pytest.raises(UsageError, match=rf"sample=pair: the labels of .* are not the shares .* \({kind}\)"):
        View(folder, sample="pair")
    first = view.arrays.class_names[:1]
    if kind in ("none", "real"):
        with pytest.raises(UsageError, match=r"classes: the labels of .* are not of classes"):
            View(folder, classes=first)
    else:
        others = columns(folder)["labels"][:, 1:]
        assert rows(folder, classes=first) == np.flatnonzero((others == 0).all(axis=1)).tolist()


def test_labels_that_are_computed(tmp_path: Path) -> None:
    view = View(made(tmp_path / "out", labels="sparse"), sample=["labels"])
    batch: Any = view.read(np.arange(24))
    np.testing.assert_array_equal(batch["labels"], view.arrays.labels(range(24)))
    assert "labels" not in dict(parts(View(tmp_path / "out", sample="columns")))


def test_smoothing_gives_no_label_a_class(tmp_path: Path) -> None:
    """Which classes a row has is a matter of its parents."""
    folder = made(tmp_path / "out", label_smoothing=0.1)
    stored = columns(folder)
    others = (stored["source_label"] != 0) & (stored["label_share"] > 0)
    assert 0 < (wanted := np.flatnonzero(~others.any(axis=1))).size < 24
    assert rows(folder, classes=["0"]) == wanted.tolist()


def test_more_than_two_parents_are_not_a_pair(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", methods=(MethodChoice("dirichlet"),))
    with pytest.raises(UsageError, match=r"sample=pair: .* has rows of 3 parents\. Leave sample out"):
        View(folder, sample="pair")


def test_rows_of_one_parent_are_a_pair_of_one_class(tmp_path: Path) -> None:
    folder = made(tmp_path / "out", methods=(MethodChoice("none"),))
    _, y_a, y_b, lam = View(folder, sample="pair").read(np.arange(24))
    classes = columns(folder)["source_label"][:, 0]
    assert np.array_equal(y_a, classes)
    assert np.array_equal(y_b, classes)
    assert (np.asarray(lam) == 1).all()


def test_originals_of_merged_data_sets(tmp_path: Path) -> None:
    """One member has originals, one has none, one has originals again: its rows lie between those of others."""
    members = [
        made(tmp_path / name, keep_originals=keeps, seed=seed)
        for seed, (name, keeps) in enumerate([("a", True), ("b", False), ("c", True)])
    ]
    merge(members, tmp_path / "all")
    originals, passes = [*range(12), *range(60, 72)], [range(12 * k, 12 * k + 12) for k in (1, 2, 3, 4, 6, 7)]
    assert rows(tmp_path / "all") == rows(tmp_path / "all", originals=True) == [*range(96)]
    assert rows(tmp_path / "all", originals=False) == [row for each in passes for row in each]
    assert rows(tmp_path / "all", passes=4) == [*passes[4]]
    assert rows(tmp_path / "all", passes=[4, 0], originals=True) == [*originals, *passes[4], *passes[0]]
    view = View(tmp_path / "all", epoch=0, originals=True)
    assert view.rows(range(len(view)), epoch=11).tolist() == [*originals, *passes[5]]
    assert (columns(tmp_path / "all")["share"][originals, 0] == 1).all()


def test_data_sets_without_originals(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    assert rows(folder, originals=False) == [*range(24)]
    with pytest.raises(UsageError, match=r"originals: .* holds no originals beside its mixed rows\. Generate with"):
        View(folder, originals=True)


def test_data_sets_from_plan_files(arrays: Path, run_cli: Runner, tmp_path: Path) -> None:
    assert run_cli("plan", arrays, "--method", "mixup,cutmix", "-o", tmp_path / "plan.csv").returncode == 0
    assert run_cli("generate", arrays, "--plan", tmp_path / "plan.csv", "-o", tmp_path / "out").returncode == 0
    stored, names = columns(tmp_path / "out")["method"], View(tmp_path / "out").arrays.manifest.methods
    assert rows(tmp_path / "out", originals=False) == [*range(40)]
    assert rows(tmp_path / "out", methods=["cutmix"]) == np.flatnonzero(stored == names.index("cutmix")).tolist()
    with pytest.raises(UsageError, match="holds no originals"):
        View(tmp_path / "out", originals=True)
    with pytest.raises(UsageError, match=r"come from a plan file, which has no passes\. Leave passes and epoch out"):
        View(tmp_path / "out", passes=0)


def test_originals_beside_rows_of_a_plan_file(run_cli: Runner, tmp_path: Path) -> None:
    """Such rows have no passes. Which are originals is known all the same."""
    folder = made(tmp_path / "kept", keep_originals=True)
    source, plan = tmp_path / "kept.npz", tmp_path / "plan.csv"
    assert run_cli("plan", source, "--dtype", "float32", "-o", plan).returncode == 0
    how = ["--plan", plan, "--samples-per-shard", "5"]
    assert run_cli("generate", source, *how, "-o", tmp_path / "planned").returncode == 0
    merge([tmp_path / "planned", folder], tmp_path / "both")
    assert rows(tmp_path / "both", originals=False) == [*range(12), *range(24, 48)]
    with pytest.raises(UsageError, match="which has no passes"):
        View(tmp_path / "both", originals=True, passes=0)


def test_rows_are_looked_at_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path / "out", methods=(MethodChoice("mixup"), MethodChoice("cutmix")))
    choices: dict[str, Any] = {"methods": ["mixup"], "classes": ["0", "2"], "passes": [1, 0]}
    at_once = rows(folder, **choices)
    monkeypatch.setattr(selection, "BLOCK_ROWS", 5)
    assert rows(folder, **choices) == at_once
    assert sorted(at_once) != at_once


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"methods": "mixup"}, r"methods=mixup: is one name, expected several\. Pass methods=\['mixup'\]"),
    ({"methods": ["mixup"], "epoch": 0}, r"epoch: epochs have one length, .* Leave epoch out, or choose passes"),
    ({"methods": []}, "methods: .* has no such rows"),
    ({"classes": []}, "classes: .* has no such rows"),
    ({"classes": ["3"]}, "classes: the data set has no '3'"),
    ({"sample": "sof"}, r"sample=sof: is not soft, pair, objects, columns or a sequence of columns"),
    ({"sample": ["image"]}, r"sample: .* has no column 'image'; did you mean images\?"),
    ({"sample": []}, r"sample: names no column\. Name some"),
]


@pytest.mark.parametrize(("choices", "told"), WRONG, ids=str)
def test_choices_that_the_data_set_cannot_meet(choices: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=told):
        View(made(tmp_path / "out"), **choices)


def test_each_epoch_is_shuffled_as_a_whole(tmp_path: Path) -> None:
    view = View(made(tmp_path / "out"))
    shuffled = [np.concatenate([*view.batches(5, seed=1, epoch=epoch)]) for epoch in (0, 0, 1)]
    assert np.array_equal(shuffled[0], shuffled[1])
    assert not np.array_equal(shuffled[0], shuffled[2])
    assert sorted(shuffled[2]) == [*range(24)]
