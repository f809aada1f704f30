"""Where the files of a data set go once they are sealed: they stay where they are, or also go into an object store.

A run that writes to a store works in a mirror (`mixup_cli.storage.mirror`): every file is sealed there, then published,
and a shard is removed once it has arrived. What a run knows of the data set, it takes from the store (`refresh`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from mixup_cli.errors import NoInputError
from mixup_cli.storage.mirror import fetch, is_hole, make_hole
from mixup_cli.storage.names import BEGUN, SMALL
from mixup_cli.storage.seal import WORK_FOLDER, Sealed, sha256_of, storage_errors
from mixup_cli.storage.stores import Store

Item = TypeVar("Item")
Result = TypeVar("Result")

REQUESTS = 16
"""How many small requests are under way at a time: each takes a round trip, whatever its size."""

_SHARED = re.compile(rf"{re.escape(WORK_FOLDER)}/(?!lock$)([a-z]+(\.[a-z]+)?|[a-z]+/[A-Za-z0-9-]+(\.[a-z0-9]+)?)")
"""The files of a work folder that belong to the data set. Locks and temporary files never leave their folder."""

_SIDECARS = f"{WORK_FOLDER}/done/"


class Outlet:
    """The files stay where they are: for a folder that is the data set itself."""

    is_remote: ClassVar[bool] = False

    def refresh(self) -> None:
        """Make the folder agree with the data set."""

    def claim(self, path: Path) -> bool:
        """Put a small file into the data set if it has none of that name. Returns whether it had none."""
        return True

    def publish(self, path: Path, sealed: Sealed) -> None:
        """Put a small file into the data set."""

    def deliver(self, path: Path, sealed: Sealed) -> None:
        """Put a shard into the data set."""

    def remove(self, paths: Iterable[Path]) -> None:
        """Remove files of the data set."""

    def move(self, moves: Mapping[Path, Path]) -> None:
        """Move files of the data set, the last one after all others."""

    def is_intact(self, path: Path, sha256: str) -> bool:
        """Whether a shard still has its hash."""
        with storage_errors(path):
            return sha256_of(path) == sha256


LOCAL = Outlet()


@dataclass(frozen=True)
class Remote(Outlet):
    """The files also go into a store, of which `folder` is a mirror."""

    is_remote: ClassVar[bool] = True

    folder: Path
    store: Store

    def refresh(self) -> None:
        """Fetch small files, and make a hole for each shard and for what is not part of a data set."""
        there = dict(_kept(dict.fromkeys(SMALL, 0) if self.store.is_read_only else self.store.names()))
        with storage_errors(self.folder):
            for path in [*self.folder.glob("*"), *self.folder.glob(f"{WORK_FOLDER}/**/*")]:
                name = self._name(path)
                if path.is_file() and name not in there and ("/" not in name or _SHARED.fullmatch(name)):
                    path.unlink()
            if f"{WORK_FOLDER}/{BEGUN}" in there:
                (self.folder / _SIDECARS).mkdir(parents=True, exist_ok=True)  # a store has no empty folders
        small = []
        for name, size in there.items():
            path = self.folder / name
            if name in SMALL or (_SHARED.fullmatch(name) and not name.endswith(".h5")):
                small += [] if name.startswith(_SIDECARS) and path.exists() else [name]
            elif not (path.exists() and is_hole(path) and path.stat().st_size == size):
                make_hole(path, size)
        if not all(_at_once(self._fetch, small)) and not self.store.is_read_only:
            self.refresh()  # another run has finished, and removed its work folder, since the list was made

    def _fetch(self, name: str) -> bool:
        path = self.folder / name
        try:
            self.store.fetch(name, path)
        except NoInputError:
            path.unlink(missing_ok=True)
        return path.exists()

    def claim(self, path: Path) -> bool:
        """See `Outlet.claim`."""
        return self.store.create(self._name(path), path.read_bytes())

    def publish(self, path: Path, sealed: Sealed) -> None:
        """See `Outlet.publish`."""
        self.store.put(path, self._name(path), sealed)

    def deliver(self, path: Path, sealed: Sealed) -> None:
        """See `Outlet.deliver`. Here it leaves no file."""
        self.publish(path, sealed)
        path.unlink()

    def remove(self, paths: Iterable[Path]) -> None:
        """See `Outlet.remove`. Locks and temporary files are left out."""
        names = map(self._name, paths)
        _at_once(self.store.remove, (name for name in names if "/" not in name or _SHARED.fullmatch(name)))

    def move(self, moves: Mapping[Path, Path]) -> None:
        """See `Outlet.move`."""
        names = [(self._name(path), self._name(to)) for path, to in moves.items()]
        for some in (names[:-1], names[-1:]):
            _at_once(lambda each: self.store.move(*each), some)

    def is_intact(self, path: Path, sha256: str) -> bool:
        """See `Outlet.is_intact`. A store that knows the hash of what it holds is trusted."""
        status = self.store.status(self._name(path))
        if status is None or status.sha256 is not None:
            return status is not None and status.sha256 == sha256
        fetch(self.folder, self.store, self._name(path))
        is_intact = super().is_intact(path, sha256)
        make_hole(path, path.stat().st_size)
        return is_intact

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _kept(names: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """What a mirror has of the files of a store: those of a data set, and of a stranger's folder one entry. A store may
    hold names that lead out of a folder."""
    for name, size in names.items():
        kept = name if _SHARED.fullmatch(name) else name.partition("/")[0]
        if kept not in ("", ".", "..", WORK_FOLDER):
            yield kept, size


def _at_once(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What `work` returns for each item, several at a time. Raises what the first that fails raises."""
    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(work, items))
