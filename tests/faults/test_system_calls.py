"""A disk that fails under writes which Python's `os` does not make: HDF5's own, a flushed map, a file object's.

strace makes single system calls fail, from Python or from C. The tests count calls of the main thread alone: strace
counts those of each thread apart.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.faults.cases import FRESH, complete
from tests.running import PROGRAM, Runner, clean_environment

STRACE = shutil.which("strace")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(STRACE is None, reason="SKIPPED: strace is not installed, which makes system calls fail"),
]

LINE = re.compile(r"(\d+) +(\w+)\((?:\d+<([^>]*)>)?.*")
SAME = re.compile(r"[0-9a-f]{16,}")
"""What differs between the names of one run and another."""


@dataclass(frozen=True)
class Call:
    """A call of the main thread, the `number`-th of its name, and the file that it is about, if known."""

    number: int
    path: str


def calls(traced: str) -> list[Call]:
    """All of one name, in their order. The main thread began first, and has the lowest number."""
    found = [match for match in map(LINE.match, traced.splitlines()) if match]
    main = min(int(match[1]) for match in found)
    ours = [match for match in found if int(match[1]) == main]
    return [Call(number, match[3] or "") for number, match in enumerate(ours, 1)]


def traced(name: str, fault: str, place: Path, *command: object) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run with calls of that name recorded, one of which may fail; what is said, and the record."""
    place.mkdir()
    record = place.with_suffix(".calls")
    inject = ["-e", f"inject={name}:{fault}"] if fault else []
    strace = [str(STRACE), "-f", "-y", "-qq", "-e", "signal=none", "-e", f"trace={name}", *inject, "-o", str(record)]
    ended = subprocess.run(
        [*strace, PROGRAM, *map(str, command)],
        cwd=place,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended, record.read_text(errors="replace")


def worth_trying(found: list[Call], place: Path) -> list[Call]:
    """All that HDF5 writes into the first of its layouts; of other files one call each; of calls without one, all."""
    first_layout = next((call.path for call in found if "/layout-" in call.path), None)
    kept: dict[str, Call] = {}
    for call in found:
        if not call.path or call.path == first_layout:
            kept[f"call {call.number}"] = call
        elif call.path.startswith(str(place)):
            kept.setdefault(SAME.sub("*", call.path), call)
    return list(kept.values())


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "error", "lasts", "least"),
    [
        ("pwrite64", "ENOSPC", "+", 15),  # HDF5 tries again when it closes the file, and at its own end
        ("pwrite64", "EIO", "", 15),
        ("write", "ENOSPC", "", 8),
        ("fsync", "EIO", "", 8),
        ("msync", "EIO", "", 1),
    ],
)
def test_each_call_fails(
    name: str, error: str, lasts: str, least: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    command = ["generate", colours, *FRESH, "--cache", "disk"]
    ended, record = traced(name, "", tmp_path / "whole", *command)
    assert ended.returncode == 0, ended.stderr
    expected = digests(tmp_path / "whole/mixup-out")
    tried = worth_trying(calls(record), tmp_path / "whole")
    assert len(tried) >= least
    for call in tried:
        place = tmp_path / f"{name}-{call.number}"
        ended, record = traced(name, f"error={error}:when={call.number}{lasts}", place, *command)
        failed = [
            match[3] or "" for match in map(LINE.match, record.splitlines()) if match and "(INJECTED)" in match[0]
        ]
        assert failed, call
        assert "Traceback" not in ended.stderr, (call, ended.stderr)
        is_cache = all(not path or ".mixup-gen-cache" in path for path in failed)  # another thread's may fail as well
        assert ended.returncode == (0 if is_cache else 74), (call, ended)
        assert not is_cache or "decoded samples are not kept: " in ended.stderr, call
        complete(run_cli, place, *command)
        assert digests(place / "mixup-out") == expected, call
        assert not list(place.rglob("*.part")), call
