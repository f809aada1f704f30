"""Runs the pages: commands in order, with their output compared, and snippets of Python, with warnings as errors."""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tests.forking.client import program_folder
from tests.running import start_process

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FRAMEWORKS = ("tensorflow", "keras", "jax", "grain")
"""What `make test-frameworks` has and `make test` has not."""
EXPORTS = {"--to tfrecord": "tensorflow"}
"""What commands need of these."""
SLOW = ("torch", "pytorch", "datasets", "webdataset", *FRAMEWORKS)
"""What takes seconds to import: snippets that need it, of all pages, share a process."""

RUN_EACH = """
import contextlib, io, json, os, sys, traceback
for line in sys.stdin:
    asked, printed = json.loads(line), io.StringIO()
    os.chdir(asked["folder"])
    if "datasets" in sys.modules:  # which takes data of one name for the same
        sys.modules["datasets"].config.HF_DATASETS_CACHE = os.environ["HF_HOME"] + asked["folder"]
    try:
        with contextlib.redirect_stdout(printed):
            exec(asked["text"], {"__name__": "__main__"})
        failure = ""
    except BaseException:
        failure = traceback.format_exc()
    print("\\n" + json.dumps({"failure": failure, "printed": printed.getvalue()}), flush=True)
"""


def blocks(document: str) -> list[tuple[str, str]]:
    """The language and the text of each block of a page that is run."""
    return BLOCK.findall((ROOT / document).read_text())


def run_page(document: str, place: Path, pattern: str = "") -> None:
    """Run a page, or its blocks that match a pattern, in a folder of photographs. Beside it are a CIFAR-10 archive,
    pictures with objects, sounds, videos and texts.
    Leaves out what needs a framework that is not installed: `make test-frameworks` runs that."""
    folder = place / "photos"
    shutil.copytree(ROOT / "sample_data" / "photos", folder)
    for name in ("objects", "sounds", "clips", "texts"):
        shutil.copytree(ROOT / "sample_data" / name, place / name)
    shutil.copy(ROOT / "sample_data" / "cifar-10-sample.tar.gz", place / "cifar-10-python.tar.gz")
    environment = program_environment(place)
    for language, text in (block for block in blocks(document) if re.search(pattern, block[1])):
        imported = " ".join(re.findall(r"^(?:import|from) ([\w.]+)", text, re.MULTILINE)).replace(".", " ").split()
        if language == "console":
            if all(find_spec(library) for option, library in EXPORTS.items() if option in text):
                run_console(text, folder, environment)
        elif re.search(rf"\b({'|'.join(SLOW)})\b", text):
            if all(map(find_spec, {*imported} & {*FRAMEWORKS})):
                run_slowly(text, folder)
        else:
            run_python(text, folder, environment)


def program_environment(place: Path) -> dict[str, str]:
    """An environment in which `mixup-gen` and `python` are those of the tests, libraries keep files in `place`, and
    PyTorch has one thread: for little networks, two that wait for a core take many times as long."""
    folders = (program_folder(), str(Path(sys.executable).parent), os.environ["PATH"])
    environment = {**os.environ, "PATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"}
    return environment | {"HF_HOME": str(place / "hugging-face"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}


def matches(expected: str, found: str) -> bool:
    """Whether `found` is `expected`, whose every … may stand for anything within a line, or for whole lines alone."""
    pattern = re.escape(expected).replace(re.escape("…"), ".*?")
    return re.fullmatch(pattern, found, re.DOTALL if expected.endswith("\n…") else 0) is not None


OCTAVE_ENDS = "error: ignoring const execution_exception& while preparing to exit\n"
"""What Octave 7 prints now and then on a busy machine, after the program ended and all that it printed is there."""


def run_console(block: str, folder: Path, environment: dict[str, str]) -> None:
    """Each `$ command` with the lines that follow it: stdout and stderr together, as a terminal shows them. A command
    goes on behind a backslash."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, expected = re.split(r"(?<!\\)\n", part, maxsplit=1)
        done = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        printed = done.stdout.replace(OCTAVE_ENDS, "")
        assert matches(expected.strip(), printed.strip()), f"$ {command}\n{done.stdout}\nexpected:\n{expected}"


def run_python(text: str, folder: Path, environment: dict[str, str]) -> None:
    """A snippet in a process of its own, forked from one that has imported what most need."""
    script = folder.parent / "snippet.py"
    script.write_text(f"import warnings\nwarnings.simplefilter('error')\n{text}")
    process = start_process(cwd=folder, env=environment, script=str(script))
    _, err = process.communicate()
    assert process.returncode == 0, err


@cache
def _interpreter() -> subprocess.Popen[str]:
    """A process for the snippets of all pages that import what is slow."""
    place = tempfile.mkdtemp(prefix="pages-")
    words = [sys.executable, "-W", "error", "-c", RUN_EACH, __name__]  # `running.child_pids` leaves it out by this name
    pipe, environment = subprocess.PIPE, program_environment(Path(place))
    process = subprocess.Popen(words, cwd=place, env=environment, stdin=pipe, stdout=pipe, text=True)

    def end() -> None:
        process.communicate()
        shutil.rmtree(place)

    atexit.register(end)
    return process


def run_slowly(text: str, folder: Path) -> str:
    """A snippet in the process that has imported what is slow; each has names of its own. Returns what it prints."""
    process = _interpreter()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"folder": str(folder), "text": text}) + "\n")
    process.stdin.flush()
    answer = next((line for line in process.stdout if line.startswith('{"failure"')), None)
    if answer is None:
        _interpreter.cache_clear()
    assert answer is not None, f"the process ended in:\n{text}"
    ended: dict[str, str] = json.loads(answer)
    assert not ended["failure"], f"{ended['failure']}\nin:\n{text}"
    return ended["printed"]
