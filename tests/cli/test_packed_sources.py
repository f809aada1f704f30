"""Commands on sources in tars, zips, tables and at URLs: the same bytes as from the folder, by every command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packed_sources import hugging_face, images_of, put_in_memory, write_tar, write_web_dataset, write_zip
from tests.running import Runner, error_line

KINDS: dict[str, Callable[[Path, Path], object]] = {
    "zip": lambda root, folder: write_zip(folder / "a.zip", images_of(root)),
    "tar": lambda root, folder: write_tar(folder / "a.tar", images_of(root)),
    "tars": lambda root, folder: write_web_dataset(folder / "tars", root, tar_count=1),
    "braces": lambda root, folder: write_web_dataset(folder / "tars", root, tar_count=1) / "shard-{000000..000000}.tar",
    "far zip": lambda root, folder: put_in_memory(write_zip(folder / "a.zip", images_of(root)), f"{folder}/a.zip"),
    "far folder": lambda root, folder: put_in_memory(root, f"{folder}/photos"),
    "parquet": lambda root, folder: hugging_face(root).to_parquet(folder / "a.parquet") and folder / "a.parquet",
}

SMALL = ["--size", 16, "-q"]


@pytest.fixture(autouse=True)
def _memory_is_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """These commands run in this process, so the store in memory can stand for any other."""
    monkeypatch.setattr("mixup_cli.cli.options.parse._check_memory", lambda url: None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shards_are_those_of_the_folder(kind: str, run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    location = KINDS[kind](photos, tmp_path)
    for source, out in ((photos, "near"), (location, "packed")):
        ended = run_cli("generate", source, *SMALL, "-o", tmp_path / out)
        assert ended.returncode == 0, ended.stderr
    near, packed = ((tmp_path / out / "shard-00000.h5").read_bytes() for out in ("near", "packed"))
    assert near == packed
    (tmp_path / "packed/shard-00000.h5").write_bytes(packed[:-9])
    assert run_cli("repair", tmp_path / "packed", "-q").returncode == 0
    assert (tmp_path / "packed/shard-00000.h5").read_bytes() == packed
    assert run_cli("verify", tmp_path / "packed", "--deep", "-q").returncode == 0


@pytest.mark.parametrize("kind", ["zip", "tar", "far folder"])
def test_an_archive_gives_the_data_set_of_its_folder(kind: str, run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    location = KINDS[kind](photos, tmp_path)
    for source, out in ((photos, "near"), (location, "packed")):
        assert run_cli("generate", source, *SMALL, "-o", tmp_path / out).returncode == 0
    for name in ("manifest.json", "sources.csv", "SHA256SUMS"):
        assert (tmp_path / "near" / name).read_bytes() == (tmp_path / "packed" / name).read_bytes()


@pytest.mark.parametrize("kind", ["tars", "far zip", "parquet"])
def test_looking_before_mixing(kind: str, run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    location = KINDS[kind](photos, tmp_path)
    dry = run_cli("generate", location, "--dry-run", "--json", *SMALL, cwd=tmp_path)
    assert json.loads(dry.stdout)["class_names"] == ["cat", "dog"]
    found = json.loads(run_cli("inspect", location, "--json", cwd=tmp_path).stdout)
    assert (found["inputs"], found["broken"]) == (8, 0)
    assert run_cli("preview", location, *SMALL, "-o", tmp_path / "look.png").returncode == 0
    assert run_cli("plan", location, *SMALL, "-o", tmp_path / "plan.csv").returncode == 0
    assert (
        run_cli("generate", location, "--plan", tmp_path / "plan.csv", *SMALL, "-o", tmp_path / "out").returncode == 0
    )


@pytest.mark.parametrize("kind", ["tars", "far zip"])
def test_samples_of_archives_are_kept_and_decoded_in_windows(
    kind: str, run_cli: Runner, photos: Path, tmp_path: Path
) -> None:
    location = KINDS[kind](photos, tmp_path)
    for out in ("one", "two"):
        ended = run_cli("generate", location, "--size", 16, "--cache", "disk", "-o", tmp_path / out)
        assert ended.returncode == 0
    assert "8 decoded samples are used again" in ended.stderr
    windows = ["--cache", "none", "--window", 4]
    assert run_cli("generate", location, *SMALL, *windows, "-o", tmp_path / "windows").returncode == 0
    assert run_cli("verify", tmp_path / "windows", "--deep", "-q").returncode == 0


def test_broken_samples_are_left_out_when_that_is_asked_for(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    images = images_of(photos)
    members = {"0.jpg": images["cat/0.jpg"], "0.cls": b"0", "1.cls": b"1", "2.jpg": images["dog/0.jpg"], "2.cls": b"1"}
    path = write_tar(tmp_path / "a.tar", members)
    message = error_line(run_cli("generate", path, *SMALL, "-o", tmp_path / "out"))
    assert message == "a.tar/1: has no image beside its other members. Remove it, or pass --on-error skip."
    assert run_cli("generate", path, *SMALL, "--on-error", "skip", "-o", tmp_path / "out").returncode == 0
    (skipped,) = json.loads((tmp_path / "out/manifest.json").read_text())["source"]["skipped"]
    assert skipped["key"] == "a.tar/1"


def test_an_output_never_replaces_the_archive(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", images_of(photos))
    (tmp_path / "look.png").hardlink_to(path)
    message = error_line(run_cli("preview", path, *SMALL, "-o", tmp_path / "look.png", "--force"))
    assert "which belongs to the input" in message


def test_run_json_names_the_url_and_verify_finds_it_again(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    url = put_in_memory(photos, f"{tmp_path}/origin")
    assert run_cli("generate", url, *SMALL, "-o", tmp_path / "out").returncode == 0
    assert json.loads((tmp_path / "out/run.json").read_text())["source"]["locations"] == [url]
    assert run_cli("verify", tmp_path / "out", "--deep", "--source", url, "-q").returncode == 0
