"""mixup-gen works from a read-only installation with a read-only home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mixup_cli

# Permissions do not bind root. Without these two capabilities they do.
AS_ROOT = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

SCRIPT = "import sys; from mixup_cli.cli.app import main; sys.argv[0] = 'mixup-gen'; main()"


def bound_by_permissions() -> list[str]:
    """What to put before a command so that it cannot write where it must not. Skips where there is no such thing."""
    prefix = AS_ROOT if os.geteuid() == 0 else []
    try:
        probe = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("SKIPPED: run by root without setpriv, so that nothing is read-only")
    if probe.returncode != 0:
        pytest.skip(f"SKIPPED: root keeps its capabilities here ({probe.stderr.decode().strip()})")
    return prefix


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that holds the package, without compiled code, and an empty home; nothing in it can be written."""
    root = tmp_path / "installed"
    package = Path(mixup_cli.__file__).parent
    shutil.copytree(package, root / "site/mixup_cli", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "home").mkdir()
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    yield root
    for folder in folders:
        folder.chmod(0o755)


def test_generate_and_verify(read_only: Path, colours: Path, tmp_path: Path) -> None:
    prefix = bound_by_permissions()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(read_only / "site"),
        "HOME": str(read_only / "home"),
        "TMPDIR": str(tmp_path),
    }

    def run(*args: object, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
        command = [*prefix, sys.executable, "-c", script, *map(str, args)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    written = run(script=f"open({str(read_only / 'home/x')!r}, 'w')")
    assert "PermissionError" in written.stderr, "or else this shows nothing"
    where = run(script="import mixup_cli; print(mixup_cli.__file__)")
    assert where.stdout.startswith(str(read_only)), "the copy runs, not the checkout"

    made = run("generate", colours)
    assert made.returncode == 0, made.stderr
    checked = run("verify")
    assert checked.returncode == 0, checked.stderr
    assert "home              read-only" in run("doctor").stdout
    assert not list(read_only.rglob("__pycache__"))
    assert [path.name for path in (read_only / "home").iterdir()] == []
