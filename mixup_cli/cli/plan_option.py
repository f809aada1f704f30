"""`--plan FILE|-`: a plan that is carried out instead of one that is computed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mixup_cli.cli.groups import PRECEDENCE, option, without
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

DECIDED = ("keep_originals", "seed", "pair", "bandwidth", "balance", "per_class", "window")
"""What a plan has decided already."""


def read_plan_option(name: str) -> PlanFile:
    """The plan that `--plan` names."""
    from mixup_cli.plan_files.reading import read_csv, read_plan

    if name != "-":
        return read_plan(Path(name))
    if sys.stdin is None:
        raise UsageError("--plan -: stdin is closed. Pipe a plan in.")
    return read_csv(sys.stdin.buffer, "stdin")


def undecided(context: typer.Context, recipe: RecipeFlags, amount: AmountFlags) -> tuple[RecipeFlags, AmountFlags]:
    """The options but for what a plan has decided already.

    A configuration that was meant for `mixup-gen plan`, too, is overruled by `--plan` on the command line; raises
    UsageError where both come from the same place, or the option from a stronger one.
    """
    given = [*amount.given(), *(name for name in DECIDED if getattr(recipe, name) is not None)]
    overruled = {name for name in given if _rank(context, name) > _rank(context, "plan")}
    for name in given:
        if name not in overruled:
            raise UsageError(
                f"--{name.replace('_', '-')} and --plan: the plan has decided that. Give one or the other."
            )
    return without(recipe, overruled), without(amount, overruled)


def _rank(context: typer.Context, name: str) -> int:
    """How weak the place is that an option comes from."""
    origin = context.get_parameter_source(name)
    return PRECEDENCE.index(origin.name) if origin is not None and origin.name in PRECEDENCE else len(PRECEDENCE)
