"""Which backend a process computes with, and that NumPy and numba make the same data set."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from mixup_cli import backend
if sys.argv[1] == "numba":
    backend.settle(backend.WORTH_BYTES, 1)
assert backend.has_numba() == (sys.argv[1] == "numba")
from mixup_cli.cli.start import main
sys.argv = ["mixup-gen", *sys.argv[2:]]
try:
    main()
finally:
    assert backend.has_numba() == ("numba" in sys.modules)
    print("numba" in sys.modules)
"""


@pytest.mark.parametrize(
    "method", ["mixup,cutmix,cutout", *(pytest.param(each, marks=pytest.mark.slow) for each in ("mixup", "cutmix"))]
)
def test_both_make_the_same_bytes(method: str, photos: Path, tmp_path: Path) -> None:
    for name in ("numpy", "numba"):
        command = [sys.executable, "-c", SCRIPT, name, "generate", photos, "-o", tmp_path / name, "--method", method]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        assert ended.stdout.split()[-1] == str(name == "numba")
    for file in ("shard-00000.h5", "sources.csv", "manifest.json"):
        assert (tmp_path / "numpy" / file).read_bytes() == (tmp_path / "numba" / file).read_bytes()
