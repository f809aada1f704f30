"""`--plan FILE|-`: a plan that is carried out instead of one that is computed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mixup_cli.cli.groups import option
from mixup_cli.cli.panels import MIXING
from mixup_cli.cli.recipe_flags import RecipeFlags
from mixup_cli.cli.run_flags import AmountFlags
from mixup_cli.errors import UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan_files.reading import PlanFile

PlanOption = Annotated[
    str | None,
    option(
        "--plan",
        metavar="FILE|-",
        panel=MIXING,
        help="Rows that mixup-gen plan wrote, or what was made of them: .csv, .parquet, or CSV from stdin.",
    ),
]

DECIDED = ("keep_originals", "seed", "pair", "bandwidth", "balance", "per_class")
"""What a plan has decided already."""


def read_plan_option(name: str) -> PlanFile:
    """The plan that `--plan` names."""
    from mixup_cli.plan_files.reading import read_csv, read_plan

    if name != "-":
        return read_plan(Path(name))
    if sys.stdin is None:
        raise UsageError("--plan -: stdin is closed. Pipe a plan in.")
    return read_csv(sys.stdin.buffer, "stdin")


def check_undecided(recipe: RecipeFlags, amount: AmountFlags) -> None:
    """Refuse options that a plan has decided already."""
    given = [*amount.given(), *(name for name in DECIDED if getattr(recipe, name) is not None)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} and --plan: the plan has decided that. Give one or the other."
        )
