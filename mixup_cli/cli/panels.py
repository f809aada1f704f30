"""The headings under which --help lists options, and the options that most commands share."""

from __future__ import annotations

from typing import Annotated

from mixup_cli.cli.groups import option

SOURCE, MIXING, PAIRING, VIEWS, LABELS = "Source", "Mixing", "Pairing", "Before mixing", "Labels"
OUTPUT, RUNNING = "Output", "Running"

Quiet = Annotated[bool, option("--quiet", "-q", panel=RUNNING, help="No notices and no progress bar.")]
