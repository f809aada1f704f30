"""`mixup-gen export`: a finished data set in the files of another library."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast, get_args

from mixup_cli.choices import ExportFormat
from mixup_cli.cli.options.groups import OUTPUT, RUNNING, argument, flag, switch
from mixup_cli.cli.options.parse import IMAGE_FORMAT, NAMES, PATH, PATH_OR_URL, ROWS, word
from mixup_cli.cli.options.run import quiet_switch
from mixup_cli.cli.terminal import show
from mixup_cli.errors import UsageError
from mixup_cli.wording import counted, readable

if TYPE_CHECKING:
    from mixup_cli.exporters.job import Options
    from mixup_cli.exporters.run import Exported
    from mixup_cli.image_format import ImageFormat

STDOUT = Path("-")


@dataclass(frozen=True)
class ExportFlags:
    """What to export, as what, and where to."""

    data_set: Path | str = argument(
        "[DATA_SET]", "A finished data set, or the URL of one.", Path("mixup-out"), reader=PATH_OR_URL
    )
    to: ExportFormat | None = flag(
        OUTPUT, f"The format to write: {', '.join(get_args(ExportFormat))}.", word(ExportFormat, "FORMAT")
    )
    out: Path | None = flag(  # not from MIXUP_GEN_OUT, which names the data set
        OUTPUT, "The folder to write; npz: also a file.npz; webdataset: also -, stdout.", PATH, envvar=None
    )
    image_format: ImageFormat | None = flag(OUTPUT, "How images are encoded.", IMAGE_FORMAT, otherwise="png")
    columns: tuple[str, ...] | None = flag(OUTPUT, "Only these columns.", NAMES, envvar=None, otherwise="all")
    rows: tuple[int, int | None] | None = flag(
        OUTPUT, "Only the rows from A up to and without B.", ROWS, envvar=None, otherwise="all"
    )
    originals_only: bool = switch(OUTPUT, "Only originals that generate kept (--keep-originals).")
    force: bool = switch(RUNNING, "Replace an existing export.")
    json: bool = switch(RUNNING, "Print results as NDJSON.")
    quiet: bool = quiet_switch()


def export(flags: ExportFlags) -> None:
    """Write a data set in another format.

    The format's own library reads the result, without mixup-gen: docs/exporting.md shows how. The same command goes on
    where it was stopped.
    """
    from mixup_cli.exporters.job import Options
    from mixup_cli.exporters.run import export as make
    from mixup_cli.storage.names import data_set_folder

    if flags.to is None:
        raise UsageError("names the format, and is missing.", "Pass, for example, --to webdataset.", field="to")
    if flags.out is None:
        raise UsageError("names the folder to write, and is missing.", "Pass, for example, -o exported.", field="out")
    place = flags.data_set
    place = data_set_folder(place) if isinstance(place, Path) else place
    options = Options(flags.to, flags.image_format, flags.columns, flags.rows, flags.originals_only)
    if flags.out == STDOUT:
        _stream(place, options, flags)
    else:
        made = make(place, flags.out, options, force=flags.force, listener=show.Terminal(flags.quiet))
        _report(made, flags)


def _stream(place: Path | str, options: Options, flags: ExportFlags) -> None:
    """The whole as one file on stdout. If its reader stops, the rest is not made."""
    from mixup_cli.exporters.run import stream

    if flags.json or flags.force:
        given = "json" if flags.json else "force"
        raise UsageError("has no effect where the export goes to stdout.", "Leave it out.", field=given)
    if sys.stdout is None or sys.stdout.isatty():
        found = "stdout is closed." if sys.stdout is None else "stdout is a terminal."
        raise UsageError(found, "Name a folder, or pipe it on.", field="out", value="-")
    try:
        rows = stream(place, options, cast(BinaryIO, _Stdout()))
    except _ReaderLeftError:
        return
    if not flags.quiet:
        show.notice(f"{counted(rows, 'sample')} exported to stdout as {options.to}")


class _ReaderLeftError(Exception):
    """The reader of stdout has stopped."""


class _Stdout(io.RawIOBase):
    """Stdout, for what writes files."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        if not show.piece(bytes(data)):
            raise _ReaderLeftError
        return len(data)


def _report(made: Exported, flags: ExportFlags) -> None:
    """The place on stdout, a sentence on stderr."""
    if flags.json:
        facts = {"to": flags.to, "out": str(flags.out), "samples": made.rows, "files": made.files}
        show.event(made.state, **facts, bytes=made.bytes, seconds=made.seconds)
        return
    show.result(str(flags.out))
    what = f"{counted(made.rows, 'sample')} as {flags.to}, {counted(made.files, 'file')}, {readable(made.bytes)}"
    if not flags.quiet:
        show.notice(f"nothing to do: {what}, already complete" if made.state == "unchanged" else f"exported {what}")
