"""`mixup-gen generate`: the main job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixup_cli.cli.options.classes import class_facts, class_lines
from mixup_cli.cli.options.config import ConfigFile, printed
from mixup_cli.cli.options.groups import local_path, option, switch, takes
from mixup_cli.cli.options.outputs import check_kept, read_files
from mixup_cli.cli.options.panels import OUTPUT, RUNNING, Quiet
from mixup_cli.cli.options.plan import PlanOption, read_plan_option
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.run import AmountFlags, RunFlags, ScanFlags
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, readable

if TYPE_CHECKING:
    from mixup_cli.recipe import Recipe
    from mixup_cli.runs.generate import Outcome
    from mixup_cli.runs.settings import Run
    from mixup_cli.sources.reading.base import Source
    from mixup_cli.storage.parts import Part

SHOWN_PARTS = 8
"""Parts that are still to be run are named up to this number."""

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[SOURCE]…",
        parser=local_path,
        help="Picture folders, CIFAR archives, IDX or array files. Default: this folder.",
        show_default=False,
    ),
]
Out = Annotated[
    Path,
    option(
        "--out",
        "-o",
        metavar="FOLDER",
        parser=local_path,
        panel=OUTPUT,
        help="Where the data set goes. Default: mixup-out.",
    ),
]


@dataclass(frozen=True)
class TellingFlags:
    """What to tell: of what was made, or of what would be."""

    dry_run: bool = switch(RUNNING, "Tell what would be made, and make nothing.")
    json: bool = switch(RUNNING, "Results as NDJSON.")
    quiet: Quiet = False
    print_config: bool = switch(RUNNING, "Print what was asked for, with the recipe resolved, as options in TOML.")


@takes(source=SourceFlags, recipe=RecipeFlags, amount=AmountFlags, scan=ScanFlags, run=RunFlags, telling=TellingFlags)
def generate(
    source: SourceFlags,
    recipe: RecipeFlags,
    amount: AmountFlags,
    scan: ScanFlags,
    run: RunFlags,
    telling: TellingFlags,
    context: typer.Context,
    sources: Sources = None,
    plan: PlanOption = None,
    out: Out = Path("mixup-out"),
    config: ConfigFile = None,
) -> None:
    """Mix a source into a data set of HDF5 shards with soft labels.

    The same command continues what was interrupted, and extends what has fewer --passes. With --part 1/2 and --part 2/2
    two runs, at once or one after the other, make one data set together; whoever ends last seals it.
    """
    from mixup_cli.cli.commands.preload import preload
    from mixup_cli.runs.settings import Run

    locations = sources or []
    if plan == source.files_from == "-":
        raise UsageError("--plan - and --files-from -: stdin can be read once. Put one of them into a file.")
    rows = None if plan is None else read_plan_option(plan)
    wanted, origin = recipe.recipe(rows), source.origin(locations)
    settings = {**amount.given(), **scan.given(), **run.given()}
    how = Run(out=out, origin=origin, plan=rows, shard_bytes=recipe.shard_bytes, **settings)
    check_kept(out, read_files(source, locations, plan, config), [] if source.files_from else locations or [Path()])
    preload()
    opened = source.open(locations, out)
    if telling.print_config:
        from mixup_cli.runs.forecast import forecast

        show.result(printed(forecast(opened, wanted, how).job.recipe, context).rstrip())
    elif telling.dry_run:
        _foretell(opened, wanted, how, telling)
    else:
        from mixup_cli.runs.generate import generate as make

        _report(make(opened, wanted, how, show.Terminal(telling.quiet)), telling)


def _report(outcome: Outcome, telling: TellingFlags) -> None:
    """The manifest's path on stdout, a sentence on stderr. A part that is not the last has no manifest to tell of."""
    if telling.json:
        show.event(outcome.state, **_facts(outcome))
        return
    if outcome.manifest is not None:
        show.result(str(outcome.manifest))
    if telling.quiet:
        return
    if outcome.state == "part":
        show.notice(_unfinished(outcome))
        return
    what = f"{counted(outcome.samples, 'sample')} in {counted(outcome.shards, 'shard')}"
    if outcome.state == "unchanged":
        show.notice(f"nothing to do: {what} {'is' if outcome.samples == 1 else 'are'} there and complete")
        return
    rate = outcome.samples / max(outcome.seconds, 1e-9)
    is_all = outcome.state == "made" and outcome.shards_made == outcome.shards
    extra = "" if is_all else f" ({outcome.state}: {outcome.shards_made} made now)"
    show.notice(f"{what}, {readable(outcome.bytes)}, in {outcome.seconds:.1f} s{extra or f' ({rate:,.0f}/s)'}")


def _facts(outcome: Outcome) -> dict[str, Any]:
    """What `--json` tells besides the state; of parts only where there are several."""
    facts = {**vars(outcome), "manifest": None if outcome.manifest is None else str(outcome.manifest)}
    del facts["state"]
    parts = {name: facts.pop(name) for name in ("part", "missing", "running")}
    if outcome.part.is_whole:
        return facts
    return {
        **facts,
        "part": str(parts["part"]),
        **{name: list(map(str, parts[name])) for name in ("missing", "running")},
    }


def _unfinished(outcome: Outcome) -> str:
    """What a part says that is done before others are."""
    left = [part for part in outcome.missing if part not in outcome.running]
    done = f"part {outcome.part} is done ({counted(outcome.shards_made, 'shard')} made now, of {outcome.shards})"
    if not left:
        return f"{done}; {_listed(outcome.running)} still running, and whoever ends last seals the data set"
    running = f"{_listed(outcome.running)} still running; " if outcome.running else ""
    return f"{done}; {running}to be run: the same command with --part {_listed(left)}"


def _listed(parts: Sequence[Part]) -> str:
    shown = ", ".join(map(str, parts[:SHOWN_PARTS]))
    return f"{shown} and {len(parts) - SHOWN_PARTS} more" if len(parts) > SHOWN_PARTS else shown


def _foretell(opened: Source, wanted: Recipe, how: Run, telling: TellingFlags) -> None:
    """The dry run's answer: facts on stdout, warnings on stderr. Raises StorageError where the run could not fit."""
    from mixup_cli.runs.forecast import forecast
    from mixup_cli.runs.needs import check_room
    from mixup_cli.runs.standing import stored_in
    from mixup_cli.storage.folder import DataSetFolder

    stored = stored_in(DataSetFolder(how.out), how.force)
    expected = forecast(opened, wanted, how, stored)
    is_done = stored.is_complete(expected.needed.rows)
    if telling.json:
        show.event("dry-run", **class_facts(opened.labels), **expected.facts())
    else:
        show.table([*class_lines(opened.labels), *expected.lines()])
    for warning in () if telling.quiet else expected.warnings():
        show.notice(warning)
    if not is_done:
        check_room(expected.needed, expected.there_bytes, how.out)
