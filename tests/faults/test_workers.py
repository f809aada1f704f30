"""Worker processes that die while a data set is made: it is told, their shards are made again, and nothing is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.engines.base import Task
from mixup_cli.errors import RepeatedFailureError
from mixup_cli.generate import generate
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.run import Run
from mixup_cli.shard_work import ShardWork, shard_tasks
from mixup_cli.sources.base import Loaded, SourceOptions, Target
from mixup_cli.sources.folder import open_folder
from mixup_cli.sources.pictures import PictureSource
from tests.data_sets import digests
from tests.running import Runner, child_pids, is_alive, start_process, wait_until

TOLD = re.compile(
    r"mixup-gen: shard-\d{5}\.h5: its worker process (\d+) was killed by SIGKILL, as the system does where memory runs "
    r"out\. It is tried again \(attempt [23] of 3\)\."
)
CONTINUES = "Run the same command again to continue: finished shards are kept."


@pytest.fixture
def long_run(tmp_path: Path) -> list[object]:
    """A command that makes three hundred shards in two processes."""
    draw = np.random.default_rng(3)
    np.savez(tmp_path / "a.npz", x=draw.integers(0, 256, (60, 64, 64, 3), dtype=np.uint8), y=np.arange(60) % 3)
    return ["generate", tmp_path / "a.npz", "--samples-per-shard", 20, "--passes", 100]


PROCESSES = ["--engine", "processes", "--workers", 2]


def sidecars(out: Path) -> int:
    try:
        return len(os.listdir(out / ".mixup-gen/done"))
    except FileNotFoundError:
        return 0


def nothing_is_left(out: Path, pids: list[int]) -> None:
    """No process, no temporary file, no cache."""
    wait_until(lambda: not any(map(is_alive, pids)), seconds=2)
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob("cache.bin"))


def kill_workers(process: subprocess.Popen[str], out: Path, kills: int) -> list[int]:
    """Kill workers at moments that nobody chose, as many as asked for or as the run lasts. Returns all workers seen."""
    draw, seen, killed = np.random.default_rng(kills), set[int](), 0
    wait_until(lambda: sidecars(out) > 2 or process.poll() is not None)
    while killed < kills and process.poll() is None:
        workers = child_pids(process.pid)
        seen.update(workers)
        if workers:
            os.kill(int(draw.choice(workers)), signal.SIGKILL)
            killed += 1
        time.sleep(draw.uniform(0.2, 1.5))
    assert killed == kills, f"the run was over after {killed}"
    return sorted(seen)


def survive(run_cli: Runner, long_run: list[object], place: Path, kills: int) -> int:
    """Run with so many kills, hold the result against one without. Returns how many deaths were told."""
    (place / "whole").mkdir()
    assert run_cli(*long_run, cwd=place / "whole").returncode == 0
    process = start_process(*long_run, *PROCESSES, "-o", "killed", cwd=place)
    workers = kill_workers(process, place / "killed", kills)
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 0, stderr
    told = {int(found[1]) for found in TOLD.finditer(stderr)}
    assert told <= set(workers)
    others = [line for line in stderr.splitlines() if not TOLD.fullmatch(line)]
    assert len(others) == 1, stderr
    assert others[0].startswith("mixup-gen: 6,000 samples in 300 shards")
    nothing_is_left(place / "killed", workers)
    assert digests(place / "killed") == digests(place / "whole/mixup-out")
    return len(told)


def test_workers_killed_at_random(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    assert survive(run_cli, long_run, tmp_path, 3) > 0


@pytest.mark.slow
def test_many_workers_killed_at_random(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    told = 0
    for number in range(5):
        place = tmp_path / str(number)
        place.mkdir()
        told += survive(run_cli, [*long_run, "--seed", number], place, 5)
    assert told > 10


@pytest.mark.parametrize(
    ("number", "code", "word", "to_all"),
    [
        (signal.SIGINT, 130, "interrupted", True),
        (signal.SIGTERM, 143, "terminated", True),
        (signal.SIGTERM, 143, "terminated", False),
    ],
)
def test_signals_end_all_processes_in_good_order(
    number: signal.Signals, code: int, word: str, to_all: bool, run_cli: Runner, long_run: list[object], tmp_path: Path
) -> None:
    process = start_process(*long_run, *PROCESSES, cwd=tmp_path, own_group=True)
    wait_until(lambda: sidecars(tmp_path / "mixup-out") > 5)
    workers, began = child_pids(process.pid), time.monotonic()
    (os.killpg if to_all else os.kill)(process.pid, number)
    stdout, stderr = process.communicate(timeout=60)
    assert time.monotonic() - began < 2
    assert (process.returncode, stdout) == (code, "")
    assert stderr == f"mixup-gen: {word}. {CONTINUES}\n"
    assert len(workers) == 2
    nothing_is_left(tmp_path / "mixup-out", workers)
    ended = run_cli(*long_run, cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


def test_no_worker_outlives_the_main_process(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    process = start_process(*long_run, *PROCESSES, cwd=tmp_path)
    wait_until(lambda: sidecars(tmp_path / "mixup-out") > 5)
    workers = child_pids(process.pid)
    process.kill()
    process.communicate()
    assert len(workers) == 2
    wait_until(lambda: not any(map(is_alive, workers)), seconds=2)
    assert "(resumed: " in run_cli(*long_run, *PROCESSES, cwd=tmp_path).stderr
    assert run_cli("verify").returncode == 0
    nothing_is_left(tmp_path / "mixup-out", child_pids(os.getpid()))


class Heard(Listener):
    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


class Crashing(PictureSource):
    """Pictures of which one ends the process that decodes it, the first `deaths` times."""

    def prepare(self, calls: Path, deaths: int, death: Callable[[], object]) -> None:
        self._calls, self._deaths, self._death = calls, deaths, death

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        if "dog/2.jpg" in self.keys[start:stop]:
            with self._calls.open("ab") as file:
                file.write(b".")
            if self._calls.stat().st_size <= self._deaths:
                self._death()
        return super().load(start, stop, target, out)


def opened(photos: Path, calls: Path, deaths: int) -> Crashing:
    plain = open_folder(photos, SourceOptions())
    paths = [str(path) for path in plain.keys]
    source = Crashing(str(photos), paths, plain.labels, max_pixels=10**8)
    source.prepare(calls, deaths, os.abort)
    return source


def test_a_picture_that_crashes_the_decoder_once(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    heard = Heard()
    run = Run(out=tmp_path / "out", engine="processes", workers=2)
    generate(opened(photos, tmp_path / "calls", 2), Recipe(), run, heard)
    assert run_cli("generate", photos, "-q", "-o", tmp_path / "whole").returncode == 0
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")
    assert [re.sub(r"\d{2,}", "N", text) for text in heard.notices if "worker" in text] == [
        f"dog/2.jpg (1 input): its worker process N crashed (SIGABRT). It is tried again (attempt {number} of 3)."
        for number in (2, 3)
    ]


def test_a_picture_that_crashes_the_decoder_each_time(photos: Path, tmp_path: Path) -> None:
    run = Run(out=tmp_path / "out", engine="processes", workers=2)
    with pytest.raises(RepeatedFailureError) as raised:
        generate(opened(photos, tmp_path / "calls", 99), Recipe(), run)
    assert re.sub(r"\d{2,}", "N", str(raised.value)) == (
        "dog/2.jpg (1 input): failed 3 times, the last time: its worker process N crashed (SIGABRT). One of these "
        "inputs crashes the decoder. Find out which by leaving out half of them at a time, remove it, and run the same "
        "command again: what is finished is kept."
    )
    assert raised.value.exit_code == 1
    assert not (tmp_path / "out").exists(), "as if it had never begun"
    assert child_pids(os.getpid()) == []


def test_a_shard_that_always_dies_ends_the_run_and_keeps_the_others(
    run_cli: Runner, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tasks(work: ShardWork, rows: dict[int, range]) -> Iterator[Task[Any]]:
        for number, task in zip(rows, shard_tasks(work, rows), strict=True):
            call = partial(leave_half_and_die, work.folder.work / f"{task.name}.part")
            yield replace(task, call=call) if number == 4 else task

    command = ["generate", arrays, "--samples-per-shard", 5, *PROCESSES]
    with monkeypatch.context() as patched:
        patched.setattr("mixup_cli.generate.shard_tasks", tasks)
        refused = run_cli(*command, cwd=tmp_path)
    assert refused.returncode == 1
    lines = refused.stderr.splitlines()
    assert [re.sub(r"\d{2,}", "N", line) for line in lines] == [
        *(
            "mixup-gen: shard-N.hN: its worker process N ended with exit code 9. It is tried again "
            f"(attempt {attempt} of 3).".replace("hN", "h5")
            for attempt in (2, 3)
        ),
        "mixup-gen: error: shard-N.h5: failed 3 times, the last time: its worker process N ended with exit code 9. A "
        "library crashes over it: try another --device, and please report it, and run the same command again: what is "
        "finished is kept.",
    ]
    assert all("shard-00004.h5" in line for line in lines)
    assert 1 <= sidecars(tmp_path / "mixup-out") <= 7
    nothing_is_left(tmp_path / "mixup-out", child_pids(os.getpid()))
    assert "(resumed: " in run_cli(*command).stderr
    assert run_cli("verify").returncode == 0


def leave_half_and_die(half: Path) -> Any:
    half.write_bytes(b"half of a shard")
    os._exit(9)
