"""stdout and stderr without a reader, closed or full: no traceback, and the work is done."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.data_sets import digests
from tests.running import Runner, shell

MADE = "mixup-gen generate {source} --passes 3 --samples-per-shard 1"


def first_of(command: str, cwd: Path, real: bool = False) -> CompletedProcess[str]:
    """A line of bash, with the exit code of its first part. See `shell`."""
    return shell(f"{command}; exit ${{PIPESTATUS[0]}}", cwd, real)


@pytest.fixture
def place(run_cli: Runner, colours: Path, tmp_path: Path) -> Path:
    """A folder with a damaged data set `damaged`, of which verify reports more than one line."""
    run_cli("generate", colours, "--samples-per-shard", 1, "-o", tmp_path / "damaged", cwd=tmp_path)
    for path in (tmp_path / "damaged").glob("shard-*.h5"):
        path.write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "reader", "code"),
    [
        (f"{MADE} -q", "true", 0),
        (f"{MADE} --json", "head -1", 0),
        (f"{MADE} --dry-run -q", "head -1", 0),
        (f"{MADE} --print-config", "true", 0),
        ("mixup-gen plan {source} -q --passes 3000", "head -1", 0),
        ("mixup-gen inspect {source}", "head -1", 0),
        ("mixup-gen inspect {source} --json", "true", 0),
        ("mixup-gen verify -q damaged 2>errors", "head -1", 65),
        ("mixup-gen verify -q damaged --json 2>errors", "true", 65),
        ("mixup-gen --version", "true", 0),
    ],
)
def test_a_reader_that_leaves(command: str, reader: str, code: int, colours: Path, place: Path) -> None:
    """The exit code is that of the work: who reads one line only wants no failure."""
    ended = first_of(f"{command.format(source=colours)} | {reader}", place)
    assert (ended.returncode, ended.stderr) == (code, "")
    assert len(ended.stdout.splitlines()) == (1 if reader == "head -1" else 0)
    if command == f"{MADE} -q":
        assert first_of("mixup-gen verify mixup-out", place).returncode == 0


def test_a_plan_is_not_computed_to_its_end_for_nobody(colours: Path, tmp_path: Path) -> None:
    """A billion rows, of which one is read."""
    ended = first_of(f"mixup-gen plan {colours} -q --passes 100000000 | head -1", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("index,method,")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "0<&- 1>&- 2>&-", "2>/dev/full"])
def test_closed_streams(closed: str, colours: Path, run_cli: Runner, tmp_path: Path) -> None:
    """Whatever is closed, nothing of it lands in a file of ours."""
    ended = first_of(f"{MADE.format(source=colours)} {closed}", tmp_path, real="/" not in closed)
    assert ended.returncode == 0
    assert (ended.stdout == "mixup-out/manifest.json\n") == ("1>&-" not in closed and closed != ">&-")
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
    run_cli(*MADE.format(source=colours).split()[1:], "-o", tmp_path / "whole")
    assert digests(tmp_path / "mixup-out") == digests(tmp_path / "whole")


@pytest.mark.parametrize("command", [MADE, "mixup-gen plan {source} -q"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_stdout_is_told(command: str, colours: Path, tmp_path: Path) -> None:
    ended = first_of(f"{command.format(source=colours)} > /dev/full", tmp_path)
    assert ended.returncode == 74
    assert ended.stderr.endswith(
        "mixup-gen: error: stdout: No space left on device. Send it elsewhere, and run the same command again.\n"
    )
    assert "Exception" not in ended.stderr
