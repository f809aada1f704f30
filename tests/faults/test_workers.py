"""Worker processes that die while a data set is made: it is told, their shards are made again, and nothing is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.engines.base import Task
from mixup_cli.errors import RepeatedFailureError
from mixup_cli.fields.target import Target
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.runs.shard_work import ShardWork, shard_tasks
from mixup_cli.sources.pictures.folder import open_folder
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.storage.loaded import Loaded
from tests.data_sets import digests
from tests.faults.cases import complete
from tests.faults.patched import LONG, patched
from tests.faults.progress import sidecars
from tests.running import (
    Runner,
    best_seconds,
    child_pids,
    is_alive,
    session_pids,
    start_process,
    wait_until,
    wait_while_running,
)

TOLD = re.compile(
    r"mixup-gen: shard-(\d{5})\.h5: its worker process (\d+) was killed by SIGKILL, as the system does where memory "
    r"runs out\. It is tried again \(attempt [23] of 3\)\.\n"
)
CONTINUES = "Run the same command again to continue: finished shards are kept."


PROCESSES = ["--engine", "processes", "--workers", 2]


def sealed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


def nothing_is_left(out: Path, pids: Iterable[int]) -> None:
    """No process, no temporary file, no cache."""
    wait_until(lambda: not any(map(is_alive, pids)), seconds=2)
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob("cache.bin"))


class Killer:
    """Kills workers of a run at moments that nobody chose: each after a few more shards.

    A shard that has died twice is let live: a third time would end the run. `told` are the lines on stderr.
    """

    def __init__(self, process: subprocess.Popen[str], out: Path) -> None:
        self._process, self._out = process, out
        self._draw = np.random.default_rng(process.pid)
        self.killed: set[int] = set()
        self.told: list[str] = []
        self._died: list[tuple[str, float]] = []  # shards, and when it was told
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        for line in self._process.stderr or ():
            self.told.append(line)
            if found := TOLD.fullmatch(line):
                self._died.append((found[1], time.time()))

    def kill(self) -> None:
        """Kill one worker more."""
        if len(self.killed) % 2 == 0:
            self._wait_until(self._all_made_again)
        enough = sidecars(self._out) + int(self._draw.integers(1, 12))
        self._wait_until(lambda: sidecars(self._out) >= enough)
        time.sleep(self._draw.uniform(0, 0.02))
        worker = int(self._draw.choice([pid for pid in child_pids(self._process.pid) if pid not in self.killed]))
        os.kill(worker, signal.SIGKILL)
        self.killed.add(worker)

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        wait_until(lambda: holds() or self._process.poll() is not None)
        assert self._process.poll() is None, f"the run was over after {len(self.killed)} kills"

    def _all_made_again(self) -> bool:
        """Whether each shard whose worker was killed has been sealed since. It may have been before: its worker can be
        killed just before it answers."""
        return len(self._died) == len(self.killed) and all(
            sealed_at(self._out / ".mixup-gen/done" / f"{number}.json") > when for number, when in self._died
        )

    def finish(self) -> None:
        """Wait for the end of the run."""
        self._process.wait(120)
        self._reading.join()


def survive(run_cli: Runner, long_run: list[object], place: Path, kills: int) -> int:
    """Run with so many kills, and hold the result against a run without. Returns how many deaths were told: none need
    be at the end, where a process has nothing more to do."""
    command = [*long_run, "--passes", 15 * kills]  # another process starts in a second, and the rest must not be over
    (place / "whole").mkdir()
    assert run_cli(*command, cwd=place / "whole").returncode == 0
    process = start_process(*command, *PROCESSES, "-o", "killed", cwd=place)
    killer = Killer(process, place / "killed")
    for _ in range(kills):
        killer.kill()
    killer.finish()
    assert process.returncode == 0, killer.told
    told = {int(found[2]) for found in map(TOLD.fullmatch, killer.told) if found}
    assert told <= killer.killed
    others = [line for line in killer.told if not TOLD.fullmatch(line)]
    assert [line.partition(" samples")[0] for line in others] == [f"mixup-gen: {1500 * kills:,}"], killer.told
    nothing_is_left(place / "killed", killer.killed)
    assert digests(place / "killed") == digests(place / "whole/mixup-out")
    return len(told)


def test_workers_killed_at_random(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    assert survive(run_cli, long_run, tmp_path, 3) > 0


@pytest.mark.slow
def test_many_workers_killed_at_random(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    told = 0
    for number in range(6):
        place = tmp_path / str(number)
        place.mkdir()
        told += survive(run_cli, [*long_run, "--seed", number], place, 4)
    assert told > 15


@pytest.mark.parametrize(
    ("number", "code", "word", "to_all"),
    [
        (signal.SIGINT, 130, "interrupted", True),
        (signal.SIGTERM, 143, "terminated", False),
        pytest.param(signal.SIGTERM, 143, "terminated", True, marks=pytest.mark.slow),
    ],
)
def test_signals_end_all_processes_in_good_order(
    number: signal.Signals, code: int, word: str, to_all: bool, run_cli: Runner, long_run: list[object], tmp_path: Path
) -> None:
    """However long that takes."""
    command = [*long_run, "--passes", 8]
    process = start_process(*command, *PROCESSES, cwd=tmp_path, own_group=True, program=patched(LONG))
    wait_while_running(process, lambda: sidecars(tmp_path / "mixup-out") > 5)
    workers = child_pids(process.pid)
    (os.killpg if to_all else os.kill)(process.pid, number)
    stdout, stderr = process.communicate(timeout=LONG)
    assert (process.returncode, stdout) == (code, "")
    assert stderr == f"mixup-gen: {word}. {CONTINUES}\n"
    assert len(workers) == 2
    nothing_is_left(tmp_path / "mixup-out", workers)
    ended = run_cli(*command, cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


def test_a_signal_ends_all_processes_in_two_seconds(long_run: list[object], tmp_path: Path) -> None:
    def seconds_to_end() -> float:
        process = start_process(*long_run, "--passes", 100, *PROCESSES, cwd=tmp_path, own_group=True)
        before = sidecars(tmp_path / "mixup-out")
        wait_while_running(process, lambda: sidecars(tmp_path / "mixup-out") > before + 5)
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        wait_until(lambda: not session_pids(process.pid))
        assert process.returncode == 130
        return time.monotonic() - began

    assert best_seconds(seconds_to_end, 2) < 2


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])])
def test_the_main_process_killed_at_random(
    kills: int,
    new_children: Callable[[], list[int]],
    run_cli: Runner,
    mixup_gen: Runner,
    long_run: list[object],
    tmp_path: Path,
) -> None:
    """At moments that are spread over the whole of a run. No worker outlives it."""
    command, draw = [*long_run, "--passes", 5, *PROCESSES], np.random.default_rng(kills)
    places = [tmp_path / str(number) for number in range(kills)]
    for place in (tmp_path / "whole", *places):
        place.mkdir()
    began = time.monotonic()
    assert mixup_gen(*command, cwd=tmp_path / "whole").returncode == 0
    seconds = time.monotonic() - began
    ended = []
    for number, place in enumerate(places):
        process = start_process(*command, cwd=place, own_group=True)
        time.sleep((number + draw.uniform()) / kills * seconds)
        process.kill()
        process.communicate()
        wait_until(lambda leader=process.pid: not session_pids(leader), seconds=10)  # type: ignore[misc]
        ended.append(process.returncode)
        complete(run_cli, place, *command)
        nothing_is_left(place, new_children())
        assert digests(place) == digests(tmp_path / "whole"), number
    assert set(ended) <= {0, -signal.SIGKILL}
    assert ended.count(-signal.SIGKILL) > kills / 2


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


def test_a_picture_that_crashes_the_decoder_each_time(
    new_children: Callable[[], list[int]], photos: Path, tmp_path: Path
) -> None:
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
    assert new_children() == []


def test_a_shard_that_always_dies_ends_the_run_and_keeps_the_others(
    new_children: Callable[[], list[int]],
    run_cli: Runner,
    arrays: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def tasks(work: ShardWork, rows: dict[int, range]) -> Iterator[Task[Any]]:
        for number, task in zip(rows, shard_tasks(work, rows), strict=True):
            call = partial(leave_half_and_die, work.folder.scratch / f"{task.name}.part")
            yield replace(task, call=call) if number == 4 else task

    command = ["generate", arrays, "--samples-per-shard", 5, *PROCESSES]
    with monkeypatch.context() as patched:
        patched.setattr("mixup_cli.runs.generate.shard_tasks", tasks)
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
    nothing_is_left(tmp_path / "mixup-out", new_children())
    assert "(resumed: " in run_cli(*command).stderr
    assert run_cli("verify").returncode == 0


def leave_half_and_die(half: Path) -> Any:
    half.write_bytes(b"half of a shard")
    os._exit(9)
