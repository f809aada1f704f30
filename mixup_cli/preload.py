"""What a run needs later is imported while it reads the source: half a second that two cores spend at once."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from threading import Thread

MODULES = ("mixup_cli.kernels.cpu", "mixup_cli.search", "scipy.special")


def preload() -> Thread:
    """Start importing. The thread dies with the process; what fails here fails again, and is told, where it is used."""
    thread = Thread(target=_import_all, name="preload", daemon=True)
    thread.start()
    return thread


def _import_all() -> None:
    for name in MODULES:
        with suppress(Exception):
            import_module(name)
