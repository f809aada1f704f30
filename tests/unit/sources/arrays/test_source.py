from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mixup_cli.errors import DataError, NoInputError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.form import Form, SampleDtype
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.sources.arrays.source import ArraySource, RowKeys
from mixup_cli.sources.arrays.stored import StackedArray
from mixup_cli.storage.loaded import Loaded

DRAW = np.random.default_rng(3)
PICTURES = DRAW.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def source_of(rows: Any, shown: Axes | None = None) -> ArraySource:
    return ArraySource("here.npy", RowKeys(len(rows)), Labels(), rows, shown=shown)


def load(source: ArraySource, target: Target | Form) -> tuple[NDArray[Any], list[Loaded]]:
    target = target if isinstance(target, Target) else Target(target)
    out = np.empty((len(source), *target.form.shape), target.form.dtype)
    return out, source.load(0, len(source), target, out)


def loaded_as(rows: Any, dtype: SampleDtype, value_range: tuple[float, float] | None = None) -> NDArray[Any]:
    """One value a row, as (n, 1, 1)."""
    source = source_of(np.asarray(rows).reshape(-1, 1, 1))
    return load(source, Target(Form((1, 1), dtype, "hw"), value_range=value_range))[0].ravel()


@pytest.mark.parametrize(
    ("shape", "axes", "size"),
    [
        ((6, 4, 3), "hwc", (6, 4)),
        ((6, 7, 1), "hwc", (6, 7)),
        ((3, 6, 7), "chw", (6, 7)),
        ((6, 4), "hw", (6, 4)),
        ((7,), "", None),
        ((3, 6, 4), "hwc", (3, 6)),  # could be either; channels last is the usual way
        ((6, 4, 5), "", None),
        ((2, 6, 4, 3), "", None),
    ],
)
def test_survey(shape: tuple[int, ...], axes: Axes, size: tuple[int, int] | None) -> None:
    survey = source_of(np.zeros((9, *shape), np.uint8)).survey()
    assert survey.array_form == Form(shape, "uint8", axes)
    assert survey.sizes == ({size: 9} if size else {})
    assert survey.dtypes == {"uint8": 9}
    assert source_of(np.zeros((9, *shape), np.uint8)).survey(4).dtypes == {"uint8": 4}


@pytest.mark.parametrize(
    ("stored", "form"), [("uint8", "uint8"), ("uint16", "uint16"), ("float32", "float32"), (">u2", "uint16")]
    + [(name, "float32") for name in "bool int8 int16 uint32 int32 int64 uint64 float16 float64".split()],
)  # fmt: skip
def test_dtypes(stored: str, form: SampleDtype) -> None:
    source = source_of(np.ones((2, 3), stored))
    survey = source.survey()
    assert survey.array_form == Form((3,), form, "")
    assert load(source, survey.array_form)[0].tolist() == [[1, 1, 1]] * 2
    assert bool(source.notices) == (stored == "float64")


@pytest.mark.parametrize("dtype", ["complex64", "O", "U3", "S3", "M8[s]", [("a", "u1")]])
def test_what_is_no_number_is_refused(dtype: Any) -> None:
    with pytest.raises(DataError, match=r"here\.npy: samples of dtype"):
        source_of(np.zeros((2, 3), dtype))


