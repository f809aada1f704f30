"""The one place that reads what Python and the system's loader say where memory is short.

They raise general types, and only the words differ. tests/cli/test_shortages.py checks them against what is installed.
"""

from __future__ import annotations


def loads_no_library(problem: BaseException) -> bool:
    """Whether the loader failed to find or map a shared library, as glibc and musl say it."""
    return isinstance(problem, ImportError | OSError) and "shared object" in str(problem)


def starts_no_thread(problem: BaseException) -> bool:
    """Whether Python failed to start a thread: each takes memory for its stack."""
    return isinstance(problem, RuntimeError) and str(problem) == "can't start new thread"
