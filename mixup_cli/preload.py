"""What a run needs later is imported while it reads the source: half a second that two cores spend at once."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Thread

MODULES = ("mixup_cli.kernels.cpu", "mixup_cli.search", "scipy.special")


def preload() -> Thread:
    """Start importing. What fails here fails again, and is told, where it is used. The process waits for the thread at
    its end: one that is cut off within a library's C++ can take the process down with it."""
    thread = Thread(target=_import_all, name="preload")
    thread.start()
    return thread


def _import_all() -> None:
    for name in MODULES:
        with suppress(Exception):
            import_module(name)
