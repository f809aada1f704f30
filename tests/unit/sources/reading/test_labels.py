"""Labels of every kind, and groups, from arrays. Classes and soft labels are in `test_array_files.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, UsageError
from mixup_cli.sources import open_source
from mixup_cli.sources.arrays.files import open_array_file
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.labels import labels_from_array
from tests.unit.sources.arrays.test_files import write

X = np.zeros((4, 5, 4, 3), np.uint8)
Y = np.array([2, 0, 1, 1])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, bool])
def test_zeros_and_ones_are_multiple_labels_on_request(dtype: Any) -> None:
    values = np.array([[1, 0, 1], [0, 0, 0]], dtype)
    labels = labels_from_array(values, 2, "y", "multi")
    assert (labels.kind, labels.class_names) == ("multi", ("0", "1", "2"))
    assert labels.values is not None
    assert labels.values.dtype == np.float32
    assert labels.values.tolist() == values.tolist()


@pytest.mark.parametrize("values", [[1.5, -2], [[1.5], [-2]], [[1.5, 0], [-2, 7]], [3, 4], [[0.5, 0.5], [1, 0]]])
def test_numbers_are_real_labels_on_request(values: Any) -> None:
    labels = labels_from_array(np.asarray(values), 2, "y", "real")
    assert labels.kind == "real"
    assert labels.values is not None
    assert labels.values.tolist() == np.reshape(values, (2, -1)).tolist()
    assert labels.class_names == tuple(map(str, range(labels.values.shape[1])))


def test_one_hot_integers_are_soft_labels_on_request() -> None:
    assert labels_from_array(np.eye(2, dtype=np.int64), 2, "y", "soft").kind == "soft"


@pytest.mark.parametrize(
    ("values", "kind", "match"),
    [
        ([[1, 2], [0, 1]], "multi", "row 0 is 1, 2, and label_kind=multi takes zeros and ones"),
        ([[1, 0], [0.5, 1]], "multi", "row 1 is 0.5, 1"),
        ([[1, 0], [np.nan, 1]], "multi", "row 1 is nan, 1"),
        ([0.5, np.inf], "real", "row 1 is inf, which float32 does not hold"),
        ([0.5, 1e39], "real", r"row 1 is 1e\+39"),
        (["a", "b"], "real", "label_kind=real takes numbers"),
        ([1j, 2j], "real", "label_kind=real takes numbers"),
    ],
)
def test_numbers_that_are_not_of_the_kind_are_refused(values: Any, kind: LabelKind, match: str) -> None:
    with pytest.raises(DataError, match=match):
        labels_from_array(np.asarray(values), 2, "y", kind)


@pytest.mark.parametrize("values", [[0.5, 1.5], [[1, 1], [1, 0]], [[0.5, 0.5], [0.5, 0.6]]])
def test_what_may_be_of_another_kind_names_the_option(values: Any) -> None:
    with pytest.raises(DataError, match=r"label_kind=(multi|real)"):
        labels_from_array(np.asarray(values), 2, "y")


GROUPS = {"numbers": np.array([7, 7, -1, 7]), "texts": np.array([b"7", b"7", b"-1", b"7"])}


@pytest.mark.parametrize("groups", GROUPS.values(), ids=GROUPS)
@pytest.mark.parametrize("suffix", [".npz", ".h5", ".npy"])
def test_groups_stand_in_an_array(tmp_path: Path, suffix: str, groups: NDArray[Any]) -> None:
    path = tmp_path / f"x{suffix}"
    arrays: dict[str, Any] = {"x": X, "y": Y, "who": groups}
    if suffix == ".npy":
        for name, array in arrays.items():
            np.save(tmp_path / f"{name}.npy", array)
    else:
        write(path, **arrays)
    source = open_array_file(path, SourceOptions(group_column="who.npy" if suffix == ".npy" else "who"))
    assert source.labels.groups == ("7", "7", "-1", "7")
    assert source.labels.kind == "classes"
    assert open_array_file(path, SourceOptions()).labels.groups is None


@pytest.mark.parametrize(
    ("groups", "match"),
    [
        ([1, 2, 3], r"groups have shape \(3,\), expected \(4,\)"),
        ([[1, 2]] * 4, r"groups have shape \(4, 2\)"),
        ([0.5, 1, 2, 3], "groups of dtype float64, expected integers or strings"),
        (["a", "", "b", "c"], "row 1 has no group"),
    ],
)
def test_groups_that_are_none_are_refused(tmp_path: Path, groups: Any, match: str) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=Y, who=groups)
    with pytest.raises(DataError, match=match):
        open_array_file(tmp_path / "a.npz", SourceOptions(group_column="who"))
    with pytest.raises(UsageError, match=r"group_column=whom: .* has no such array. Found: x, y, who"):
        open_array_file(tmp_path / "a.npz", SourceOptions(group_column="whom"))


def test_labels_are_left_out_on_request(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=X, y=np.array([1j] * 4))
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.array([1j] * 4))
    for name in ("a.npz", "x.npy"):
        source = open_array_file(tmp_path / name, SourceOptions(label_kind="none"))
        assert source.labels.kind == "none"
        assert source.notices == ()


def test_a_source_with_other_labels_or_without_groups_is_refused(cifar: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^label_kind=multi: .* has labels of the kind none"):
        open_source([write(tmp_path / "a.npz", x=X)], SourceOptions(label_kind="multi"))
    with pytest.raises(UsageError, match=r"^label_kind=multi: .* has labels of the kind classes"):
        open_source([cifar], SourceOptions(label_kind="multi"))
    with pytest.raises(UsageError, match=r"^group_column=who: .* is read as CIFAR, where"):
        open_source([cifar], SourceOptions(group_column="who"))
    assert open_source([cifar], SourceOptions(label_kind="none")).labels.kind == "none"
