"""numba or NumPy: which of them computes on the CPU. Both give the same bits.

numba takes half a second to start, and then blends seven times as fast. So a run that makes little does without it, and
a process that has started it uses it for everything.
"""

from __future__ import annotations

import sys

WORTH_BYTES = 384 << 20
"""From so many bytes on numba saves more time than its start takes (two cores: NumPy blends some 800 MB/s)."""

WIDE_BYTES = 1 << 20
"""Rows from this size on go to numba whatever their number: NumPy takes some twenty times their size in each thread."""

MANY_DRAWS = 1 << 20
"""So many draws in one call are worth numba, too."""


def has_numba() -> bool:
    """Whether this process has started numba, or is starting it in another thread."""
    return "mixup_cli.compiled" in sys.modules


def wants_numba(rows: int, row_bytes: int) -> bool:
    """Whether so many rows are worth the start of numba."""
    return rows * row_bytes >= WORTH_BYTES or row_bytes >= WIDE_BYTES


def settle(rows: int, row_bytes: int) -> None:
    """Start numba if so many rows are worth it. Without this call, NumPy computes."""
    if wants_numba(rows, row_bytes):
        import mixup_cli.compiled  # noqa: F401


def draws_compiled(count: int) -> bool:
    """Whether numba makes so many draws of one call."""
    return has_numba() or count >= MANY_DRAWS
