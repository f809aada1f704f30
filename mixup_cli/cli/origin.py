"""Where the source of a finished data set is: run.json tells, unless the command line does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from mixup_cli.cli.groups import option
from mixup_cli.cli.panels import RUNNING, Quiet, Workers
from mixup_cli.cli.plan_option import PlanOption, read_plan_option
from mixup_cli.cli.source_flags import SourceFlags
from mixup_cli.errors import DataError

if TYPE_CHECKING:
    from mixup_cli.run import Run
    from mixup_cli.sources import Source


@dataclass(frozen=True)
class AgainFlags:
    """What it takes to make rows of a finished data set again, and how to tell of it: `verify` and `repair` need both.

    In both the source is read only where that is needed.
    """

    source_paths: Annotated[
        list[Path] | None,
        option(
            "--source",
            metavar="SOURCE",
            panel=RUNNING,
            help="Where the source is now, if rows are made again. Default: where it was.",
        ),
    ] = None
    plan: PlanOption = None
    workers: Workers = None
    json: Annotated[bool, option("--json", panel=RUNNING, help="What was found and done, as NDJSON.")] = False
    quiet: Quiet = False

    @property
    def threads(self) -> int:
        """How many to use."""
        from mixup_cli.engines.local import available_cores

        return self.workers or available_cores()

    def run(self, out: Path) -> Run:
        """How the rows of the data set `out` are made again. Reads the plan."""
        from mixup_cli.run import Run

        rows = None if self.plan is None else read_plan_option(self.plan)
        return Run(out=out, workers=self.threads, plan=rows)

    def open(self, out: Path, flags: SourceFlags) -> Source:
        """The source of the data set `out`: see `open_origin`."""
        return open_origin(out, flags, self.source_paths)


@dataclass(frozen=True)
class _Origin:
    """What `SourceFlags.origin` wrote into run.json."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    locations: list[str]
    options: SourceFlags


def open_origin(out: Path, flags: SourceFlags, paths: list[Path] | None) -> Source:
    """The source of the data set `out`, from `paths` or a list of files where they are named, else where it was.

    Raises DataError where nobody says where that is, and what opening a source raises.
    """
    if paths is None and flags.files_from is None:
        origin = _origin(out)
        flags = SourceFlags(**{**origin.options.given(), **flags.given()})
        paths = [Path(location) for location in origin.locations] if flags.files_from is None else None
    return flags.open(paths or [], out)


def _origin(out: Path) -> _Origin:
    """What run.json says of the source. Raises DataError where it does not say where the source is."""
    from pydantic import TypeAdapter, ValidationError

    from mixup_cli.storage.json_files import read_json
    from mixup_cli.storage.manifest import RUN

    path = out / RUN
    remedy = "Pass --source (or --files-from), with the options for the source that generate had."
    try:
        origin = TypeAdapter(_Origin).validate_json(json.dumps(read_json(path).get("source")), strict=True)
    except FileNotFoundError:
        raise DataError(f"{path}: is missing, so it is not known where the source is. {remedy}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, ("source", *first["loc"])))
        raise DataError(f"{path}: {where}: {first['msg']}. {remedy}") from None
    except RecursionError:
        raise DataError(f"{path}: source: is nested too deeply. {remedy}") from None
    for place in (*origin.locations, origin.options.files_from or ""):
        if "\0" in place or Path(place).is_fifo() or Path(place).is_char_device():
            raise DataError(f"{path}: source: {place!r} is neither a file nor a folder. {remedy}")
    if not (origin.options.classes or "[").startswith("["):  # else it would name a file
        raise DataError(f"{path}: source: its classes are not a list. {remedy}")
    if origin.options.files_from == "-":
        raise DataError(f"{path}: the list of files came from stdin. Pass --files-from.")
    if not origin.locations:
        raise DataError(f"{path}: names no source. {remedy}")
    return origin
