"""Sources at URLs: what is read in place, what is fetched, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.sources.packed import places
from mixup_cli.storage.stores import Store
from tests.contracts.source_contract import loaded
from tests.packed_sources import images_of, put_in_memory, write_tar, write_web_dataset
from tests.small_sources import write_arrays


def test_files_are_fetched_once_and_removed_with_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrays: Path, cifar: Path
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    for path in (arrays, cifar):
        url = put_in_memory(path, f"fetched/{path.name}")
        far, near = open_source([url]), open_source([path])
        assert (far.location, far.kind, list(far.keys)) == (url, near.kind, list(near.keys))
        assert far.labels.class_names == near.labels.class_names
        assert len(list(place.rglob(path.name))) == 1
        del far
        assert list(place.iterdir()) == []


def test_a_damaged_file_is_named_by_its_url(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK\3\4 not at all")
    url = put_in_memory(tmp_path / "x.npz", "damaged/x.npz")
    with pytest.raises(DataError, match=f"^{url}: is not a readable .npz"):
        open_source([url])


def test_splits_and_metadata_of_a_folder_in_a_store(photos: Path, tmp_path: Path) -> None:
    data = images_of(photos)["cat/0.jpg"]
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "metadata.csv").write_text("file_name,label\n0.jpg,a\n")
        (tmp_path / split / "0.jpg").write_bytes(data)
    source = open_source([put_in_memory(tmp_path, "split")])
    assert (list(source.keys), source.labels.class_names) == (["train/0.jpg"], ("a",))
    assert "labels taken from memory://split/train/metadata.csv, column label" in source.notices
    assert list(open_source(["memory://split/"], SourceOptions(split="val")).keys) == ["val/0.jpg"]


def test_neighbours_in_a_far_tar_come_in_one_request(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = put_in_memory(write_web_dataset(tmp_path / "tars", photos, tar_count=2), "requests")
    source = open_source([url])
    asked: list[str] = []
    read = Store.read

    def noted(self: Store, name: str, start: int = 0, stop: int | None = None) -> bytes:
        asked.append(name)
        return read(self, name, start, stop)

    monkeypatch.setattr(Store, "read", noted)
    pixels, problems, _ = loaded(source)
    assert problems == [None] * 8
    assert sorted(asked) == ["shard-000000.tar", "shard-000001.tar"]
    np.testing.assert_array_equal(pixels, loaded(open_source([tmp_path / "tars"]))[0])


def test_a_file_that_goes_is_a_broken_input(photos: Path, tmp_path: Path) -> None:
    import fsspec

    source = open_source([put_in_memory(photos, "gone")])
    fsspec.filesystem("memory").rm_file("/gone/cat/1.png")
    assert loaded(source)[1][:3] == [None, "cannot read (no such file in the store)", None]


def test_what_is_not_there(photos: Path, tmp_path: Path) -> None:
    for url in ("memory://no", "memory://no/thing", "memory://no/x.tar", "memory://no/x.zip", "memory://no/{0..3}.tar"):
        with pytest.raises(NoInputError, match=r"^memory://no.*: no such file"):
            open_source([url])


def test_what_a_url_cannot_be(tmp_path: Path, photos: Path) -> None:
    with pytest.raises(UsageError, match=r"^hf://x: not one of s3://"):
        open_source(["hf://x"])


def test_a_url_of_a_local_file_is_its_path(photos: Path) -> None:
    assert list(open_source([f"file://{photos}"]).keys) == list(open_source([photos]).keys)


def test_far_and_near_sources_are_combined(photos: Path, tmp_path: Path) -> None:
    url = put_in_memory(photos, "combined")
    source = open_source([url, write_tar(tmp_path / "a.tar", images_of(photos))])
    assert [source.keys[0], source.keys[8]] == ["0:cat/0.jpg", "1:cat/0.jpg"]
    assert loaded(source)[1] == [None] * 16


def test_an_array_without_its_labels_says_so(tmp_path: Path) -> None:
    url = put_in_memory(write_arrays(tmp_path / "x.npz"), "arrays/x.npz")
    source = open_source([url], SourceOptions(label_kind="none"))
    assert source.name_of(3) == f"{url}, sample 00003"


@pytest.mark.parametrize("name", ["/../../escaped/metadata.csv", "//tmp/escaped/metadata.csv"])
def test_names_in_a_store_never_lead_out_of_the_temporary_folder(
    name: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fsspec

    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "a/b"))
    url, store = put_in_memory(photos, "leads-out"), fsspec.filesystem("memory").store
    absolute = name.replace("//tmp", f"/{tmp_path}")
    monkeypatch.setitem(store, f"/leads-out{absolute}", store["/leads-out/cat/0.jpg"])
    with suppress(DataError):
        open_source([url])
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "b"]


def test_a_folder_with_images_beside_a_tar_is_the_same_near_and_far(photos: Path, tmp_path: Path) -> None:
    images = images_of(photos)
    for name in ("0.jpg", "1.jpg"):
        (tmp_path / name).write_bytes(images["cat/0.jpg"])
    write_tar(tmp_path / "more.tar", {"2.jpg": images["cat/0.jpg"], "2.cls": b"0"})
    near, far = open_source([tmp_path]), open_source([put_in_memory(tmp_path, "beside")])
    assert list(near.keys) == list(far.keys) == ["0.jpg", "1.jpg"]


def test_a_far_member_that_is_too_large_is_never_asked_for(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = put_in_memory(write_tar(tmp_path / "a.tar", images_of(photos)), "large/a.tar")
    monkeypatch.setattr(places, "FILE_BYTES", 300)
    asked: list[int] = []
    read = Store.read

    def noted(self: Store, name: str, start: int = 0, stop: int | None = None) -> bytes:
        asked.append((stop or 0) - start)
        return read(self, name, start, stop)

    source = open_source([url])
    monkeypatch.setattr(Store, "read", noted)
    problems = loaded(source)[1]
    assert all("more than a sample may have (300)" in str(each) for each in problems)
    assert asked == []
