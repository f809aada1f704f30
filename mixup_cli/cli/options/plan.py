"""`--plan FILE|-`: a plan that is carried out instead of one that is computed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixup_cli.cli.options.groups import MIXING, flag
from mixup_cli.cli.options.parse import NAME
from mixup_cli.errors import UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan.files.reading import PlanFile


def plan_flag() -> Any:
    """`--plan`, for any command."""
    return flag(
        MIXING,
        "Rows that mixup-gen plan wrote, perhaps edited: .csv, .parquet, or - for CSV from stdin.",
        NAME,
        metavar="FILE|-",
    )


def read_plan_option(name: str | None) -> PlanFile | None:
    """The plan that `--plan` names, if it is given."""
    from mixup_cli.plan.files.reading import read_csv, read_plan

    if name is None:
        return None
    if name != "-":
        return read_plan(Path(name))
    if sys.stdin is None:
        raise UsageError("stdin is closed.", "Pipe a plan in.", field="plan", value="-")
    return read_csv(sys.stdin.buffer, "stdin")
