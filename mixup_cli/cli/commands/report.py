"""`mixup-gen report`: a page about a finished data set, or about what generate would make of a source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.cli.options.again import perhaps_opener, source_flag
from mixup_cli.cli.options.groups import OUTPUT, RUNNING, SOURCE, flag, switch
from mixup_cli.cli.options.needs import check_asks_for_no_mixing
from mixup_cli.cli.options.outputs import Output, check_file, force_switch, read_files
from mixup_cli.cli.options.parse import PATH
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.run import plan_flag, quiet_switch, read_plan_option
from mixup_cli.cli.options.source import PlaceFlags, SourceFlags, local
from mixup_cli.cli.terminal import show
from mixup_cli.errors import DataError, UsageError
from mixup_cli.wording import counted

if TYPE_CHECKING:
    from mixup_cli.report.page.content import Content
    from mixup_cli.report.page.render import Words
    from mixup_cli.sources import Source

EXAMPLE = "Pass, for example, -o report.html."


@dataclass(frozen=True)
class PageFlags:
    """Where the page goes, and what to check."""

    out: Path | None = flag(  # not from MIXUP_GEN_OUT, which names the data set
        OUTPUT, "The page to write.", PATH, metavar="FILE.html", envvar=None, everyday=True
    )
    verify: bool = switch(RUNNING, "Verify a finished data set first.", everyday=True)
    source_paths: tuple[Path | str, ...] = source_flag(SOURCE, "For a finished data set: where its source is now.")
    plan: str | None = plan_flag()
    force: bool = force_switch()
    quiet: bool = quiet_switch()


def report(places: PlaceFlags, source: SourceFlags, recipe: RecipeFlags, page: PageFlags) -> None:
    """Write a page about a source or a data set.

    One HTML file, which needs no network: rows with their parents, lam beside its law, classes before and after, the
    recipe, and how to read it. Of a source it shows what generate would make.
    """
    from mixup_cli.report.page.render import page as rendered

    if page.out is None:
        raise UsageError("names the page to write, and is missing.", EXAMPLE, field="out")
    check_file(page.out, (".html",), EXAMPLE)
    output = Output(page.out, page.force)
    if (finished := places.finished) is not None:
        check_asks_for_no_mixing(finished)
        content, words = _of_data_set(finished, str(places.sources[0]), source, page, output)
    else:
        content, words = _of_source(places, source, recipe, page, output)
    for notice in () if page.quiet else content.notices:
        show.notice(notice)
    with output.sealed() as file:
        file.write(rendered(content, words))
    show.result(str(page.out))


def _of_data_set(
    folder: Path, place: str, flags: SourceFlags, page: PageFlags, output: Output
) -> tuple[Content, Words]:
    from mixup_cli.cli.options.command_text import commands_of
    from mixup_cli.report.page.of_data_set import content_of_data_set
    from mixup_cli.report.page.render import Words
    from mixup_cli.storage.mirror import mirrored

    named, notices = (folder, *page.source_paths), list[str]()
    read = read_files(flags, named, page.plan)
    output.check(None, read, local(named))
    checked = "sizes of all shards; not their hashes"
    if page.verify:
        checked = _verified(folder)
    elif mirrored(folder) is not None:
        checked = "hashes of all shards"  # which were compared when they were fetched

    def check(source: Source) -> None:
        output.check(source, read, local(named))

    content = content_of_data_set(folder, perhaps_opener(folder, flags, page.source_paths, check, notices))
    content = replace(content, notices=(*notices, *content.notices))
    return content, Words(folder.name, place, *commands_of(folder, place), checked)


def _verified(folder: Path) -> str:
    """What verify says of an intact data set. Raises DataError for another."""
    from mixup_cli.checks.verify import verify
    from mixup_cli.engines.local import available_cores

    if findings := verify(folder, available_cores()):
        found = f"{folder}: {counted(len(findings), 'finding')}, the first is {findings[0]}"
        raise DataError(f"{found.removesuffix('.')}.", f"Run mixup-gen verify {folder}.")
    return "intact: all hashes and values verified"


def _of_source(
    places: PlaceFlags, flags: SourceFlags, recipe: RecipeFlags, page: PageFlags, output: Output
) -> tuple[Content, Words]:
    from mixup_cli.cli.options.command_text import generate
    from mixup_cli.report.page.of_source import content_of_source
    from mixup_cli.report.page.render import Words
    from mixup_cli.runs.settings import Run

    for name in ("source_paths", "verify"):
        if getattr(page, name):
            raise UsageError("it goes with a finished data set.", "Leave it out.", field=name)
    locations, out = places.sources, str(Run.out)
    opened = flags.open(locations, Run.out)
    read = read_files(flags, locations, page.plan)
    output.check(opened, read, flags.folders(locations))
    table = read_plan_option(page.plan)
    wanted = recipe.recipe(table)
    named = [*map(str, locations)] or ["."] * (flags.files_from is None)
    options = {**flags.given(), **({} if page.plan is None else {"plan": page.plan})}
    command = generate(named, options, wanted, out)
    content = content_of_source(opened, wanted, table)
    return content, Words(opened.location, out, [command], [], "nothing: it does not exist yet")
