"""Worker processes die while a data set is made: the run reports it, makes their shards again, and leaves nothing."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.cli.terminal.signals import GRACE_SECONDS
from mixup_cli.engines.base import Task
from mixup_cli.engines.processes import STOP_SECONDS
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
from tests.data_sets import digests, manifest
from tests.faults.fault import GRACE, LONG
from tests.faults.progress import deadly, meet_fault, sidecars, stopped_in_a_shard
from tests.running import Runner, child_pids, is_alive, session_pids, wait_until

TOLD = re.compile(
    r"mixup-gen: shard-(\d{5})\.h5: its worker process (\d+) was killed by SIGKILL, as the system does where memory "
    r"runs out\. It is tried again \(attempt [23] of 3\)\.\n"
)
CONTINUES = "Run the same command again to continue: finished shards are kept."


PROCESSES = ["--engine", "processes", "--workers", 2]


def nothing_is_left(out: Path, pids: Iterable[int]) -> None:
    """No process, no temporary file, no cache."""
    wait_until(lambda: not any(map(is_alive, pids)))
    assert not list(out.rglob("*.part"))
    assert not list(out.rglob("cache.bin"))


def survive(run_cli: Runner, command: list[object], place: Path, kills: int) -> None:
    """Run while `kills` workers die, and compare the result with a run without."""
    (place / "whole").mkdir()
    assert run_cli(*command, cwd=place / "whole").returncode == 0
    process = deadly("workers", kills, *command, cwd=place)
    _, said = process.communicate()
    assert process.returncode == 0, said
    told = said.splitlines(keepends=True)
    assert len({found[2] for found in map(TOLD.fullmatch, told) if found}) == kills, said
    assert len(told) == kills + 1, said
    assert told[-1].startswith(f"mixup-gen: {manifest(place / 'mixup-out')['totals']['samples']:,} samples")
    nothing_is_left(place / "mixup-out", session_pids(process.pid))
    assert digests(place / "mixup-out") == digests(place / "whole/mixup-out")


def test_workers_killed_at_random(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    survive(run_cli, long_run, tmp_path, 2)


@pytest.mark.slow
def test_many_workers_killed_at_random(run_cli: Runner, long_run: list[object], tmp_path: Path) -> None:
    for number in range(6):
        place = tmp_path / str(number)
        place.mkdir()
        survive(run_cli, [*long_run, "--passes", 8, "--seed", number], place, 6)


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
    process = stopped_in_a_shard(6, *long_run, cwd=tmp_path, env={GRACE: LONG})
    workers = child_pids(process.pid)
    (os.killpg if to_all else os.kill)(process.pid, number)
    os.killpg(process.pid, signal.SIGCONT)
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (code, "")
    assert stderr == f"mixup-gen: {word}. {CONTINUES}\n"
    assert len(workers) == 2
    nothing_is_left(tmp_path / "mixup-out", workers)
    ended = run_cli(*long_run, cwd=tmp_path)
    assert "(resumed: " in ended.stderr
    assert run_cli("verify").returncode == 0


def test_a_signal_ends_a_worker_that_does_not_listen(long_run: list[object], tmp_path: Path) -> None:
    """It would stay for ever: it gets no SIGCONT."""
    assert STOP_SECONDS < GRACE_SECONDS < 2, "how long a user waits after Ctrl-C"
    process = stopped_in_a_shard(6, *long_run, cwd=tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGCONT)
    process.communicate()
    assert process.returncode == 130
    wait_until(lambda: not session_pids(process.pid))


MOMENTS = [13, "replace:4", *(pytest.param(done, marks=pytest.mark.slow) for done in (*range(20), "replace:2"))]
"""A number: this many shards are done, a worker is about to seal one more, and the other is anywhere. Or the main
process is about to seal the list of samples, or a file after all shards."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_main_process_is_killed(
    moment: int | str,
    new_children: Callable[[], list[int]],
    run_cli: Runner,
    long_run: list[object],
    tmp_path: Path,
) -> None:
    """No worker outlives it."""
    if isinstance(moment, int):
        process = deadly("main", moment, *long_run, cwd=tmp_path)
    else:
        process = meet_fault("kill", moment, *long_run, *PROCESSES, cwd=tmp_path, own_group=True)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    wait_until(lambda: not session_pids(process.pid))
    out, whole = tmp_path / "mixup-out", tmp_path / "whole"
    made = sidecars(out)
    assert isinstance(moment, str) or 0 <= made - moment <= 2, "each worker may end what it has begun"
    assert not (out / "manifest.json").exists()
    assert run_cli(*long_run, cwd=tmp_path).returncode == 0
    assert run_cli("verify").returncode == 0
    nothing_is_left(out, new_children())
    assert run_cli(*long_run, "-o", whole).returncode == 0
    assert digests(out) == digests(whole)


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
        patched.setattr("mixup_cli.runs.shard_work.shard_tasks", tasks)
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
