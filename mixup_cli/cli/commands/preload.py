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
        import mixup_cli.kernels.cpu
        import mixup_cli.runs.generate  # noqa: F401
    with suppress(Exception):
        from mixup_cli.draws.beta import levels
        from mixup_cli.draws.rng import Stream, words

        levels(words(0, Stream.ROW, 0, 1), 1.0, 1.0)  # the first call sets numba up
