"""`mixup-gen plan`: the decisions, row by row, to be looked at, filtered or edited, and carried out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixup_cli.cli import show
from mixup_cli.cli.config import ConfigFile
from mixup_cli.cli.generate import Sources
from mixup_cli.cli.groups import option, takes, weaker, without
from mixup_cli.cli.panels import OUTPUT, Quiet
from mixup_cli.cli.recipe_flags import RecipeFlags
from mixup_cli.cli.run_flags import AmountFlags, ScanFlags
from mixup_cli.cli.source_flags import SourceFlags
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted

if TYPE_CHECKING:
    from mixup_cli.write_plan import WrittenPlan

Out = Annotated[
    Path,
    option("--out", "-o", metavar="FILE|-", panel=OUTPUT, help="A .csv or .parquet file. Default: -, CSV to stdout."),
]

STDOUT = Path("-")


@takes(source=SourceFlags, recipe=RecipeFlags, amount=AmountFlags, scan=ScanFlags)
def plan(
    source: SourceFlags,
    recipe: RecipeFlags,
    amount: AmountFlags,
    scan: ScanFlags,
    context: typer.Context,
    sources: Sources = None,
    out: Out = STDOUT,
    quiet: Quiet = False,
    config: ConfigFile = None,
) -> None:
    """Write the plan: who meets whom, with which weights, one row per sample that generate would make.

    Columns are told in docs/format.md. `mixup-gen generate --plan FILE` carries it out, also after it was edited.
    """
    from mixup_cli.generate import Run
    from mixup_cli.write_plan import with_plan

    if out != STDOUT and out.suffix not in WRITERS:
        raise UsageError(f"-o {out}: a plan is .csv or .parquet. Name one of these, or - for stdout.")
    amount = without(amount, weaker(context, "samples", "passes"))
    opened = source.open(sources or [], Run.out)
    run = Run(out=out, **amount.given(), **scan.given())
    write = _print if out == STDOUT else WRITERS[out.suffix](out)
    rows = with_plan(opened, recipe.recipe(), run, show.Terminal(quiet), write)
    if out != STDOUT:
        show.result(str(out))
        if not quiet:
            show.notice(f"{counted(rows, 'row')}; carry them out with: mixup-gen generate --plan {out}")


def _print(written: WrittenPlan) -> None:
    """CSV on stdout. If nobody reads on, the rest goes nowhere."""
    for text in _texts(written):
        show.result(text)


def _texts(written: WrittenPlan) -> Any:
    from mixup_cli.plan_files.writing import write_csv

    for number, table in enumerate(written.tables):
        text = io.StringIO()
        write_csv([table], written.columns.all, text, header=number == 0)
        yield text.getvalue().rstrip("\n")


def _csv_file(out: Path) -> Any:
    def write(written: WrittenPlan) -> None:
        from mixup_cli.storage.seal import Sealing

        with Sealing(out, out.absolute().parent) as file:
            for text in _texts(written):
                file.write(f"{text}\n".encode())

    return write


def _parquet_file(out: Path) -> Any:
    from mixup_cli.plan_files.writing import require_parquet, write_parquet

    require_parquet()  # before the scan, which takes longer

    def write(written: WrittenPlan) -> None:
        from mixup_cli.storage.seal import Sealing

        with Sealing(out, out.absolute().parent) as file:
            write_parquet(written.tables, written.columns, file)

    return write


WRITERS = {".csv": _csv_file, ".parquet": _parquet_file}
