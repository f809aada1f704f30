"""The source of a finished data set: where run.json says that it is, unless the command line says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mixup_cli.cli.options.groups import RUNNING, argument, flag, switch
from mixup_cli.cli.options.parse import FOLDER_OR_STORE, PATH_OR_URL
from mixup_cli.cli.options.run import plan_flag, quiet_switch, read_plan_option, workers_flag
from mixup_cli.cli.options.source import FILES, PERHAPS_FILES, Places, SourceFlags, local
from mixup_cli.errors import DataError, MixupGenError, NoInputError, StorageError, UsageError
from mixup_cli.wording import setting

if TYPE_CHECKING:
    from mixup_cli.runs.settings import Run
    from mixup_cli.sources import Source
    from mixup_cli.storage.stores import Store


def source_flag(panel: str, help: str) -> Any:  # noqa: A002  # Click's own word
    """`--source`, for commands that take a finished data set."""
    how = {"metavar": "SOURCE", "multiple": True, "default": (), "otherwise": "where it was", "everyday": True}
    return flag(panel, help, PATH_OR_URL, **how)


@dataclass(frozen=True)
class AgainFlags:
    """What `verify` and `repair` need: the data set, how to compute its rows again, and how to report."""

    out: Path | Store = argument(
        "[OUT]", "The data set, by its folder or URL.", Path("mixup-out"), reader=FOLDER_OR_STORE
    )
    source_paths: tuple[Path | str, ...] = source_flag(RUNNING, "Where the source is now, if rows are computed again.")
    plan: str | None = plan_flag()
    workers: int | None = workers_flag()
    json: bool = switch(RUNNING, "Print results as NDJSON.")
    quiet: bool = quiet_switch()

    @property
    def threads(self) -> int:
        """How many to use."""
        from mixup_cli.engines.local import available_cores

        return self.workers or available_cores()

    def run(self, out: Path) -> Run:
        """How the rows of the data set `out` are computed again. Reads the plan."""
        from mixup_cli.runs.settings import Run

        return Run(out=out, workers=self.threads, plan=read_plan_option(self.plan))

    def opener(self, out: Path, flags: SourceFlags) -> Callable[[int, int], Source]:
        """What opens a source of the data set `out`: see `open_origin`."""
        return partial(open_origin, out, flags, self.source_paths)


@dataclass(frozen=True)
class _Origin:
    """What `SourceFlags.origin` wrote into run.json."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    locations: list[str]
    options: SourceFlags


PLACE = ("files_from", "null")
"""The options that say where the source is, and not how it is read."""


def open_origin(out: Path, flags: SourceFlags, paths: Places, number: int = 0, count: int = 1) -> Source:
    """The source of the data set `out`, from `paths` or a list of files where they are named, else where it was. Of a
    data set that was merged from those of `count` sources, this is source `number`, and `paths` has one for each.

    It is read with the options that run.json records; those of the command line win. Raises DataError where nothing
    says where the source is, NoInputError if it has gone, and what opening a source raises.
    """
    from mixup_cli.storage.stores import is_url

    given = flags.given()
    if count > 1 and (flags.files_from is not None or len(paths) not in (0, count)):
        found = f"{out} was merged from the data sets of {count} sources."
        raise UsageError(found, "Name each once, in the order of merging, or none.", field="source_paths")
    if paths or flags.files_from is not None:
        recorded = {name: value for name, value in _recorded_options(out, number).items() if name not in PLACE}
        _check_is_there(recorded, given)
        return SourceFlags(**{**recorded, **given}).open(paths[number:][:1] if count > 1 else paths, out)
    origin = _origin(out, number)
    _check_places(out / "run.json", origin)
    recorded, places = origin.options.given(), tuple(each if is_url(each) else Path(each) for each in origin.locations)
    _check_is_there({**recorded, "source_paths": origin.locations[0]}, given)
    both = SourceFlags(**{**recorded, **given})
    return both.open(places, out) if both.files_from is None else both.open((), out, *local(places[:1]))


