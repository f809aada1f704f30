"""The entry point of `mixup-gen`: listens to signals before anything that takes time is imported."""

from __future__ import annotations

import gc
import os
import sys

from mixup_cli.cli.terminal import signals

UTF8_MODE = "PYTHONUTF8"

GC_THRESHOLD = 100_000
"""Imports and a scan make hundreds of thousands of small objects and hardly a cycle among them; looking for some took
7 % of a run."""


def main() -> None:
    """Run the command line. Ends the process."""
    _take_names_as_utf8()
    _settle_libraries()
    gc.set_threshold(GC_THRESHOLD)
    signals.listen()
    try:
        from mixup_cli.cli import app
    except BaseException:  # Python turns what is raised in some places into another error
        if signals.is_asked():
            signals.end()
        raise
    app.main()


def _settle_libraries() -> None:
    """Before they are imported, here and in worker processes."""
    # Our compiled functions cannot run as plain Python, and the engines start the threads, not numba.
    for variable in ("NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS"):
        os.environ.pop(variable, None)
    # pydantic would look for plugins in the metadata of every package that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Nothing here multiplies matrices. Where OpenBLAS gets no memory for a thread, it sends its own process SIGINT.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def _take_names_as_utf8() -> None:
    """Start over in Python's UTF-8 mode where a locale has names of files in another encoding.

    Keys must not depend on the locale, and names in our files, which are UTF-8, must find their files. The terminal
    keeps its encoding.
    """
    if sys.getfilesystemencoding() == "utf-8" or os.environ.get(UTF8_MODE) == "1" or not sys.executable:
        return
    os.environ[UTF8_MODE] = "1"
    if sys.stdout is not None:
        os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # ourselves
