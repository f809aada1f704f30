"""`mixup-gen verify`: whether a data set is intact, and with --deep whether the source still gives it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mixup_cli.cli.options.again import AgainFlags
from mixup_cli.cli.options.groups import RUNNING, switch
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import DataError
from mixup_cli.wording import counted, one_line

if TYPE_CHECKING:
    from mixup_cli.checks.rescan import SourceOf
    from mixup_cli.checks.verify import Finding
    from mixup_cli.listener import Listener
    from mixup_cli.runs.settings import Run
    from mixup_cli.storage.folder import DataSetFolder
    from mixup_cli.storage.manifest import Manifest


@dataclass(frozen=True)
class DepthFlags:
    """How much to check."""

    deep: bool = switch(RUNNING, "Also compute every row again from the source, and compare the bits.", everyday=True)


def verify(source: SourceFlags, depth: DepthFlags, again: AgainFlags) -> None:
    """Check a data set for damage.

    Checks hashes, shapes, row numbers, shares and label sums. Exits with 65 if anything is wrong.
    """
    from mixup_cli.checks.verify import data_set_place, findings_of, open_finished
    from mixup_cli.storage.folder import data_set_at

    listener, out = show.Terminal(again.quiet), data_set_place(again.out)
    with data_set_at(out) as folder:
        manifest = open_finished(folder.path)
        findings = findings_of(folder.path, manifest, again.threads, listener)
        if depth.deep and not findings:
            opened, run = again.opener(folder.path, source), again.run(folder.path)
            findings = _recomputed(folder, manifest, opened, run, listener)
        if findings:
            folder.outlet.refresh()
        if findings and open_finished(folder.path) != manifest:
            raise DataError(f"{out}: was extended or replaced during the check. Run mixup-gen verify again.")
    for finding in findings:
        if again.json:
            show.event("finding", file=finding.file, problem=finding.problem)
        else:
            show.result(one_line(str(finding)))
    if findings:
        raise DataError(
            f"{out}: {counted(len(findings), 'finding')}. Run mixup-gen repair {out}, or make it again with --force."
        )
    totals = manifest.totals
    if again.json:
        show.event("verified", **totals.model_dump(), deep=depth.deep)
    elif not again.quiet:
        what = "every row is as computed from the source" if depth.deep else "intact: all checksums match"
        show.notice(f"{out}: {counted(totals.samples, 'sample')} in {counted(totals.shards, 'shard')}, {what}")


def _recomputed(
    folder: DataSetFolder, manifest: Manifest, opened: SourceOf, run: Run, listener: Listener
) -> list[Finding]:
    """What `--deep` finds."""
    from mixup_cli.checks.deep import recompute

    with TemporaryDirectory(dir=folder.path.absolute().parent, prefix=".mixup-gen-verify-") as scratch:
        return recompute(folder, manifest, opened, Path(scratch), run, listener)
