"""The Keras reader with each backend of Keras, which is chosen when Keras is imported: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).with_name("keras_backend.py")


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_reader(backend: str, tmp_path: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        f"--basetemp={tmp_path / 'of'}",
        TESTS,
    ]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    subprocess.run(command, cwd=TESTS.parents[2], env=environment, check=True)
