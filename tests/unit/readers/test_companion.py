"""Companions: complete or not there, of one data set, and never larger in memory than what is asked for."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mixup_cli.errors import DataError, MixupGenError, NoInputError, StorageError, UsageError
from mixup_cli.readers.companion import ATTRIBUTE, Companion, CompanionWriter
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.view import View
from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.merge import merge
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from tests.contracts.reader_contract import write_mixed

LOGITS = np.random.default_rng(0).standard_normal((45, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mixed(tmp_path_factory.mktemp("companions"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "teacher.h5"


def write(folder: Path, path: Path, rows: range = range(45), order: int = 0) -> None:
    """A companion with logits, in blocks in a random order."""
    with CompanionWriter(folder, path, rows=rows) as file:
        for block in np.array_split(np.random.default_rng(order).permutation(rows), 5):
            file.write(block, logits=LOGITS[block % 45])


def last_part(view: View, rows: NDArray[np.int64]) -> Any:
    """What a view gives of some rows after everything else."""
    batch: Any = view.read(rows)
    return batch[-1]


def made(source: Path, out: Path, passes: int = 1, **fields: Any) -> Path:
    generate(open_source([source]), Recipe(samples_per_shard=5, **fields), Run(out=out, passes=passes, workers=1))
    return out


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", "uint64"])
def test_it_is_a_plain_file_of_any_numbers(dtype: str, folder: Path, path: Path) -> None:
    values = np.arange(45 * 4).reshape(45, 2, 2).astype(dtype)
    with CompanionWriter(folder, path) as file:
        file.write(range(40, 45), scalar=values[40:, 0, 0], square=torch.from_numpy(values[40:]))
        file.write(range(40), square=values[:40], scalar=values[:40, 0, 0])
    with h5py.File(path) as stored:
        assert sorted(stored) == ["index", "scalar", "square"]
        assert (stored["index"].dtype, stored["square"].dtype) == (np.int64, np.dtype(dtype))
        assert np.array_equal(stored["index"], np.arange(45))
        assert np.array_equal(stored["square"], values)
        assert np.array_equal(stored["scalar"], values[:, 0, 0])


def test_its_bytes_do_not_depend_on_the_order_of_writing(folder: Path, tmp_path: Path) -> None:
    for order in (1, 2):
        write(folder, tmp_path / f"{order}.h5", order=order)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_a_row_that_is_written_again_is_replaced(folder: Path, path: Path) -> None:
    """Distributed samplers give some rows twice."""
    with CompanionWriter(folder, path, rows=[7, 9]) as file:
        file.write([9, 7, 9], x=np.array([1.0, 2.0, 3.0]))
        file.write([7], x=np.array([np.nan]))
    (part,) = Companion(path, MixedArrays(folder)).parts
    np.testing.assert_array_equal(part.read(np.array([9, 7, 9])), [3, np.nan, 3])
    with pytest.raises(IndexError, match=r"lacks 1 of 2 rows"):
        part.read(np.array([7, 8]))


def test_what_is_not_complete_leaves_nothing(folder: Path, path: Path) -> None:
    write(folder, path)
    before = path.read_bytes()

    def fail(file: CompanionWriter) -> None:
        file.write(range(45), logits=LOGITS)
        raise ZeroDivisionError("in the block")

    missing = r"teacher.h5: lacks 42 of 45 rows \(first: 0, 1, 3, 5, 7\), and was not written"
    for step, kind, told in (
        (lambda file: file.write([6, 2, 4], logits=LOGITS[:3]), UsageError, missing),
        (lambda file: None, UsageError, "lacks 45 of 45 rows"),
        (fail, ZeroDivisionError, "in the block"),
    ):
        with pytest.raises(kind, match=told), CompanionWriter(folder, path) as file:
            step(file)
    assert [each.name for each in path.parent.iterdir()] == ["teacher.h5"]
    assert path.read_bytes() == before


WRONG: list[tuple[Callable[[CompanionWriter], None], str]] = [
    (
        lambda file: file.write([0], logits=np.ones((1, 3))),
        "has rows of logits float32 (3,), and these are logits float64",
    ),
    (lambda file: file.write([0], logits=np.ones((1, 4), np.float32)), "and these are logits float32 (4,)"),
    (lambda file: file.write([0], other=LOGITS[:1]), "and these are other float32 (3,)"),
    (
        lambda file: file.write([0, 1], logits=LOGITS[:1]),
        "logits is float32 (1, 3), expected numbers for 2 rows: (2, …)",
    ),
    (lambda file: file.write([0], logits=np.array(["a"])), "logits is <U1 (1,), expected numbers for 1 row"),
    (lambda file: file.write([45], logits=LOGITS[:1]), "is not to have row 45"),
    (lambda file: file.write([-1], logits=LOGITS[:1]), "is not to have row -1"),
]


@pytest.mark.parametrize(("step", "told"), WRONG)
def test_every_block_has_the_same_form(
    step: Callable[[CompanionWriter], None], told: str, folder: Path, path: Path
) -> None:
    def steps(file: CompanionWriter) -> None:
        file.write([3], logits=LOGITS[:1])
        step(file)

    with pytest.raises(UsageError) as raised, CompanionWriter(folder, path) as file:
        steps(file)
    assert told in str(raised.value)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize("name", ["images", "labels", "index", "view", "y_a", "lam", "a/b", ""])
def test_names_that_a_companion_cannot_have(name: str, folder: Path, path: Path) -> None:
    with pytest.raises(UsageError, match="cannot"), CompanionWriter(folder, path) as file:
        file.write(range(45), **{name: LOGITS})


def test_a_name_that_the_data_set_has_is_refused_when_it_is_read(tmp_path: Path, folder: Path, path: Path) -> None:
    """Written with h5py, for instance."""
    write(folder, path)
    with h5py.File(path, "r+") as file:
        file.move("logits", "share")
    with pytest.raises(UsageError, match="cannot have the column 'share': samples have one"):
        View(folder, companion=path)


def test_rows_that_are_shown_must_be_there(folder: Path, path: Path) -> None:
    write(folder, path, range(15, 30))
    for choices in ({"passes": 0}, {"epoch": 0, "passes": [0]}):
        view = View(folder, companion=path, **choices)
        assert np.array_equal(last_part(view, view.rows(range(15))), LOGITS[15:30])
    with pytest.raises(UsageError, match=r"teacher.h5 lacks 30 of the 45 rows that are shown\. Write it again for all"):
        View(folder, companion=path)
    with pytest.raises(UsageError, match="lacks 15 of the 30 rows"):
        View(folder, companion=path, epoch=0)


def test_it_stays_valid_when_its_data_set_grows(tmp_path: Path, arrays: Path, path: Path) -> None:
    out = made(arrays, tmp_path / "out", keep_originals=True)
    write(out, path, range(80))
    made(arrays, out, passes=2, keep_originals=True)
    assert len(View(out, companion=path, passes=0)) == 40
    with pytest.raises(UsageError, match="lacks 40 of the 120 rows"):
        View(out, companion=path)


def test_that_of_another_data_set_is_refused(tmp_path: Path, arrays: Path, path: Path) -> None:
    members = [made(arrays, tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    merge(members, tmp_path / "both")
    write(tmp_path / "both", path, range(80))
    view = View(tmp_path / "both", companion=path)
    assert np.array_equal(last_part(view, np.array([79, 3])), LOGITS[[79 - 45, 3]])
    ids = [MixedArrays(each).manifest.recipe_id[:12] for each in (tmp_path / "both", tmp_path / "a")]
    with pytest.raises(
        DataError, match=f"belongs to another data set: its recipe_id is {ids[0]}, and that of .*a is {ids[1]}"
    ):
        View(tmp_path / "a", companion=path)


def changed(attribute: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            file.attrs[ATTRIBUTE] = attribute

    return change


def with_columns(**columns: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            for name, values in columns.items():
                if name in file:
                    del file[name]
                file[name] = values

    return change


def without_attribute(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file.attrs[ATTRIBUTE]


DAMAGE: list[tuple[Callable[[Path], object], type[MixupGenError], str]] = [
    (lambda path: path.unlink(), NoInputError, "teacher.h5: no such file"),
    (lambda path: path.write_bytes(b"no HDF5"), DataError, "teacher.h5: not a readable companion"),
    (lambda path: path.write_bytes(path.read_bytes()[:-50]), DataError, "teacher.h5: not a readable companion"),
    (without_attribute, DataError, "teacher.h5: is not a companion"),
    (changed("no json"), DataError, "teacher.h5: not a readable companion"),
    (changed("[]"), DataError, "belongs to another data set: its format_version is None"),
    (changed(json.dumps({"format_version": 2})), DataError, "its format_version is 2"),
    (with_columns(index=np.arange(45)[::-1]), DataError, "its index does not ascend"),
    (with_columns(index=np.int64(3)), DataError, "index: has the shape (), expected 0 rows"),
    (with_columns(index=np.empty(0, np.int64)), DataError, "index: is not stored as one piece"),
    (with_columns(index=np.arange(44)), DataError, "logits: has the shape (45, 3), expected 44 rows"),
    (with_columns(big=np.arange(45, dtype=">i4")), DataError, "big: is not stored as one piece, little-endian"),
    (with_columns(text=np.array([b"x"] * 45)), DataError, "text: is of the type |S1, expected plain numbers"),
]


@pytest.mark.parametrize(("damage", "kind", "told"), DAMAGE)
def test_what_is_not_a_companion(
    damage: Callable[[Path], object], kind: type[MixupGenError], told: str, folder: Path, path: Path
) -> None:
    write(folder, path)
    damage(path)
    with pytest.raises(kind) as raised:
        View(folder, companion=path)
    assert told in str(raised.value)


def test_a_place_that_cannot_be_written_to(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        StorageError, match=r"x\.h5\S*: No such file or directory\. Fix that, and write the companion again"
    ):
        write(folder, tmp_path / "missing" / "x.h5")
    with pytest.raises(UsageError, match=r"rows: are not rows of .*, which has 45"):
        CompanionWriter(folder, tmp_path / "x.h5", rows=[3, 45])


def test_memory_holds_what_is_asked_for(folder: Path, path: Path) -> None:
    """Of a file of 36 MB."""
    tracemalloc.start()
    with CompanionWriter(folder, path) as file:
        for start in range(0, 45, 3):
            file.write(range(start, start + 3), wide=np.full((3, 100_000), start, np.float64))
    view = View(folder, companion=path)
    assert last_part(view, np.array([44, 7]))[:, 5].tolist() == [42, 6]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12_000_000
