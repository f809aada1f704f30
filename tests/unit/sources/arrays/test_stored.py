"""Array files that are cut short while they are in use: an error, and no signal."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.fields.target import Target
from mixup_cli.sources import open_source
from mixup_cli.sources.arrays.stored import FileArray, Layout

X = np.random.default_rng(1).integers(0, 256, (40, 32, 32), np.uint8)


def npy(folder: Path) -> Path:
    np.save(folder / "x.npy", X)
    return folder / "x.npy"


def npz(folder: Path) -> Path:
    np.savez(folder / "x.npz", x=X)
    return folder / "x.npz"


def idx(folder: Path) -> Path:
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *X.shape) + X.tobytes())
    return path


@pytest.mark.parametrize("write", [npy, npz, idx])
def test_a_file_that_is_cut_short_ends_the_scan(write: Callable[[Path], Path], tmp_path: Path) -> None:
    path = write(tmp_path)
    source = open_source([path])
    form = source.survey().array_form
    assert form is not None
    out = np.empty((len(X), *form.shape), form.dtype)
    os.truncate(path, 20 * 1024)
    with pytest.raises(DataError, match="changed while it was read"):
        source.load(0, len(X), Target(form), out)


def test_rows_that_are_gone(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(X.tobytes()[: 20 * 1024])
    rows = FileArray(tmp_path / "x", X.shape, X.dtype, 0)
    np.testing.assert_array_equal(rows[:20], X[:20])
    with pytest.raises(OSError, match="the file ends within them, at byte 20480"):
        rows[19:21]


def test_rows_are_those_of_the_array(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"head" + X.astype(">i4").tobytes())
    rows = FileArray(tmp_path / "x", X.shape, np.dtype(">i4"), 4)
    np.testing.assert_array_equal(rows[3:7], X[3:7])
    assert rows[7:7].shape == (0, 32, 32)
    assert rows[38:90].shape == (2, 32, 32)


@pytest.mark.parametrize("shape", [(), (-1, 2), (2**62, 2), (0, 2**62), (1,) * 65])
def test_shapes_that_no_array_has(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match="x: claims uint8"):
        Layout("x", "", shape, np.dtype("u1")).check_claim()
