"""`--cache disk`: decoded once, mixed as often as one likes, and the bytes are the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.scan import cache, kept_entry
from mixup_cli.scan.kept_entry import Kept
from mixup_cli.sources.pictures.source import PictureSource
from tests.data_sets import digests
from tests.running import Runner, error_line

AGAIN = "8 decoded samples are used again from "


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """From its `setattr` on, a picture that is decoded is a failure."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("decoded")

    monkeypatch.setattr(PictureSource, "_load_one", refuse)
    return monkeypatch


def test_a_sweep_decodes_once_and_its_bytes_are_the_same(
    run_cli: Runner, photos: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for kind in ("auto", "memory"):
        plain = run_cli("generate", photos, "--alpha", 0.4, "-o", f"plain-{kind}", "--cache", kind, cwd=tmp_path)
        assert plain.returncode == 0
    first = run_cli("generate", photos, "--alpha", 0.2, "-o", "first", "--cache", "disk")
    assert (first.returncode, AGAIN in first.stderr) == (0, False)
    request.getfixturevalue("no_decoding")
    second = run_cli("generate", photos, "--alpha", 0.4, "-o", "second", "--cache", "disk")
    assert AGAIN + str(tmp_path / ".mixup-gen-cache") in second.stderr
    assert digests(tmp_path / "second") == digests(tmp_path / "plain-auto") == digests(tmp_path / "plain-memory")


def test_a_small_cache_is_in_memory_and_a_large_one_in_a_file(
    run_cli: Runner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MEMORY_BYTES", 1000)
    made: list[str] = []
    reserve = cache.reserve

    def recorded(descriptor: int, size_bytes: int) -> None:
        made.append(str(Path(f"/proc/self/fd/{descriptor}").resolve()))
        reserve(descriptor, size_bytes)

    monkeypatch.setattr(cache, "reserve", recorded)
    run_cli("generate", photos, "-o", "auto", cwd=tmp_path)
    assert len(made) == 1
    run_cli("generate", photos, "-o", "memory", "--cache", "memory")
    assert len(made) == 1
    assert digests(tmp_path / "auto") == digests(tmp_path / "memory")
    assert " on disk" in run_cli("generate", photos, "-o", "x", "--dry-run").stdout
    assert " in memory" in run_cli("generate", photos, "-o", "x", "--dry-run", "--cache", "memory").stdout


def test_it_lies_where_the_user_says(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    options = ["--cache", "disk", "--cache-folder", "kept/here"]
    dry = run_cli("generate", photos, *options, "--dry-run", cwd=tmp_path)
    assert "to be kept in kept/here" in dry.stdout
    assert list(tmp_path.iterdir()) == []
    run_cli("generate", photos, *options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "mixup-out"]
    assert " kept in kept/here" in run_cli("generate", photos, *options, "-o", "other", "--dry-run").stdout


def test_the_plan_takes_from_it_and_gives_to_it(
    run_cli: Runner, photos: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    refused = run_cli("plan", photos, "--cache", "disk", cwd=tmp_path)
    assert refused.returncode == 2
    assert "Name a folder with --cache-folder" in error_line(refused)
    assert run_cli("plan", photos, "--cache", "disk", "-o", "plan.csv").returncode == 0
    request.getfixturevalue("no_decoding")
    made = run_cli("generate", photos, "--plan", "plan.csv", "--cache", "disk")
    assert (made.returncode, AGAIN in made.stderr) == (0, True)


def test_it_serves_what_replaces_and_what_extends(
    run_cli: Runner, photos: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kept = [photos, "--cache", "disk"]
    run_cli("generate", *kept, cwd=tmp_path)
    request.getfixturevalue("no_decoding")
    assert "(extended: 1 made now)" in run_cli("generate", *kept, "--passes", 2).stderr
    assert run_cli("generate", *kept, "--alpha", 0.4, "--force").returncode == 0
    assert run_cli("verify").returncode == 0


@pytest.fixture
def damaged(run_cli: Runner, photos: Path, tmp_path: Path) -> Path:
    """The kept samples of `photos`, half of which are lost."""
    run_cli("generate", photos, "--cache", "disk", cwd=tmp_path)
    (samples,) = (tmp_path / ".mixup-gen-cache").glob("*.samples")
    data = bytearray(samples.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    samples.write_bytes(data)
    return samples


@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_damaged_samples_are_not_used(
    engine: str, damaged: Path, run_cli: Runner, photos: Path, tmp_path: Path
) -> None:
    options = ["--cache", "disk", "--engine", engine, "--alpha", 0.4]
    made = run_cli("generate", photos, *options, "-o", "again")
    assert (
        f"{damaged.parent}: kept samples are damaged (1 of 1 blocks of samples fail their CRC-32 check)" in made.stderr
    )
    run_cli("generate", photos, "--alpha", 0.4, "-o", "plain")
    assert digests(tmp_path / "again") == digests(tmp_path / "plain")
    assert AGAIN in run_cli("generate", photos, *options, "-o", "third").stderr
    assert digests(tmp_path / "third") == digests(tmp_path / "plain")


def test_deep_verification_does_not_trust_it(
    damaged: Path, run_cli: Runner, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the hashes say."""
    monkeypatch.setattr(Kept, "check", lambda *_: None)
    assert AGAIN in run_cli("generate", photos, "--cache", "disk", "--force").stderr
    assert run_cli("verify").returncode == 0
    assert "is not what the source gives" in run_cli("verify", "--deep").stdout


RECORDS = {
    "checksums without end": '{"problems": {}, "blocks_crc32": [1e400]}',
    "nested": "[" * 200_000,
    "a misfit of any size": '{"misfit": "a", "size": [1e400, 1], "dtype": "uint8"}',
    "a misfit that fits": '{"misfit": "a", "size": [32, 32], "dtype": "uint8"}',
}


@pytest.mark.parametrize("text", [*RECORDS.values(), "pipe", "endless"], ids=[*RECORDS, "a pipe", "/dev/zero"])
def test_what_else_lies_in_the_place_of_a_record_is_no_entry(
    text: str, run_cli: Runner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("generate", photos, "--size", 32, "--cache", "disk")
    run_cli(*command, "-o", "first", cwd=tmp_path)
    (entry,) = (tmp_path / ".mixup-gen-cache").glob("*.samples")
    samples = entry.read_bytes()[: 8 * 32 * 32 * 3]
    entry.unlink()
    if text == "pipe":
        os.mkfifo(entry)
    elif text == "endless":
        entry.symlink_to("/dev/zero")
    else:
        data, column = (b"", b"") if "misfit" in text else (samples, bytes(8 * 40))
        entry.write_bytes(data)
        with monkeypatch.context() as patch:
            patch.setattr(kept_entry, "to_json", str.encode)
            kept_entry.write_tail(entry, len(data), column, text, 9 * 10**18)  # type: ignore[arg-type]
    ended = run_cli(*command, "-o", "second")
    assert ended.returncode == 0, ended.stderr
    assert digests(tmp_path / "second") == digests(tmp_path / "first")


def test_a_changed_picture_is_another_source(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "photos")
    run_cli("generate", "photos", "--cache", "disk", cwd=tmp_path)
    shutil.copy(tmp_path / "photos" / "cat" / "0.jpg", tmp_path / "photos" / "dog" / "0.jpg")
    ended = run_cli("generate", "photos", "--cache", "disk", "-o", "changed")
    assert (ended.returncode, AGAIN in ended.stderr) == (0, False)
    run_cli("generate", "photos", "-o", "plain")
    assert digests(tmp_path / "changed") == digests(tmp_path / "plain")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cache-folder", "x"], "--cache-folder: it goes with --cache disk. Pass both, or neither."),
        (
            ["--cache", "auto", "--cache-limit", "1GB"],
            "--cache-limit: it goes with --cache disk. Pass both, or neither.",
        ),
        (["--cache", "disk", "--cache-limit", "much"], "--cache-limit: 'much' is not a number of bytes. "),
        (["--cache", "disk", "--cache-folder", "file"], "--cache-folder file: is a file. Name a folder."),
        (["--cache", "disk", "--cache-folder", "mixup-out/c"], "--cache-folder mixup-out/c: is in the output folder. "),
    ],
)
def test_options_that_do_not_fit(
    options: list[str], message: str, run_cli: Runner, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    refused = run_cli("generate", photos, *options, cwd=tmp_path)
    assert refused.returncode == 2
    assert message in error_line(refused)


def test_nothing_is_kept_in_the_home_folder_unasked(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    refused = run_cli("generate", photos, "--cache", "disk", cwd=tmp_path, env={"HOME": str(tmp_path)})
    assert refused.returncode == 2
    assert "--cache disk: mixup-out is in your home folder. Name a folder: --cache-folder FOLDER." in error_line(
        refused
    )
    assert list(tmp_path.iterdir()) == []
    named = run_cli("generate", photos, "--cache", "disk", "--cache-folder", ".mixup-gen-cache")
    assert (named.returncode, (tmp_path / ".mixup-gen-cache").is_dir()) == (0, True)
