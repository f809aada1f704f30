"""Object stores through fsspec: files below a URL, read, written and moved, with one set of errors for all of them.

Only this module imports fsspec, and only when a URL is used. Credentials come from the environment alone. A request
that fails in a way that may pass (a cut connection, an answer like 503) is tried again.
"""

from __future__ import annotations

import base64
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from mixup_cli.errors import MixupGenError, NoInputError, StorageError, UsageError, from_extra
from mixup_cli.storage.seal import NO_ROOM, Sealed, storage_errors
from mixup_cli.storage.store_errors import ExistsError, failure, may_pass, missing, without_secrets
from mixup_cli.wording import is_url, setting

__all__ = ["Status", "Store", "is_url", "local_path"]

Value = TypeVar("Value")

EXTRAS = {"s3": "s3", "gs": "gcs", "az": "azure", "http": "http", "https": "http"}
"""The extra of this package that each scheme needs."""

SCHEMES = (*EXTRAS, "file", "memory")

WAITS = (0.25, 1.0, 4.0, 10.0)
"""Seconds before each further attempt at a request."""

ANSWER_SECONDS = 30.0
"""How long a store may be silent."""

MOST_PUT_BYTES = 5 << 30
"""What S3 takes in one request. An upload in several leaves its parts there when it is cut off, and its checksum is not
the sha256 of the whole."""

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")


