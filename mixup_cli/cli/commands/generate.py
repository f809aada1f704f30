"""`mixup-gen generate`: mix a source into a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mixup_cli.cli.commands.classes import class_facts, class_lines
from mixup_cli.cli.options.config import ConfigFlags, printed
from mixup_cli.cli.options.groups import OUTPUT, RUNNING, flag, switch
from mixup_cli.cli.options.outputs import check_apart, check_kept, check_not_read, read_files
from mixup_cli.cli.options.parse import FOLDER_OR_STORE
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.run import AmountFlags, RunFlags, ScanFlags, plan_flag, quiet_switch, read_plan_option
from mixup_cli.cli.options.source import PlaceFlags, SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, readable

if TYPE_CHECKING:
    from mixup_cli.recipe import Recipe
    from mixup_cli.runs.generate import Outcome
    from mixup_cli.runs.settings import Run
    from mixup_cli.sources.reading.base import Source
    from mixup_cli.storage.parts import Part
    from mixup_cli.storage.stores import Store

SHOWN_PARTS = 8
"""Parts that are still to be run are named up to this number."""


@dataclass(frozen=True)
class MoreFlags:
    """What to carry out, where to, and what to report."""

    plan: str | None = plan_flag()
    out: Path | Store = flag(
        OUTPUT,
        "Where the data set goes: a folder, or a URL (s3://, gs://, az://, file://).",
        FOLDER_OR_STORE,
        everyday=True,
        default=Path("mixup-out"),
    )
    dry_run: bool = switch(RUNNING, "Report what would be written, without writing.", everyday=True)
    json: bool = switch(RUNNING, "Print results as NDJSON.")
    quiet: bool = quiet_switch()
    print_config: bool = switch(RUNNING, "Print all options in TOML, as --config reads them, with the recipe resolved.")


def generate(
    places: PlaceFlags,
    source: SourceFlags,
    recipe: RecipeFlags,
    amount: AmountFlags,
    scan: ScanFlags,
    run: RunFlags,
    more: MoreFlags,
    file: ConfigFlags,
) -> None:
    """Mix a source into a data set of HDF5 shards with soft labels.

    The same command continues an interrupted run, and with more --passes it extends a finished data set. With --part
    1/2 and --part 2/2 two runs, at once or one after the other, make one data set; the last to finish completes it.
    """
    from mixup_cli.cli.commands.preload import preload
    from mixup_cli.runs.settings import Run
    from mixup_cli.storage.mirror import mirrors
    from mixup_cli.storage.stores import local_path

    if more.plan == source.files_from == "-":
        raise UsageError("both are -, and stdin can be read once.", "Use a file.", field=("plan", "files_from"))
    rows = read_plan_option(more.plan)
    wanted, origin = recipe.recipe(rows), source.origin(places.sources)
    settings = {**amount.given(), **scan.given(), **run.given()}
    out, store = (more.out, None) if isinstance(more.out, Path) else (mirrors() / "none", more.out)
    how = Run(out=out, store=store, origin=origin, plan=rows, shard_bytes=recipe.shard_size, **settings)
    if how.part.taken_from and not more.quiet:
        show.notice(f"this is part {how.part}, from {how.part.taken_from}")
    read = read_files(source, places.sources, more.plan, file.config)
    here = out if store is None else Path(local_path(store.url) or out)
    check_kept(here, read, source.folders(places.sources))
    if store is not None:
        check_apart(store, (place for place in places.sources if isinstance(place, str)))
    preload()
    opened = source.open(places.sources, here, on_error=how.tolerance.on_error)
    if how.heldout is not None:
        check_not_read(how.heldout, chain(read, opened.files()), field="heldout")
    if more.print_config:
        from mixup_cli.runs.forecast import forecast

        show.result(printed(forecast(opened, wanted, how).job.recipe, click.get_current_context()).rstrip())
    elif more.dry_run:
        _foretell(opened, wanted, how, more)
    else:
        from mixup_cli.runs.generate import generate as make

        _report(make(opened, wanted, how, show.Terminal(more.quiet)), more)


def _report(outcome: Outcome, more: MoreFlags) -> None:
    """The manifest's path on stdout, a sentence on stderr. The last part writes the manifest."""
    if more.json:
        show.event(outcome.state, **_facts(outcome))
        return
    if outcome.manifest is not None:
        show.result(str(outcome.manifest))
    if more.quiet:
        return
    if outcome.state == "part":
        show.notice(_unfinished(outcome))
        return
    what = f"{counted(outcome.samples, 'sample')} in {counted(outcome.shards, 'shard')}"
    if outcome.state == "unchanged":
        show.notice(f"nothing to do: {what}, already complete")
        return
    rate = outcome.samples / max(outcome.seconds, 1e-9)
    is_all = outcome.state == "made" and outcome.shards_made == outcome.shards
    extra = "" if is_all else f" ({outcome.state}: {outcome.shards_made} made now)"
    show.notice(f"{what}, {readable(outcome.bytes)}, in {outcome.seconds:.1f} s{extra or f' ({rate:,.0f}/s)'}")


def _facts(outcome: Outcome) -> dict[str, Any]:
    """What `--json` reports besides the state; parts only where there are several."""
    facts = {**vars(outcome), "manifest": None if outcome.manifest is None else str(outcome.manifest)}
    for name in ("state", "part", "missing", "running"):
        del facts[name]
    if not outcome.part.is_whole:
        facts["part"] = str(outcome.part)
        facts |= {"missing": [*map(str, outcome.missing)], "running": [*map(str, outcome.running)]}
    return facts


def _unfinished(outcome: Outcome) -> str:
    """What a part reports that is done before others are."""
    left = [part for part in outcome.missing if part not in outcome.running]
    done = f"part {outcome.part} is done ({counted(outcome.shards_made, 'shard')} made now, of {outcome.shards})"
    if not left:
        return f"{done}; {_listed(outcome.running)} still running; the last part to finish completes the data set"
    running = f"{_listed(outcome.running)} still running; " if outcome.running else ""
    return f"{done}; {running}still to run: the same command with --part {_listed(left)}"


def _listed(parts: Sequence[Part]) -> str:
    shown = ", ".join(map(str, parts[:SHOWN_PARTS]))
    return f"{shown} and {len(parts) - SHOWN_PARTS} more" if len(parts) > SHOWN_PARTS else shown


def _foretell(opened: Source, wanted: Recipe, how: Run, more: MoreFlags) -> None:
    """Report what a run would do: facts on stdout, warnings on stderr. Raises StorageError if it would not fit."""
    from mixup_cli.runs.forecast import forecast
    from mixup_cli.runs.needs import check_room
    from mixup_cli.runs.standing import stored_in
    from mixup_cli.storage.folder import data_set_at

    with data_set_at(how.store or how.out) as folder:
        how = replace(how, out=folder.path)
        stored = stored_in(folder, how.force)
        expected = forecast(opened, wanted, how, stored)
        is_done = stored.is_complete(expected.needed.rows)
    if more.json:
        show.event("dry-run", **class_facts(opened), **expected.facts())
    else:
        show.table([*class_lines(opened), *expected.lines()])
    for warning in () if more.quiet else expected.warnings():
        show.notice(warning)
    if not is_done:
        check_room(expected.needed, expected.there_bytes, more.out)
