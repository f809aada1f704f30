"""What a run needs later is imported while it reads the source: a second that two cores spend at once."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Thread

MODULES = ("mixup_cli.runs.generate", "mixup_cli.kernels.cpu")


def preload() -> Thread:
    """Start importing. What fails here fails again, and is told, where it is used. The process waits for the thread at
    its end: one that is cut off within a library's C++ can take the process down with it."""
    thread = Thread(target=_prepare, name="preload")
    thread.start()
    return thread


def _prepare() -> None:
    for name in MODULES:
        with suppress(Exception):
            import_module(name)
    with suppress(Exception):
        from mixup_cli.draws.beta import levels
        from mixup_cli.draws.rng import Stream, words

        levels(words(0, Stream.ROW, 0, 1), 1.0, 1.0)  # numba sets itself up in the first call
