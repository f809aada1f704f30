"""The rule of docs/scripts.md: make runs it once, and again where a file is new; a run with nothing to do changes no
time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.forking.client import program_folder
from tests.running import Runner, clean_environment

RULE = re.search(r"```make\n(.*?)```", (Path(__file__).parents[2] / "docs/scripts.md").read_text(), re.DOTALL)


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_rule_runs_when_it_must(photos: Path, tmp_path: Path, run_cli: Runner) -> None:
    assert RULE is not None
    shutil.copytree(photos, tmp_path / "photos")
    (tmp_path / "Makefile").write_text(RULE[1])
    environment = {**clean_environment(), "PATH": f"{program_folder()}:{os.environ['PATH']}"}

    def make() -> str:
        done = subprocess.run(["make"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert "16 samples in 1 shard" in make()
    assert "up to date" in make()
    manifest = tmp_path / "mixed/manifest.json"
    picture = next((tmp_path / "photos").rglob("*.png"), None) or next((tmp_path / "photos").rglob("*.jpg"))
    newer = manifest.stat().st_mtime_ns + 10**9
    os.utime(picture, ns=(newer, newer))
    before = manifest.stat().st_mtime_ns
    assert run_cli("generate", "photos", "-o", "mixed", "--passes", 2, cwd=tmp_path).returncode == 0
    assert manifest.stat().st_mtime_ns == before, "nothing to do changes nothing"
    assert "nothing to do" in make()
    os.utime(picture, ns=(before, before))
    assert "up to date" in make()
