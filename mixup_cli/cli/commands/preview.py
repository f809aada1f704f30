"""`mixup-gen preview`: a contact sheet of what would be mixed, or of what has been."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mixup_cli.cli.commands.generate import Sources
from mixup_cli.cli.options.again import open_origin
from mixup_cli.cli.options.groups import local_path, option, takes
from mixup_cli.cli.options.needs import check_asks_for_no_mixing
from mixup_cli.cli.options.outputs import Force, Output, read_files
from mixup_cli.cli.options.panels import OUTPUT, RUNNING, SOURCE, Quiet
from mixup_cli.cli.options.plan import PlanOption, read_plan_option
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import MixupGenError, NoInputError, OutputExistsError, UsageError
from mixup_cli.wording import counted

if TYPE_CHECKING:
    from mixup_cli.plan.files.reading import PlanFile
    from mixup_cli.sources import Source

MOST_ROWS = 100

Out = Annotated[  # not from MIXUP_GEN_OUT, which names the data set
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE.png", parser=local_path, rich_help_panel=OUTPUT, help="The picture to write."
    ),
]
Rows = Annotated[int, option("--rows", min=1, max=MOST_ROWS, panel=RUNNING, help="How many rows. Default: 8.")]
Start = Annotated[int, option("--start", min=0, panel=RUNNING, help="The first of them. Default: 0.")]
SourcePaths = Annotated[
    list[Path] | None,
    option(
        "--source",
        metavar="SOURCE",
        parser=local_path,
        panel=SOURCE,
        help="For a data set: where its source is now. Default: as it was.",
    ),
]


@takes(source=SourceFlags, recipe=RecipeFlags)
def preview(
    source: SourceFlags,
    recipe: RecipeFlags,
    context: typer.Context,
    sources: Sources = None,
    out: Out = None,
    rows: Rows = 8,
    start: Start = 0,
    source_paths: SourcePaths = None,
    plan: PlanOption = None,
    force: Force = False,
    quiet: Quiet = False,
) -> None:
    """Draw some rows with their parents, results, lam and labels: of a source as generate would mix it, without
    scanning it, or of a finished data set.
    """
    from mixup_cli.report.finished import preview_data_set
    from mixup_cli.report.preview import preview_source
    from mixup_cli.report.sheet import sheet
    from mixup_cli.runs.settings import Run
    from mixup_cli.storage.manifest import MANIFEST

    place = _place(out)
    output, locations, wanted = Output(place, force), sources or [], range(start, start + rows)
    read = read_files(source, [*locations, *(source_paths or [])], plan)
    if len(locations) == 1 and (locations[0] / MANIFEST).is_file():
        check_asks_for_no_mixing(context, locations[0])
        opened, notices = _source_of(locations[0], source, source_paths)
        output.check(opened, read, [*locations, *(source_paths or [])])
        made = preview_data_set(locations[0], opened, wanted)
    elif source_paths is not None:
        raise UsageError("--source: it goes with a finished data set. Name the source itself without it.")
    else:
        opened, notices = source.open(locations, Run.out), ()
        _check_not_among(opened, place)
        output.check(opened, read, [] if source.files_from else locations or [Path()])
        table = None if plan is None else read_plan_option(plan)
        made = preview_source(opened, recipe.recipe(table), _within(wanted, table), table)
    if not quiet:
        for notice in (*notices, *made.notices):
            show.notice(notice)
    with output.sealed() as file:
        file.write(sheet(made.lines))
    show.result(str(place))


def _place(out: Path | None) -> Path:
    """Where the picture goes. Raises an error where it cannot go there."""
    if out is None:
        raise UsageError("-o: it is not said where the picture goes. Pass, for example, -o grid.png.")
    if out.is_dir():
        raise OutputExistsError(
            f"{out}: is a folder, and -o names a picture. Pass, for example, -o {out / 'grid.png'}."
        )
    if out.suffix.lower() != ".png":
        raise UsageError(f"-o {out}: only .png can be drawn. Pass, for example, -o {out.with_suffix('.png')}.")
    if not out.parent.is_dir():
        raise NoInputError(f"{out.parent}: no such folder, and -o {out} is to go there. Make it, or use another -o.")
    return out


def _within(wanted: range, table: PlanFile | None) -> range:
    """The rows that are wanted, as far as a plan from a file has them."""
    if table is None:
        return wanted
    if wanted.start >= len(table):
        raise UsageError(f"--start: {wanted.start} is beyond the plan, which has {counted(len(table), 'row')}.")
    return range(wanted.start, min(wanted.stop, len(table)))


def _check_not_among(source: Source, place: Path) -> None:
    """Raises UsageError where the picture would replace an input, or be taken for one."""
    from mixup_cli.sources.pictures.source import PictureSource

    if not isinstance(source, PictureSource):
        return
    folders = {os.path.dirname(source.path(index)) for index in range(len(source))}
    if place.parent.resolve() in {Path(folder).resolve() for folder in folders}:
        raise UsageError(f"-o {place}: lies among the pictures of the source, and would be taken for one. Use another.")


def _source_of(folder: Path, flags: SourceFlags, paths: list[Path] | None) -> tuple[Source | None, tuple[str, ...]]:
    """The source that the command line names, or else the one that run.json does, if it is still there; and notices."""
    try:
        return open_origin(folder, flags, paths), ()
    except MixupGenError as problem:
        if paths is not None:
            raise
        return None, (f"results alone are shown: {problem}",)
