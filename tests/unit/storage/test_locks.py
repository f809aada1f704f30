"""Locks of parts: who may write, and what a run that is gone has left."""

from __future__ import annotations

import errno
import os
import socket
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from mixup_cli.errors import DataError, OutputExistsError, StorageError, UsageError
from mixup_cli.recipe import Recipe
from mixup_cli.storage import locks
from mixup_cli.storage.begun import Begun
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.parts import Part

BEGUN = Begun(recipe=Recipe(), pixel_fingerprint="0", versions={})


@pytest.mark.parametrize("count", [0, 1, 5, 24, 25, 1000])
@pytest.mark.parametrize("of", [1, 2, 3, 7, 24])
def test_shards_are_dealt_out_once_in_order_and_evenly(count: int, of: int) -> None:
    dealt = [part.shards(count) for part in Part(1, of).all_parts()]
    assert [number for numbers in dealt for number in numbers] == list(range(count))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


@pytest.mark.parametrize("part", [Part(), Part(2, 3), Part(99_999, 100_000)])
def test_a_part_is_known_by_its_name(part: Part) -> None:
    assert Part.named(part.name) == part


@pytest.mark.parametrize("name", ["lock", "part-1", "part-0-of-2", "part-3-of-2", "part-1-of-2x", "part-1-of-9999999"])
def test_other_names_are_no_parts(name: str) -> None:
    assert Part.named(name) is None


@pytest.mark.parametrize(("number", "of"), [(0, 1), (2, 1), (1, 0), (1, 100_001)])
def test_what_is_no_part_cannot_be_made(number: int, of: int) -> None:
    with pytest.raises(UsageError, match="part: "):
        Part(number, of)


def folders(tmp_path: Path, *parts: Part) -> list[DataSetFolder]:
    return [DataSetFolder(tmp_path / "out", part) for part in parts]


def test_parts_of_one_division_run_at_once(tmp_path: Path) -> None:
    one, two = folders(tmp_path, Part(1, 2), Part(2, 2))
    with one.locked(), two.locked():
        with one.sealing():
            assert one.running() == {two.part}
        assert one.scratch != two.scratch
        assert one.scratch.is_dir()
        assert two.scratch.is_dir()
    assert not one.path.exists(), "nothing was begun"


def test_the_last_to_leave_removes_the_work_folder(tmp_path: Path) -> None:
    one, two = folders(tmp_path, Part(1, 2), Part(2, 2))
    with one.locked():
        with two.locked():
            two.begin(BEGUN, b"")
            (two.path / "manifest.json").touch()
        assert {path.name for path in two.work.iterdir()} == {
            *("done", "lock", "part-1-of-2", "part-1-of-2.json", "part-1-of-2.lock", "recipe.json")
        }
    assert not one.work.exists()


def test_the_message_names_the_process(tmp_path: Path) -> None:
    one, other = folders(tmp_path, Part(1, 2), Part(1, 2))
    told = (
        rf"another run \(process {os.getpid()} on {socket.gethostname()}, since 20..-.*UTC\) is writing part 1/2 here"
    )
    with one.locked(), pytest.raises(OutputExistsError, match=told), other.locked():
        pass


def test_a_lock_whose_holder_says_nothing_is_held_all_the_same(tmp_path: Path) -> None:
    one, other = folders(tmp_path, Part(), Part())
    with one.locked():
        (one.work / "part-1-of-1.json").write_text("[")
        with pytest.raises(OutputExistsError, match=r"another run .* is writing here"), other.locked():
            pass


def test_what_a_run_left_is_removed_under_its_own_lock_only(tmp_path: Path) -> None:
    """Its scratch folder goes when its part runs again; that of another part of the division stays."""
    one, two = folders(tmp_path, Part(1, 2), Part(2, 2))
    for each in (one, two):
        each.scratch.mkdir(parents=True)
        (each.scratch / "shard-00000.h5.part").touch()
        (each.work / f"{each.part.name}.lock").touch()
    with one.locked():
        one.begin(BEGUN, b"")
        assert list(one.scratch.iterdir()) == []
        assert list(two.scratch.iterdir()) != []
    assert two.scratch.exists()


def test_another_division_removes_what_nobody_holds(tmp_path: Path) -> None:
    one, whole = folders(tmp_path, Part(1, 2), Part())
    one.scratch.mkdir(parents=True)
    (one.work / "part-1-of-2.lock").touch()
    with whole.locked():
        assert {path.name for path in whole.work.iterdir()} == {
            *("lock", "part-1-of-1", "part-1-of-1.json", "part-1-of-1.lock")
        }


def test_force_does_not_clear_what_another_part_makes(tmp_path: Path) -> None:
    one, two = folders(tmp_path, Part(1, 2), Part(2, 2))
    with one.locked(), two.locked():
        with one.sealing():
            one.clear()  # two has not joined: it may still scan
            one.begin(BEGUN, b"")
            one.join()
        with two.sealing(), pytest.raises(OutputExistsError, match=r"is writing part 1/2 of what force would remove"):
            two.clear()
        assert two.begun() == BEGUN


