"""Environments that lack something: each run succeeds, or ends with one line and the right exit code."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.covering import covering
from tests.data_sets import digests
from tests.running import PROGRAM, Runner, clean_environment, error_line, run_process, run_real

MIB = 1 << 20


VARIABLES = {
    "NUMBA_DISABLE_JIT": {"NUMBA_DISABLE_JIT": "1", "NUMBA_CACHE_DIR": "fresh"},
    "NUMBA_NUM_THREADS": {"NUMBA_NUM_THREADS": "0"},
    "NUMBA_CACHE_DIR that cannot be made": {"NUMBA_CACHE_DIR": "/dev/null/x"},
    "no home": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"},
    "no folder for temporary files": {"TMPDIR": "/nonexistent"},
    "PYTHONOPTIMIZE": {"PYTHONOPTIMIZE": "2"},
    "OPENBLAS_NUM_THREADS": {"OPENBLAS_NUM_THREADS": "64"},
    "an odd terminal": {"COLUMNS": "wide", "TERM": "none"},
}


TOGETHER = ("NUMBA_NUM_THREADS", "no home", "no folder for temporary files", "OPENBLAS_NUM_THREADS", "an odd terminal")
"""None of these hides what another one does."""

SETTINGS = {"all that go together": {key: value for name in TOGETHER for key, value in VARIABLES[name].items()}}

UNCOMPILED = ("NUMBA_DISABLE_JIT", "PYTHONOPTIMIZE")
"""Numba, or Python for each library that it imports, compiles everything anew. Our code never asserts (ruff's S101)."""


@pytest.mark.parametrize(
    "name",
    [
        *SETTINGS,
        *(pytest.param(name, marks=[pytest.mark.slow] * (name in (*UNCOMPILED, *TOGETHER))) for name in VARIABLES),
    ],
)
def test_variables_change_no_bytes(name: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    options = ["generate", colours, "--method", "mixup:0.5,fmix:0.5", "-o"]
    run_cli(*options, tmp_path / "plain", cwd=tmp_path)
    made = run_real(*options, "out", cwd=tmp_path, env=(SETTINGS | VARIABLES)[name])
    assert made.returncode == 0, made.stderr
    assert digests(tmp_path / "out") == digests(tmp_path / "plain")


def test_the_library_says_that_it_needs_compiled_functions(tmp_path: Path) -> None:
    """Whose process has begun can be helped no more."""
    script = "import mixup_cli.errors as e\ntry:\n import mixup_cli.kernels.cpu\nexcept e.UsageError as p:\n print(p)"
    environment = clean_environment({"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)})
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("NUMBA_DISABLE_JIT: is set, ")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit addresses")
@pytest.mark.parametrize(
    ("command", "size_mib"),
    covering(["generate {} --method mixup:0.5,fmix:0.5", "plan {} -o plan.parquet"], [120, 250, 440, 500, 600, 700]),
)
def test_too_little_memory_is_told_as_that(command: str, size_mib: int, photos: Path, tmp_path: Path) -> None:
    """Whichever library meets it first; never as an interrupt."""
    ended = run_real(*command.format(photos).split(), cwd=tmp_path, limits={resource.RLIMIT_AS: size_mib * MIB})
    if ended.returncode == 0:
        return
    told = error_line(ended)
    assert ended.returncode == 1
    assert (size_mib < 512) == ("512.0 MiB" in told)
    assert any(word in told for word in ("not enough memory", "cannot be loaded", "starts no more threads"))
    assert "Raise" in told or "Pass a smaller" in told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("generate {}", "mixup-out/sources.csv: File too large. "),
        ("plan {} --passes 100 -o plan.csv", "plan.csv: File too large. "),
        ("preview {} -o grid.png", "grid.png: File too large. "),
    ],
)
def test_a_limit_of_files_sizes(command: str, told: str, colours: Path, tmp_path: Path) -> None:
    """The system reports it by a signal."""
    ended = run_process(*command.format(colours).split(), cwd=tmp_path, limits={resource.RLIMIT_FSIZE: 1088})
    assert ended.returncode == 74
    assert error_line(ended).startswith(told)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".mixup-gen") or path.is_file()]


@pytest.mark.parametrize("count", [16])
@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_few_open_files(engine: str, count: int, colours: Path, tmp_path: Path) -> None:
    options = ["generate", colours, "--engine", engine, "--workers", "2"]
    ended = run_real(*options, cwd=tmp_path, limits={resource.RLIMIT_NOFILE: count})
    if ended.returncode != 0:
        assert ended.returncode in (1, 74)
        assert "oo many open files" in error_line(ended)
    assert run_process(*options, cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("command", ["generate {} --cache disk", "doctor", "plan {}"])
def test_nowhere_for_temporary_files_and_nobody_at_home(
    command: str, run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a user of a container who has no entry in /etc/passwd."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", lambda number: {}[number])

    def none_usable() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr("tempfile.gettempdir", none_usable)
    ended = run_cli(*command.format(colours).split(), cwd=tmp_path, env={"TMPDIR": "/nonexistent"})
    if command.startswith("plan"):
        assert ended.returncode == 74
        assert error_line(ended).startswith("/nonexistent: cannot write there (No usable temporary directory found). ")
    else:
        assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("command", ["generate", "generate ../source", "plan", "inspect"])
def test_a_current_folder_that_was_removed(command: str, tmp_path: Path) -> None:
    line = f'mkdir gone; cd gone; rmdir ../gone; exec "{PROGRAM}" {command}'
    ended = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert ended.returncode in (66, 74)
    assert "no longer exists" in error_line(ended) or "no such file or folder" in error_line(ended)
