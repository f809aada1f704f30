"""How far a run has come, and runs that come to a certain point."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.faults import deaths, fault
from tests.forking.client import Running
from tests.running import child_pids, is_stopped, start_process, wait_until


def sidecars(out: Path) -> int:
    """How many shards of an unfinished data set are finished."""
    try:
        return len(os.listdir(out / ".mixup-gen/done"))
    except FileNotFoundError:
        return 0


def meet_fault(kind: str, step: str, *command: object, cwd: Path, **how: Any) -> Running:
    """Start a run that meets a fault at this step (see fault.py). `how` goes to `start_process`."""
    return start_process(kind, step, *command, cwd=cwd, script=fault.__file__, **how)


def stopped_before(step: str, *command: object, cwd: Path, **how: Any) -> Running:
    """A run that sleeps just before a step, so that others meet it there. SIGCONT wakes it."""
    process = meet_fault("stop", step, *command, cwd=cwd, **how)
    wait_until(lambda: is_stopped(process.pid) or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def deadly(who: str, count: int, *command: object, cwd: Path, env: dict[str, str] | None = None) -> Running:
    """Start a run in worker processes of which some die (see deaths.py), as the leader of a process group."""
    added = {**(env or {}), deaths.VARIABLE: f"{who} {count}"}
    options = ("--engine", "processes", "--workers", 2)
    return start_process(*command, *options, cwd=cwd, env=added, own_group=True, script=deaths.__file__)


def stopped_in_a_shard(done: int, *command: object, cwd: Path, env: dict[str, str] | None = None) -> Running:
    """A run that is stopped, with a worker that makes a shard, when `done` shards are sealed. SIGCONT wakes them."""
    process = deadly("stop", done, *command, cwd=cwd, env=env)
    wait_until(lambda: is_stopped(process.pid) and any(map(is_stopped, child_pids(process.pid))))
    return process
