"""The headings under which --help lists options, and the options that most commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixup_cli.cli.options.groups import local_path, option

MOST_WORKERS = 4096

SOURCE, MIXING, PAIRING, VIEWS, LABELS = "Source", "Mixing", "Pairing", "Before mixing", "Labels"
OUTPUT, RUNNING = "Output", "Running"

Quiet = Annotated[bool, option("--quiet", "-q", panel=RUNNING, help="No notices and no progress bar.")]
Finished = Annotated[
    Path,
    typer.Argument(metavar="[OUT]", parser=local_path, help="The data set. Default: mixup-out.", show_default=False),
]
Workers = Annotated[
    int | None, option("--workers", min=1, max=MOST_WORKERS, panel=RUNNING, help="Threads. Default: the cores.")
]
