"""The options that say what to read, and how. One that is not given is None: defaults live in `SourceOptions`."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mixup_cli.choices import LabelKind, LabelLevel
from mixup_cli.cli.options.groups import Group, flag, local_name, switch
from mixup_cli.cli.options.panels import SOURCE
from mixup_cli.errors import NoInputError, UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.sources import Source, SourceOptions


@dataclass(frozen=True)
class SourceFlags(Group):
    """What to read, and how."""

    files_from: str | None = flag(
        SOURCE, "Read picture paths from a list, one a line.", metavar="FILE|-", parser=local_name
    )
    null: bool = switch(SOURCE, "Paths in the list end with NUL, not newline.", "-0", "--null")
    split: str | None = flag(
        SOURCE, "Which split to take. Default: the training split. '' if the folders are classes.", metavar="NAME"
    )
    classes: str | None = flag(
        SOURCE,
        "The classes in their order: a file with one name a line or a JSON list, a finished data set, or "
        "names. Default: those of all splits, sorted.",
        metavar="FILE|OUT|A,B,…",
        parser=local_name,
    )
    label_level: LabelLevel | None = flag(SOURCE, "CIFAR-100: which labels. Default: fine.")
    labels_from: str | None = flag(
        SOURCE,
        "Take labels from a table with a row for each picture: CSV, TSV, text, JSON lines or Parquet.",
        metavar="FILE",
        parser=local_name,
    )
    file_column: str | None = flag(SOURCE, "Its column that names the pictures.", metavar="NAME")
    label_column: str | None = flag(
        SOURCE, "Its column or columns with labels, or those of metadata.csv.", metavar="NAME[,NAME…]"
    )
    label_separator: str | None = flag(
        SOURCE, "What stands between several classes in one cell, such as ' ' or ','.", metavar="TEXT"
    )
    label_kind: LabelKind | None = flag(
        SOURCE,
        "One class a sample, shares of classes, any number of classes, real numbers, or leave the labels out. "
        "Default: classes or soft, as found.",
    )
    group_column: str | None = flag(
        SOURCE,
        "Column of metadata.csv, or array, with folds, patients, speakers …: only samples of one are mixed. "
        "none: leave out the groups of a finished data set.",
        metavar="NAME",
    )
    data_key: str | None = flag(
        SOURCE, "Array of an .npz or .h5 with the samples; several are mixed alike.", metavar="NAME,…"
    )
    label_key: str | None = flag(SOURCE, "Array with the labels; for .npy, a file's path.", metavar="NAME")
    max_pixels: int | None = flag(SOURCE, "Largest picture that is decoded. Default: 100 million.", min=1)

    def options(self, out: Path) -> SourceOptions:
        """As the library takes them."""
        from mixup_cli.sources import SourceOptions
        from mixup_cli.sources.reading.class_table import read_classes

        given = {name: value for name, value in self.given().items() if name not in ("files_from", "null")}
        if self.classes is not None:
            given["classes"] = read_classes(self.classes)
        return SourceOptions(exclude=(out.absolute(),), **given)

    def open(self, locations: list[Path], out: Path, list_folder: Path = Path()) -> Source:
        """The source that the command line names; the current folder if it names none. What a list names is relative
        to `list_folder`."""
        from mixup_cli.sources import open_source
        from mixup_cli.sources.pictures.file_list import open_file_list, split_nul
        from mixup_cli.sources.reading.bounded_read import lines_of

        for location in locations or [Path()]:
            if location.resolve().is_relative_to(out.resolve()):
                raise UsageError(f"-o {out}: the source {location} is there. Use another -o.")
        if self.files_from is None:
            return open_source(locations or [Path()], self.options(out))
        if locations:
            raise UsageError(f"--files-from and {locations[0]}: give one or the other.")
        with _list_stream(self.files_from) as stream:
            lines = split_nul(stream, self.files_from) if self.null else lines_of(stream, self.files_from)
            return open_file_list(lines, self.files_from, self.options(out), str(list_folder))

    def origin(self, locations: list[Path]) -> dict[str, Any]:
        """What run.json says of the source, so that `verify --deep` finds it again: class names, not where they stood.

        Texts are escaped as keys are. Raises what reading class names raises.
        """
        from mixup_cli.sources.reading.class_table import classes_text, read_classes
        from mixup_cli.sources.reading.names import escape_name

        options = self.given()
        if self.classes is not None:
            options["classes"] = classes_text(read_classes(self.classes))
        for name in ("files_from", "labels_from", "label_key", "group_column"):
            is_file = name in ("files_from", "labels_from") or _is_path(options.get(name, ""))
            if is_file and options.get(name, "-") != "-":
                options[name] = str(Path(options[name]).absolute())
        return {
            "locations": [escape_name(str(path.absolute())) for path in locations or [Path()]],
            "options": {
                name: escape_name(value) if isinstance(value, str) else value for name, value in options.items()
            },
        }


def _is_path(name: str) -> bool:
    """Whether what may name an array or a file names a file."""
    return ("." in name or "/" in name) and Path(name).is_file()


def _list_stream(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        if sys.stdin is None:
            raise UsageError("--files-from -: stdin is closed. Pipe a list of paths in.")
        return nullcontext(sys.stdin.buffer)

    try:
        return Path(name).open("rb")
    except OSError as problem:
        raise NoInputError(
            f"{name}: cannot be read ({problem.strerror}). --files-from takes a file, or - for stdin."
        ) from None
