"""`mixup-gen plan`: the decisions, row by row, to inspect, filter or edit, and then carry out."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.cli.options.config import ConfigFlags
from mixup_cli.cli.options.groups import OUTPUT, flag
from mixup_cli.cli.options.outputs import Output, check_file, force_switch, read_files
from mixup_cli.cli.options.parse import PATH
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.run import AmountFlags, ScanFlags, quiet_switch
from mixup_cli.cli.options.source import PlaceFlags, SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, printable, setting

if TYPE_CHECKING:
    from mixup_cli.runs.write_plan import WrittenPlan

STDOUT = Path("-")


@dataclass(frozen=True)
class OutFlags:
    """Where the plan goes."""

    out: Path = flag(
        OUTPUT,
        "A .csv or .parquet file, or - for CSV to stdout.",
        PATH,
        metavar="FILE|-",
        default=STDOUT,
        everyday=True,
    )
    force: bool = force_switch()
    quiet: bool = quiet_switch()


def plan(
    places: PlaceFlags,
    source: SourceFlags,
    recipe: RecipeFlags,
    amount: AmountFlags,
    scan: ScanFlags,
    to: OutFlags,
    file: ConfigFlags,
) -> None:
    """Write which samples are mixed, and how.

    The plan has one row for each sample that generate would make, with its parents and weights; docs/format.md
    describes the columns. Edit it if you like: `mixup-gen generate --plan FILE` carries it out.
    """
    from mixup_cli.runs.settings import Run
    from mixup_cli.runs.write_plan import with_plan

    out = to.out
    check_out(out)
    if out == STDOUT and scan.cache == "disk" and scan.cache_folder is None:
        remedy = f"Name a folder with {setting('cache_folder')}."
        raise UsageError("the plan goes to stdout, which has no folder.", remedy, field="cache", value="disk")
    run = Run(out=out, shard_bytes=recipe.shard_size, **amount.given(), **scan.given())
    opened = source.open(places.sources, Run.out, on_error=run.tolerance.on_error)
    output = Output(out, to.force)
    if out != STDOUT:
        locations = source.folders(places.sources)
        output.check(opened, read_files(source, locations, file.config), locations)
    write = _print if out == STDOUT else partial(WRITERS[out.suffix.lower()], output)
    rows = with_plan(opened, recipe.recipe(), run, show.Terminal(to.quiet), write, scratch_beside(out))
    if out != STDOUT:
        show.result(str(out))
        if not to.quiet:
            show.notice(
                f"{counted(rows, 'row')}; to carry them out: mixup-gen generate --plan {out}, with the same SOURCE and "
                "the options that the plan does not decide (--size, views, options such as jigsaw:n=4 …)"
            )


def check_out(out: Path) -> None:
    """Refuse a place where no plan can be written, before the scan, which takes long."""
    if out == STDOUT:
        if sys.stdout is None:
            raise UsageError("stdout is closed.", f"Name a file with {setting('out')}.", field="out", value="-")
        return
    check_file(out, (".csv", ".parquet"), "Pass a .csv or .parquet file, or - for stdout.")
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
