"""What the user sees while a command works: notices and progress on stderr, results on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from mixup_cli.errors import StorageError
from mixup_cli.listener import Listener
from mixup_cli.wording import encodable, one_line


def _print(text: str, stream: TextIO | None) -> None:
    """One line, at once. Raises OSError where it cannot be written."""
    if stream is None:  # it was closed before the start, and print would take stdout instead
        return
    try:
        print(text, file=stream, flush=True)
    except OSError:
        let_go(stream)
        raise


def let_go(stream: TextIO) -> None:
    """Discard what is still buffered: else Python would complain at its end that it cannot write it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def notice(text: str) -> None:
    """One line on stderr, with control characters in it escaped. If stderr cannot be written, it is lost."""
    with suppress(OSError):
        _print(f"mixup-gen: {one_line(text)}", sys.stderr)


def result(text: str) -> None:
    """One line on stdout, in UTF-8. If its reader has stopped (`| head`), the command still runs to its end.

    Raises StorageError if stdout cannot be written.
    """
    with _stdout_errors(), suppress(BrokenPipeError):
        _print(encodable(text), sys.stdout)


def piece(data: bytes) -> bool:
    """Bytes on stdout, of which more follow. False if the reader has stopped. Raises StorageError as `result` does."""
    with _stdout_errors():
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except OSError as problem:
            let_go(sys.stdout)
            if isinstance(problem, BrokenPipeError):
                return False
            raise
    return True


@contextmanager
def _stdout_errors() -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        raise StorageError(f"stdout: {problem.strerror}. Send it elsewhere, and run the same command again.") from None


def table(lines: Iterable[tuple[str, str]], width: int = 14) -> None:
    """Names and values on stdout, one pair a line; a pair without a name continues the one before."""
    for name, value in lines:
        result(f"{name:<{width}}{one_line(value)}")


def event(name: str, **values: Any) -> None:
    """One line of NDJSON on stdout."""
    result(json.dumps(_encodable({"event": name, **values})))


def _encodable(value: Any) -> Any:
    """Plain data with texts that every JSON reader takes."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {key: _encodable(each) for key, each in value.items()}
    return [*map(_encodable, value)] if isinstance(value, list | tuple) else value


class Terminal(Listener):
    """Notices as they come; a progress bar with rate and remaining time if stderr is a terminal."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None

    def notice(self, text: str) -> None:
        if not self._quiet:
            notice(text)

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        if self._quiet or sys.stderr is None or not sys.stderr.isatty():
            return
        from tqdm import tqdm

        self._bar = tqdm(desc=stage, total=total, unit=f" {unit}", initial=done, dynamic_ncols=True)

    def advance(self, count: int) -> None:
        if self._bar is not None:
            self._bar.update(count)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.close()