@pytest.mark.parametrize(("shape", "error"), [((3,), DataError), ((0, 3), NoInputError), ((3, 0), DataError)])
def test_shapes_without_samples_are_refused(shape: tuple[int, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        source_of(np.zeros(shape))


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<f4", ">f8"])
def test_the_hash_is_over_the_stored_bytes_in_c_order(dtype: str) -> None:
    rows = DRAW.integers(0, 200, (4, 5, 6)).astype(dtype)
    source = source_of(np.asfortranarray(rows))
    form = source.survey().array_form
    assert form is not None
    loaded = load(source, form)[1]
    assert [each.sha256 for each in loaded] == [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]
    assert [each.stored_bytes for each in loaded] == list(source.stored_bytes())


@pytest.mark.parametrize("shown", ["hwc", "chw"])
@pytest.mark.parametrize("stored", ["hwc", "chw"])
def test_layouts(stored: Axes, shown: Axes) -> None:
    rows = {"hwc": PICTURES, "chw": PICTURES.transpose(0, 3, 1, 2)}
    source = source_of(rows[stored], shown)
    form = source.survey().array_form
    assert form is not None
    assert form.axes == shown
    np.testing.assert_array_equal(load(source, form)[0], rows[shown])


def test_grey_pictures_get_a_channel() -> None:
    source = source_of(PICTURES[..., 0], "hwc")
    form = source.survey().array_form
    assert form == Form((6, 7, 1), "uint8", "hwc")
    np.testing.assert_array_equal(load(source, form)[0], PICTURES[..., :1])
    np.testing.assert_array_equal(load(source, Form((1, 6, 7), "uint8", "chw"))[0], PICTURES[:, None, :, :, 0])


def test_depths_go_from_full_range_to_full_range() -> None:
    every8 = np.arange(256, dtype=np.uint8)
    every16 = np.arange(65536, dtype=np.uint16)
    assert (loaded_as(every8, "uint16") == np.arange(256) * 257).all()
    assert (loaded_as(every8, "float32") == every8.astype(np.float32) / np.float32(255)).all()
    assert (loaded_as(every16, "float32") == every16.astype(np.float32) / np.float32(65535)).all()
    assert (loaded_as(every16, "uint8") == (np.arange(65536) * 255 + 32767) // 65535).all()
    assert (loaded_as(loaded_as(every8, "uint16"), "uint8") == every8).all()


def test_floats_become_integers_by_a_stated_range_alone() -> None:
    values = np.array([-9, 0, 0.5, 1, 9], np.float32)
    assert loaded_as(values, "uint8", (0, 1)).tolist() == [0, 0, 128, 255, 255]  # 127.5 goes to the even 128
    assert loaded_as(values, "uint16", (-1, 1)).tolist() == [0, 32768, 49151, 65535, 65535]
    assert loaded_as(np.array([-128, 127], np.int8), "uint8", (-128, 127)).tolist() == [0, 255]
    twelve_bits = np.array([0, 1365, 4095, 5000], np.uint16)
    assert loaded_as(twelve_bits, "uint8", (0, 4095)).tolist() == [0, 85, 255, 255]
    assert loaded_as(twelve_bits, "uint16", (0, 4095)).tolist() == [0, 21845, 65535, 65535]
    with pytest.raises(DataError, match="value_range=LOW,HIGH"):
        loaded_as(values, "uint8")


def test_values_that_cannot_be_kept_are_problems_of_their_sample() -> None:
    floats = np.array([[0, 1], [np.nan, 1], [0, np.inf], [1e300, 0]])
    loaded = load(source_of(floats), Form((2,), "float32", ""))[1]
    assert [each.problem for each in loaded] == [
        None,
        *["holds NaN or infinity"] * 2,
        "holds 1e+300, which is more than float32 can be",
    ]
    integers = np.array([[1 << 24], [-(1 << 24)], [(1 << 24) + 1], [-(1 << 24) - 1], [-(1 << 63)]])
    loaded = load(source_of(integers), Form((1,), "float32", ""))[1]
    assert [bool(each.problem) for each in loaded] == [False, False, True, True, True]


def test_pictures_of_bytes_are_resized_as_files_are() -> None:
    flat = np.empty((2, 10, 20, 3), np.uint8)
    flat[:] = [10, 200, 30]
    out, _ = load(source_of(flat), Target(Form((5, 5, 3), "uint8", "hwc"), "crop"))
    assert (out == [10, 200, 30]).all()
    out, _ = load(source_of(flat), Target(Form((3, 10, 10), "uint16", "chw"), "pad"))
    assert out[0, :, 5, 5].tolist() == [10 * 257, 200 * 257, 30 * 257]
    assert out[0, :, 0, 0].tolist() == [0, 0, 0]  # the padding
    out, _ = load(source_of(flat[..., 0]), Target(Form((4, 4), "uint8", "hw"), "stretch"))
    assert (out == 10).all()


def test_channels_change_for_bytes() -> None:
    grey, _ = load(source_of(PICTURES), Form((6, 7, 1), "uint8", "hwc"))
    back, _ = load(source_of(grey), Form((6, 7, 3), "uint8", "hwc"))
    np.testing.assert_array_equal(back, np.repeat(grey, 3, axis=3))
    clear = np.concatenate([PICTURES, np.zeros((5, 6, 7, 1), np.uint8)], axis=3)
    assert (load(source_of(clear), Form((6, 7, 3), "uint8", "hwc"))[0] == 255).all()  # transparent over white


def test_what_cannot_be_reached_is_refused() -> None:
    with pytest.raises(FormMismatch) as mismatch:
        load(source_of(PICTURES), Form((9, 9, 3), "uint8", "hwc"))
    assert (mismatch.value.key, mismatch.value.size) == ("00000", (6, 7))
    floats = source_of(PICTURES.astype(np.float32))
    with pytest.raises(DataError, match="keep their form"):
        load(floats, Target(Form((9, 9, 3), "float32", "hwc"), "crop"))
    with pytest.raises(DataError, match="not images"):
        load(source_of(np.zeros((2, 7), np.uint8)), Target(Form((9, 9, 3), "uint8", "hwc"), "crop"))


def test_a_damaged_range_spoils_its_own_samples_only() -> None:
    class Failing:
        shape, dtype = (9, 4), np.dtype(np.uint8)

        def __getitem__(self, rows: slice) -> NDArray[Any]:
            if 5 in range(9)[rows]:
                raise OSError("bad chunk")
            return np.full((len(range(9)[rows]), 4), 7, np.uint8)

    out, loaded = load(source_of_rows(Failing()), Form((4,), "uint8", ""))
    assert [each.problem for each in loaded] == [None] * 5 + ["cannot read (bad chunk)"] + [None] * 3
    assert (np.delete(out, 5, axis=0) == 7).all()


def source_of_rows(rows: Any) -> ArraySource:
    return ArraySource("here.h5", RowKeys(rows.shape[0]), Labels(), rows)


def test_threads_give_what_one_thread_gives() -> None:
    rows = DRAW.integers(0, 256, (997, 3, 16, 16), dtype=np.uint8)
    source = source_of(rows, "hwc")
    form = source.survey().array_form
    assert form is not None
    target, out = Target(form), np.empty((997, 16, 16, 3), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda a: source.load(a, min(a + 10, 997), target, out[a : a + 10]), range(0, 997, 10)))
    np.testing.assert_array_equal(out, rows.transpose(0, 2, 3, 1))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.data())
def test_stacked_rows_read_like_one_array(lengths: list[int], data: st.DataObject) -> None:
    whole = np.arange(sum(lengths) * 2).reshape(-1, 2)
    stacked = StackedArray(np.split(whole, np.cumsum(lengths)[:-1]))
    start, stop = data.draw(st.integers(0, len(whole))), data.draw(st.integers(0, len(whole)))
    np.testing.assert_array_equal(stacked[start:stop], whole[start:stop])
    assert stacked.shape == whole.shape


def test_row_keys_sort() -> None:
    keys: Sequence[str] = RowKeys(123_456)
    assert (keys[0], keys[-1], len(keys)) == ("000000", "123455", 123_456)
    assert keys[1:3] == ["000001", "000002"]
    assert list(RowKeys(2)) == ["00000", "00001"]
    with pytest.raises(IndexError):
        keys[123_456]
