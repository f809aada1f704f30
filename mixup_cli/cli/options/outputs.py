"""Files that `-o` names, and what a command never overwrites: its inputs, and without --force anything else.

The same command again succeeds: it writes the same plan, which renews the file's time. A different plan does not
replace a plan, which may have been edited; a sheet or a page replaces any of ours.
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
from typing import TYPE_CHECKING, Any, TypeAlias

from mixup_cli.cli.options.groups import RUNNING, switch
from mixup_cli.errors import NoInputError, OutputExistsError, StorageError, UsageError
from mixup_cli.wording import setting, use_another

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.cli.options.source import SourceFlags
    from mixup_cli.sources import Source
    from mixup_cli.storage.seal import Sealing
    from mixup_cli.storage.stores import Store


def force_switch() -> Any:
    """`--force`, for commands that write one file."""
    return switch(RUNNING, "Replace an existing file.", everyday=True)


Named: TypeAlias = str | Path | None
"""What an option names, perhaps a file."""

MARKS = {
    ".csv": b"index,method,parent_0,",
    ".parquet": b"parent_0",
    ".png": b"Software\0mixup-gen",
    ".html": b'name="generator" content="mixup-gen"',
}
"""What the beginning of a plan, a sheet or a page of ours holds; of a Parquet file, its end, where the names of columns
are."""

MARKED_BYTES = 1 << 16


def read_files(flags: SourceFlags, locations: Iterable[Path | str], *others: Named) -> list[str | Path]:
    """The files among what a command line names."""
    named: chain[Named] = chain(locations, flags.given().values(), others)
    return [each for each in named if isinstance(each, str | Path) and os.path.isfile(each)]


@dataclass(frozen=True)
class Output:
    """One file that a command makes."""

    path: Path
    force: bool

    def check(self, source: Source | None, read: Iterable[str | Path], locations: Iterable[Path]) -> None:
        """Refuse, before the work, to overwrite what must be kept.

        That is every file that the command line names (`read`) or that the source consists of, by whichever links, and
        all that lies in the source's folders (`locations`) and is not a file of ours. Raises UsageError for
        these, and without --force OutputExistsError for anything else that is not ours.
        """
        if _identity(self.path) is None:
            if os.path.lexists(self.path):
                raise OutputExistsError(f"{self.path}: is a link to a missing file.", use_another())
            return
        own = self._is_ours()
        inputs = chain(read, () if source is None else source.files(), () if own else _below(locations))
        check_not_read(self.path, inputs)
        if not (self.force or own):
            raise OutputExistsError(f"{self.path}: already exists.", use_another(or_force=True))

    def _is_ours(self) -> bool:
        """Whether the file is a plan, a sheet or a page of ours, as far as its mark shows."""
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            if self.path.suffix.lower() == ".parquet":
                file.seek(max(0, self.path.stat().st_size - MARKED_BYTES))
            return MARKS[self.path.suffix.lower()] in file.read(MARKED_BYTES)

    def _may_be_replaced(self) -> bool:
        return self.force or (self.path.suffix.lower() in (".png", ".html") and self._is_ours())

    @contextmanager
    def sealed(self) -> Iterator[Sealing]:
        """Write it, beside its place at first. Raises OutputExistsError for another file there, without --force."""
        from mixup_cli.storage.seal import Sealing, storage_errors, sync_folder

        with storage_errors(self.path, kept=""):
            folder = TemporaryDirectory(dir=self.path.absolute().parent, prefix=".mixup-gen-")
        with folder as work:
            made = Path(work) / self.path.name
            try:
                with Sealing(made, made.parent) as file:
                    yield file
            except StorageError as problem:
                with storage_errors(self.path, kept=""):  # the user knows this path, and not the unfinished file's
                    raise problem.__cause__ or problem from None
            if os.path.lexists(self.path) and not (self._may_be_replaced() or cmp(made, self.path, shallow=False)):
                raise OutputExistsError(f"{self.path}: already exists, and differs.", use_another(or_force=True))
            with storage_errors(self.path, kept=""):
                made.replace(self.path)
                sync_folder(self.path.absolute().parent)


def check_not_read(path: Path, read: Iterable[str | Path], field: str = "out") -> None:
    """Raises UsageError where a file that is to be written is one of those that are `read`, by whichever links."""
    existing = _identity(path)
    for each in () if existing is None else read:
        if _identity(each) == existing:
            raise UsageError(f"is {each}, which belongs to the input.", use_another(field), field=field, value=path)


def check_file(out: Path, suffixes: tuple[str, ...], remedy: str) -> None:
    """Raises an error where `out` is not the place of a file with one of these endings."""
    if out.is_dir():
        raise OutputExistsError(f"{out}: is a folder, and {setting('out')} names a file.", remedy)
    if out.suffix.lower() not in suffixes:
        raise UsageError(f"does not end in {' or '.join(suffixes)}.", remedy, field="out", value=out)
    if not out.absolute().parent.is_dir():
        raise NoInputError(f"{out.parent}: no such folder.", f"Make it, or use another {setting('out')}.")


def check_kept(out: Path, read: Iterable[str | Path], locations: Iterable[Path]) -> None:
    """Raises UsageError where `out` is a folder of the source and holds other files, which the source would lose; and
    where a file that is read lies in the data set `out`, under a name that generate writes."""
    from mixup_cli.storage.names import OURS

    place = out.resolve()
    if out.is_dir() and (found := _foreign(out)):
        for each in locations:
            if place.is_relative_to(each.resolve()):
                problem = f"belongs to the source {each}, and holds {found[0]!r}."
                raise UsageError(problem, use_another(), field="out", value=out)
    for each in map(Path, read):
        for name in (each.parent.resolve() / each.name, each.resolve()):
            if name.parent == place and OURS.fullmatch(name.name):
                raise UsageError(f"would overwrite the input {each}.", use_another(), field="out", value=out)


def _foreign(folder: Path) -> list[str]:
    """The names in a folder that does not hold a data set."""
    from mixup_cli.storage.folder import DataSetFolder  # needs pydantic

    found = DataSetFolder(folder)
    return [] if found.is_ours else found.foreign()


def check_apart(store: Store, sources: Iterable[str]) -> None:
    """Raises UsageError where a source lies in the data set at a URL; and where that lies in a source and holds other
    files, which the source would lose."""
    from mixup_cli.storage.names import MANIFEST, OURS
    from mixup_cli.storage.seal import WORK_FOLDER

    for each in sources:
        scheme, _, rest = each.partition("://")
        url, out = f"{scheme.lower()}://{rest.rstrip('/')}/", f"{store.url}/"
        if url.startswith(out):
            raise UsageError(f"the source {each} lies in that folder.", use_another(), field="out", value=store)
        if out.startswith(url):
            found = {name.partition("/")[0] for name in store.names()}
            is_ours = not found.isdisjoint((MANIFEST, WORK_FOLDER))
            if other := sorted(
                each for each in found if not (is_ours and (each == WORK_FOLDER or OURS.fullmatch(each)))
            ):
                problem = f"belongs to the source {each}, and holds {other[0]!r}."
                raise UsageError(problem, use_another(), field="out", value=store)


def _identity(path: str | Path) -> tuple[int, int] | None:
    """What all names of a file have in common; None if it does not exist."""
    with suppress(OSError, ValueError):
        status = os.stat(path)
        return status.st_dev, status.st_ino
    return None


def _below(locations: Iterable[Path]) -> Iterator[str]:
    for location in locations:
        for folder, _, names in os.walk(location):
            yield from (os.path.join(folder, name) for name in names)
