"""A data set's passes: each is the source once, whatever the recipe, and readers show one, some or all of them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, DistributedSampler

from mixup_cli.errors import DataError, UsageError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.passes import Passes, Shown, shown_of
from mixup_cli.readers.pytorch import MixedDataset
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.scan.scan import Tolerance
from mixup_cli.sources import open_source
from tests.data_sets import columns
from tests.running import Runner

CLASS_SIZES = (7, 4, 2)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """13 samples of unequal classes; a sample's values are its number."""
    classes = np.repeat(np.arange(3), CLASS_SIZES)
    pixels = np.arange(13, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(4, 2)
    np.savez(tmp_path / "x.npz", x=pixels, y=classes)
    return tmp_path / "x.npz"


def made(source: Path, out: Path, passes: int = 3, samples: int | None = None, **fields: Any) -> MixedArrays:
    recipe = Recipe(samples_per_shard=5, **fields)
    generate(open_source([source]), recipe, Run(out=out, passes=passes, samples=samples, workers=1))
    return MixedArrays(out)


RECIPES: list[tuple[dict[str, Any], int, int]] = [
    ({}, 0, 13),
    ({"keep_originals": True}, 13, 13),
    ({"per_class": 3}, 0, 8),
    ({"per_class": 3, "keep_originals": True}, 8, 8),
    ({"balance": "classes"}, 0, 21),
    ({"balance": "classes", "keep_originals": True}, 13, 21),
    ({"balance": "classes", "per_class": 3}, 0, 9),
    ({"window": 5}, 0, 13),
    ({"pair": "same-class", "labels": "sparse"}, 0, 13),
    ({"pair": "balanced", "label_rule": "union"}, 0, 13),
]


@pytest.mark.parametrize(("fields", "originals", "length"), RECIPES, ids=str)
def test_every_pass_has_each_base_as_often_as_the_recipe_says(
    fields: dict[str, Any], originals: int, length: int, source: Path, tmp_path: Path
) -> None:
    arrays = made(source, tmp_path / "out", **fields)
    stored = columns(tmp_path / "out")
    base, rows = stored["source_index"][:, 0], [arrays.passes[number] for number in range(3)]
    assert len(arrays.passes) == 3
    assert [row for each in rows for row in each] == list(range(originals, len(arrays)))
    assert [len(each) for each in rows] == [length] * 3
    for each in rows:
        found = np.unique(base[each.start : each.stop], return_counts=True)[1]
        if fields.get("balance") == "classes":
            of_class = np.bincount(np.repeat(np.arange(3), CLASS_SIZES)[base[each.start : each.stop]])
            assert set(of_class) == {length // 3}
        else:
            assert found.tolist() == [1] * length
    assert np.array_equal(arrays.column("index").take(np.array(rows[1])), np.array(rows[1]))


def test_inputs_that_were_left_out_are_not_counted(colours: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    for path in colours.rglob("*.png"):
        place = tmp_path / "broken" / path.relative_to(colours)
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes() if path.name != "0.png" else b"no picture")
    run = Run(out=tmp_path / "out", passes=2, workers=1, tolerance=Tolerance("skip"))
    generate(open_source([tmp_path / "broken"]), Recipe(balance="classes"), run)
    passes = MixedArrays(tmp_path / "out").passes
    assert [len(passes[number]) for number in range(len(passes))] == [9, 9]


def test_a_last_pass_can_be_short(source: Path, tmp_path: Path) -> None:
    arrays = made(source, tmp_path / "out", samples=30)
    assert [arrays.passes[number] for number in (0, 2, -1)] == [range(13), range(26, 30), range(26, 30)]
    assert len(MixedDataset(tmp_path / "out", passes=2)) == 4
    assert len(MixedDataset(tmp_path / "out", passes=(0, 2))) == 17
    with pytest.raises(UsageError, match=r"pass 2 is short, with 4 rows of 13, .* passes=range\(2\)\."):
        MixedDataset(tmp_path / "out", epoch=0)
    assert len(MixedDataset(tmp_path / "out", epoch=0, passes=range(2))) == 13
    assert len(MixedDataset(tmp_path / "out", epoch=0, passes=2)) == 4
    for missing in (3, -4):
        with pytest.raises(IndexError, match=f"pass {missing}: the data set has passes 0 to 2"):
            MixedDataset(tmp_path / "out", passes=missing)
    with pytest.raises(UsageError, match="pass 2 is short"):
        MixedDataset(tmp_path / "out", epoch=0, passes=[-1, 0])
    with pytest.raises(UsageError, match=r"`passes` is empty\. The data set has 3"):
        MixedDataset(tmp_path / "out", passes=[])


def test_a_plan_file_has_no_passes(source: Path, run_cli: Runner, tmp_path: Path) -> None:
    assert run_cli("plan", source, "-o", tmp_path / "plan.csv").returncode == 0
    assert run_cli("generate", source, "--plan", tmp_path / "plan.csv", "-o", tmp_path / "out").returncode == 0
    assert len(MixedDataset(tmp_path / "out")) == 13
    with pytest.raises(UsageError, match="its rows come from a plan file, which has no passes"):
        MixedDataset(tmp_path / "out", epoch=0)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"other")])
def test_a_lost_list_of_sources_matters_where_classes_decide(damage: Any, source: Path, tmp_path: Path) -> None:
    plain, balanced = made(source, tmp_path / "plain"), made(source, tmp_path / "balanced", balance="classes")
    for arrays in (plain, balanced):
        damage(arrays.folder / "sources.csv")
    assert len(plain.passes) == 3
    with pytest.raises(DataError, match="Run mixup-gen repair"):
        balanced.passes  # noqa: B018  # it is computed when it is asked for


