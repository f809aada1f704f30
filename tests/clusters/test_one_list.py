"""Every way to make a data set gives the same list of hashes, wherever its source and its output lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clusters.cluster import SEES_ALL, RayCluster
from tests.data_sets import digests
from tests.end_to_end.test_stores import stored
from tests.faults.progress import sidecars
from tests.object_stores import Bucket
from tests.packed_sources import classes_of, images_of, write_tar
from tests.running import Runner, start_process, wait_while_running
from tests.small_sources import write_photos

TARS = 4


def packed(root: Path, folder: Path) -> dict[str, bytes]:
    """A WebDataset whose samples come in the order of the class folders: its files by name."""
    images, classes = [*images_of(root).items()], classes_of(root)
    for number in range(TARS):
        members = []
        for index in range(number * len(images) // TARS, (number + 1) * len(images) // TARS):
            name, data = images[index]
            members.append((f"{index:06d}{Path(name).suffix}", data))
            members.append((f"{index:06d}.cls", f"{classes.index(name.split('/')[0])}".encode()))
        write_tar(folder / f"shard-{number:06d}.tar", members)
    (folder / "classes.txt").write_text("\n".join(classes))
    return images_of(folder)


@pytest.fixture
def command(tmp_path: Path) -> list[object]:
    """A run of many shards, without its source and output."""
    return ["generate", "--alpha", 0.4, "--method", "mixup,cutmix", "--passes", 20, "--samples-per-shard", 1]


@pytest.mark.slow
def test_one_list(run_cli: Runner, cluster: RayCluster, s3: Bucket, command: list[object], tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")

    def made(name: str, *options: object) -> dict[str, str]:
        ended = run_cli(*command, photos, "-o", tmp_path / name, *options)
        assert ended.returncode == 0, ended.stderr
        return digests(tmp_path / name)

    expected = made("one", "--workers", 1)
    ray = ("--engine", "ray", "--ray-address", cluster.address)
    ways: dict[str, Callable[[], dict[str, str]]] = {
        "two workers": lambda: made("two", "--workers", 2),
        "processes": lambda: made("processes", "--engine", "processes"),
        "Ray, one node": lambda: made("node", "--engine", "ray", "--ray-address", "local", "--workers", 1),
        "Ray, three nodes, one killed": lambda: killed(cluster, [*command, photos, *ray], tmp_path / "nodes"),
        "four parts of SLURM": lambda: parts(command, photos, tmp_path / "parts"),
        "output on S3": lambda: on_s3(run_cli, [*command, photos], s3, tmp_path),
    }
    for name, way in ways.items():
        assert way() == expected, name
    for name, data in packed(photos, tmp_path / "tars").items():
        s3.client.put_object(Bucket=s3.name, Key=f"tars/{name}", Body=data)
    ended = run_cli(*command, f"{s3.url}/tars", "-o", tmp_path / "from-tars")
    assert ended.returncode == 0, ended.stderr
    from_tars = digests(tmp_path / "from-tars")
    assert shards(from_tars) == shards(expected)
    assert from_tars["sources.csv"] != expected["sources.csv"]  # the keys are members' names


def shards(files: dict[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in files.items() if name.startswith("shard-")}


def killed(cluster: RayCluster, command: list[object], out: Path) -> dict[str, str]:
    """A run during which a node dies."""
    process = start_process(*command, "-o", out, own_group=True)
    wait_while_running(process, lambda: sidecars(out) >= 10)
    cluster.kill(SEES_ALL)
    assert not (out / "manifest.json").exists()
    said = process.communicate()
    cluster.begin(SEES_ALL)
    assert process.returncode == 0, said
    return digests(out)


def parts(command: list[object], photos: Path, out: Path) -> dict[str, str]:
    """Four tasks of a job array at once."""
    running = []
    for task in range(4):
        numbers = {"ID": task, "COUNT": 4, "MIN": 0, "STEP": 1}
        variables = {f"SLURM_ARRAY_TASK_{name}": str(number) for name, number in numbers.items()}
        running.append(start_process(*command, photos, "-o", out, "--part", env=variables))
    for process in running:
        said = process.communicate()
        assert process.returncode == 0, said
    return digests(out)


def on_s3(run_cli: Runner, command: list[object], s3: Bucket, place: Path) -> dict[str, str]:
    ended = run_cli(*command, "-o", f"{s3.url}/out")
    assert ended.returncode == 0, ended.stderr
    stored(s3, place / "fetched")
    return digests(place / "fetched/out")
