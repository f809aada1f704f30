"""Mirrors and what they publish, with a store in memory."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import socket
import tempfile
from pathlib import Path
from uuid import uuid4

import pytest

from mixup_cli.errors import DataError, StorageError
from mixup_cli.storage.folder import DataSetFolder, data_set_at
from mixup_cli.storage.inside import file_inside
from mixup_cli.storage.mirror import is_hole, make_hole, mirrors, shared, working
from mixup_cli.storage.seal import seal_bytes
from mixup_cli.storage.shard_records import ShardRecord
from mixup_cli.storage.stores import Store
from tests.contracts.store_contract import put


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MIXUP_GEN_STORE_CACHE", str(tmp_path / "mirrors"))
    return Store.open(f"memory://{uuid4().hex}/x")


def finish_shard(folder: DataSetFolder, number: int) -> None:
    name = f"shard-{number:05}.h5"
    sealed = seal_bytes(folder.place / name, b"x" * 999, folder.scratch)
    folder.add_done(number, ShardRecord(file=name, bytes=999, sha256=sealed.sha256, start=0, stop=1, columns={}))


def test_where_mirrors_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert mirrors() == tmp_path / "mixup-gen"
    monkeypatch.setenv("MIXUP_GEN_STORE_CACHE", str(tmp_path / "fast"))
    assert mirrors() == tmp_path / "fast"


def test_mirrors_that_another_user_made_are_not_used(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where a user has no home, mirrors are in the folder of temporary files; what is in them is taken as fetched."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("MIXUP_GEN_STORE_CACHE", str(tmp_path / "mixup-gen"))
    with working(store) as folder:
        assert folder.parent.stat().st_mode & 0o777 == 0o700
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(StorageError, match=r"belongs to another user\. Name a folder of your own in MIXUP_GEN_STORE"):
        shared(store, "manifest.json", b"{}")


def test_a_hole_has_a_size_and_takes_no_disk(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("real")
    assert not is_hole(tmp_path / "x")
    for size in (1 << 33, 0):
        make_hole(tmp_path / "x", size)
        assert is_hole(tmp_path / "x")
        status = (tmp_path / "x").stat()
        assert (status.st_size, status.st_blocks) == (size, 0)


def test_a_worker_on_another_host_needs_no_folder(store: Store) -> None:
    with data_set_at(store) as folder, folder.locked():
        there = pickle.dumps(folder)
        shutil.rmtree(folder.path)
        finish_shard(pickle.loads(there), 3)
        assert not (folder.path / "shard-00003.h5").exists(), "a shard leaves the disk"
        assert store.names() == {".mixup-gen/done/00003.json": store.names()[".mixup-gen/done/00003.json"]} | {
            "shard-00003.h5": 999
        }
        folder.outlet.refresh()
        assert folder.done(3, 0, 1) is not None


def test_names_in_a_store_lead_nowhere(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["../up", ".mixup-gen/../../up", ".mixup-gen/lock", ".mixup-gen/part-1-of-1/x", "..", "a/../../b", "/etc/x"]
    monkeypatch.setattr(Store, "names", lambda _: dict.fromkeys(names, 5))
    with data_set_at(store) as folder:
        assert sorted(path.name for path in folder.path.rglob("*")) == ["a"]
        assert folder.foreign() == ["a"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mirrors"]


def test_what_a_killed_command_left_goes_unless_another_host_may_use_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where hosts share a home folder without locks, a mirror of another host looks abandoned."""
    left = []
    for host in ("there", "here"):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        with working(store) as folder:
            left.append(folder)
        folder.mkdir()
        folder.with_name(f"{folder.name}.lock").touch()
    with working(store):
        assert [each.exists() for each in left] == [True, False]


def test_a_file_that_is_fetched_has_its_hash(store: Store, tmp_path: Path) -> None:
    put(store, "shard-00000.h5", b"content", tmp_path)
    with working(store) as mirror:
        with pytest.raises(DataError, match=f"{store.url}/shard-00000.h5: its sha256 is not the one in the manifest"):
            file_inside(mirror, "shard-00000.h5", "0" * 64)
        assert file_inside(mirror, "shard-00000.h5").read_bytes() == b"content"
        assert not file_inside(mirror, "shard-00001.h5").exists()


def test_a_full_disk_is_named(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill_it() -> None:
        with data_set_at(store) as folder, folder.locked():
            monkeypatch.setattr("mixup_cli.storage.seal.Outflow", full)
            finish_shard(folder, 0)

    with pytest.raises(StorageError) as raised:
        fill_it()
    assert str(tmp_path / "mirrors") in str(raised.value)
    assert "No space left on device. Make room" in str(raised.value)
    assert "MIXUP_GEN_STORE_CACHE names another folder" in str(raised.value)


def test_errors_name_the_url(store: Store, tmp_path: Path) -> None:
    put(store, "manifest.json", b"{}", tmp_path)
    with pytest.raises(DataError, match=f"^{store.url}/manifest.json: "), data_set_at(store) as folder:
        folder.finished()
