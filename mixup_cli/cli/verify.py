"""`mixup-gen verify`: whether a data set is whole, and what the source gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from mixup_cli.cli import show
from mixup_cli.cli.groups import option, takes
from mixup_cli.cli.options import RUNNING, Quiet, SourceFlags
from mixup_cli.errors import DataError
from mixup_cli.wording import counted, plural

if TYPE_CHECKING:
    from mixup_cli.storage.manifest import Manifest
    from mixup_cli.verify import Finding

Folder = Annotated[Path, typer.Argument(metavar="[OUT]", help="The data set. Default: mixup-out.", show_default=False)]
Deep = Annotated[bool, option("--deep", panel=RUNNING, help="Recompute every row from the source and compare bits.")]
SourcePaths = Annotated[
    list[Path] | None,
    option(
        "--source", metavar="SOURCE", panel=RUNNING, help="With --deep: where the source is now. Default: where it was."
    ),
]
Workers = Annotated[int | None, option("--workers", min=1, panel=RUNNING, help="Threads. Default: the cores.")]
Json = Annotated[bool, option("--json", panel=RUNNING, help="Findings as NDJSON.")]


@dataclass(frozen=True)
class _Origin:
    """What `SourceFlags.origin` wrote into run.json."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    locations: list[str]
    options: SourceFlags


@takes(source=SourceFlags)
def verify(
    source: SourceFlags,
    out: Folder = Path("mixup-out"),
    deep: Deep = False,
    source_paths: SourcePaths = None,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a data set: hashes, shapes, row numbers, shares, label sums. Exits with 65 if anything is wrong."""
    from mixup_cli.engines.local import available_cores
    from mixup_cli.verify import open_finished
    from mixup_cli.verify import verify as check

    threads = workers or available_cores()
    listener = show.Terminal(quiet)
    findings = check(out, threads, listener)
    manifest = open_finished(out)
    if deep and not findings:
        findings = _recomputed(out, manifest, source, source_paths, threads, listener)
    for finding in findings:
        show.event("finding", **vars(finding)) if json else show.result(str(finding))
    if findings:
        raise DataError(
            f"{out}: {counted(len(findings), 'finding')}. Make it again: the same generate command with --force."
        )
    totals = manifest.totals
    if json:
        show.event("verified", samples=totals.samples, shards=totals.shards, bytes=totals.bytes, deep=deep)
    elif not quiet:
        what = "every row is what the source gives" if deep else "whole, as sealed"
        show.notice(f"{out}: {totals.samples:,} samples in {totals.shards:,} {plural(totals.shards, 'shard')}: {what}")


def _recomputed(
    out: Path, manifest: Manifest, flags: SourceFlags, paths: list[Path] | None, workers: int, listener: show.Terminal
) -> list[Finding]:
    """What `--deep` finds, with the source that run.json tells of unless the command line names one."""
    from mixup_cli.deep import recompute
    from mixup_cli.storage.folder import DataSetFolder

    if paths is None and flags.files_from is None:
        origin = _origin(out)
        flags = SourceFlags(**{**origin.options.given(), **flags.given()})
        paths = [Path(location) for location in origin.locations] if flags.files_from is None else None
    opened = flags.open(paths or [], out)
    with TemporaryDirectory(dir=out.absolute().parent, prefix=".mixup-gen-verify-") as scratch:
        return recompute(DataSetFolder(out), manifest, opened, Path(scratch), workers, listener)


def _origin(out: Path) -> _Origin:
    """What run.json says of the source. Raises DataError where it does not say where the source is."""
    from pydantic import TypeAdapter, ValidationError

    from mixup_cli.storage.manifest import RUN, read_json, to_json

    path = out / RUN
    remedy = "Pass --source (or --files-from), with the options for the source that generate had."
    try:
        origin = TypeAdapter(_Origin).validate_json(to_json(read_json(path).get("source")), strict=True)
    except FileNotFoundError:
        raise DataError(f"{path}: is missing, so it is not known where the source is. {remedy}") from None
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, ("source", *first["loc"])))
        raise DataError(f"{path}: {where}: {first['msg']}. {remedy}") from None
    if origin.options.files_from == "-":
        raise DataError(f"{path}: the list of files came from stdin. Pass --files-from.")
    if not origin.locations:
        raise DataError(f"{path}: names no source. {remedy}")
    return origin
