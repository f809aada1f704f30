"""A run checks the hash, source and columns of what earlier runs left before it continues."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.running import Runner, error_line
from tests.small_sources import write_colours

HOW = ["--samples-per-shard", 3, "--workers", 2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_colours(tmp_path / "source")


@pytest.fixture
def whole(run_cli: Runner, source: Path, tmp_path: Path) -> dict[str, str]:
    """What an uninterrupted run makes."""
    assert run_cli("generate", source, *HOW, "-o", tmp_path / "whole", cwd=tmp_path).returncode == 0
    return digests(tmp_path / "whole")


@pytest.fixture
def unfinished(run_cli: Runner, source: Path, tmp_path: Path) -> Path:
    """Two shards of four: those of the first part."""
    out = tmp_path / "out"
    assert run_cli("generate", source, *HOW, "--part", "1/2", "-o", out, cwd=tmp_path).returncode == 0
    return out


def flip(shard: Path) -> None:
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)


def lose_a_page(shard: Path) -> None:
    """As a power cut does on a disk that said it had written what it had not: the length is right."""
    data = shard.read_bytes()
    shard.write_bytes(data[:4096] + bytes(min(4096, len(data) - 4096)) + data[8192:])


@pytest.mark.parametrize("damage", [flip, lose_a_page])
@pytest.mark.parametrize("engine", ["threads", "processes"])
def test_a_finished_shard_that_changed_is_made_again(
    damage: Callable[[Path], None],
    engine: str,
    run_cli: Runner,
    source: Path,
    whole: dict[str, str],
    unfinished: Path,
) -> None:
    damage(unfinished / "shard-00001.h5")
    assert digests(unfinished)["shard-00001.h5"] != whole["shard-00001.h5"]
    ended = run_cli("generate", source, *HOW, "-o", unfinished, "--engine", engine)
    assert ended.returncode == 0, ended.stderr
    assert "shard-00001.h5: its checksum does not match; it is made again" in ended.stderr
    assert "3 made now" in ended.stderr, "the first one was whole"
    assert digests(unfinished) == whole


def test_a_sidecar_with_other_columns_is_ignored(
    run_cli: Runner, source: Path, whole: dict[str, str], unfinished: Path
) -> None:
    """Nor does it keep parts from ever ending."""
    sidecar = unfinished / ".mixup-gen/done/00000.json"
    plain = json.loads(sidecar.read_text())
    plain["columns"]["odd"] = plain["columns"].pop("share")
    sidecar.write_text(json.dumps(plain))
    second = run_cli("generate", source, *HOW, "-o", unfinished, "--part", "2/2")
    assert "still to run: the same command with --part 1/2" in second.stderr
    assert run_cli("generate", source, *HOW, "-o", unfinished, "--part", "1/2").returncode == 0
    assert digests(unfinished) == whole


def test_shards_of_another_source_are_refused_even_where_its_list_is_lost(
    run_cli: Runner, source: Path, whole: dict[str, str], unfinished: Path
) -> None:
    listed = (unfinished / "sources.csv").read_bytes()
    (unfinished / "sources.csv").unlink()
    kept = (source / "red/0.png").read_bytes()
    (source / "red/0.png").write_bytes((source / "blue/0.png").read_bytes())
    refused = run_cli("generate", source, *HOW, "-o", unfinished, "--part", "2/2")
    assert refused.returncode == 73
    assert "was begun from another source (the hash of its list is " in error_line(refused)
    (source / "red/0.png").write_bytes(kept)
    assert run_cli("generate", source, *HOW, "-o", unfinished, "--part", "2/2").returncode == 0
    assert (unfinished / "sources.csv").read_bytes() == listed
    assert digests(unfinished) == whole


def test_a_damaged_record_of_the_run_is_in_nobodys_way_but_its_own(
    run_cli: Runner, source: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    out = tmp_path / "whole"
    (out / "run.json").write_text("{")
    refused = run_cli("generate", source, *HOW, "--passes", 2, "-o", out)
    assert refused.returncode == 65
    assert "run.json: not JSON (" in error_line(refused)
    assert "Remove it: the data set is complete without it." in error_line(refused)
    (out / "run.json").unlink()
    assert run_cli("generate", source, *HOW, "--passes", 2, "-o", out).returncode == 0


def test_no_more_threads_is_told(
    run_cli: Runner, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("concurrent.futures.thread.ThreadPoolExecutor.submit", refuse)
    refused = run_cli("generate", source, "-o", tmp_path / "out")
    assert refused.returncode == 1
    assert "the system starts no more threads" in error_line(refused)


def test_a_folder_that_was_there_before_stays(run_cli: Runner, source: Path, tmp_path: Path) -> None:
    """Where nothing could be begun, all is as before."""
    (source / "red/0.png").write_bytes(b"no picture")
    for out in (tmp_path / "there", tmp_path / "new/folder"):
        if out.name == "there":
            out.mkdir()
        assert run_cli("generate", source, "-o", out).returncode == 65
    assert list((tmp_path / "there").iterdir()) == []
    assert not (tmp_path / "new/folder").exists()


@pytest.mark.parametrize("command", ["again", "more", "force", "repair"])
def test_a_link_as_work_folder_leads_nowhere(
    command: str, run_cli: Runner, source: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    out, precious = tmp_path / "whole", tmp_path / "precious"
    (precious / "sub").mkdir(parents=True)
    (precious / "sub/mine.txt").write_text("mine")
    (out / ".mixup-gen").symlink_to(precious, target_is_directory=True)
    if command == "repair":
        refused = run_cli("repair", out)
    else:
        options = {"again": "--passes=1", "more": "--passes=2", "force": "--force"}
        refused = run_cli("generate", source, *HOW, "-o", out, options[command])
    assert refused.returncode == 65
    assert ".mixup-gen: is a link, which mixup-gen never makes there" in refused.stderr
    assert (precious / "sub/mine.txt").read_text() == "mine"


@pytest.mark.parametrize("pipe", ["SHA256SUMS", "sources.csv", "shard-99999.h5", ".mixup-gen/part-1-of-1.json"])
def test_nobody_waits_for_a_pipe(
    pipe: str, run_cli: Runner, source: Path, tmp_path: Path, whole: dict[str, str]
) -> None:
    """Opening one would wait for a writer for ever."""
    out = tmp_path / "whole"
    (out / pipe).parent.mkdir(exist_ok=True)
    (out / pipe).unlink(missing_ok=True)
    os.mkfifo(out / pipe)
    for command in (["verify", out], ["repair", out], ["generate", source, *HOW, "-o", out]):
        assert run_cli(*command).returncode in (0, 65)
