"""`mixup-gen repair`: what is damaged is made again, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mixup_cli.cli import show
from mixup_cli.cli.groups import option, takes
from mixup_cli.cli.origin import open_origin
from mixup_cli.cli.panels import RUNNING, Finished, Quiet, Workers
from mixup_cli.cli.plan_option import PlanOption, read_plan_option
from mixup_cli.cli.source_flags import SourceFlags
from mixup_cli.errors import DataError
from mixup_cli.wording import counted, plural

if TYPE_CHECKING:
    from mixup_cli.repair import Mended

SourcePaths = Annotated[
    list[Path] | None,
    option("--source", metavar="SOURCE", panel=RUNNING, help="Where the source is now. Default: where it was."),
]
Json = Annotated[bool, option("--json", panel=RUNNING, help="What was found and done, as NDJSON.")]


@takes(source=SourceFlags)
def repair(
    source: SourceFlags,
    out: Finished = Path("mixup-out"),
    source_paths: SourcePaths = None,
    plan: PlanOption = None,
    workers: Workers = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make damaged shards again, and a lost manifest from the shards. Only what was sealed takes the place of what is
    there. Exits with 65 where that cannot be done.
    """
    from mixup_cli.engines.local import available_cores
    from mixup_cli.repair import repair as mend
    from mixup_cli.run import Run
    from mixup_cli.storage.folder import DataSetFolder
    from mixup_cli.verify import data_set_folder

    out = data_set_folder(out)
    rows = None if plan is None else read_plan_option(plan)
    run = Run(out=out, workers=workers or available_cores(), plan=rows)
    mended = mend(DataSetFolder(out), lambda: open_origin(out, source, source_paths), run, show.Terminal(quiet))
    _report(out, mended, json, quiet)


def _report(out: Path, mended: Mended, as_json: bool, quiet: bool) -> None:
    """Each file that was not as it should be on stdout, a sentence on stderr."""
    for each in mended.repaired:
        if as_json:
            show.event("repaired" if each not in mended.left else "left", **vars(each))
        else:
            show.result(str(each))
    if mended.left:
        raise DataError(f"{out}: {counted(len(mended.left), 'file')} could not be put right (told above).")
    totals = mended.manifest.totals
    if as_json:
        show.event("whole", samples=totals.samples, shards=totals.shards, repaired=len(mended.repaired))
    elif not quiet:
        what = f"{counted(len(mended.repaired), 'file')} put right" if mended.repaired else "nothing to repair"
        shards = f"{totals.shards:,} {plural(totals.shards, 'shard')}"
        show.notice(f"{out}: {what}: {totals.samples:,} samples in {shards}, whole, as sealed")
