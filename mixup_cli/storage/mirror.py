"""Mirrors: local folders that stand for data sets in object stores.

All lie in one folder (`mirrors`), each with the URL in a file beside it. A file is fetched when it is first opened
(`mixup_cli.storage.inside`). Until then a file whose size is known is a hole: it has that size, takes no disk, and
may not be read.

A command has a mirror of its own, and removes it at its end (`working`). Readers share one for each manifest, which
stays, so that a second epoch reads the disk (`shared`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from mixup_cli.errors import DataError, MixupGenError, StorageError
from mixup_cli.storage.seal import sha256_of, storage_errors
from mixup_cli.storage.stores import Store

VARIABLE = "MIXUP_GEN_STORE_CACHE"
"""The environment variable that names the folder of all mirrors."""

WORKING = "work-"
"""How the names of mirrors begin that one command uses."""


def mirrors() -> Path:
    """The folder of all mirrors: what the variable names, or else one in the user's cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    return (cache if cache.is_absolute() else Path(tempfile.gettempdir())) / "mixup-gen"


def _make_home() -> None:
    """Make the folder of all mirrors. Raises StorageError if it is in the folder of temporary files, where every user
    may write, and another user made it: what lies in a mirror is not fetched again."""
    home = mirrors()
    is_open_to_all = home.parent == Path(tempfile.gettempdir())
    home.mkdir(0o700 if is_open_to_all else 0o777, parents=True, exist_ok=True)
    if is_open_to_all and (home.is_symlink() or home.stat().st_uid != os.getuid()):
        raise StorageError(f"{home}: belongs to another user.", f"Name a folder of your own in {VARIABLE}.")


def mirrored(folder: Path) -> Store | None:
    """The store of a mirror; None for any other folder."""
    note = _note(folder)
    return Store(note.read_text()) if note.is_file() and folder.parent == mirrors() else None


def _note(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.url"


def shared(store: Store, name: str, content: bytes) -> Path:
    """The mirror that readers of a data set share: another one as soon as its file `name` has other content."""
    folder = mirrors() / hashlib.sha256(store.url.encode() + b"\0" + content).hexdigest()[:32]
    with storage_errors(folder):
        _make_home()
        folder.mkdir(exist_ok=True)
        for path, data in ((_note(folder), store.url.encode()), (folder / name, content)):
            if not path.exists():
                unfinished = path.with_name(f"{path.name}.{uuid4().hex}")
                unfinished.write_bytes(data)
                unfinished.replace(path)
    return folder


@contextmanager
def working(store: Store) -> Iterator[Path]:
    """An empty mirror, until the end of the context. What errors say of it, they then say of the URL."""
    folder = mirrors() / f"{WORKING}{_of_host()}-{uuid4().hex}"
    with ExitStack() as stack:
        with storage_errors(folder):
            _make_home()
            _remove_abandoned()
            stack.enter_context(FileLock(_lock(folder)))
            stack.callback(_remove, folder)
            _note(folder).write_text(store.url)
            folder.mkdir()
        stack.enter_context(_naming(folder, store))
        yield folder


def _lock(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _of_host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _remove_abandoned() -> None:
    """Remove the mirrors of commands that were killed on this host: a home folder that hosts share may lack locks."""
    for path in mirrors().glob(f"{WORKING}{_of_host()}-*.lock"):
        with suppress(Timeout), FileLock(path, timeout=0):
            _remove(path.with_suffix(""))


def _remove(folder: Path) -> None:
    for each in (folder, _fetching(folder)):
        shutil.rmtree(each, ignore_errors=True)
    for path in (_note(folder), _lock(folder)):
        path.unlink(missing_ok=True)


@contextmanager
def _naming(folder: Path, store: Store) -> Iterator[None]:
    """Errors about a mirror speak of its URL; those of the disk speak of the disk."""
    try:
        yield
    except MixupGenError as problem:
        found, remedy = problem.found, problem.remedy
        if not isinstance(problem, StorageError):
            found, remedy = (text.replace(str(folder), store.url) for text in (found, remedy))
        elif str(folder) in found:
            remedy = f"{remedy} {VARIABLE} names another folder for files on their way."
        raise type(problem)(found, remedy, problem.fields, problem.value) from problem.__cause__


def make_hole(path: Path, size: int) -> None:
    """Put a hole in a file's place."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(0)
        os.truncate(path, size)


def is_hole(path: Path) -> bool:
    """Whether a file of a mirror is not here yet."""
    return stat.S_IMODE(path.lstat().st_mode) == 0


def release(path: Path) -> None:
    """Take the disk of a shard back, in the mirror of one command: nothing reads it soon."""
    if path.parent.name.startswith(WORKING) and mirrored(path.parent) is not None:
        with suppress(FileNotFoundError):
            make_hole(path, path.stat().st_size)


def fetch(folder: Path, store: Store, name: str, sha256: str | None = None) -> None:
    """Have a file here, unless the store lacks it: then it is missing here, too. Of several processes one fetches it.

    Raises DataError if it should have the hash `sha256`, and has another.
    """
    path = folder / name
    if _is_here(path):
        return
    lock = _fetching(folder) / f"{name.replace('/', '-')}.lock"
    with storage_errors(path):
        lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        if _is_here(path):
            return
        if store.status(name) is None:
            path.unlink(missing_ok=True)
            return
        arrived = lock.with_suffix(".part")
        store.fetch(name, arrived)
        if sha256 not in (None, sha256_of(arrived)):
            arrived.unlink()
            found = f"{store.url_of(name)}: its sha256 is not the one in the manifest. It was replaced or damaged."
            raise DataError(found, f"Open it again; if that does not help, run mixup-gen verify {store.url}.")
        with storage_errors(path):
            arrived.replace(path)


def _is_here(path: Path) -> bool:
    try:
        return not is_hole(path)
    except FileNotFoundError:
        return False


def _fetching(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.fetching")
