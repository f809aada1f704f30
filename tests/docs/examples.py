"""Runs the scripts of examples/ in the way that they say themselves: from an archive to a network that learns."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT, program_environment, run_slowly
from tests.running import LAST_RESORT_SECONDS

EXAMPLES = ROOT / "examples"
COMMAND = re.compile(r"^    (mixup-gen .*)$", re.MULTILINE)
LOSS = re.compile(r"\bloss:? (\d+\.\d+)")


def losses(script: str, folder: Path, **variables: str) -> list[float]:
    """The commands of the script's own docstring, on a hundred images, then the script: the loss of each epoch. Without
    variables it runs where other snippets have imported what is slow."""
    (folder / "cifar-10-python.tar.gz").symlink_to(ROOT / "sample_data" / "cifar-10-sample.tar.gz")
    environment = {**program_environment(folder), **variables}
    for command in COMMAND.findall((EXAMPLES / script).read_text()):
        subprocess.run([*command.split(), "-q"], cwd=folder, env=environment, check=True, timeout=LAST_RESORT_SECONDS)
    options = "mixed test --model small --epochs 4 --batch-size 20 --learning-rate 0.05".split()
    if not variables:
        words = [str(EXAMPLES / script), *options]
        run = f"import runpy, sys\nsys.argv = {words}\nrunpy.run_path(sys.argv[0], run_name='__main__')"
        return [float(found) for found in LOSS.findall(run_slowly(run, folder))]
    command = [sys.executable, EXAMPLES / script, *options]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=True, timeout=LAST_RESORT_SECONDS, stdout=subprocess.PIPE, text=True
    )
    return [float(found) for found in LOSS.findall(done.stdout)]
