"""Files that `-o` names, and what no command writes over: its inputs never, anything else not without --force.

The same command again succeeds: it writes the same plan, which renews the file's time. Another plan does not take a
plan's place, since plans are there to be edited; a sheet takes the place of any sheet of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from filecmp import cmp
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, TypeAlias

from mixup_cli.cli.options.groups import option
from mixup_cli.cli.options.panels import RUNNING
from mixup_cli.errors import OutputExistsError, StorageError, UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.cli.options.source import SourceFlags
    from mixup_cli.sources import Source
    from mixup_cli.storage.seal import Sealing

Force = Annotated[bool, option("--force", panel=RUNNING, help="Replace the file that is there.")]

Named: TypeAlias = str | Path | None
"""What an option names, perhaps a file."""

MARKS = {".csv": b"index,method,parent_0,", ".parquet": b"parent_0", ".png": b"Software\0mixup-gen"}
"""What the beginning of a plan or a sheet of ours holds; of a Parquet file, its end, where the names of columns are."""

MARKED_BYTES = 1 << 16


def read_files(flags: SourceFlags, locations: Iterable[Path], *others: Named) -> list[str | Path]:
    """The files among what a command line names."""
    named: chain[Named] = chain(locations, flags.given().values(), others)
    return [each for each in named if isinstance(each, str | Path) and os.path.isfile(each)]


@dataclass(frozen=True)
class Output:
    """One file that a command makes."""

    path: Path
    force: bool

    def check(self, source: Source | None, read: Iterable[str | Path], locations: Iterable[Path]) -> None:
        """Refuse, before the work, what must not be written over.

        That are the files that the command line names (`read`) and those that the source consists of, by whichever
        links, and all that lies in the source's folders (`locations`) and is not of our making. Raises UsageError for
        these, and without --force OutputExistsError for what is not of our making.
        """
        if (there := _identity(self.path)) is None:
            if os.path.lexists(self.path):
                raise OutputExistsError(f"{self.path}: is a link to a file that is not there. Use another -o.")
            return
        own = self._is_ours()
        inputs = chain(read, () if source is None else source.files(), () if own else _below(locations))
        for each in inputs:
            if _identity(each) == there:
                raise UsageError(f"-o {self.path}: is {each}, which belongs to the input. Use another -o.")
        if not (self.force or own):
            raise OutputExistsError(f"{self.path}: is there already. Use another -o, or --force to replace it.")

    def _is_ours(self) -> bool:
        """Whether a plan or a sheet is there, as far as its mark tells."""
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            if self.path.suffix.lower() == ".parquet":
                file.seek(max(0, self.path.stat().st_size - MARKED_BYTES))
            return MARKS[self.path.suffix.lower()] in file.read(MARKED_BYTES)

    def _may_be_replaced(self) -> bool:
        return self.force or (self.path.suffix.lower() == ".png" and self._is_ours())

    @contextmanager
    def sealed(self) -> Iterator[Sealing]:
        """Write it, beside its place at first. Raises OutputExistsError where another one is there, and no --force."""
        from mixup_cli.storage.seal import Sealing, storage_errors, sync_folder

        with storage_errors(self.path):
            folder = TemporaryDirectory(dir=self.path.absolute().parent, prefix=".mixup-gen-")
        with folder as work:
            made = Path(work) / self.path.name
            try:
                with Sealing(made, made.parent) as file:
                    yield file
            except StorageError as problem:
                raise StorageError(str(problem).replace(str(made), str(self.path))) from problem
            if os.path.lexists(self.path) and not (self._may_be_replaced() or cmp(made, self.path, shallow=False)):
                raise OutputExistsError(
                    f"{self.path}: is there already, and is another one. Use another -o, or --force to replace it."
                )
            with storage_errors(self.path):
                made.replace(self.path)
                sync_folder(self.path.absolute().parent)


def check_kept(out: Path, read: Iterable[str | Path], locations: Iterable[Path]) -> None:
    """Raises UsageError where `out` is a folder of the source with files of its own, which would be left out of it; and
    where a file that is read lies in the data set `out`, under a name that generate writes."""
    from mixup_cli.storage.folder import OURS, DataSetFolder

    folder, place = DataSetFolder(out), out.resolve()
    if out.is_dir() and not folder.is_ours and (found := folder.foreign()):
        for each in locations:
            if place.is_relative_to(each.resolve()):
                raise UsageError(f"-o {out}: belongs to the source {each}, and holds {found[0]!r}. Use another -o.")
    for each in map(Path, read):
        for place in (each.parent.resolve() / each.name, each.resolve()):
            if place.parent == out.resolve() and OURS.fullmatch(place.name):
                raise UsageError(f"-o {out}: {each}, which is read, would be written over. Use another -o.")


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What all names of a file have in common; None where there is none."""
    with suppress(OSError, ValueError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None


def _below(locations: Iterable[Path]) -> Iterator[str]:
    for location in locations:
        for folder, _, names in os.walk(location):
            yield from (os.path.join(folder, name) for name in names)
