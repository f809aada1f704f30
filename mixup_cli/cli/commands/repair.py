"""`mixup-gen repair`: what is damaged is made again, and nothing else."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.cli.options.again import AgainFlags
from mixup_cli.cli.options.groups import takes
from mixup_cli.cli.options.panels import Finished
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import DataError
from mixup_cli.wording import counted, one_line

if TYPE_CHECKING:
    from mixup_cli.checks.repair import Mended


@takes(source=SourceFlags, again=AgainFlags)
def repair(source: SourceFlags, again: AgainFlags, out: Finished = Path("mixup-out")) -> None:
    """Make damaged shards again, and a lost manifest from the shards. Only what was sealed takes the place of what is
    there. Exits with 65 where that cannot be done.
    """
    from mixup_cli.checks.repair import repair as mend
    from mixup_cli.checks.verify import data_set_folder
    from mixup_cli.storage.folder import DataSetFolder

    out = data_set_folder(out)
    opened = partial(again.open, out, source)
    mended = mend(DataSetFolder(out), opened, again.run(out), show.Terminal(again.quiet))
    _report(out, mended, again.json, again.quiet)


def _report(out: Path, mended: Mended, as_json: bool, quiet: bool) -> None:
    """Each file that was not as it should be on stdout, a sentence on stderr."""
    for each in mended.repaired:
        if as_json:
            event = "repaired" if each not in mended.left else "left"
            show.event(event, file=each.file, problem="; ".join(each.found), done=each.done)
        else:
            show.result(one_line(str(each)))
    if mended.left:
        raise DataError(f"{out}: {counted(len(mended.left), 'file')} could not be put right (told above).")
    totals = mended.manifest.totals
    if as_json:
        show.event("whole", **totals.model_dump(), repaired=len(mended.repaired))
    elif not quiet:
        what = f"{counted(len(mended.repaired), 'file')} put right" if mended.repaired else "nothing to repair"
        whole = f"{counted(totals.samples, 'sample')} in {counted(totals.shards, 'shard')}, whole, as sealed"
        show.notice(f"{out}: {what}: {whole}")
