"""`mixup-gen preview`: a contact sheet of what generate would make, or of a finished data set."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.choices import reads_texts
from mixup_cli.cli.options.again import open_origin, perhaps_opener, source_flag
from mixup_cli.cli.options.groups import OUTPUT, RUNNING, SOURCE, flag
from mixup_cli.cli.options.needs import check_asks_for_no_mixing
from mixup_cli.cli.options.outputs import Output, check_file, force_switch, read_files
from mixup_cli.cli.options.parse import PATH, whole
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.run import plan_flag, quiet_switch, read_plan_option
from mixup_cli.cli.options.source import PlaceFlags, SourceFlags, local
from mixup_cli.cli.terminal import pictures, show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted

if TYPE_CHECKING:
    from mixup_cli.plan.files.reading import PlanFile
    from mixup_cli.report.lines import Preview
    from mixup_cli.sources import Source

MOST_ROWS = 100
EXAMPLE = "Pass, for example, -o grid.png."


@dataclass(frozen=True)
class SheetFlags:
    """What to draw, and where."""

    out: Path | None = flag(  # not from MIXUP_GEN_OUT, which names the data set
        OUTPUT,
        "The image to write.",
        PATH,
        otherwise="a terminal that shows it",
        metavar="FILE.png",
        envvar=None,
        everyday=True,
    )
    rows: int = flag(RUNNING, "How many rows to draw.", whole(1, MOST_ROWS), default=8, everyday=True)
    start: int = flag(RUNNING, "The first row to draw.", whole(), default=0, everyday=True)
    source_paths: tuple[Path | str, ...] = source_flag(SOURCE, "For a finished data set: where its source is now.")
    plan: str | None = plan_flag()
    force: bool = force_switch()
    quiet: bool = quiet_switch()

    @property
    def wanted(self) -> range:
        """The rows to draw."""
        return range(self.start, self.start + self.rows)

    def show_notices(self, notices: Iterable[str]) -> None:
        """Unless --quiet asks for none."""
        for notice in () if self.quiet else notices:
            show.notice(notice)


def preview(places: PlaceFlags, source: SourceFlags, recipe: RecipeFlags, sheet: SheetFlags) -> None:
    """Draw rows of a source or a data set.

    Each row shows its parents, the result, lam and the label: of a source as generate would mix it, or of a finished
    data set. Texts are printed.
    """
    if places.finished is not None:
        check_asks_for_no_mixing(places.finished)
        has_texts = _holds_texts(places.finished)
    else:
        has_texts = reads_texts(source.task, source.tokenizer)
    (_print_texts if has_texts else _draw)(places, source, recipe, sheet)


def _draw(places: PlaceFlags, source: SourceFlags, recipe: RecipeFlags, sheet: SheetFlags) -> None:
    from mixup_cli.report.preview import preview_source
    from mixup_cli.report.sheet import sheet as drawn
    from mixup_cli.runs.settings import Run

    draw = pictures.drawing(os.environ) if sheet.out is None else None
    output = Output(_place(sheet.out), sheet.force) if draw is None else None
    if (finished := places.finished) is not None:
        made = _of_data_set(finished, source, sheet, output)
    elif sheet.source_paths:
        found = "it goes with a finished data set."
        raise UsageError(found, "Name the source as an argument.", field="source_paths")
    else:
        opened = source.open(places.sources, Run.out)
        if output is not None:
            _check_not_among(opened, output.path)
            read = read_files(source, places.sources, sheet.plan)
            output.check(opened, read, source.folders(places.sources))
        table = read_plan_option(sheet.plan)
        made = preview_source(opened, recipe.recipe(table), _within(sheet.wanted, table), table)
    sheet.show_notices(made.notices)
    if output is not None:
        with output.sealed() as file:
            file.write(drawn(made.lines))
        show.result(str(output.path))
    elif draw is not None:
        show.piece(draw(drawn(made.lines)))


def _print_texts(places: PlaceFlags, source: SourceFlags, recipe: RecipeFlags, sheet: SheetFlags) -> None:
    for field in ("out", "plan"):
        if (given := getattr(sheet, field)) is not None:
            raise UsageError("texts are printed. Leave it out.", field=field, value=given)
    from mixup_cli.readers.numpy import MixedArrays
    from mixup_cli.report.texts import preview_text_set, preview_texts
    from mixup_cli.runs.settings import Run

    if (finished := places.finished) is None:
        made = preview_texts(source.open(places.sources, Run.out), recipe.recipe(None), sheet.wanted)
    else:
        opened = partial(open_origin, finished, source, sheet.source_paths)
        made = preview_text_set(finished, MixedArrays(finished), opened, sheet.wanted)
    sheet.show_notices(made.notices)
    for line in made.lines:
        show.result(line)


def _holds_texts(folder: Path) -> bool:
    from mixup_cli.fields.signal import INPUT_IDS
    from mixup_cli.storage.manifest import read_manifest

    return read_manifest(folder).signals[0].name == INPUT_IDS


def _place(out: Path | None) -> Path:
    """Where the sheet goes. Raises an error where it cannot go there."""
    if out is None:
        raise UsageError("names the image to write, and is missing.", EXAMPLE, field="out")
    check_file(out, (".png",), EXAMPLE)
    return out


def _within(wanted: range, table: PlanFile | None) -> range:
    """The rows that are wanted, as far as a plan from a file has them."""
    if table is None:
        return wanted
    if wanted.start >= len(table):
        found = f"{wanted.start} is beyond the plan, which has {counted(len(table), 'row')}."
        raise UsageError(found, "Pass a smaller one.", field="start")
    return range(wanted.start, min(wanted.stop, len(table)))


def _check_not_among(source: Source, place: Path) -> None:
    """Raises UsageError where a later run would take the sheet for an image of the source."""
    from mixup_cli.sources.pictures.source import PictureSource

    if not isinstance(source, PictureSource):
        return
    folders = {os.path.dirname(source.path(index)) for index in range(len(source))}
    if place.parent.resolve() in {Path(folder).resolve() for folder in folders}:
        found = "lies among the images of the source, and generate would read it, too."
        raise UsageError(found, "Use another folder.", field="out", value=place)


def _of_data_set(folder: Path, flags: SourceFlags, sheet: SheetFlags, output: Output | None) -> Preview:
    """Rows of a finished data set, with the parents from the source that the command line names, or else from the one
    that run.json names, if it still exists."""
    from mixup_cli.report.finished import preview_data_set

    named, notices = (folder, *sheet.source_paths), list[str]()
    read = read_files(flags, named, sheet.plan)

    def check(source: Source | None) -> None:
        if output is not None:
            output.check(source, read, local(named))

    check(None)
    opened = perhaps_opener(folder, flags, sheet.source_paths, check, notices)
    made = preview_data_set(folder, opened, sheet.wanted)
    return replace(made, notices=(*notices, *made.notices))
