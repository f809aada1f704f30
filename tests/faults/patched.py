"""mixup-gen with another grace: what to run in place of the program."""

from __future__ import annotations

import sys

PATCHED = """
import sys, time
from mixup_cli.cli import start, stopping
stopping.GRACE_SECONDS = float(sys.argv.pop(1))
if sys.argv.pop(1) == "stuck":
    from mixup_cli.sources import pictures
    def decode(*_):
        print("decoding", file=sys.stderr, flush=True)
        time.sleep(60)
    pictures.decode = decode
start.main()
"""
"""mixup-gen with another grace; `stuck` means that decoding a picture takes a minute, as far as anybody sees."""


def patched(grace_seconds: float, decoding: str = "plain") -> list[object]:
    """What to run in place of the program."""
    return [sys.executable, "-c", PATCHED, grace_seconds, decoding]


LONG = 60.0
"""A grace that no test waits for."""
