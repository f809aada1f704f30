"""Where the source of a finished data set is: run.json tells, unless the command line does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mixup_cli.cli.options.groups import flag, local_path, switch
from mixup_cli.cli.options.panels import RUNNING, Quiet, Workers
from mixup_cli.cli.options.plan import PlanOption, read_plan_option
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.errors import DataError, NoInputError, StorageError
from mixup_cli.wording import setting

if TYPE_CHECKING:
    from mixup_cli.runs.settings import Run
    from mixup_cli.sources import Source


@dataclass(frozen=True)
class AgainFlags:
    """What it takes to make rows of a finished data set again, and how to tell of it: `verify` and `repair` need both.

    In both the source is read only where that is needed.
    """

    source_paths: list[Path] | None = flag(
        RUNNING,
        "Where the source is now, if rows are made again. Default: where it was.",
        "--source",
        metavar="SOURCE",
        parser=local_path,
    )
    plan: PlanOption = None
    workers: Workers = None
    json: bool = switch(RUNNING, "What was found and done, as NDJSON.")
    quiet: Quiet = False

    @property
    def threads(self) -> int:
        """How many to use."""
        from mixup_cli.engines.local import available_cores

        return self.workers or available_cores()

    def run(self, out: Path) -> Run:
        """How the rows of the data set `out` are made again. Reads the plan."""
        from mixup_cli.runs.settings import Run

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


REMEDY = "Pass --source (or --files-from), with the options for the source that generate had."

PLACE = ("files_from", "null")
"""The options that say where the source is, and not how it is read."""


def open_origin(out: Path, flags: SourceFlags, paths: list[Path] | None) -> Source:
    """The source of the data set `out`, from `paths` or a list of files where they are named, else where it was.

    It is read with the options that run.json records; those of the command line win. Raises DataError where nothing
    says where the source is, and what opening a source raises.
    """
    given = flags.given()
    if paths is not None or flags.files_from is not None:
        recorded = {name: value for name, value in _recorded_options(out).items() if name not in PLACE}
        with _told_where(recorded, given):
            return SourceFlags(**{**recorded, **given}).open(paths or [], out)
    origin = _origin(out)
    _check_places(out / "run.json", origin)
    recorded = origin.options.given()
    both, places = SourceFlags(**{**recorded, **given}), [*map(Path, origin.locations)]
    with _told_where({**recorded, "source": origin.locations[0]}, given):
        return both.open(places, out) if both.files_from is None else both.open([], out, places[0])


@contextmanager
def _told_where(recorded: dict[str, Any], given: dict[str, Any]) -> Iterator[None]:
    """Say of what is not there that run.json names it, and which option says where it is now."""
    try:
        yield
    except NoInputError as problem:
        for name, place in recorded.items():
            if name not in given and problem.found.startswith(f"{place}: "):
                option = setting(name)
                found, _, _ = str(problem).partition(". ")
                raise NoInputError(f"{found}. run.json names it; if it was moved, pass {option}.") from problem
        raise


def _recorded_options(out: Path) -> dict[str, Any]:
    """The options that run.json records; none where it is lost or damaged, since the command line says enough."""
    try:
        return _origin(out).options.given()
    except (DataError, StorageError):
        return {}


def _origin(out: Path) -> _Origin:
    """What run.json says of the source. Raises DataError where it does not say that."""
    from pydantic import TypeAdapter, ValidationError

    from mixup_cli.sources.reading.names import unescape_name
    from mixup_cli.storage.json_files import read_json

    path = out / "run.json"
    try:
        origin = TypeAdapter(_Origin).validate_json(json.dumps(read_json(path).get("source")), strict=True)
    except FileNotFoundError:
        raise DataError(f"{path}: is missing, so it is not known where the source is. {REMEDY}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, ("source", *first["loc"])))
        raise DataError(f"{path}: {where}: {first['msg']}. {REMEDY}") from None
    except RecursionError:
        raise DataError(f"{path}: source: is nested too deeply. {REMEDY}") from None
    texts: dict[str, Any] = {
        name: unescape_name(text) for name, text in vars(origin.options).items() if isinstance(text, str)
    }
    if not texts.get("classes", "[").startswith("["):  # else it would name a file
        raise DataError(f"{path}: source: its classes are not a list. {REMEDY}")
    return _Origin([*map(unescape_name, origin.locations)], replace(origin.options, **texts))


def _check_places(path: Path, origin: _Origin) -> None:
    """Raises DataError where `path`, which is run.json, names no source that can be opened again."""
    for place in (*origin.locations, origin.options.files_from or ""):
        if "\0" in place or Path(place).is_fifo() or Path(place).is_char_device():
            raise DataError(f"{path}: source: {place!r} is neither a file nor a folder. {REMEDY}")
    if origin.options.files_from == "-":
        raise DataError(f"{path}: the list of files came from stdin. Pass --files-from.")
    if not origin.locations:
        raise DataError(f"{path}: names no source. {REMEDY}")
