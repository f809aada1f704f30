"""mixup-gen that decodes its first picture for ever, as far as anybody sees: `python stuck.py COMMAND…`.

It says `decoding` on stderr when it begins to, and `heard` when the first signal was: of two that come before that, the
system delivers one.
"""

from __future__ import annotations

import os
import sys
import time
from typing import NoReturn

from mixup_cli.cli.terminal import signals
from tests.faults.fault import run

FOREVER = 1e6


def stick() -> None:
    from mixup_cli.sources.pictures import encoded

    def decode(*_: object) -> NoReturn:
        os.write(2, b"decoding\n")
        time.sleep(FOREVER)
        raise AssertionError

    end_soon = signals._end_soon

    def heard() -> None:
        os.write(2, b"heard\n")
        end_soon()

    vars(encoded)["decode"], vars(signals)["_end_soon"] = decode, heard


if __name__ == "__main__":
    stick()
    run(sys.argv[1:])