def rows_of(loader: DataLoader[Any]) -> list[int]:
    """The base of every sample, which its pixels tell where nothing was mixed."""
    return [int(image[0, 0, 0]) for images, _ in loader for image in images]


@pytest.fixture
def unmixed(source: Path, tmp_path: Path) -> tuple[Path, NDArray[np.int64]]:
    """A data set of three passes, and the bases (3, 13) that its passes show."""
    made(source, tmp_path / "out", methods=(MethodChoice("none"),))
    return tmp_path / "out", columns(tmp_path / "out")["source_index"][:, 0].reshape(3, 13)


def test_some_passes_are_shown_at_once(unmixed: tuple[Path, NDArray[np.int64]]) -> None:
    folder, bases = unmixed
    for passes in (1, [2, 0], range(3), np.array([1, 2])):
        found = rows_of(DataLoader(MixedDataset(folder, passes=passes), batch_size=4))
        assert found == bases[passes].ravel().tolist()
    assert rows_of(DataLoader(MixedDataset(folder), batch_size=4)) == bases.ravel().tolist()
    data = MixedDataset(folder, passes=1)
    assert int(data[-1][0][0, 0, 0]) == bases[1, -1]
    with pytest.raises(IndexError, match="row 13 of 13"):
        data[13]


WORKERS: list[dict[str, Any]] = [
    {},
    {"num_workers": 2},
    {"num_workers": 2, "persistent_workers": True},
    {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": "spawn"},
]


@pytest.mark.parametrize("workers", WORKERS, ids=str)
def test_epochs_show_one_pass_each(workers: dict[str, Any], unmixed: tuple[Path, NDArray[np.int64]]) -> None:
    folder, bases = unmixed
    data = MixedDataset(folder, epoch=0)
    loader = DataLoader(data, batch_size=4, **workers)
    assert len(loader) == 4
    for epoch in (0, 1, 2, 3, 3, 8):
        data.set_epoch(epoch)
        assert rows_of(loader) == bases[epoch % 3].tolist()


def test_epochs_go_round_the_chosen_passes(unmixed: tuple[Path, NDArray[np.int64]]) -> None:
    folder, bases = unmixed
    data = MixedDataset(folder, passes=[2, 1], epoch=5)
    assert rows_of(DataLoader(data, batch_size=13)) == bases[1].tolist()
    copy = pickle.loads(pickle.dumps(data))
    assert rows_of(DataLoader(copy, batch_size=13)) == bases[1].tolist()


def test_with_a_distributed_sampler_every_process_has_its_part_of_the_pass(
    unmixed: tuple[Path, NDArray[np.int64]],
) -> None:
    folder, bases = unmixed
    data = MixedDataset(folder, epoch=0)
    samplers: list[DistributedSampler[Any]] = [
        DistributedSampler(data, num_replicas=2, rank=rank, drop_last=True) for rank in (0, 1)
    ]
    loaders = [DataLoader(data, batch_size=4, sampler=sampler) for sampler in samplers]
    for epoch in range(4):
        data.set_epoch(epoch)
        for sampler in samplers:
            sampler.set_epoch(epoch)
        found = rows_of(loaders[0]) + rows_of(loaders[1])
        assert len(set(found)) == len(found) == 12
        assert set(found) <= set(bases[epoch % 3].tolist())


def test_only_who_shows_epochs_has_the_method_that_trainers_look_for(unmixed: tuple[Path, NDArray[np.int64]]) -> None:
    folder, _ = unmixed
    assert hasattr(MixedDataset(folder, epoch=0), "set_epoch")
    assert not hasattr(MixedDataset(folder), "set_epoch")
    with pytest.raises(AttributeError, match="Open it with epoch=0"):
        MixedDataset(folder, passes=1).set_epoch(1)


def test_ranges_are_shown_one_after_another() -> None:
    shown = Shown([range(5, 8), range(20, 21), range(2)])
    assert len(shown) == 6
    assert shown.rows([0, 1, 2, 3, 4, 5]).tolist() == [5, 6, 7, 20, 0, 1]
    assert shown.rows([5, 3, 0]).tolist() == [1, 20, 5]
    assert shown.rows([]).dtype == np.int64


def test_passes_of_a_manifest_that_counts_many_rows_take_no_room() -> None:
    passes = Passes((range(1 << 62),))
    assert passes[-1] == range((1 << 62) - 1, 1 << 62)
    assert len(shown_of(Path("out"), passes, None, one_by_one=True)) == 1 << 62


def test_a_split_that_is_not_mixed_has_each_picture_once(run_cli: Runner, tmp_path: Path) -> None:
    """The recipe for a test split in README, held against the files themselves."""
    draw = np.random.default_rng(3)
    for split, count in (("train", 9), ("test", 5)):
        for number in range(count):
            path = tmp_path / "set" / split / "abc"[number % 3] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(path)
    out = tmp_path / "out"
    assert run_cli("generate", tmp_path / "set", "--split", "test", "--method", "none", "-o", out).returncode == 0
    arrays = MixedArrays(out)
    in_order = np.argsort(arrays.column("source_index")[:][:, 0])
    files = sorted((tmp_path / "set" / "test").rglob("*.png"))
    assert np.array_equal(arrays.images(in_order), [np.asarray(Image.open(path)) for path in files])
    assert np.array_equal(
        np.asarray(arrays.labels(in_order)), [np.eye(3)["abc".index(path.parent.name)] for path in files]
    )