def local_path(url: str) -> str | None:
    """The path that a file:// URL names; None for any other URL. Raises UsageError for a relative one."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "file":
        return None
    if not rest.startswith("/"):
        raise UsageError(f"{url}: not the URL of a local path.", "Write file:///, and then the path from the root on.")
    from urllib.request import url2pathname  # its clients for HTTP take a thirtieth of a second to import

    return url2pathname(rest)


@dataclass(frozen=True)
class Status:
    """A file in a store: its size in bytes (None if the server does not say), a stamp that changes with its content,
    and the sha256 of its bytes, if the store knows it."""

    size: int | None
    stamp: str
    sha256: str | None = None


@dataclass(frozen=True)
class Store:
    """The files below a URL. A name is the rest of a file's URL: `part/x.json`.

    Pickled, it is its URL. Threads may share it, and it works in a forked process. Methods raise NoInputError for a
    missing file, and StorageError.
    """

    url: str

    @classmethod
    def open(cls, url: str) -> Self:
        """The store at a URL. Raises UsageError for a URL that it cannot use, or that has credentials in it."""
        shown, match = without_secrets(url), _SCHEME.match(url)
        scheme = match[1].lower() if match else ""
        if scheme not in SCHEMES or not match or url == match[0]:
            known = ", ".join(f"{each}://" for each in SCHEMES)
            raise UsageError(f"{shown}: not one of {known}, with a bucket or a path after it.")
        if shown != url:
            remedy = "Leave that out: credentials come from the environment alone."
            raise UsageError(f"{shown}: the URL has a user or a query in it, which may be secret.", remedy)
        local_path(url)
        store = cls(f"{scheme}://{url.partition('://')[2].rstrip('/')}")
        store._system()
        return store

    @classmethod
    def holding(cls, url: str) -> tuple[Self, str]:
        """The store that has the file at a URL, and the file's name in it."""
        folder, _, name = url.rpartition("/")
        return cls.open(folder), name

    def __str__(self) -> str:
        return self.url

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]

    @property
    def is_read_only(self) -> bool:
        """Whether it can neither be written nor listed."""
        return self.scheme in ("http", "https")

    def url_of(self, name: str) -> str:
        """A file's URL."""
        return f"{self.url}/{name}" if name else self.url

    # Reading

    def names(self, below: str = "") -> dict[str, int]:
        """The names of all files, or of those in one folder, with their sizes in bytes."""
        if self.is_read_only:
            raise StorageError(f"{self.url}: a web server does not list its files.", "Name each file.")
        found = self._tried(below, lambda system, path: system.find(f"{path}/", detail=True, refresh=True))
        start = len(self._path("")) + 1
        return {path[start:]: entry["size"] for path, entry in sorted(found.items()) if entry["type"] == "file"}

    def status(self, name: str) -> Status | None:
        """What the store knows of a file; None if it is missing."""
        try:
            return self._tried(name, _status)
        except NoInputError:
            return None

    def read(self, name: str, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes of a file from `start` up to `stop`, or to its end."""
        limits = {} if start == 0 and stop is None else {"start": start, "end": stop}
        data: bytes = self._tried(name, lambda system, path: system.cat_file(path, **limits))
        if stop is not None and len(data) != stop - start:
            found = f"{self.url_of(name)}: {len(data)} bytes came, and {stop - start} were asked for."
            raise StorageError(found, "It has changed, or its server sends whole files only: download it first.")
        return data

    def fetch(self, name: str, path: Path) -> int:
        """Copy a file to a local path, and return its size. An older file is replaced at the end."""
        status = self.status(name)
        if status is None:
            raise missing(self.url_of(name))
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._tried(name, lambda system, path: system.get_file(path, str(unfinished)))
                size = unfinished.stat().st_size
                if status.size not in (None, size):
                    raise StorageError(
                        f"{self.url_of(name)}: changed while it was read.", "Run the same command again."
                    )
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        return size

    # Writing

    def put(self, path: Path, name: str, sealed: Sealed) -> None:
        """Copy a local file into the store, whole or not at all, and compare what arrived with what was sealed."""
        if self.scheme == "s3" and sealed.file_bytes > MOST_PUT_BYTES:
            found = f"{self.url_of(name)}: has {sealed.file_bytes:,} bytes, and S3 takes {MOST_PUT_BYTES:,} at once."
            raise StorageError(found, f"Pass a smaller {setting('shard_bytes')}.")
        self._change(name, lambda system, to: _put(system, path, to, sealed))
        arrived = self.status(name)
        if arrived is None or arrived.size != sealed.file_bytes or arrived.sha256 not in (None, sealed.sha256):
            found = f"{self.url_of(name)}: the store has other bytes than were sent."
            raise StorageError(found, "Let no other program write there, and run the same command again.")

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file, unless the store has one of that name. Returns whether it was written."""
        try:
            self._change(name, lambda system, path: system.pipe_file(path, data, mode="create"))
        except ExistsError:
            return False
        return True

    def move(self, name: str, to: str) -> None:
        """Give a file another name; the store itself copies it. A file of that name is replaced."""
        self._change(name, lambda system, path: system.cp_file(path, self._path(to)))
        self.remove(name)

    def remove(self, *names: str) -> None:
        """Remove files. Those that are missing are left out."""
        for name in names:
            with suppress(NoInputError):
                self._change(name, lambda system, path: system.rm_file(path))

    # Requests

    def _system(self) -> Any:
        """fsspec's file system: fsspec keeps one for each process. Raises UsageError if a package is missing."""
        with from_extra(EXTRAS.get(self.scheme, "http"), f"{self.url}: {self.scheme}://"):
            import fsspec

            system = fsspec.filesystem(self.scheme, use_listings_cache=False, **_options(self.scheme))
        if self.scheme == "s3":
            system.retries = 1
        return system

    def _path(self, name: str) -> str:
        """What fsspec calls a file."""
        url = self.url_of(name)
        return str(self._system()._strip_protocol(local_path(url) or url))

    def _change(self, name: str, work: Callable[[Any, str], None]) -> None:
        self.check_writable()
        self._tried(name, work)

    def check_writable(self) -> None:
        """Raises UsageError for a store that can only be read."""
        if self.is_read_only:
            raise UsageError(f"{self.url}: can only be read.", f"Use another {setting('out')}.")

    def _tried(self, name: str, work: Callable[[Any, str], Value]) -> Value:
        """What `work` returns, given fsspec's file system and path. It is tried again if it fails in a way that may
        pass."""
        for attempt, wait in enumerate((*WAITS, None), 1):
            try:
                return work(self._system(), self._path(name))
            except MixupGenError:
                raise
            except Exception as problem:  # each backend has its own
                if isinstance(problem, OSError) and problem.errno in NO_ROOM:  # of the local disk
                    raise
                if self.is_read_only and isinstance(problem.__cause__, Exception):
                    problem = problem.__cause__  # fsspec calls a file missing for any failure of a web server
                if wait is None or not may_pass(problem):
                    # without its cause, for which an engine would try the whole task again
                    raise failure(self.url_of(name), problem, attempt) from None
                time.sleep(wait)
        raise AssertionError


def _options(scheme: str) -> dict[str, Any]:
    """How fsspec opens a store: an answer is waited for only so long, and `Store` alone tries requests again."""
    if scheme == "s3":
        config = {"retries": {"total_max_attempts": 1}, "read_timeout": ANSWER_SECONDS}
        return {"config_kwargs": config, "max_concurrency": 1}  # else reading takes 50 MB for each of ten requests
    if scheme in ("http", "https"):
        import aiohttp

        return {"client_kwargs": {"timeout": aiohttp.ClientTimeout(None, sock_connect=10, sock_read=ANSWER_SECONDS)}}
    return {"auto_mkdir": True} if scheme == "file" else {}


def _put(system: Any, path: Path, to: str, sealed: Sealed) -> None:
    """Copy a local file so that no reader sees a part of it. S3 compares the hash with the bytes, and keeps it."""
    if "s3" in system.protocol:
        bucket, key, _ = system.split_path(to)
        checksum = {
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(sealed.sha256)).decode(),
        }
        with path.open("rb") as file:
            system.call_s3("put_object", Bucket=bucket, Key=key, Body=file, **checksum)
    elif "file" in system.protocol:
        system.put_file(str(path), f"{to}.part")
        os.replace(f"{to}.part", to)
    else:
        system.put_file(str(path), to)


def _status(system: Any, path: str) -> Status:
    if "s3" in system.protocol:
        bucket, key, _ = system.split_path(path)
        head = system.call_s3("head_object", Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        kept = head.get("ChecksumSHA256", "-")  # with a dash: a hash of hashes
        return Status(head["ContentLength"], head["ETag"], None if "-" in kept else base64.b64decode(kept).hex())
    entry = system.info(path)
    if entry["type"] != "file":
        raise FileNotFoundError(path)
    marks = ("ETag", "etag", "generation", "last_modified", "mtime", "created", "ino", "size")
    return Status(entry["size"], " ".join(str(entry[mark]) for mark in marks if mark in entry))
