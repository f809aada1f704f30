"""The batch file of docs/scale.md, run as SLURM would: its tasks at once, one of them killed and run again."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.faults import fault
from tests.forking.client import program_folder
from tests.running import LAST_RESORT_SECONDS, Runner, clean_environment

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "sample_data/photos"
BATCH_FILE = re.search(r"^```bash\n(#!/bin/bash\n#SBATCH.*?)^```$", (ROOT / "docs/scale.md").read_text(), re.M | re.S)

SMALL_SHARDS = {"MIXUP_GEN_SAMPLES_PER_SHARD": "1", "MIXUP_GEN_SIZE": "32"}
"""So that a part has several shards of the sample photographs."""

IN_THE_MIDDLE = "replace:7"
"""The step at which a part is killed: it has sealed two shards or three, and their sidecars."""


class Slurm:
    """Runs the tasks of a batch file with the variables that SLURM sets for them."""

    def __init__(self, batch_file: Path) -> None:
        self._file = batch_file
        self._asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(\S+)$", batch_file.read_text(), re.M))
        first, last = map(int, self._asked["array"].split("-"))
        self.tasks = range(first, last + 1)

    def start(self, task: int, path: str) -> subprocess.Popen[str]:
        """Start a task with this PATH."""
        numbers = {"ID": task, "MIN": self.tasks[0], "MAX": self.tasks[-1], "STEP": 1, "COUNT": len(self.tasks)}
        variables = {f"SLURM_ARRAY_TASK_{name}": str(number) for name, number in numbers.items()}
        variables |= {"SLURM_CPUS_PER_TASK": self._asked["cpus-per-task"], "SLURM_PROCID": "0", "SLURM_NTASKS": "1"}
        return subprocess.Popen(
            ["bash", self._file],
            cwd=self._file.parent,
            env=clean_environment({**SMALL_SHARDS, **variables, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    assert BATCH_FILE
    (tmp_path / "job.sh").write_text(BATCH_FILE[1])
    shutil.copytree(SOURCE, tmp_path / "photos")
    return Slurm(tmp_path / "job.sh")


@pytest.fixture
def deadly_folder(tmp_path: Path) -> str:
    """A folder for the PATH, whose mixup-gen is killed in the middle of its shards."""
    program = tmp_path / "deadly" / "mixup-gen"
    program.parent.mkdir()
    words = [sys.executable, "-c", f"import runpy, sys; runpy.run_path({fault.__file__!r}, run_name='__main__')"]
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} kill {IN_THE_MIDDLE} "$@"\n')
    program.chmod(0o755)
    return str(program.parent)


def test_the_tasks_of_an_array_of_which_one_is_killed(
    slurm: Slurm, deadly_folder: str, run_cli: Runner, tmp_path: Path
) -> None:
    assert len(slurm.tasks) == 4
    doomed = slurm.tasks[1]
    started = {task: slurm.start(task, deadly_folder if task == doomed else program_folder()) for task in slurm.tasks}
    ended = {task: (*process.communicate(timeout=LAST_RESORT_SECONDS), process) for task, process in started.items()}
    for task, (_, said, process) in ended.items():
        assert process.returncode == (137 if task == doomed else 0), said
        assert f"this is part {task}/4, from SLURM_ARRAY_TASK_ID={task}, SLURM_ARRAY_TASK_MIN=1, " in said
    assert not (tmp_path / "mixed/manifest.json").exists()
    out, said = (again := slurm.start(doomed, program_folder())).communicate(timeout=LAST_RESORT_SECONDS)
    assert (again.returncode, out) == (0, "mixed/manifest.json\n"), said
    assert "(resumed: " in said
    whole = run_cli("generate", "photos", "-o", "whole", "--alpha", 0.2, cwd=tmp_path, env=SMALL_SHARDS)
    assert whole.returncode == 0, whole.stderr
    assert digests(tmp_path / "mixed") == digests(tmp_path / "whole")
    assert (tmp_path / "mixed/SHA256SUMS").read_bytes() == (tmp_path / "whole/SHA256SUMS").read_bytes()
    read = [found for _, said, _ in ended.values() for found in re.findall(r"reads (\d+) of 23 inputs", said)]
    assert 2 <= len(read) <= 3, "all but the first to come, and the killed one if it came so far"
    assert all(int(count) <= 7 for count in read)
