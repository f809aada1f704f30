"""`mixup-gen verify`: whether a data set is whole, and what the source gives."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from mixup_cli.cli import show
from mixup_cli.cli.groups import option, takes
from mixup_cli.cli.origin import open_origin
from mixup_cli.cli.panels import RUNNING, Finished, Quiet, Workers
from mixup_cli.cli.plan_option import PlanOption, read_plan_option
from mixup_cli.cli.source_flags import SourceFlags
from mixup_cli.errors import DataError
from mixup_cli.wording import counted, one_line, plural

if TYPE_CHECKING:
    from mixup_cli.listener import Listener
    from mixup_cli.run import Run
    from mixup_cli.sources import Source
    from mixup_cli.storage.manifest import Manifest
    from mixup_cli.verify import Finding

Deep = Annotated[bool, option("--deep", panel=RUNNING, help="Recompute every row from the source and compare bits.")]
SourcePaths = Annotated[
    list[Path] | None,
    option(
        "--source", metavar="SOURCE", panel=RUNNING, help="With --deep: where the source is now. Default: where it was."
    ),
]
Json = Annotated[bool, option("--json", panel=RUNNING, help="Findings as NDJSON.")]


@takes(source=SourceFlags)
def verify(
    source: SourceFlags,
    out: Finished = Path("mixup-out"),
    deep: Deep = False,
    source_paths: SourcePaths = None,
    plan: PlanOption = None,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check a data set: hashes, shapes, row numbers, shares, label sums. Exits with 65 if anything is wrong."""
    from mixup_cli.engines.local import available_cores
    from mixup_cli.run import Run
    from mixup_cli.verify import data_set_folder, findings_of, open_finished

    threads = workers or available_cores()
    listener = show.Terminal(quiet)
    out = data_set_folder(out)
    manifest = open_finished(out)
    findings = findings_of(out, manifest, threads, listener)
    if deep and not findings:
        rows = None if plan is None else read_plan_option(plan)
        opened = open_origin(out, source, source_paths)
        findings = _recomputed(out, manifest, opened, Run(workers=threads, plan=rows), listener)
    for finding in findings:
        show.event("finding", **vars(finding)) if json else show.result(one_line(str(finding)))
    if findings:
        raise DataError(
            f"{out}: {counted(len(findings), 'finding')}. Run mixup-gen repair {out}, or make it again with --force."
        )
    totals = manifest.totals
    if json:
        show.event("verified", samples=totals.samples, shards=totals.shards, bytes=totals.bytes, deep=deep)
    elif not quiet:
        what = "every row is what the source gives" if deep else "whole, as sealed"
        show.notice(f"{out}: {totals.samples:,} samples in {totals.shards:,} {plural(totals.shards, 'shard')}: {what}")


def _recomputed(out: Path, manifest: Manifest, source: Source, run: Run, listener: Listener) -> list[Finding]:
    """What `--deep` finds."""
    from mixup_cli.deep import recompute
    from mixup_cli.storage.folder import DataSetFolder

    with TemporaryDirectory(dir=out.absolute().parent, prefix=".mixup-gen-verify-") as scratch:
        return recompute(DataSetFolder(out), manifest, source, Path(scratch), run, listener)
