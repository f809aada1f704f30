"""`mixup-gen repair`: make damaged files again, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mixup_cli.cli.options.again import AgainFlags
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.cli.terminal import show
from mixup_cli.errors import DataError
from mixup_cli.wording import counted, one_line

if TYPE_CHECKING:
    from mixup_cli.checks.repair import Repaired
    from mixup_cli.storage.stores import Store


def repair(source: SourceFlags, again: AgainFlags) -> None:
    """Make damaged files of a data set again.

    Shards are computed from the source, a lost manifest from the shards. A file is replaced only if the new one has
    the checksum of the original. Exits with 65 if a file cannot be repaired.
    """
    from mixup_cli.checks.repair import repair as fix
    from mixup_cli.checks.verify import data_set_place
    from mixup_cli.storage.folder import data_set_at

    out = data_set_place(again.out)
    with data_set_at(out) as folder:
        opened = again.opener(folder.path, source)
        repaired = fix(folder, opened, again.run(folder.path), show.Terminal(again.quiet))
    _report(out, repaired, again.json, again.quiet)


def _report(out: Path | Store, repaired: Repaired, as_json: bool, quiet: bool) -> None:
    """Each damaged file on stdout, a sentence on stderr."""
    for damage in repaired.damages:
        if as_json:
            event = "left" if damage in repaired.left else "repaired"
            show.event(event, file=damage.file, problem="; ".join(damage.problems), done=damage.fix.value)
        else:
            show.result(one_line(str(damage)))
    if repaired.left:
        raise DataError(f"{out}: {counted(len(repaired.left), 'file')} could not be repaired (see above).")
    totals = repaired.manifest.totals
    if as_json:
        show.event("whole", **totals.model_dump(), repaired=len(repaired.damages))
    elif not quiet:
        what = f"{counted(len(repaired.damages), 'file')} repaired" if repaired.damages else "nothing to repair"
        whole = f"{counted(totals.samples, 'sample')} in {counted(totals.shards, 'shard')}, intact: all checksums match"
        show.notice(f"{out}: {what}; {whole}")
