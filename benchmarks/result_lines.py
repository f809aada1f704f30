"""Runs of training as lines of `benchmarks/accuracy/*.csv`. A run that has a line is not made again."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Mapping
from pathlib import Path

RESULTS = Path(__file__).parent / "accuracy"

CODE = ["mixup_cli", "examples", "benchmarks/*.py"]
"""What a run is made with."""


def measured(question: str) -> list[dict[str, str]]:
    """The runs of a question that are there."""
    path = RESULTS / f"{question}.csv"
    return [*csv.DictReader(path.open(newline=""))] if path.exists() else []


def add(question: str, line: Mapping[str, object]) -> None:
    """Write a run behind the others."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{question}.csv"
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, line, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(line)


def commit() -> str:
    """The commit that is checked out, with a mark if code was changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S607

    return git("rev-parse", "--short", "HEAD") + "-changed" * bool(git("status", "--short", *CODE))
