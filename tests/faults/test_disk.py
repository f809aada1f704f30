"""A disk that fails: exit code 74 with the path and what to do, finished shards stay, and the same command goes on."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mixup_cli.scan import cache
from tests.cli.test_readonly import bound_by_permissions
from tests.data_sets import digests
from tests.faults.attempts import Attempt
from tests.faults.cases import CASES, check_completed, check_what_is_left, fall
from tests.running import PROGRAM, Runner, clean_environment, error_line, run_process
from tests.small_sources import write_arrays

GOES_ON = [
    ("mkdir", r"mixup-out(/\.mixup-gen)?", "it is there already"),
    ("open", r"mixup-out/\.mixup-gen/lock", "the manifest is sealed: the next run tidies up"),
    ("unlink", r"mixup-out/\.mixup-gen/.*", "the same"),
    ("rmdir", r"mixup-out/\.mixup-gen.*", "the same"),
    ("[a-z_]*", r"\.mixup-gen-cache.*", "a run needs the kept cache for speed alone"),
]
"""Calls that may fail without ending the run: their names, paths, and why. Nothing else may be ignored."""


def check_told(left: Attempt, fault: str) -> None:
    """The run has ended with 74 and a line that says where, what, and how to go on; or need not have ended."""
    if left.ended == 0:
        known = [re.fullmatch(call, left.call) and re.fullmatch(path, left.path) for call, path, _ in GOES_ON]
        assert any(known), f"{left} failed, and the run went on: {left.said}"
        return
    assert left.ended == 74, f"{left}: {left.said}"
    reason = os.strerror(getattr(errno, fault.removesuffix("+")))
    pattern = rf"mixup-gen: error: \S*mixup-out\S*: {reason}\. .*[Rr]un the same command again.*\n"
    assert re.fullmatch(pattern, left.said), f"{left}: {left.said}"


@pytest.mark.parametrize(
    ("fault", "name", "of_each", "least"),
    [
        ("ENOSPC", "fresh", 1, 7),
        ("EIO", "forced", 1, 7),
        ("EDQUOT+", "cached", 1, 8),
        *(
            pytest.param(fault, name, None, 45, marks=pytest.mark.slow)
            for fault, name in [
                ("ENOSPC+", "fresh"),
                ("EIO", "extended"),
                ("EIO+", "compressed"),
                ("EDQUOT", "cached"),
                ("EROFS+", "forced"),
            ]
        ),
    ],
)
def test_every_step_fails_once(
    fault: str, name: str, of_each: int | None, least: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    fallen = fall(CASES[name], fault, run_cli, colours, tmp_path, of_each=of_each)
    assert len(fallen.attempts) >= least
    for left in fallen.attempts:
        check_told(left, fault)
        check_what_is_left(left, run_cli, strangers=CASES[name].strangers)
        check_completed(fallen, left, run_cli)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of six megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("SKIPPED: a file system cannot be mounted here (it takes root)")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path, run_cli: Runner, tmp_path: Path) -> None:
    """Compressed output is not foretold, so the disk fills up while it is written."""
    source = write_arrays(tmp_path / "a.npz", 40, (64, 64, 3))
    command = ["generate", source, "--compression", "gzip", "--samples-per-shard", 8, "--passes", 5]
    run_cli(*command, "-q", "-o", tmp_path / "whole")
    (small_disk / "ballast").write_bytes(bytes(4_000_000))
    full = run_cli(*command, "-o", small_disk / "out")
    assert full.returncode == 74
    told = error_line(full)
    assert f"{small_disk}/out" in told
    assert "No space left on device. Make room, and run the same command again: finished shards are kept." in told
    assert re.search(r" are missing, and [\d.]+ \w+ are free\.$", told)
    assert len(list((small_disk / "out/.mixup-gen/done").iterdir())) >= 3
    assert not list(small_disk.rglob("*.part"))
    (small_disk / "ballast").unlink()
    resumed = run_cli(*command, "-o", small_disk / "out")
    assert (resumed.returncode, "(resumed: " in resumed.stderr) == (0, True), resumed.stderr
    assert digests(small_disk / "out") == digests(tmp_path / "whole")


def test_a_run_that_cannot_fit_is_refused_before_it_begins(small_disk: Path, colours: Path, run_cli: Runner) -> None:
    refused = run_cli("generate", colours, "--size", 64, "--passes", 90, "-o", small_disk / "out")
    assert refused.returncode == 74
    assert re.search(r"needs [\d.]+ MiB of disk and [\d.]+ MiB are free", error_line(refused))
    assert list(small_disk.iterdir()) == []


def test_a_limit_on_the_size_of_files(colours: Path, run_cli: Runner, tmp_path: Path) -> None:
    """RLIMIT_FSIZE: the system sends SIGXFSZ, which Python ignores, and the write fails."""
    command = ["generate", str(colours), "--size", "64", "--samples-per-shard", "4"]
    ended = run_process(*command, cwd=tmp_path, limits={resource.RLIMIT_FSIZE: 60_000})
    assert ended.returncode == 74
    assert error_line(ended).startswith("mixup-out/.mixup-gen/part-1-of-1/layout-4.h5: ")
    assert (
        "File too large. Raise the limit (ulimit -f), or start over with --force and a smaller --shard-size"
        in error_line(ended)
    )
    assert run_cli(*command, cwd=tmp_path).returncode == 0
    assert run_cli("verify").returncode == 0


def test_a_sheet_that_is_too_large_has_no_advice_for_shards(colours: Path, tmp_path: Path) -> None:
    ended = run_process("preview", str(colours), "-o", "a.png", cwd=tmp_path, limits={resource.RLIMIT_FSIZE: 1_000})
    assert ended.returncode == 74
    remedy = "Raise the limit (ulimit -f), and run the same command again."
    assert error_line(ended) == f"a.png: File too large. {remedy}"


@pytest.mark.parametrize("there", [False, True], ids=["new", "begun"])
def test_a_folder_that_cannot_be_written(there: bool, colours: Path, tmp_path: Path) -> None:
    prefix = bound_by_permissions()
    out = tmp_path / "here/out"
    out.parent.mkdir()
    environment = clean_environment()

    def run() -> subprocess.CompletedProcess[str]:
        command = [*prefix, str(PROGRAM), "generate", str(colours), "-o", str(out)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    if there:
        (out / ".mixup-gen").mkdir(parents=True)
    place = out if there else out.parent
    place.chmod(0o555)
    try:
        refused = run()
    finally:
        place.chmod(0o755)
    assert refused.returncode == 74
    assert re.match(rf"{re.escape(str(out))}\S*: Permission denied\. ", error_line(refused))
    assert run().returncode == 0


@pytest.mark.parametrize("room", [0, 1, cache.ZEROS_BYTES, 2 * cache.ZEROS_BYTES + 7])
def test_room_is_taken_without_a_call_for_it(room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS: zeros are written, so that a full disk is an error now and not a signal later."""
    monkeypatch.delattr(os, "posix_fallocate")
    with (tmp_path / "file").open("wb") as file:
        cache.reserve(file.fileno(), room)
    assert (tmp_path / "file").read_bytes() == bytes(room)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with (tmp_path / "large").open("wb") as file, pytest.raises(OSError, match="File too large"):
            cache.reserve(file.fileno(), 1500)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
