"""The NumPy reader: how it reaches other processes."""

import os
import pickle
from pathlib import Path

import numpy as np

from mixup_cli.readers.numpy import MixedArrays
from tests.unit.storage.small_data_set import write_data_set


def test_it_is_pickled_as_its_place(tmp_path: Path) -> None:
    write_data_set(tmp_path / "out")
    reader = MixedArrays(os.path.relpath(tmp_path / "out"))
    last = reader.images([-1])
    pickled = pickle.dumps(reader)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled).images([6]), last)
