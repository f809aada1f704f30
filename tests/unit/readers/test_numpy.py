"""The NumPy reader: how it reaches other processes."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.readers.numpy import MixedArrays
from tests.unit.storage.small_data_set import write_data_set


def test_it_is_pickled_as_its_place(tmp_path: Path) -> None:
    write_data_set(tmp_path / "out")
    reader = MixedArrays(os.path.relpath(tmp_path / "out"))
    last = reader.images([-1])
    pickled = pickle.dumps(reader)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled).images([6]), last)


@pytest.mark.parametrize("number", [-1, 99])
def test_classes_that_there_are_not_are_no_labels(tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the end, or beyond it: NumPy would take the one for another class, and raise an IndexError for the other."""
    write_data_set(tmp_path / "out")
    reader = MixedArrays(tmp_path / "out")
    columns = {"source_label": np.full((2, 2), number, np.int32), "label_share": np.full((2, 2), 0.5, np.float32)}
    monkeypatch.setattr(reader, "_columns", {name: Column(values) for name, values in columns.items()})
    with pytest.raises(DataError, match=r"source_label has a number beyond the . classes"):
        reader.labels([0, 1])


class Column:
    """As much of a column as is asked for."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        return self._values[rows]
