"""`mixup-gen merge`: finished data sets become one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.cli.options.groups import OUTPUT, RUNNING, argument, flag, switch
from mixup_cli.cli.options.parse import PATH
from mixup_cli.cli.options.run import quiet_switch
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, readable

if TYPE_CHECKING:
    from mixup_cli.runs.merge import Merged


@dataclass(frozen=True)
class MergeFlags:
    """What to merge, where to, and what to report."""

    data_sets: tuple[Path, ...] = argument("DATA_SET…", "Finished data sets, in the order of their rows.", nargs=-1)
    out: Path | None = flag(OUTPUT, "Where the merged data set goes.", PATH)
    force: bool = switch(RUNNING, "Replace an existing data set.")
    json: bool = switch(RUNNING, "Print results as NDJSON.")
    quiet: bool = quiet_switch()


def merge(flags: MergeFlags) -> None:
    """Merge finished data sets into one, without mixing again.

    They have the same classes and columns, and differ in their seed or source. Shards become hard links, or copies
    where the file system has none. The same command goes on where it was stopped.
    """
    from mixup_cli.runs.merge import merge as make
    from mixup_cli.storage.names import MANIFEST, data_set_folder

    if flags.out is None:
        raise UsageError("names the data set to make, and is missing.", "Pass, for example, -o merged.", field="out")
    folders = [*map(data_set_folder, flags.data_sets)]
    merged = make(folders, flags.out, flags.force, show.Terminal(flags.quiet))
    _report(merged, str(flags.out / MANIFEST), flags.json, flags.quiet)


def _report(merged: Merged, manifest: str, as_json: bool, quiet: bool) -> None:
    """The manifest's path on stdout, a sentence on stderr."""
    totals, source, members = merged.manifest.totals, merged.manifest.source, len(merged.manifest.members or ())
    if as_json:
        facts = {"inputs": source.samples, "skipped": len(source.skipped), "data_sets": members}
        counts = {"linked": merged.linked, "seconds": merged.seconds}
        show.event(merged.state, manifest=manifest, **totals.model_dump(), **facts, **counts)
        return
    show.result(manifest)
    what = f"{counted(totals.samples, 'sample')} in {counted(totals.shards, 'shard')}"
    if quiet:
        return
    if merged.state == "unchanged":
        show.notice(f"nothing to do: {what}, already complete")
        return
    copied = totals.shards - merged.linked
    how = f"{counted(copied, 'shard')} copied" if copied else "no shard copied: all are hard links"
    show.notice(f"{what}, {readable(totals.bytes)}, merged from {counted(members, 'data set')} ({how})")
