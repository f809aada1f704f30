"""A finished data set grows: until the larger one takes its place, the old one is there, whole, for all its readers."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.sources.data_set import open_data_set
from mixup_cli.storage.folder import DataSetFolder
from tests.data_sets import columns, digests, manifest
from tests.faults.attempts import Attempt
from tests.faults.cases import CASES, FRESH, check_completed, fall
from tests.faults.progress import meet_fault
from tests.running import Runner, error_line, python_environment, start_process

SLOW = [pytest.mark.slow]


def unmatched(out: Path) -> set[str]:
    """What `sha256sum -c SHA256SUMS` complains about."""
    lines = (line.split("  ") for line in (out / "SHA256SUMS").read_text().splitlines())
    return {name for digest, name in lines if hashlib.sha256((out / name).read_bytes()).hexdigest() != digest}


def values(out: Path) -> dict[str, NDArray[Any]]:
    """All that a reader sees."""
    arrays = MixedArrays(out)
    return {column.name: arrays.column(column.name)[:] for column in arrays.manifest.columns}


def assert_rows_of(found: Mapping[str, NDArray[Any]], whole: Mapping[str, NDArray[Any]]) -> None:
    """The first rows of a data set, as many as were found."""
    assert found.keys() == whole.keys()
    for name, rows in found.items():
        np.testing.assert_array_equal(rows, whole[name][: len(rows)], err_msg=name)


def check_old_or_new(left: Attempt, whole: Mapping[str, NDArray[Any]], sizes: tuple[int, int]) -> bool:
    """Readers see one data set or the other. Returns whether files are still on their way to their places."""
    out = left.place / "mixup-out"
    found = values(out)
    assert len(found["index"]) in sizes, left
    assert_rows_of(found, whole)
    is_moving = (out / ".mixup-gen/next/manifest.json").exists()
    assert is_moving or not unmatched(out), left
    return is_moving


def copy_of(left: Attempt, name: str) -> Path:
    """The data set that was left, for a command of its own."""
    return Path(shutil.copytree(left.place / "mixup-out", left.place.with_name(f"{left.step} {name}")))


@pytest.mark.parametrize("name", ["extended", pytest.param("extended by parts", marks=SLOW)])
@pytest.mark.parametrize("fault", ["kill", "EIO"])
def test_at_every_step_the_old_or_the_new_one_is_there(
    name: str, fault: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    fallen = fall(CASES[name], fault, run_cli, colours, tmp_path)
    whole = values(tmp_path / "x/whole/mixup-out")
    moving = [left for left in fallen.attempts if check_old_or_new(left, whole, (12, 24))]
    assert len(moving) >= 6, "between the first and the last file that moves"
    still = [left for left in fallen.attempts if left not in moving]
    some = [*moving[::3], *still[::9]]
    for left in some:
        check_ways_on(left, left in moving, run_cli, colours)
        check_completed(fallen, left, run_cli)


def check_ways_on(left: Attempt, is_moving: bool, run_cli: Runner, colours: Path) -> None:
    """Each command does the right thing with what was left."""
    out = left.place / "mixup-out"
    is_old = manifest(out)["totals"]["samples"] == 12 and not is_moving
    checked = run_cli("verify", out)
    assert checked.returncode == (0 if is_old else checked.returncode), (left, checked.stdout)
    assert {line.split(":")[0] for line in checked.stdout.splitlines()} <= {".mixup-gen"}, left
    assert not is_moving or "Running generate again, or repair, moves them." in checked.stdout
    again = run_cli("generate", colours, *FRESH, "-o", copy_of(left, "again"))
    assert again.returncode == (0 if is_old else 73), (left, again.stderr)
    assert not is_old or "nothing to do: 12 samples" in again.stderr
    repaired = copy_of(left, "repaired")
    assert run_cli("repair", repaired).returncode == 0, left
    assert run_cli("verify", repaired).returncode == 0, left
    assert not unmatched(repaired)
    assert (manifest(repaired)["totals"]["samples"] == 12) == is_old
