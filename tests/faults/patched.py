"""mixup-gen with another grace: what to run in place of the program."""

from __future__ import annotations

import sys

PATCHED = """
import os, sys, time
from mixup_cli.cli import start
from mixup_cli.cli.terminal import signals
signals.GRACE_SECONDS = float(sys.argv.pop(1))
if sys.argv.pop(1) == "stuck":
    from mixup_cli.sources.pictures import source as pictures
    def decode(*_):
        os.write(2, b"decoding\\n")
        time.sleep(60)
    pictures.decode = decode
    end_soon = signals._end_soon
    def heard():
        os.write(2, b"heard\\n")
        end_soon()
    signals._end_soon = heard
start.main()
"""
"""mixup-gen with another grace; `stuck` means that decoding a picture takes a minute, as far as anybody sees, and that
it is told when the first signal was heard: of two that come before that, the system delivers one."""


def patched(grace_seconds: float, decoding: str = "plain") -> list[object]:
    """What to run in place of the program."""
    return [sys.executable, "-c", PATCHED, grace_seconds, decoding]


LONG = 60.0
"""A grace that no test waits for."""
