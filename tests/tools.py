"""Programs of other projects that tests run. A developer may lack one, and its tests are skipped; CI may not."""

from __future__ import annotations

import os
import shutil

import pytest


def require(*programs: str, package: str) -> None:
    """Skip the test, or fail it in CI, unless these programs are installed; `package` is what has them, in Debian."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        absent(f"{', '.join(missing)} not installed (Debian, Ubuntu: {package})")


def absent(what: str) -> None:
    """Skip the test because something is missing, or fail it where CI should have installed it (`.ci/run`)."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; .ci/run installs it")
    pytest.skip(f"SKIPPED: {what}")
