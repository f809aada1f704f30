"""Zips and tars of image folders: the folder's own rules, and what archives have of their own."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.sources import Source, SourceOptions, open_source
from mixup_cli.sources.packed.places import Span
from mixup_cli.sources.packed.tars import members
from mixup_cli.sources.reading.containers import LocalFile
from tests.contracts.source_contract import loaded
from tests.packed_sources import images_of, write_tar, write_zip


def opened(path: Path, **options: object) -> Source:
    return open_source([path], SourceOptions(**options))  # type: ignore[arg-type]


def test_a_zip_with_splits_reads_the_training_split(photos: Path, tmp_path: Path) -> None:
    images = images_of(photos)
    path = write_zip(
        tmp_path / "a.zip", {f"{split}/{name}": images[name] for split in ("train", "test") for name in images}
    )
    source = opened(path)
    assert {key.split("/")[0] for key in source.keys} == {"train"}
    assert any("using the training split" in notice for notice in source.notices)
    assert len(opened(path, split="test")) == 8


def test_a_zip_with_metadata_reads_its_labels(photos: Path, tmp_path: Path) -> None:
    rows = "file_name,label\na/0.jpg,dog\na/1.jpg,cat\n"
    data = images_of(photos)["cat/0.jpg"]
    path = write_zip(tmp_path / "a.zip", {"a/0.jpg": data, "a/1.jpg": data, "metadata.csv": rows.encode()})
    source = opened(path)
    assert (source.read_as, source.labels.class_names) == ("images with metadata", ("cat", "dog"))
    assert source.notices[0] == f"labels taken from {path}/metadata.csv, column label"
    assert "labels_from" not in opened(path, label_column="label").notices


def test_damaged_metadata_is_named_by_the_archive(photos: Path, tmp_path: Path) -> None:
    data = images_of(photos)["cat/0.jpg"]
    path = write_zip(tmp_path / "a.zip", {"0.jpg": data, "metadata.csv": b"file_name,label\n0.jpg\n"})
    with pytest.raises(DataError, match=f"^{path}/metadata.csv, line 2: has 1 value, expected 2"):
        opened(path)


def test_what_metadata_alone_names_is_a_broken_input(photos: Path, tmp_path: Path) -> None:
    data = images_of(photos)["cat/0.jpg"]
    rows = b"file_name,label\n0.jpg,a\n1.jpg,b\n"
    source = opened(write_zip(tmp_path / "a.zip", {"0.jpg": data, "metadata.csv": rows}))
    assert loaded(source)[1] == [None, "cannot read (it is not in the archive)"]


def test_a_tar_of_the_current_folder_has_the_keys_of_the_folder(photos: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(photos, arcname=".")  # as `tar -C photos -cf a.tar .` does: it begins with the folder ./
    assert opened(tmp_path / "a.tar").keys == opened(photos).keys


def test_what_systems_add_is_ignored(photos: Path, tmp_path: Path) -> None:
    junk = {"__MACOSX/cat/._0.jpg": b"x", "__MACOSX/cat/0.jpg": b"x", ".DS_Store": b"x", "cat/.hidden.jpg": b"x"}
    source = opened(write_zip(tmp_path / "a.zip", {**images_of(photos), **junk}))
    assert (len(source), source.notices) == (8, ())


def test_a_table_beside_the_images_is_named(photos: Path, tmp_path: Path) -> None:
    images = {name.replace("/", "_"): data for name, data in images_of(photos).items()}
    rows = "id,kind\n" + "\n".join(f"{name},x" for name in images)
    path = write_zip(tmp_path / "a.zip", {**images, "labels.csv": rows.encode()})
    assert any(f"{path}/labels.csv names these images" in notice for notice in opened(path).notices)


def test_nothing_stays_in_the_temporary_folder(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    rows = b"file_name,label\ncat/0.jpg,a\n"
    source = opened(write_zip(tmp_path / "a.zip", {**images_of(photos), "metadata.csv": rows}))
    assert (len(source), list(place.iterdir())) == (1, [])


def test_names_are_made_plain(photos: Path, tmp_path: Path) -> None:
    images = images_of(photos)
    dotted = write_tar(tmp_path / "dotted.tar", {f"./{name}": data for name, data in images.items()})
    rooted = write_tar(tmp_path / "rooted.tar", {f"/{name}": data for name, data in images.items()})
    assert list(opened(dotted).keys) == list(opened(rooted).keys) == [*images]


def test_backslashes_of_a_zip_from_windows_are_slashes(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in images_of(photos).items():
            info = zipfile.ZipInfo(name.replace("/", "\\"))
            info.create_system = 0
            archive.writestr(info, data)
    assert list(opened(path).keys) == [*images_of(photos)]


def test_members_with_the_fields_of_large_ones(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in images_of(photos).items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    assert loaded(opened(path))[1] == [None] * 8


@pytest.mark.slow
def test_a_zip_of_more_than_65535_members(photos: Path, tmp_path: Path) -> None:
    data = images_of(photos)["cat/0.jpg"]
    path = write_zip(
        tmp_path / "a.zip", {"a/0.jpg": data, "b/0.jpg": data} | {f"notes/{n}": b"" for n in range(65_536)}
    )
    assert list(opened(path).keys) == ["a/0.jpg", "b/0.jpg"]


def test_bytes_before_a_zip(photos: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", images_of(photos))
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    assert loaded(opened(path))[1] == [None] * 8


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_every_format_with_long_names(photos: Path, tmp_path: Path, form: int) -> None:
    data = images_of(photos)["cat/0.jpg"]
    names = [f"{'folder/' * 12}{letter}/Ä{'x' * 60}.jpg" for letter in "ab"]
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=form) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    source = opened(path)
    assert (list(source.keys), loaded(source)[1]) == (names, [None, None])


def test_headers_are_read_as_tarfile_reads_them(photos: Path, tmp_path: Path) -> None:
    """Names in UTF-8, sizes and places, of a tar with folders, links and extended headers."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(photos, "photos/Ünïcode")
    with tarfile.open(path) as archive:
        expected = [(each.name, each.offset_data, each.size) for each in archive if each.isfile()]
    places = [(name, place) for name, place, _ in members(LocalFile.open(path)) if isinstance(place, Span)]
    found = [(name, place.start, place.stop - place.start) for name, place in places]
    assert found == expected


