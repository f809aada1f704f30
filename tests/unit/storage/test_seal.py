"""Sealing: whole or not there, durable before it has its name, hashed on the way."""

import hashlib
import os
import resource
import stat
from io import FileIO
from pathlib import Path

import pytest

from mixup_cli.errors import StorageError
from mixup_cli.storage import outflow
from mixup_cli.storage.seal import Sealed, Sealing, seal_bytes


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def test_size_and_hash_are_those_of_what_was_written(tmp_path: Path, work: Path) -> None:
    with Sealing(tmp_path / "a", work) as file:
        file.write(b"one ")
        file.write(memoryview(b"two"))
    assert (tmp_path / "a").read_bytes() == b"one two"
    assert file.sealed == Sealed(7, hashlib.sha256(b"one two").hexdigest())
    assert files_in(tmp_path) == ["a"]


def test_an_empty_file_is_sealed_too(tmp_path: Path, work: Path) -> None:
    assert seal_bytes(tmp_path / "a", b"", work) == Sealed(0, hashlib.sha256(b"").hexdigest())
    assert (tmp_path / "a").read_bytes() == b""


def test_the_file_is_durable_before_it_has_its_name_and_the_name_after(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        calls.append("fsync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        calls.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    seal_bytes(tmp_path / "a", b"x", work)
    assert calls == ["fsync file", "rename", "fsync folder"]


def test_nothing_has_the_name_before_the_end(tmp_path: Path, work: Path) -> None:
    with Sealing(tmp_path / "a", work) as file:
        file.write(b"x")
        assert not (tmp_path / "a").exists()


def test_a_failure_leaves_nothing_and_keeps_what_stood_there(tmp_path: Path, work: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")

    def write_and_fail() -> None:
        with Sealing(tmp_path / "a", work) as file:
            file.write(b"x")
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        write_and_fail()
    assert (tmp_path / "a").read_bytes() == b"before"
    assert files_in(tmp_path) == ["a"]


def test_a_failing_fsync_leaves_nothing(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StorageError, match="a: Input/output error"):
        seal_bytes(tmp_path / "a", b"x", work)
    assert files_in(tmp_path) == []


def full_device(_: Path) -> FileIO:
    return Path("/dev/full").open("wb", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_as_one(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outflow, "_new_file", full_device)
    with pytest.raises(StorageError, match=r"No space left on device\. Make room"):
        seal_bytes(tmp_path / "a", b"x", work)
    assert files_in(tmp_path) == []


def test_a_write_that_stops_halfway_is_an_error(tmp_path: Path, work: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StorageError, match="File too large"):
            seal_bytes(tmp_path / "a", bytes(1500), work)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_in(tmp_path) == []


def test_a_missing_folder_is_a_storage_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"a\.json: No such file or directory"):
        seal_bytes(tmp_path / "a.json", b"x", tmp_path / "absent")
