"""The report's page says what is in the columns: each figure is computed here a second time, in another way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.draws.beta import UNIT, cumulative
from mixup_cli.methods import for_objects, resolve
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.report.objects import Seen
from mixup_cli.report.page.cards import MOST_ROWS, USUAL_ROWS, chosen_rows, marks_of
from mixup_cli.report.page.charts import balance, histograms, object_tables, pairs
from mixup_cli.report.page.content import Content
from mixup_cli.report.page.kinds import BINS, Kind, bins_of, kinds_of
from mixup_cli.report.page.of_data_set import content_of_data_set
from mixup_cli.report.page.of_source import content_of_source
from mixup_cli.report.page.reading import snippets
from mixup_cli.report.page.render import Words, page, short
from mixup_cli.report.page.tally import MOST_PAIRED, NOT_SEEN, Block, Tally
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source
from tests.boxed_pictures import CLASSES, write_boxes
from tests.data_sets import Columns, columns
from tests.running import Runner
from tests.unit.storage.small_data_set import manifest_of, shard_records


@pytest.fixture(scope="module")
def data_set(arrays: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "out"
    methods = resolve((MethodChoice("mixup", 1.0, {"alpha": 0.4}), MethodChoice("cutmix")))
    recipe = Recipe(methods=methods, keep_originals=True, samples_per_shard=150)
    generate(open_source([arrays], SourceOptions()), recipe, Run(out=out, passes=10))
    return out


@pytest.fixture(scope="module")
def content(data_set: Path) -> Content:
    return content_of_data_set(data_set, lambda number, count: None)


@pytest.fixture(scope="module")
def stored(data_set: Path) -> Columns:
    return columns(data_set)


def test_lam_is_counted_in_bins_with_atoms_apart(content: Content, stored: Columns) -> None:
    lam = stored["share"][:, 0].astype(np.float64)
    found = {each.kind.name: each for each in histograms(content)}
    assert found.keys() == {"mixup", "cutmix", "none"}
    for number, name in enumerate(["mixup", "cutmix", "none"]):
        own = lam[stored["method"] == number]
        inside, _ = np.histogram(own[(own > 0) & (own < 1)], bins=BINS, range=(0, 1))
        counts = [count for _, count, _ in found[name].bars]
        assert counts == [(own == 0).sum(), *inside, (own == 1).sum()]
        assert found[name].rows == len(own)
        middle = ((own >= 0.25) & (own < 0.75)).mean()
        assert found[name].parts == pytest.approx([(own == 1).mean(), (own >= 31 / 32).mean(), middle])
    assert found["cutmix"].gap is None
    gap = found["mixup"].gap
    assert gap is not None
    assert gap < 2 * found["mixup"].usual_gap


@pytest.mark.parametrize(
    ("choice", "law"),
    [
        (MethodChoice("mixup", 1.0, {"alpha": 0.2}), (0.2, 0.2)),
        (MethodChoice("mixup", 1.0, {"alpha": 0.2, "base": 1.0}), (1.0, 0.2)),
        (MethodChoice("dirichlet", 1.0, {"alpha": 0.5, "k": 4.0}), (0.5, 1.5)),
        (MethodChoice("fmix", 1.0, {"alpha": 1.0}), (1.0, 1.0)),
        (MethodChoice("cutmix", 1.0, {"alpha": 1.0, "box": "minmax"}), None),
        (MethodChoice("resizemix"), None),
        (MethodChoice("mixup"), None),  # decided by a plan file
    ],
)
def test_the_law_of_each_kind(choice: MethodChoice, law: tuple[float, float] | None) -> None:
    (kind,) = kinds_of(Recipe(methods=(choice,)), [choice.name])
    assert kind.law == law
    assert (kind.expected is None) == (law is None)


def test_the_law_in_bins_sums_the_levels_that_shares_take() -> None:
    kind = _mixup(0.3)
    expected = kind.expected
    assert expected is not None
    levels = np.diff(cumulative(0.3, 0.3), prepend=0.0, append=1.0)
    bins = bins_of((np.arange(UNIT + 1) / UNIT).astype(np.float32))
    assert np.allclose(np.bincount(bins, levels), expected, atol=1e-12)
    unmixed = _mixup(0.0).expected
    assert unmixed is not None
    assert unmixed.tolist() == [0.0] * (BINS + 1) + [1.0]


def _mixup(alpha: float) -> Kind:
    return kinds_of(Recipe(methods=(MethodChoice("mixup", 1.0, {"alpha": alpha}),)), ["mixup"])[0]


def test_classes_before_and_after(content: Content, stored: Columns) -> None:
    found = balance(content)
    after = stored["labels"].sum(axis=0, dtype=np.float64) / len(stored["labels"])
    assert np.allclose([each[2] for each in found], after)
    assert [each[1] for each in found] == [0.25] * 4  # of forty inputs in four classes


def test_pairs_are_rows_in_which_both_have_a_share(content: Content, stored: Columns) -> None:
    expected = np.zeros((4, 4), int)
    for (base, donor), (own, other) in zip(stored["source_label"].tolist(), stored["share"].tolist(), strict=True):
        expected[base, donor] += own > 0 and other > 0
    found = pairs(content)
    assert found is not None
    assert found.rows == expected.tolist()
    assert found.level(0) == 0
    assert found.level(1) >= 1
    assert found.level(expected.max()) == 4


def test_without_sparse_labels_the_same_is_said(
    arrays: Path, content: Content, run_cli: Runner, tmp_path: Path
) -> None:
    options = ("--method", "mixup:0.5:alpha=0.4,cutmix:0.5", "--keep-originals", "--passes", 10, "--labels", "dense")
    assert run_cli("generate", arrays, *options, "-o", tmp_path / "dense").returncode == 0
    dense = content_of_data_set(tmp_path / "dense", lambda number, count: None)
    assert pairs(dense) == pairs(content)
    assert np.allclose([each[2] for each in balance(dense)], [each[2] for each in balance(content)], atol=1e-6)


def test_the_matrix_is_bounded_and_complete() -> None:
    count, draw = 500, np.random.default_rng(3)
    sizes = draw.random(count)
    tally = Tally([_mixup(1.0)], count, sizes)
    assert {*tally.paired.tolist()} == {*np.argsort(sizes)[-MOST_PAIRED:].tolist()}
    classes = draw.integers(0, count, (2000, 2), dtype=np.int32)
    share = np.full((2000, 2), 0.5, np.float32)
    tally.add(Block(0, np.zeros(2000, np.int64), share, classes, share))
    assert tally.pairs.shape == (MOST_PAIRED + 1, MOST_PAIRED + 1)
    assert tally.pairs.sum() == 2000
    assert tally.label.sum() == tally.label_rows == 2000


def test_every_method_and_class_is_among_the_rows(content: Content, stored: Columns) -> None:
    rows = chosen_rows(content.tally.first, len(stored["index"]))
    assert len(rows) == USUAL_ROWS
    assert (np.diff(rows) > 0).all()
    seen = {
        (method, own)
        for method, classes, shares in zip(
            *(stored[name][rows].tolist() for name in ("method", "source_label", "share")), strict=True
        )
        for own, share in zip(classes, shares, strict=True)
        if share > 0
    }
    assert seen == {(method, own) for method in range(3) for own in range(4)}


def test_many_classes_are_shown_as_far_as_there_is_room() -> None:
    first = np.full((2, 5001), NOT_SEEN)
    first[0, :5000] = np.arange(5000) * 10
    first[1, 7] = 49_999
    rows = chosen_rows(first, 50_000)
    assert len(rows) == MOST_ROWS
    assert 49_999 in rows, "the one row of a method"
    few = chosen_rows(np.full((1, 1), 0), 5)
    assert few.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat", "cat"),
        ("a" * 50 + "b" * 50, "a" * 40 + "…" + "b" * 39),
        ("x\u202ey\n", r"x\u202ey\n"),
        ("\udc80", r"\x80"),
    ],
)
def test_names_from_outside_fit_a_line(text: str, shown: str) -> None:
    assert short(text) == shown


def test_snippets_run(data_set: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that need no framework but PyTorch; tests/frameworks runs all."""
    arrays: dict[str, Any] = {"a-b": np.zeros((4, 8, 8, 3), np.uint8), "class": np.ones((4, 2), np.uint8)}
    np.savez(tmp_path / "x.npz", **arrays)
    source = open_source([tmp_path / "x.npz"], SourceOptions(data_key="a-b,class"))
    generate(source, Recipe(methods=resolve(Recipe().methods)), Run(out=tmp_path / "out"))
    for place in (data_set, tmp_path / "out"):
        found = snippets(MixedArrays(place).manifest, str(place))
        assert [*found] == NAMES
        for name in ("PyTorch", "NumPy", "Hugging Face", "h5py"):
            exec(found[name], {})
            assert capsys.readouterr().out.strip(), name


