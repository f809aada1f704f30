"""What the user sees while a command works: notices and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any, TextIO

from mixup_cli.listener import Listener
from mixup_cli.wording import one_line


def _print(text: str, stream: TextIO) -> None:
    """One line, at once. If nobody reads on (`| head`), the rest goes nowhere, and the command ends as it would."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def notice(text: str) -> None:
    """One line on stderr, whatever names and cells of files the text quotes."""
    _print(f"mixup-gen: {one_line(text)}", sys.stderr)


def result(text: str) -> None:
    """One line on stdout."""
    _print(text, sys.stdout)


def table(lines: Iterable[tuple[str, str]], width: int = 14) -> None:
    """Names and values on stdout, one pair a line; a pair without a name belongs to the one before."""
    for name, value in lines:
        result(f"{name:<{width}}{one_line(value)}")


def event(name: str, **values: Any) -> None:
    """One line of NDJSON on stdout."""
    result(json.dumps({"event": name, **values}))


class Terminal(Listener):
    """Notices as they come; a progress bar with rate and remaining time if stderr is a terminal."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def notice(self, text: str) -> None:
        if not self._quiet:
            notice(text)

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        from tqdm import tqdm

        hidden = self._quiet or not sys.stderr.isatty()
        self._bar = tqdm(desc=stage, total=total, unit=f" {unit}", initial=done, disable=hidden, dynamic_ncols=True)

    def advance(self, count: int) -> None:
        self._bar.update(count)

    def end(self) -> None:
        self._bar.close()
