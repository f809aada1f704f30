"""mixup-gen with an fsync that does nothing: what making files durable costs. For measuring only."""

from __future__ import annotations

import os
import sys


def _nothing(descriptor: int) -> None:
    """Takes the place of os.fsync and os.fdatasync."""


os.fsync = os.fdatasync = _nothing  # type: ignore[assignment]  # before mixup_cli looks them up

if __name__ == "__main__":
    from mixup_cli.cli.app import main

    sys.argv[0] = "mixup-gen"
    main()
