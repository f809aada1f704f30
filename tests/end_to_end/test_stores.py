"""Data sets in object stores: made, continued, extended, replaced, checked, repaired and read there as on a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixup_cli.storage.mirror import mirrors
from tests.data_sets import digests
from tests.object_stores import Bucket
from tests.running import Runner, error_line

FRESH = ("--alpha", 0.2, "--samples-per-shard", 5, "--workers", 2)


def run(run_cli: Runner, *args: object, code: int = 0) -> str:
    """Run a command, and return what it says."""
    ended = run_cli(*args)
    assert ended.returncode == code, ended.stderr
    return error_line(ended) if code else ended.stdout + ended.stderr


def stored(s3: Bucket, folder: Path) -> dict[str, str]:
    """The hashes of what a bucket holds, as `digests` has them."""
    for name, data in s3.objects().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return digests(folder)


@pytest.mark.parametrize(
    "how",
    [
        [()],
        [("--engine", "processes")],
        [("--compression", "gzip", "--passes", 2)],
        [("--part", "2/3"), ("--part", "1/3"), ("--part", "3/3")],
        [(), ("--passes", 3), ("--passes", 4)],
        [("--seed", 5, "--passes", 5), ("--force",)],
        [("--part", "1/2"), ("--seed", 5), ("--force", "--part", "1/2"), ("--part", "2/2")],
    ],
    ids=lambda how: " then ".join(" ".join(map(str, each)) or "plain" for each in how),
)
def test_a_store_gets_the_bytes_of_a_folder(
    how: list[tuple[object, ...]], s3: Bucket, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    for place in (tmp_path / "local", s3.url):
        for each in how:
            ended = run_cli("generate", colours, "-o", place, *FRESH, *each)
            assert ended.returncode == (73 if each == ("--seed", 5) else 0), ended.stderr
    assert stored(s3, tmp_path / "there") == digests(tmp_path / "local")
    assert [*mirrors().iterdir()] == []


def test_what_commands_say_of_a_url(s3: Bucket, run_cli: Runner, colours: Path) -> None:
    out = f"{s3.url}/x"
    assert f"{out}/manifest.json\n" in run(run_cli, "generate", colours, "-o", out, *FRESH)
    assert "nothing to do" in run(run_cli, "generate", colours, "-o", out, *FRESH)
    told = run(run_cli, "generate", colours, "-o", out, *FRESH, "--seed", 1, code=73)
    assert (
        told
        == f"{out}: was made with different settings (seed was 0 and is 1). Use another -o, or --force to replace it."
    )
    assert run(run_cli, "verify", out) == f"mixup-gen: {out}: 12 samples in 3 shards, intact: all checksums match\n"
    assert "every row is as computed" in run(run_cli, "verify", out, "--deep")
    assert "nothing to repair" in run(run_cli, "repair", f"{out}/manifest.json")
    told = run(run_cli, "verify", f"{out}/none", code=66)
    assert told == f"{out}/none: has no manifest.json. Name the folder of a data set."
