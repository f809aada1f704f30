"""The end of a forked process: what Python does at its end, but for taking apart all that the server has imported. That
takes longer than a short command; the installed program, which tests run too, still does it.

Imported before all else: of the functions that are to run at the end, the first registered runs last.
"""

from __future__ import annotations

import atexit
import os
import sys

_codes: list[int] = []


def leave(end: SystemExit) -> None:
    """End the process, as raising this would."""
    if end.code is None or isinstance(end.code, int):
        _codes.append(end.code or 0)
    raise end


@atexit.register
def _leave_now() -> None:
    if not _codes:
        return
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # Python reports that, and changes the code
        return
    os._exit(_codes[0])
