"""What is imported: --help needs no numeric library, and a local run neither torch nor fsspec."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

FAR = "fsspec s3fs aiohttp ray datasets".split()
HEAVY = [*"numpy torch h5py numba scipy pydantic PIL tqdm".split(), *FAR]

SCRIPT = """
import json, sys
from mixup_cli.cli.app import main
for command in json.loads(sys.argv[1]):
    sys.argv = ["mixup-gen", *command]
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
    print("loaded:", *(name for name in {heavy} if name in sys.modules), file=sys.stderr)
"""


def loaded(*args: object, cwd: Path) -> list[str]:
    """The heavy libraries that a command has imported when it ends."""
    return loaded_by_each([args], cwd)[0]


def loaded_by_each(commands: Iterable[Iterable[object]], cwd: Path) -> list[list[str]]:
    """Those that one process has imported after each of some commands."""
    given = json.dumps([[*map(str, command)] for command in commands])
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(heavy=HEAVY), given], cwd=cwd, capture_output=True, text=True, check=True
    )
    return [line.split()[1:] for line in ended.stderr.splitlines() if line.startswith("loaded:")]


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], *([each, "--help"] for each in ("generate", "inspect", "verify", "doctor"))]
)
def test_help_imports_nothing_heavy(args: list[str], tmp_path: Path) -> None:
    assert loaded(*args, cwd=tmp_path) == []


def test_a_local_run_imports_nothing_that_only_others_need(photos: Path, tmp_path: Path) -> None:
    commands: list[list[object]] = [
        ["generate", photos, "--dry-run", "--size", "64"],
        ["generate", photos, "--size", "64", "--method", "mixup,cutmix,cutout", "--dtype", "float32"],
        ["verify", "--deep"],
        ["inspect", photos],
    ]
    found = loaded_by_each(commands, tmp_path)
    assert len(found) == len(commands)
    for libraries in found:
        assert "numpy" in libraries
        assert not {"torch", "numba", *FAR} & {*libraries}


def test_a_source_is_read_before_most_is_imported(tmp_path: Path) -> None:
    """The import of the rest then takes its turns beside the reading."""
    script = """
import sys
from mixup_cli.cli.commands import preload
from mixup_cli.cli.app import main
preload.preload = lambda: sys.exit(" ".join({"h5py", "pydantic", "PIL"} & {*sys.modules}))
sys.argv = ["mixup-gen", "generate", "-q", ".", "-o", "out"]
main()
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.stderr.strip(), ended.returncode) == ("", 1)


def test_a_source_brings_what_reads_it_alone(arrays: Path) -> None:
    script = """
import sys
from mixup_cli.sources import open_source
open_source(sys.argv[1:])
print(*sorted({name.split(".")[2] for name in sys.modules if name.startswith("mixup_cli.sources.")}))
"""
    ended = subprocess.run([sys.executable, "-c", script, arrays], capture_output=True, text=True, check=True)
    assert {"arrays", "reading"} <= {*ended.stdout.split()}
    assert not {"donors", "pictures", "sounds", "clips", "texts"} & {*ended.stdout.split()}


def test_a_run_that_makes_much_starts_numba(arrays: Path, tmp_path: Path) -> None:
    assert "numba" in loaded("generate", arrays, "--samples", 10_000_000, "--dry-run", cwd=tmp_path)


def test_the_torch_backend_does(arrays: Path, tmp_path: Path) -> None:
    assert "torch" in loaded("generate", arrays, "--device", "cpu-torch", cwd=tmp_path), "so the test above can fail"


def test_preloading_imports_what_a_small_run_needs() -> None:
    """What goes wrong there is not told, so that only this test would notice."""
    script = """
import sys
from mixup_cli.cli.commands.preload import preload
preload().join()
names = "mixup_cli.runs.generate", "mixup_cli.draws.incomplete_beta", "numba", "scipy.special"
print(*(name in sys.modules for name in names))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["True", "True", "False", "False"]


def test_numba_starts_beside_the_scan_of_a_large_run() -> None:
    script = """
import threading
from mixup_cli.runs.planning import start_ahead
start_ahead(1000, 1000)
assert threading.active_count() == 1
start_ahead(10**6, 1000)
[thread.join() for thread in threading.enumerate() if thread.name == "numba"]
from mixup_cli.draws.search import _counts
print(len(_counts.signatures))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["1"]
