"""`--plan FILE|-`: a plan that is carried out instead of one that is computed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mixup_cli.cli.options.groups import local_name, option
from mixup_cli.cli.options.panels import MIXING
from mixup_cli.errors import UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan.files.reading import PlanFile

PlanOption = Annotated[
    str | None,
    option(
        "--plan",
        metavar="FILE|-",
        parser=local_name,
        panel=MIXING,
        help="Rows that mixup-gen plan wrote, or what was made of them: .csv, .parquet, or CSV from stdin.",
    ),
]


def read_plan_option(name: str) -> PlanFile:
    """The plan that `--plan` names."""
    from mixup_cli.plan.files.reading import read_csv, read_plan

    if name != "-":
        return read_plan(Path(name))
    if sys.stdin is None:
        raise UsageError("--plan -: stdin is closed. Pipe a plan in.")
    return read_csv(sys.stdin.buffer, "stdin")
