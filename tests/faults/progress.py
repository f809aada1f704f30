"""How far a run has come, and runs that come to a certain point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.faults import fault
from tests.running import python_environment, start_process


def sidecars(out: Path) -> int:
    """How many shards of an unfinished data set are finished."""
    try:
        return len(os.listdir(out / ".mixup-gen/done"))
    except FileNotFoundError:
        return 0


def meet_fault(kind: str, step: str, *command: object, cwd: Path) -> subprocess.Popen[str]:
    """A run of its own that meets a fault at just that step (see fault.py), begun and left to the caller."""
    program = [sys.executable, fault.__file__, kind, step]
    return start_process(*command, cwd=cwd, env=python_environment(), program=program)


def stopped_before(step: str, *command: object, cwd: Path) -> subprocess.Popen[str]:
    """A run that sleeps just before a step, so that others meet it there. SIGCONT wakes it."""
    process = meet_fault("stop", step, *command, cwd=cwd)
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1]), process.communicate()
    return process