def test_whoever_waits_for_a_sealing_lock_that_is_removed_makes_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two runs could hold it: one the file that has no name any more, the other a new one."""
    one, two = folders(tmp_path, Part(1, 2), Part(2, 2))
    import fcntl  # Windows has none

    is_alone = []
    refused, flock = threading.Event(), fcntl.flock

    def heard(descriptor: int, operation: int) -> None:
        try:
            flock(descriptor, operation)
        except OSError:
            refused.set()
            raise

    def wait_and_look() -> None:
        with two.sealing():
            try:
                FileLock(two.work / "lock", timeout=0).acquire()
            except TimeoutError:
                is_alone.append(True)

    waiting = threading.Thread(target=wait_and_look)
    with one.sealing():
        monkeypatch.setattr("fcntl.flock", heard)
        waiting.start()
        assert refused.wait(), "it has opened the lock's file, and polls"
        one.tidy()
        assert not one.work.exists()
    waiting.join()
    assert is_alone == [True]


def test_a_run_that_ends_does_not_wait_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixup_cli.storage.folder.LEAVING_SECONDS", 0.01)
    one, next_run = folders(tmp_path, Part(), Part())
    with one.locked():
        held = FileLock(one.work / "lock")
        held.acquire()
    held.release()
    assert one.work.exists()
    with next_run.locked():
        pass
    assert not one.work.exists()


@pytest.mark.parametrize("number", sorted(locks.NO_LOCKS))
def test_a_file_system_without_locks_is_told(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    (folder,) = folders(tmp_path, Part())
    with pytest.raises(StorageError, match="its file system has no locks") as told, folder.locked():
        pass
    assert told.value.exit_code == 74
    assert errno.errorcode[number]


class Scanner(threading.Thread):
    """A part that waits to scan, and notes what it hears and what becomes of it."""

    def __init__(self, folder: DataSetFolder) -> None:
        super().__init__()
        self._folder = folder
        self.heard: list[str] = []
        self.problem: str | None = None
        self.waits = threading.Event()

    def run(self) -> None:
        def hear(text: str) -> None:
            self.heard.append(text)
            self.waits.set()

        try:
            with self._folder.locked(), self._folder.scanning(hear):
                pass
        except DataError as problem:
            self.problem = str(problem)


@pytest.fixture
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixup_cli.storage.locks.SCAN_LOOK_SECONDS", 0.01)


@pytest.mark.usefixtures("_no_patience")
def test_one_part_scans_and_others_wait_for_it_by_name(tmp_path: Path) -> None:
    one, two, three = folders(tmp_path, *Part(1, 3).all_parts())
    waiting = [Scanner(two), Scanner(three)]
    with one.locked():
        with one.scanning(lambda _: None):
            for each in waiting:
                each.start()
                assert each.waits.wait(60)
            who = f"process {os.getpid()} on {socket.gethostname()}, since "
            assert all(f"another part ({who}" in text for each in waiting for text in each.heard)
            assert all(each.is_alive() for each in waiting)
            one.begin(BEGUN, b"")
        for each in waiting:
            each.join()
        assert [each.problem for each in waiting] == [None, None]
        assert (one.work / "scan.lock").exists(), "a part runs that may scan"
    assert {path.name for path in one.work.iterdir()} == {"done", "lock", "recipe.json"}


@pytest.mark.usefixtures("_no_patience")
def test_those_that_waited_for_a_scan_that_found_damage_end_as_it_did(tmp_path: Path) -> None:
    one, two, three = folders(tmp_path, *Part(1, 3).all_parts())
    waiting = [Scanner(two), Scanner(three)]

    def find_damage() -> None:
        with one.scanning(lambda _: None):
            for each in waiting:
                each.start()
                assert each.waits.wait(60)
            raise DataError("7.png: cannot decode.", "Remove it.")

    with one.locked():
        with pytest.raises(DataError):
            find_damage()
        for each in waiting:
            each.join()
        assert [each.problem for each in waiting] == ["7.png: cannot decode. Remove it."] * 2
        late = Scanner(folders(tmp_path, Part(2, 3))[0])
        late.start()
        late.join()
        assert late.problem is None, "the source may have been repaired since"


@pytest.mark.usefixtures("_no_patience")
def test_a_scan_that_was_given_up_is_no_obstacle(tmp_path: Path) -> None:
    one, two = folders(tmp_path, *Part(1, 2).all_parts())
    waiting = Scanner(two)

    def give_up() -> None:
        with one.scanning(lambda _: None):
            waiting.start()
            assert waiting.waits.wait(60)
            raise KeyboardInterrupt

    with one.locked():
        with pytest.raises(KeyboardInterrupt):
            give_up()
        waiting.join()
    assert waiting.problem is None
