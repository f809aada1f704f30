"""`mixup-gen plan`: the decisions, row by row, to be looked at, filtered or edited, and carried out."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mixup_cli.cli.commands.generate import Sources
from mixup_cli.cli.options.config import ConfigFile
from mixup_cli.cli.options.groups import local_path, option, takes
from mixup_cli.cli.options.outputs import Force, Output, read_files
from mixup_cli.cli.options.panels import OUTPUT, Quiet
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.run import AmountFlags, ScanFlags
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import NoInputError, OutputExistsError, UsageError
from mixup_cli.wording import counted, printable

if TYPE_CHECKING:
    from mixup_cli.runs.write_plan import WrittenPlan

Out = Annotated[
    Path,
    option(
        "--out",
        "-o",
        metavar="FILE|-",
        parser=local_path,
        panel=OUTPUT,
        help="A .csv or .parquet file. Default: -, CSV to stdout.",
    ),
]

STDOUT = Path("-")


@takes(source=SourceFlags, recipe=RecipeFlags, amount=AmountFlags, scan=ScanFlags)
def plan(
    source: SourceFlags,
    recipe: RecipeFlags,
    amount: AmountFlags,
    scan: ScanFlags,
    sources: Sources = None,
    out: Out = STDOUT,
    quiet: Quiet = False,
    force: Force = False,
    config: ConfigFile = None,
) -> None:
    """Write the plan: who meets whom, with which weights, one row per sample that generate would make.

    Columns are told in docs/format.md. `mixup-gen generate --plan FILE` carries it out, also after it was edited.
    """
    from mixup_cli.runs.settings import Run
    from mixup_cli.runs.write_plan import with_plan

    check_out(out)
    if out == STDOUT and scan.cache == "disk" and scan.cache_folder is None:
        raise UsageError("--cache disk: the plan goes to stdout, which is beside no folder. Name one: --cache-folder.")
    opened, output = source.open(sources or [], Run.out), Output(out, force)
    if out != STDOUT:
        locations = [] if source.files_from else sources or [Path()]
        output.check(opened, read_files(source, locations, config), locations)
    run = Run(out=out, shard_bytes=recipe.shard_bytes, **amount.given(), **scan.given())
    write = _print if out == STDOUT else partial(WRITERS[out.suffix.lower()], output)
    rows = with_plan(opened, recipe.recipe(), run, show.Terminal(quiet), write, scratch_beside(out))
    if out != STDOUT:
        show.result(str(out))
        if not quiet:
            show.notice(
                f"{counted(rows, 'row')}; to carry them out: mixup-gen generate --plan {out}, with the same SOURCE and "
                "the options that the plan does not decide (--size, views, options such as jigsaw:n=4 …)"
            )


def check_out(out: Path) -> None:
    """Refuse a place where no plan can be written, before the scan, which takes long."""
    if out == STDOUT:
        if sys.stdout is None:
            raise UsageError("-o -: stdout is closed. Name a file with -o.")
        return
    if out.suffix.lower() not in WRITERS:
        raise UsageError(f"-o {out}: a plan is .csv or .parquet. Name one of these, or - for stdout.")
    if out.is_dir():
        raise OutputExistsError(f"{out}: is a folder, and -o names a file. Use another -o.")
    if not out.absolute().parent.is_dir():
        raise NoInputError(f"{out.parent}: no such folder, and -o {out} is to go there. Make it, or use another -o.")
    if out.suffix.lower() == ".parquet":
        from mixup_cli.sources.tables.parquet import require_parquet

        require_parquet()


def scratch_beside(out: Path) -> Path | None:
    """Where a cache that does not fit in memory goes: beside the plan; with the system's temporary files for stdout."""
    return None if out == STDOUT else out.absolute().parent


def _print(written: WrittenPlan) -> None:
    """CSV on stdout, UTF-8 whatever the terminal's encoding. If the reader stops, the rest is not computed. On a
    terminal, what names could do to it is shown escaped; a pipe or a file gets the plan as it is."""
    from mixup_cli.plan.files.plan_file import csv_parts

    for data in csv_parts(written.tables, written.columns.all):
        if sys.stdout.isatty():
            data = "\n".join(map(printable, data.decode().split("\n"))).encode()
        if not show.piece(data):
            return


def _to_csv(output: Output, written: WrittenPlan) -> None:
    from mixup_cli.plan.files.plan_file import csv_parts

    with output.sealed() as file:
        for data in csv_parts(written.tables, written.columns.all):
            file.write(data)


def _to_parquet(output: Output, written: WrittenPlan) -> None:
    from mixup_cli.plan.files.writing import write_parquet

    with output.sealed() as file:
        write_parquet(written.tables, written.columns, file)


WRITERS = {".csv": _to_csv, ".parquet": _to_parquet}