NAMES = ["PyTorch", "TensorFlow", "Keras", "JAX", "NumPy", "Hugging Face", "h5py"]


def test_snippets_of_what_is_not_a_plain_folder() -> None:
    plain = manifest_of(shard_records(1))
    zstd = plain.model_copy(update={"compression": "zstd"})
    assert [*snippets(plain, "s3://bucket/out")] == NAMES[:5]
    assert "import hdf5plugin" in snippets(zstd, "out")["h5py"]


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of twelve pictures with objects, with its source beside it."""
    root = tmp_path_factory.mktemp("boxed")
    recipe = Recipe(methods=resolve(for_objects([MethodChoice("mixup"), MethodChoice("cutmix")])), keep_originals=True)
    generate(open_source([write_boxes(root / "coco", count=12)]), recipe, Run(out=root / "out", passes=9))
    return root


def test_objects_stand_in_tables(boxed: Path) -> None:
    stored, source = columns(boxed / "out"), open_source([boxed / "coco"])
    content = content_of_data_set(boxed / "out", lambda number, count: source)
    found = object_tables(content)
    assert found is not None
    counts = stored["object_count"]
    spans = {"0": (0, 0), "1": (1, 1), "2 … 3": (2, 3), "4 … 7": (4, 7)}
    assert [(name, rows) for name, rows, _ in found.rows] == [
        (name, ((counts >= low) & (counts <= high)).sum()) for name, (low, high) in spans.items()
    ]
    there = stored["object_class"] >= 0
    of_class = np.bincount(stored["object_class"][there], minlength=3)
    assert {name: count for name, count, _ in found.classes} == dict(zip(CLASSES, of_class.tolist(), strict=True))
    faint = there & (stored["object_weight"] < 0.1)
    assert found.faint == faint.sum() > 0
    for name, count, part in found.classes:
        assert part == pytest.approx((faint & (stored["object_class"] == CLASSES.index(name))).sum() / count)
    assert sum(count for _, count, _ in found.visible) == there.sum()
    assert found.visible[-1][:2] == ("all of it", (stored["object_visible"] == 1).sum())
    assert sum(part for *_, part in found.visible) == pytest.approx(1)
    assert found.without == (counts == 0).sum() > 0
    assert [name for name, *_ in balance(content)] == [*CLASSES]
    before, after = zip(*((one, other) for _, one, other in balance(content)), strict=True)
    assert before == pytest.approx(np.array([9, 6, 3]) / 18)
    assert after == pytest.approx(of_class / of_class.sum())


def test_each_class_of_objects_is_among_the_rows(boxed: Path) -> None:
    content = content_of_data_set(boxed / "out", lambda number, count: None)
    stored = columns(boxed / "out")
    for kind in range(3):
        for own in range(3):
            rows = np.flatnonzero((stored["method"] == kind) & (stored["object_class"] == own).any(axis=1))
            assert content.tally.first[kind, own] == rows[0]


def test_source_and_data_set_have_the_same_page_of_objects(boxed: Path) -> None:
    source = open_source([boxed / "coco"])
    methods = resolve(for_objects([MethodChoice("mixup"), MethodChoice("cutmix")]))
    content = content_of_source(source, Recipe(methods=methods, keep_originals=True))
    assert content.objects is not None
    first = columns(boxed / "out")["object_count"][:24]
    assert content.objects.rows.tolist()[: first.max() + 1] == np.bincount(first).tolist()
    html = page(content, Words("coco", "coco", (), (), "nothing")).decode()
    assert '<section id="objects"' in html
    lines = {line.number: line for line in content.lines}
    assert len(lines) == 24
    for line in lines.values():
        for tile in (*line.parents, line.result):
            for path in marks_of(tile.objects).values():
                assert f'd="{path}"' in html


def test_pages_of_labels_say_nothing_of_objects(content: Content) -> None:
    assert content.objects is None
    assert 'id="objects"' not in page(content, Words("x", "x", (), (), "nothing")).decode()


def test_boxes_are_paths_and_keypoints_dots() -> None:
    small, large = Seen("cat", (1, 2, 3.26, 5), 1, 1, 0), Seen("cat", (0, 0, 30, 20), 1, 1, 0)
    donor = Seen("dog", (4, 4, 8, 8), 1, 1, 1, ((5, 6, 2), (7, 7.25, 1)))
    assert marks_of((small, large, donor)) == {
        "p0": "M0 0h30v20h-30zM1 2h2.3v3h-2.3z",
        "p1": "M4 4h4v4h-4z",
        "p1 dots": "M5.0 6.0h0M7.0 7.2h0",
    }