def test_a_link_in_a_tar_is_a_broken_input(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(photos / "cat/0.jpg", "cat/0.jpg")
        archive.add(photos / "dog/0.jpg", "dog/0.jpg")
        info = tarfile.TarInfo("dog/1.jpg")
        info.type, info.linkname = tarfile.SYMTYPE, "../cat/0.jpg"
        archive.addfile(info)
    assert opened(path).name_of(0) == f"{path}/cat/0.jpg"
    assert loaded(opened(path))[1] == [None, None, "is a link to ../cat/0.jpg in the archive, and not a file"]


def test_an_archive_without_images(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a\.tar: an archive without images, and without a plain file of CIFAR"):
        opened(write_tar(tmp_path / "a.tar", {"a.xyz": b"x"}))
    with pytest.raises(NoInputError, match=r"holds archives, such as train\.tar\. Unpack it, and give these\."):
        opened(write_zip(tmp_path / "a.zip", {"train.tar": b"x"}))


def test_options_of_a_folder_are_those_of_its_archive(photos: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", images_of(photos))
    with pytest.raises(UsageError, match="read as class folders, where data_key has no effect"):
        opened(path, data_key="x")
    with pytest.raises(UsageError, match="has no split folders"):
        opened(path, split="val")


def test_an_incremental_tar(photos: Path, tmp_path: Path) -> None:
    """GNU tar gives a folder's entry the names of its files as content."""
    names = b"Y0.jpg\0\0"
    folder = tarfile.TarInfo("cat/")
    folder.type, folder.size = b"D", len(names)
    path = write_tar(tmp_path / "a.tar", images_of(photos))
    path.write_bytes(folder.tobuf() + names.ljust(512, b"\0") + path.read_bytes())
    assert opened(path).keys == opened(photos).keys


def test_numbers_of_64_bits_in_a_zip_s_list(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/0.jpg", "b/0.jpg", "c/0.jpg"):
            archive.writestr(name, images_of(photos)["cat/0.jpg"])
        archive.getinfo("b/0.jpg").file_size = (1 << 64) - 1
        archive.getinfo("c/0.jpg").header_offset = (1 << 64) - 1
    first, large, outside = loaded(opened(path))[1]
    assert (first, outside) == (None, "is not where the archive's list says")
    assert str(large).startswith("has 9223372036854775807 bytes, more than a sample may have")


def test_a_member_behind_the_end_leaves_the_one_before_it_whole(photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a/0.jpg", "b/0.jpg"):
            archive.writestr(name, images_of(photos)["cat/0.jpg"])
        archive.getinfo("b/0.jpg").header_offset = 1 << 20
    assert loaded(opened(path))[1] == [None, "is not where the archive's list says"]
