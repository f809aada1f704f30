"""Faults at the steps of a command, and how each attempt ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.faults import fault_at_every_step
from tests.running import start_process


@dataclass(frozen=True)
class Attempt:
    """One run that met a fault before its `step`-th change of the disk, in `place`: a call that would have changed
    `path`."""

    step: int
    call: str
    path: str
    ended: int
    place: Path

    @property
    def said(self) -> str:
        return self.place.with_suffix(".said").read_text()

    def __str__(self) -> str:
        return f"{self.call} of {self.path}, step {self.step}"


def attempts(folder: Path, fault: str, *command: object, of_each: int | None = None) -> list[Attempt]:
    """Run `mixup-gen COMMAND` with a fault at each step, or at `of_each` steps of each name."""
    process = start_process(fault, of_each or "all", folder, *command, script=fault_at_every_step.__file__)
    out, err = process.communicate()
    assert process.returncode == 0, err
    found = [Attempt(place=folder / str(plain["step"]), **plain) for plain in map(json.loads, out.splitlines())]
    assert found, err
    return found
