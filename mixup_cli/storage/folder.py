"""The output folder of a run: who may write to it, and what changes it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Self

from mixup_cli.errors import OutputExistsError, StorageError
from mixup_cli.storage import names
from mixup_cli.storage.begun import Begun
from mixup_cli.storage.contents import CLEARING, SHARD, FolderContents
from mixup_cli.storage.inside import check_plain
from mixup_cli.storage.json_files import to_json
from mixup_cli.storage.locks import PartLocks
from mixup_cli.storage.mirror import working
from mixup_cli.storage.names import BEGUN, OURS
from mixup_cli.storage.outlet import LOCAL, Outlet, Remote
from mixup_cli.storage.parts import Part
from mixup_cli.storage.seal import Sealed, seal_bytes, storage_errors, sync_folder, unfinished_path
from mixup_cli.storage.shard_records import ShardRecord, shard_name
from mixup_cli.storage.stores import Store
from mixup_cli.wording import setting

EMPTY = Sealed(0, hashlib.sha256().hexdigest())

LEAVING_SECONDS = 1.0
"""How long a run that ends waits for the sealing lock: after an interrupt it should end soon."""


class DataSetFolder(FolderContents):
    """The folder of a data set, for a run that writes to it. `part` is the share of the shards that this run makes. Its
    temporary files are in `scratch`, which exists while the folder is `locked`."""

    def __init__(self, path: Path, part: Part | None = None, outlet: Outlet = LOCAL) -> None:
        super().__init__(path, outlet)
        self.outlet = outlet
        self._locks = PartLocks(path, self.work, part or Part())
        self.part = self._locks.part
        self.scratch = self._locks.scratch
        self._is_new = False

    def __reduce__(self) -> tuple[Callable[..., Self], tuple[Path, Part, Outlet, Path]]:
        return self._arrived, (self.path, self.part, self.outlet, self.place)  # a lock stays in its process

    @classmethod
    def _arrived(cls, path: Path, part: Part, outlet: Outlet, place: Path) -> Self:
        """In a worker process. On another host, a mirror begins as an empty folder."""
        folder = cls(path, part, outlet)
        if outlet.is_remote:
            for each in (folder.scratch, folder._done, place):
                each.mkdir(parents=True, exist_ok=True)
        return folder

    # Who may write to it

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folders and hold the lock of this part. Raises OutputExistsError if another run holds it, or runs a
        part of another division."""
        check_plain(self.work)
        self._make()
        with self.sealing():
            self._locks.take()
        try:
            yield
        finally:
            self._leave()

    def _make(self) -> None:
        """Make the folder, and its parents if they are missing."""
        missing = [each for each in (self.path, *self.path.parents) if not each.exists()]
        self._is_new = bool(missing)
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            for each in reversed(missing):
                sync_folder(each.parent)

    def sealing(self) -> AbstractContextManager[None]:
        """Hold the lock for beginning and sealing: no other run starts, begins, seals or ends meanwhile."""
        return self._locks.sealing()

    def scanning(self, report: Callable[[str], None]) -> AbstractContextManager[None]:
        """Let one part after another in, from before it reads the source until it has begun or joined the data set:
        the first reads all of it. `report` hears who that is. Call it while the folder is `locked`."""
        return self._locks.scanning(report)

    @property
    def is_locked(self) -> bool:
        """Whether this run holds the lock of its part."""
        return self._locks.is_held

    @property
    def holder_file(self) -> Path:
        """A file that shows, while the folder is `locked`, which run writes here: no other folder has the same one."""
        return self._locks.holder_file

    def running(self) -> set[Part]:
        """The other parts that run now. Call it under `sealing`."""
        return set(self._locks.running())

    def _leave(self) -> None:
        """The last to release the lock removes the work folder, if the data set is finished or was never begun."""
        try:
            with self._locks.sealing(LEAVING_SECONDS):
                self._locks.give_back()
                self._remove_work()
        except (OutputExistsError, StorageError):  # the next run clears it
            self._locks.let_go()

    def settle(self) -> None:
        """Take the last step of an extension, if a run was cut off in it: see `mixup_cli.storage.growth`.

        Raises DataError as `tidy` does.
        """
        if self.growth.is_complete:
            check_plain(self.work)
            with self._locks.sealing():
                if self._manifest.exists():  # if not, `clear` was cut off
                    self.growth.take_over()

    def tidy(self) -> None:
        """Remove the work folder that a run left in a finished data set, unless a part runs or an extension is begun.

        Raises DataError if the work folder is a link, or holds a link or a pipe.
        """
        check_plain(self.work)
        if self.work.exists():
            with suppress(OutputExistsError, StorageError), self._locks.sealing(0):
                self._remove_work()

    def _remove_work(self) -> None:
        """Remove the work folder. If nothing was begun, also remove the folder itself, if this run made it."""
        is_finished = self._manifest.exists()
        is_begun = self.half_cleared or (self.work / BEGUN).exists()
        is_over = (is_finished or not is_begun) and not self.growth.is_begun
        if is_over and is_finished:
            self.outlet.remove(self.work.rglob("*"))
        if is_over and self._locks.remove_all() and not is_finished and self._is_new:
            with suppress(OSError):
                self.path.rmdir()

    # What changes it

    @property
    def give_up(self) -> str:
        """How a user discards what a run has begun here."""
        if self.growth.is_begun:
            return f"remove {self.work} to discard them"
        return f"pass {setting('force')} {'' if self.part.is_whole else 'to all parts '}to start over"

    def check_clearable(self) -> None:
        """Raises OutputExistsError if files of the user have names of ours."""
        if in_the_way := [name for name in self.foreign() if OURS.fullmatch(name)]:
            remedy = f"Use another {setting('out')}."
            raise OutputExistsError(f"{self.path}: holds a {in_the_way[0]} that is not part of a data set.", remedy)

    def clear(self) -> None:
        """Remove our files and no others. The manifest goes first, so that a half-removed data set is not one.

        Call it under `sealing`. Raises OutputExistsError if another part is making shards of it.
        """
        for part, holder in self._locks.running().items():
            if holder.joined:
                found = f"another run ({holder}) is writing part {part} of what {setting('force')} would remove"
                raise OutputExistsError(f"{self.path}: {found}.", f"Wait, or use another {setting('out')}.")
        if not self.is_ours:
            return
        with storage_errors(self.path):
            (self.work / CLEARING).touch()
            self.outlet.publish(self.work / CLEARING, EMPTY)
            self.remove(self._manifest)
            self.remove(*(each for each in self.path.iterdir() if OURS.fullmatch(each.name) and each.is_file()))
            self.growth.remove()
            self.outlet.remove(self._done.glob("*"))
            if self._done.exists():
                shutil.rmtree(self._done)
            self.remove(self.work / BEGUN)
            self.remove(self.work / CLEARING)

    def begin(self, begun: Begun, sources_csv: bytes) -> bool:
        """Write down the job and its inputs. Beside a finished data set, a larger one begins. Returns False, and writes
        nothing, if a run on another machine was first."""
        with storage_errors(self.path):
            if self._manifest.exists():
                self.growth.path.mkdir(parents=True, exist_ok=True)
            self._done.mkdir(parents=True, exist_ok=True)
        path, is_first = self.work / BEGUN, not (self.work / BEGUN).exists()
        sealed = seal_bytes(path, begun.to_json(), self.scratch)
        if not is_first:
            self.outlet.publish(path, sealed)
        elif not self.outlet.claim(path):
            return False
        self.seal(self.place / names.SOURCES, sources_csv)
        return True

    def join(self) -> None:
        """Let other runs know that this one makes shards. Call it under `sealing`, after `begin`."""
        self._locks.join()

    def seal(self, final: Path, data: bytes) -> Sealed:
        """Write a small file whole."""
        sealed = seal_bytes(final, data, self.scratch)
        try:
            self.outlet.publish(final, sealed)
        except BaseException:  # a mirror has no file that the store lacks
            final.unlink()
            raise
        return sealed

    def remove(self, *paths: Path) -> None:
        """Remove files of the data set, if they exist."""
        with storage_errors(self.path):
            for path in paths:
                path.unlink(missing_ok=True)
        self.outlet.remove(paths)

    def remove_from(self, number: int) -> None:
        """Remove the shards from `number` on: an earlier run wanted more rows."""
        with storage_errors(self.path):
            found = ((path, SHARD.fullmatch(path.name)) for path in self._shard_paths())
            self.remove(*(path for path, name in found if name and int(name[1]) >= number))

    # Finished shards

    def add_done(self, number: int, record: ShardRecord) -> None:
        """Deliver a shard, and seal its sidecar: from now on it is finished."""
        self.outlet.deliver(self.place / record.file, Sealed(record.bytes, record.sha256))
        self.seal(self._sidecar(number), to_json(record.model_dump(exclude_none=True)))

    def forget(self, number: int) -> None:
        """Remove the sidecar of a shard that will be made again."""
        with storage_errors(self.path):
            if self._sidecar(number).exists():
                self.remove(self._sidecar(number))

    def discard_unfinished(self, number: int) -> None:
        """Remove what a worker process left of a shard when it died."""
        for final in (self.path / shard_name(number), self._sidecar(number)):
            unfinished_path(final, self.scratch).unlink(missing_ok=True)


@contextmanager
def data_set_at(place: Path | Store, part: Part | None = None) -> Iterator[DataSetFolder]:
    """The folder of a data set; for a store, a mirror of it until the end of the context."""
    if isinstance(place, Path):
        yield DataSetFolder(place, part)
        return
    with working(place) as mirror:
        folder = DataSetFolder(mirror, part, Remote(mirror, place))
        folder.outlet.refresh()
        yield folder
