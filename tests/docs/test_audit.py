"""`.ci/audit`: a vulnerability fails the check; that nobody could be asked does not, and is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SKIPPED = "{name}: Dependency could not be audited: not found on PyPI"
FOUND = "Found 2 known vulnerabilities in 1 package\nName Version ID Fix Versions\npillow 1.0 PYSEC-1 1.1"
OFFLINE = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='pypi.org'): Max retries exceeded"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


def audited(folder: Path, report: str, status: int, skipped: int = 0) -> tuple[int, str, int]:
    """What the check says where pip-audit reports this, of which so many packages it knew nothing: exit code, text on
    stderr, and how many pins pip-audit was given."""
    fake = folder / "pip-audit"
    lines = [SKIPPED.format(name=f"package-{number}") for number in range(skipped)]
    (folder / "report").write_text("\n".join([*lines, report]) + "\n")
    fake.write_text(f'#!/bin/sh\ncp "$2" "{folder}/pins"\ncat "{folder}/report"\nexit {status}\n')
    fake.chmod(0o755)
    ended = subprocess.run([ROOT / ".ci/audit", fake], capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr, len((folder / "pins").read_text().splitlines())


def pin_count() -> int:
    lines = [line for path in (ROOT / "constraints").glob("*.txt") for line in path.read_text().splitlines()]
    return sum("==" in line and line[:1].isalnum() for line in lines)


def test_every_pin_is_asked_about(tmp_path: Path) -> None:
    code, told, pinned = audited(tmp_path, "No known vulnerabilities found", 0)
    assert pinned == pin_count() > 50
    assert (code, told) == (0, f"pip-audit: no known vulnerability in {pinned} of {pinned} packages\n")


def test_a_vulnerability_fails_with_the_report(tmp_path: Path) -> None:
    code, told, _ = audited(tmp_path, FOUND, 1)
    assert code == 1
    assert told.strip() == FOUND


def test_a_vulnerability_beside_what_could_not_be_asked_fails(tmp_path: Path) -> None:
    code, told, _ = audited(tmp_path, f"{FOUND}\n{OFFLINE}", 1, skipped=3)
    assert code == 1
    assert FOUND in told


def test_offline_is_no_failure_and_no_success(tmp_path: Path) -> None:
    code, told, _ = audited(tmp_path, OFFLINE, 1)
    assert code == 0
    assert told.startswith("pip-audit: SKIPPED: the advisory service cannot be reached, and nothing was checked")


def test_what_was_skipped_is_not_counted(tmp_path: Path) -> None:
    code, told, pinned = audited(tmp_path, "No known vulnerabilities found, 4 skipped", 0, skipped=4)
    assert (code, told) == (0, f"pip-audit: no known vulnerability in {pinned - 4} of {pinned} packages\n")


def test_all_skipped_is_nothing_checked(tmp_path: Path) -> None:
    code, told, _ = audited(tmp_path, "No known vulnerabilities found", 0, skipped=pin_count())
    assert code == 0
    assert "SKIPPED" in told


def test_a_tool_that_fails_for_another_reason_fails(tmp_path: Path) -> None:
    code, told, _ = audited(tmp_path, "error: unrecognized arguments: --no-deps", 2)
    assert code == 1
    assert "unrecognized arguments" in told
