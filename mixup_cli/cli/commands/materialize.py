"""`mixup-gen materialize`: a data set that stores its plan becomes one of mixed samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixup_cli.cli.options.groups import OUTPUT, RUNNING, argument, flag, switch
from mixup_cli.cli.options.parse import PATH
from mixup_cli.cli.options.recipe import samples_per_shard_flag, shard_size_flag
from mixup_cli.cli.options.run import quiet_switch, workers_flag
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, readable

if TYPE_CHECKING:
    from mixup_cli.runs.materialize import Materialized


@dataclass(frozen=True)
class MaterializeFlags:
    """What to mix, where to, and what to report."""

    data_set: Path = argument("[DATA_SET]", "A data set that stores its plan.", Path("mixup-out"), reader=PATH)
    out: Path | None = flag(  # not from MIXUP_GEN_OUT, which names the data set
        OUTPUT, "Where the mixed samples go.", PATH, envvar=None
    )
    samples_per_shard: int | None = samples_per_shard_flag()
    shard_size: int | None = shard_size_flag()
    workers: int | None = workers_flag()
    force: bool = switch(RUNNING, "Replace an existing data set.")
    json: bool = switch(RUNNING, "Print results as NDJSON.")
    quiet: bool = quiet_switch()


def materialize(flags: MaterializeFlags) -> None:
    """Write the rows of a data set that stores its plan.

    Anything can read the shards, whose bytes are those that generate writes where it stores rows. The source is not
    needed. The same command goes on where it was stopped.
    """
    from mixup_cli.runs.materialize import materialize as make
    from mixup_cli.runs.settings import Run
    from mixup_cli.storage.names import MANIFEST, data_set_folder

    if flags.out is None:
        raise UsageError("names the data set to make, and is missing.", "Pass, for example, -o rows.", field="out")
    folder = data_set_folder(flags.data_set)
    run = Run(out=flags.out, workers=flags.workers, shard_bytes=flags.shard_size, force=flags.force)
    _report(make(folder, run, flags.samples_per_shard, show.Terminal(flags.quiet)), flags, str(flags.out / MANIFEST))


def _report(made: Materialized, flags: MaterializeFlags, manifest: str) -> None:
    """The manifest's path on stdout, a sentence on stderr."""
    totals, is_new = made.manifest.totals, made.shards_made > 0
    if flags.json:
        facts: dict[str, Any] = {"shards_made": made.shards_made, "seconds": made.seconds}
        show.event("made" if is_new else "unchanged", manifest=manifest, **totals.model_dump(), **facts)
        return
    show.result(manifest)
    what = f"{counted(totals.samples, 'sample')} in {counted(totals.shards, 'shard')}"
    if not flags.quiet:
        done = f"{what}, {readable(totals.bytes)}, in {made.seconds:.1f} s"
        show.notice(done if is_new else f"nothing to do: {what}, already complete")
