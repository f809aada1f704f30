"""What every object store must do. A test class inherits `StoreContract` and makes an empty store."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from mixup_cli.errors import NoInputError
from mixup_cli.sources.reading.containers import StoredFile
from mixup_cli.storage.seal import Sealed
from mixup_cli.storage.stores import Store

BYTES = bytes(range(256)) * 40


def put(store: Store, name: str, data: bytes, folder: Path) -> None:
    """Put bytes into a store, by way of a file."""
    path = folder / "to-put"
    path.write_bytes(data)
    store.put(path, name, Sealed(len(data), hashlib.sha256(data).hexdigest()))


class StoreContract:
    """Inherit it, and give `store` as a fixture: empty, and of this test alone."""

    def test_what_was_put_is_there(self, store: Store, tmp_path: Path) -> None:
        assert store.names() == {}
        for name, data in {"a.json": b"{}", "deep/er/b.h5": BYTES, "deep/empty": b"", "two words, ü": b"x"}.items():
            put(store, name, data, tmp_path)
            assert store.read(name) == data
        assert store.names() == {"a.json": 2, "deep/empty": 0, "deep/er/b.h5": len(BYTES), "two words, ü": 1}
        assert store.names("deep") == {"deep/empty": 0, "deep/er/b.h5": len(BYTES)}
        assert store.names("dee") == {}

    def test_a_part_of_a_file(self, store: Store, tmp_path: Path) -> None:
        put(store, "x", BYTES, tmp_path)
        assert store.read("x", 100, 300) == BYTES[100:300]
        assert store.read("x", 10_000) == BYTES[10_000:]

    def test_a_file_is_read_and_sought(self, store: Store, tmp_path: Path) -> None:
        put(store, "x", BYTES, tmp_path)
        with StoredFile.open(store.url_of("x")).raw() as file:
            assert file.read(3) == BYTES[:3]
            assert (file.seek(-7, 2), file.read()) == (len(BYTES) - 7, BYTES[-7:])
            assert (file.seek(300), file.read(5), file.tell()) == (300, BYTES[300:305], 305)
            assert file.read() == BYTES[305:]
            assert file.read(1) == b""

    def test_a_file_is_fetched(self, store: Store, tmp_path: Path) -> None:
        put(store, "x", BYTES, tmp_path)
        there = tmp_path / "new" / "x"
        for _ in range(2):
            assert store.fetch("x", there) == len(BYTES)
            assert there.read_bytes() == BYTES
            there.write_text("older")
        assert list(there.parent.iterdir()) == [there]

    def test_what_is_missing(self, store: Store, tmp_path: Path) -> None:
        put(store, "folder/x", b"x", tmp_path)
        for name in ("none", "folder", "folder/x/y"):
            assert store.status(name) is None
            for read in (
                store.read,
                lambda name: store.fetch(name, tmp_path / "fetched"),
                lambda name: StoredFile.open(store.url_of(name)),
            ):
                with pytest.raises(NoInputError, match=f"{store.url}/{name}: no such file"):
                    read(name)
        assert not (tmp_path / "fetched").exists()
        store.remove("none", "folder/x", "none either")
        assert store.names() == {}

    def test_a_file_is_replaced(self, store: Store, tmp_path: Path) -> None:
        put(store, "x", b"old!", tmp_path)
        before = store.status("x")
        put(store, "x", b"new!", tmp_path)
        after = store.status("x")
        assert before is not None
        assert after is not None
        assert (after.size, store.read("x")) == (4, b"new!")
        assert after.stamp != before.stamp
        assert after.sha256 in (None, hashlib.sha256(b"new!").hexdigest())

    def test_a_file_is_moved(self, store: Store, tmp_path: Path) -> None:
        put(store, "next/x", BYTES, tmp_path)
        put(store, "x", b"old", tmp_path)
        store.move("next/x", "x")
        assert (store.names(), store.read("x")) == ({"x": len(BYTES)}, BYTES)

    def test_one_of_two_creates_a_file(self, store: Store) -> None:
        assert [store.create("deep/x", b"first"), store.create("deep/x", b"second")] == [True, False]
        assert store.read("deep/x") == b"first"

    def test_pickled_it_is_its_url(self, store: Store, tmp_path: Path) -> None:
        put(store, "x", b"x", tmp_path)
        assert len(pickle.dumps(store)) < 300
        assert pickle.loads(pickle.dumps(store)).read("x") == b"x"
