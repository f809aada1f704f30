"""What h5py raises, as the installed version does it: an update that changes this shows here."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from mixup_cli.errors import DataError
from mixup_cli.storage.hdf5.library import open_shard, system_errors

LATE = """
import sys
from mixup_cli.storage.hdf5.layout import create_file
from mixup_cli.storage.hdf5.library import system_errors

try:
    with system_errors(), create_file(sys.argv[1], {"recipe": "x" * 5000}):
        pass
except OSError as problem:
    print(type(problem.__cause__).__name__, problem.errno)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the system call fail")
def test_the_system_error_of_a_write_that_was_put_off_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    inject = "inject=pwrite64:error=ENOSPC:when=2"
    failing = ["strace", "-o", os.devnull, "-P", str(path), "-e", "trace=pwrite64", "-e", inject]
    ended = subprocess.run([*failing, sys.executable, "-c", LATE, path], capture_output=True, text=True, check=False)
    assert ended.stdout == f"RuntimeError {errno.ENOSPC}\n", ended.stderr


def test_other_errors_at_run_time_stay() -> None:
    with pytest.raises(RuntimeError, match=r"^no number$"), system_errors():
        raise RuntimeError("no number")


@pytest.mark.parametrize("stride", [31, pytest.param(3, marks=pytest.mark.slow)])
def test_whatever_damage_makes_h5py_raise_is_a_data_error(stride: int, tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(50), chunks=(10,), compression="gzip")
        file.attrs["recipe"] = "{}"
    whole, kinds = path.read_bytes(), set()
    for at in range(0, len(whole), stride):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            with open_shard(path, "x.h5: damaged") as file:
                _ = file.attrs["recipe"], file["x"][:]
        except DataError as problem:
            kinds.add((problem.found[:6], type(problem.__cause__)))
    assert kinds >= {("x.h5: ", OSError), ("x.h5: ", KeyError)}


def test_what_is_not_hdf5_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_bytes(b"text")
    with pytest.raises(DataError, match=r"file signature not found"), open_shard(tmp_path / "x.h5"):
        pass
