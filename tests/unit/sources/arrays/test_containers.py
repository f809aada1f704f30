"""What every container of arrays keeps, so that a new one has only to be written here once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import io as scipy_io

from mixup_cli.errors import DataError
from mixup_cli.sources import open_source
from mixup_cli.sources.arrays.containers import CONTAINERS, open_container

X = np.random.default_rng(8).integers(0, 256, (6, 5, 7, 3), np.uint8)
Y = np.array([2, 0, 1, 1, 2, 0])


def hdf5(path: Path, **arrays: Any) -> None:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def mat(path: Path, x: Any, y: Any) -> None:
    scipy_io.savemat(path, {"x": np.moveaxis(x, 0, -1), "y": y})


def npy(path: Path, x: Any, y: Any) -> None:
    np.save(path, x)
    np.save(path.with_name("y.npy"), y)


def tensors(path: Path, **arrays: Any) -> None:
    save_file(arrays, path)


WRITERS: dict[str, Callable[..., None]] = {
    ".npz": np.savez,
    ".npy": npy,
    ".h5": hdf5,
    ".hdf5": hdf5,
    ".mat": mat,
    ".safetensors": tensors,
}


@pytest.fixture(params=CONTAINERS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"x{request.param}"
    WRITERS[request.param](path, x=X, y=Y)
    return path


def test_samples_and_labels_are_what_was_written(path: Path) -> None:
    file = open_container(path)
    assert [*file.keys] == (["x"] if file.is_single else ["x", "y"])
    samples, labels = file.in_rows(file.read("x"), None if file.is_single else file.read("y"))
    assert samples.dtype == X.dtype
    np.testing.assert_array_equal(samples[0:6], X)
    np.testing.assert_array_equal(samples[2:4], X[2:4])
    assert labels is None or np.array_equal(labels[:], Y)
    source = open_source([path])
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == Y.tolist()


def test_no_shortened_file_gives_other_samples(path: Path) -> None:
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        try:
            file = open_container(path)
            samples, _ = file.in_rows(file.read("x")[:], None)
        except (DataError, KeyError):  # no such array: what was cut off may be the list
            continue
        np.testing.assert_array_equal(samples[:], X)


def test_a_name_that_the_file_does_not_have(path: Path) -> None:
    file = open_container(path)
    with pytest.raises(DataError, match=r"has no array 'z'\. Found: x"):
        file.check("z")


def test_messages_list_every_container(tmp_path: Path) -> None:
    (tmp_path / "a.other").write_bytes(b"text")
    for refuse in (open_container, lambda path: open_source([path])):
        with pytest.raises(DataError) as caught:
            refuse(tmp_path / "a.other")
        assert all(suffix in str(caught.value) for suffix in CONTAINERS)
