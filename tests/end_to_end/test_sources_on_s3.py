"""Sources in a store that speaks S3's protocol: the bytes of local ones, through a network that fails, or a message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.object_stores import Bucket, Fault
from tests.packed_sources import images_of, write_web_dataset, write_zip
from tests.running import Runner, error_line

SMALL = ["--size", 16, "-q"]


def put(s3: Bucket, local: Path, name: str) -> None:
    for path in [local] if local.is_file() else [each for each in sorted(local.rglob("*")) if each.is_file()]:
        key = name if path == local else f"{name}/{path.relative_to(local).as_posix()}"
        s3.client.put_object(Bucket=s3.name, Key=key, Body=path.read_bytes())


@pytest.fixture
def packed(photos: Path, tmp_path: Path, s3: Bucket) -> dict[str, Path]:
    """Sources by their names in the bucket, and where the same is locally."""
    found = {
        "photos": photos,
        "a.zip": write_zip(tmp_path / "a.zip", images_of(photos)),
        "tars": write_web_dataset(tmp_path / "tars", photos),
    }
    for name, path in found.items():
        put(s3, path, name)
    return found


def test_the_data_set_is_that_of_the_local_source(
    s3: Bucket, packed: dict[str, Path], run_cli: Runner, tmp_path: Path
) -> None:
    """Also where requests fail and are cut, for each source anew."""
    for name, path in packed.items():
        assert run_cli("generate", path, *SMALL, "-o", tmp_path / "near" / name).returncode == 0
        s3.network.faults[:] = [
            Fault("500", "GET .*", skip=1),
            Fault("cut", "GET .*", skip=2),
            Fault("half", "GET .*", skip=1),
        ]
        ended = run_cli("generate", f"{s3.url}/{name}", *SMALL, "-o", tmp_path / "far" / name)
        assert ended.returncode == 0, ended.stderr
        assert not any(fault.count for fault in s3.network.faults)
        for file in ("shard-00000.h5", "sources.csv", "manifest.json"):
            near, far = (tmp_path / where / name / file for where in ("near", "far"))
            assert near.read_bytes() == far.read_bytes()


def test_tars_are_read_in_few_requests(s3: Bucket, packed: dict[str, Path], run_cli: Runner, tmp_path: Path) -> None:
    assert run_cli("generate", f"{s3.url}/tars", *SMALL, "--workers", 1, "-o", tmp_path / "out").returncode == 0
    reads = [each for each in s3.network.requests if each.startswith("GET") and ".tar" in each]
    assert len(reads) < 3 * len(images_of(packed["photos"]))


def test_a_store_that_stays_away_ends_the_run(
    s3: Bucket, packed: dict[str, Path], run_cli: Runner, tmp_path: Path
) -> None:
    s3.network.faults[:] = [Fault("503", "GET .*shard-000001.*", count=10**6)]
    ended = run_cli("generate", f"{s3.url}/tars", *SMALL, "-o", tmp_path / "out")
    assert (ended.returncode, f"{s3.url}/tars/shard-000001.tar" in error_line(ended)) == (74, True)
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_tar_that_changes_meanwhile_is_noticed(
    s3: Bucket, packed: dict[str, Path], run_cli: Runner, tmp_path: Path
) -> None:
    from mixup_cli.sources import open_source

    source = open_source([f"{s3.url}/tars"])
    assert source.changed() is None
    put(s3, packed["a.zip"], "tars/shard-000002.tar")
    assert source.changed() == f"{s3.url}/tars/shard-000002.tar"