def perhaps_opener(
    out: Path, flags: SourceFlags, paths: Places, check: Callable[[Source], None], notices: list[str]
) -> Callable[[int, int], Source | None]:
    """What opens a source of the data set `out`, to show samples of it, and then checks it: see `open_origin`. Where
    none can be opened, and `paths` names none, `notices` says so."""

    @cache
    def opened(number: int, count: int) -> Source | None:
        try:
            source = open_origin(out, flags, paths, number, count)
        except MixupGenError as problem:
            if paths:
                raise
            notices.append(f"showing results without parents: {problem}")
            return None
        check(source)
        return source

    return opened


def recorded_source(out: Path, number: int) -> tuple[list[str], dict[str, Any]]:
    """The places of a source of the data set `out` and the options that it is read with, as run.json has them; the word
    SOURCE where it says neither."""
    try:
        origin = _origin(out, number)
    except (DataError, StorageError):
        return ["SOURCE"], {}
    return origin.locations, origin.options.given()


def _check_is_there(recorded: dict[str, Any], given: dict[str, Any]) -> None:
    """Raises NoInputError where a file or folder that run.json names has gone, with the option that names another."""
    from mixup_cli.sources.packed.web_dataset import expanded

    for name in ("source_paths", *FILES, *PERHAPS_FILES):
        place = recorded.get(name, "")
        is_gone = Path(place).is_absolute() and not Path(expanded(place)[0]).exists() and not Path(place).exists()
        if name not in given and is_gone:
            remedy = f"run.json names it; if it was moved, pass {setting(name)}."
            raise NoInputError(f"{place}: no such file or folder.", remedy)


def _recorded_options(out: Path, number: int) -> dict[str, Any]:
    """The options that run.json records; none where it is lost or damaged, since the command line says enough."""
    try:
        return _origin(out, number).options.given()
    except (DataError, StorageError):
        return {}


def _origin(out: Path, number: int) -> _Origin:
    """What run.json says of a source. Raises DataError where it does not say that."""
    from pydantic import TypeAdapter, ValidationError

    from mixup_cli.runs.records import origins_of
    from mixup_cli.sources.reading.names import unescape_name
    from mixup_cli.storage.inside import file_inside
    from mixup_cli.storage.json_files import read_json

    path = file_inside(out, "run.json")
    try:
        recorded = origins_of(read_json(path)).get(number)
        origin = TypeAdapter(_Origin).validate_json(json.dumps(recorded), strict=True)
    except FileNotFoundError:
        raise _unknown(f"{path}: is missing, and it names the source.") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, ("source", *first["loc"])))
        raise _unknown(f"{path}: {where}: {first['msg']}.") from None
    except RecursionError:
        raise _unknown(f"{path}: source: is nested too deeply.") from None
    texts: dict[str, Any] = {
        name: unescape_name(text) for name, text in vars(origin.options).items() if isinstance(text, str)
    }
    if not texts.get("classes", "[").startswith("["):  # else it would name a file
        raise _unknown(f"{path}: source: its classes are not a list.")
    return _Origin([*map(unescape_name, origin.locations)], replace(origin.options, **texts))


def _check_places(path: Path, origin: _Origin) -> None:
    """Raises DataError where `path`, which is run.json, names no source that can be opened again."""
    for place in (*origin.locations, origin.options.files_from or ""):
        if "\0" in place or Path(place).is_fifo() or Path(place).is_char_device():
            raise _unknown(f"{path}: source: {place!r} is neither a file nor a folder.")
    if origin.options.files_from == "-":
        raise DataError(f"{path}: the list of files came from stdin.", f"Pass {setting('files_from')}.")
    if not origin.locations:
        raise _unknown(f"{path}: names no source.")


def _unknown(found: str) -> DataError:
    """Run.json does not say where the source is."""
    options = f"{setting('source_paths')} (or {setting('files_from')})"
    return DataError(found, f"Pass {options}, with the options for the source that generate had.")
