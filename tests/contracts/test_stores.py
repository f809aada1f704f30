"""The stores that can be tried without an account: memory, a folder, S3; and reading over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

import pytest

from mixup_cli.errors import StorageError, UsageError
from mixup_cli.sources.reading.containers import StoredFile
from mixup_cli.storage.opened import folder_at
from mixup_cli.storage.stores import Store
from tests.contracts.store_contract import BYTES, StoreContract, put
from tests.object_stores import Bucket, Fault


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store.open(f"memory://{uuid4().hex}/x/")


class TestFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store.open(f"file://{tmp_path}/store")


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, s3: Bucket) -> Store:
        return Store.open(f"{s3.url}/some/where")

    def test_it_keeps_the_hash(self, store: Store, tmp_path: Path) -> None:
        put(store, "x", BYTES, tmp_path)
        store.move("x", "y")
        status = store.status("y")
        assert status is not None
        assert status.sha256 is not None


def test_a_web_server_is_read(s3: Bucket, tmp_path: Path) -> None:
    put(Store.open(f"{s3.url}/a"), "deep/x", BYTES, tmp_path)
    s3.client.put_object_acl(Bucket=s3.name, Key="a/deep/x", ACL="public-read")
    store = Store.open(f"{os.environ['AWS_ENDPOINT_URL']}/{s3.name}/a")
    assert store.fetch("deep/x", tmp_path / "x") == len(BYTES)
    with StoredFile.open(store.url_of("deep/x")).raw() as file:
        assert file.seek(-5, 2)
        assert file.read() == BYTES[-5:]
    assert store.status("none") is None
    s3.network.faults.append(Fault("503", ".*/deep/x", 2))
    assert store.status("deep/x") is not None, "what fails is not missing"
    s3.network.faults.append(Fault("403", ".*"))
    assert folder_at(store.url) is None
    with pytest.raises(StorageError, match="does not list its files"):
        store.names()
    with pytest.raises(UsageError, match="can only be read"):
        put(store, "x", b"", tmp_path)
