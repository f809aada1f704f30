"""Imports what a run needs later while the run reads its source: a second that two cores spend at once."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread


def preload() -> Thread:
    """Start importing. An import that fails here fails again, with its message, where the run uses it.

    The process waits for the thread at its end: a thread that ends within a library's C++ can crash the process.
    """
    thread = Thread(target=_prepare, name="preload")
    thread.start()
    return thread


def _prepare() -> None:
    with suppress(Exception):
        import mixup_cli.draws.incomplete_beta
        import mixup_cli.runs.generate  # noqa: F401
