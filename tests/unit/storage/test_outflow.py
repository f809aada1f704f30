"""Files in pieces: the same bytes however they come and wherever they go, and no failure that nobody hears of."""

import errno
import os
import resource
import stat
import sys
import threading
from io import FileIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import StorageError
from mixup_cli.storage import outflow
from mixup_cli.storage.outflow import PAGE_BYTES, PIECE_BYTES, PIECE_COUNT, Outflow
from mixup_cli.storage.seal import Sealing

DATA = np.random.default_rng(0).bytes(5 * PIECE_BYTES + 2 * PAGE_BYTES + 1)


def sealed_bytes(folder: Path, data: bytes, step: int) -> bytes:
    """What is in a file that was written `step` bytes at a time."""
    with Sealing(folder / "a", folder) as file:
        for start in range(0, len(data), step):
            file.write(memoryview(data)[start : start + step])
    assert [path.name for path in folder.iterdir()] == ["a"]
    return (folder / "a").read_bytes()


def flags_of_writes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each write to come is a direct one."""
    fcntl = pytest.importorskip("fcntl")
    found: list[bool] = []
    put = Outflow._put

    def noted(self: Outflow, piece: NDArray[np.uint8]) -> None:
        found.append(bool(fcntl.fcntl(self._file, fcntl.F_GETFL) & os.O_DIRECT))
        put(self, piece)

    monkeypatch.setattr(Outflow, "_put", noted)
    return found


@pytest.mark.parametrize("step", [len(DATA), PIECE_BYTES, PIECE_BYTES - 1, 700_001])
def test_the_bytes_do_not_depend_on_how_they_come(tmp_path: Path, step: int) -> None:
    assert sealed_bytes(tmp_path, DATA, step) == DATA


@pytest.mark.parametrize("pieces", [1, PIECE_COUNT, PIECE_COUNT + 1])
@pytest.mark.parametrize("more", [-1, 0, 1, PAGE_BYTES])
def test_files_that_end_near_the_end_of_a_piece(
    tmp_path: Path, pieces: int, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outflow, "PIECE_BYTES", 2 * PAGE_BYTES)
    data = DATA[: pieces * 2 * PAGE_BYTES + more]
    assert sealed_bytes(tmp_path, data, 1000) == data


def test_a_buffer_may_be_used_again_at_once(tmp_path: Path) -> None:
    buffer = bytearray(PIECE_BYTES)
    with Sealing(tmp_path / "a", tmp_path) as file:
        for number in range(2 * PIECE_COUNT):
            buffer[:] = bytes([number]) * PIECE_BYTES
            file.write(memoryview(buffer))
    assert (tmp_path / "a").read_bytes() == b"".join(bytes([n]) * PIECE_BYTES for n in range(2 * PIECE_COUNT))


def test_small_files_take_no_thread_and_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outflow, "ThreadPoolExecutor", None)
    direct = flags_of_writes(monkeypatch)
    assert sealed_bytes(tmp_path, DATA[:100_000], 10) == DATA[:100_000]
    assert direct == [False]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has direct writes")
def test_whole_pieces_are_direct_and_the_end_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = tmp_path / "probe"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_DIRECT))
    except OSError:
        pytest.skip("this file system has no direct writes")
    probe.unlink()
    direct = flags_of_writes(monkeypatch)
    assert sealed_bytes(tmp_path, DATA, 700_001) == DATA
    assert direct == [True] * 5 + [False]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has direct writes")
def test_a_file_that_cannot_be_direct_is_written_the_ordinary_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    actual = fcntl.fcntl

    def refusing(file: object, command: int, argument: int = 0) -> object:
        if argument & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return actual(file, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refusing)
    assert sealed_bytes(tmp_path, DATA, 700_001) == DATA


def test_a_refused_direct_write_is_repeated_the_ordinary_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Pieces that are no multiple of a page are what any file system may refuse.
    monkeypatch.setattr(outflow, "PIECE_BYTES", PAGE_BYTES + 100)
    assert sealed_bytes(tmp_path, DATA[: 20 * PAGE_BYTES], 1000) == DATA[: 20 * PAGE_BYTES]


@pytest.mark.parametrize("room", [2 * PIECE_BYTES + 1000, PIECE_BYTES, 5 * PIECE_BYTES + 10])
def test_a_file_that_becomes_too_large_is_an_error(tmp_path: Path, room: int) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(StorageError, match="a: File too large"):
            sealed_bytes(tmp_path, DATA, 700_001)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def full_device(_: Path) -> FileIO:
    return Path("/dev/full").open("wb", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_disk_that_becomes_full_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outflow, "_new_file", full_device)
    with pytest.raises(StorageError, match=r"a: No space left on device\. Make room"):
        sealed_bytes(tmp_path, DATA, 700_001)
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.write_bytes(b"theirs")
    (ours / "a.part").symlink_to(theirs)
    assert sealed_bytes(ours, DATA, 700_001) == DATA
    assert theirs.read_bytes() == b"theirs"
    assert not (ours / "a").is_symlink()


@pytest.mark.parametrize("failing", range(1, 7))
def test_whichever_write_fails_it_is_told(tmp_path: Path, failing: int, monkeypatch: pytest.MonkeyPatch) -> None:
    put, calls = Outflow._put, iter(range(1, 100))

    def failing_put(self: Outflow, piece: NDArray[np.uint8]) -> None:
        if next(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        put(self, piece)

    monkeypatch.setattr(Outflow, "_put", failing_put)
    with pytest.raises(StorageError, match="a: Input/output error"):
        sealed_bytes(tmp_path, DATA, 700_001)
    assert list(tmp_path.iterdir()) == []


def test_everything_is_written_before_the_file_is_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode):
            sizes.append(status.st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    sealed_bytes(tmp_path, DATA, 700_001)
    assert sizes == [len(DATA)]


def test_a_block_that_raises_leaves_no_file_and_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()

    def write_and_fail() -> None:
        with Sealing(tmp_path / "a", tmp_path) as file:
            file.write(DATA)
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []
    assert threading.active_count() == before
