"""`--engine ray` gives the bytes that threads give, whatever happens to its nodes and to its driver."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mixup_cli.engines.base import EVERYWHERE
from tests.clusters.cluster import IS_BLIND, SEES_ALL, RayCluster
from tests.data_sets import digests
from tests.faults.progress import sidecars
from tests.forking.client import Running
from tests.mask_scenes import write_pairs
from tests.object_scenes import write_scenes
from tests.panoptic_scenes import write_panoptic
from tests.running import Runner, error_line, start_process, wait_while_running
from tests.small_sources import write_arrays, write_photos


def on(cluster: RayCluster) -> list[object]:
    return ["--engine", "ray", "--ray-address", cluster.address]


def test_the_same_bytes(run_cli: Runner, cluster: RayCluster, photos: Path, tmp_path: Path) -> None:
    command = ["generate", photos, "--passes", 4, "--samples-per-shard", 2, "--method", "mixup,saliencymix"]
    assert run_cli(*command, "-o", "threads", cwd=tmp_path).returncode == 0
    ended = run_cli(*command, "-o", "ray", *on(cluster))
    assert (ended.returncode, ended.stdout) == (0, "ray/manifest.json\n"), ended.stderr
    assert digests(tmp_path / "ray") == digests(tmp_path / "threads")
    told = json.loads((tmp_path / "ray/run.json").read_bytes())
    assert (told["engine"], told["workers"]) == ("ray", 4)


@pytest.mark.parametrize(
    ("write", "methods"),
    [
        pytest.param(write_scenes, "mixup,cutmix,mosaic", marks=pytest.mark.slow),
        pytest.param(write_pairs, "mixup,mosaic,classmix", marks=pytest.mark.slow),
        (write_panoptic, "mosaic,classmix,copypaste"),
    ],
)
def test_objects_and_masks_make_the_same_bytes(
    run_cli: Runner, cluster: RayCluster, tmp_path: Path, write: Callable[[Path], object], methods: str
) -> None:
    write(tmp_path / "scenes")
    command = ["generate", tmp_path / "scenes", "--samples-per-shard", 5, "--size", 40, "--flip", 0.5]
    command += ["--method", methods]
    assert run_cli(*command, "-o", "threads", cwd=tmp_path).returncode == 0
    ended = run_cli(*command, "-o", "ray", *on(cluster))
    assert ended.returncode == 0, ended.stderr
    assert digests(tmp_path / "ray") == digests(tmp_path / "threads")


@pytest.mark.slow
def test_samples_that_are_kept(run_cli: Runner, cluster: RayCluster, photos: Path, tmp_path: Path) -> None:
    command = ["generate", photos, "--cache", "disk", "--samples-per-shard", 1]
    kept = run_cli(*command, "-o", "ray", *on(cluster), cwd=tmp_path)
    assert "8 decoded samples (" in kept.stderr
    assert "8 decoded samples are used again" in run_cli(*command, "-o", "again", *on(cluster)).stderr
    assert run_cli("generate", photos, "-o", "threads", "--samples-per-shard", 1).returncode == 0
    assert digests(tmp_path / "ray") == digests(tmp_path / "again") == digests(tmp_path / "threads")


@pytest.mark.slow
def test_a_broken_picture_is_told_as_threads_tell_it(run_cli: Runner, cluster: RayCluster, tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "photos")
    first, second, *_ = sorted((photos / "cat").iterdir())
    first.write_bytes(b"nothing")
    second.unlink()
    second.symlink_to("nowhere")
    threads = run_cli("generate", photos, cwd=tmp_path)
    assert error_line(run_cli("generate", photos, *on(cluster))) == error_line(threads)
    command = ["generate", photos, "--on-error", "skip"]
    assert run_cli(*command, "-o", "threads").returncode == 0
    assert run_cli(*command, "-o", "ray", *on(cluster)).returncode == 0
    assert digests(tmp_path / "ray") == digests(tmp_path / "threads")


def test_a_node_that_cannot_see_the_source(run_cli: Runner, cluster: RayCluster, tmp_path: Path) -> None:
    """It would count as broken, and be left out."""
    source = write_photos(cluster.hidden / "photos")
    with cluster.busy_but_for(IS_BLIND, tmp_path):
        refused = run_cli("generate", source, *on(cluster), "--on-error", "skip", "-o", tmp_path / "out")
    assert refused.returncode == 66
    said = error_line(refused)
    assert said.startswith(f"node {IS_BLIND}: {source}: "), said
    assert said.endswith(f": cannot read (No such file or directory). {EVERYWHERE}")
    assert not (tmp_path / "out").exists()


def test_a_node_that_cannot_see_the_output(run_cli: Runner, cluster: RayCluster, photos: Path, tmp_path: Path) -> None:
    out = cluster.hidden / "out"
    with cluster.busy_but_for(IS_BLIND, tmp_path):
        refused = run_cli("generate", photos, *on(cluster), "-o", out)
    assert refused.returncode == 74
    holder = out / ".mixup-gen/part-1-of-1.json"
    assert error_line(refused) == f"node {IS_BLIND}: {holder}: No such file or directory. {EVERYWHERE}"


@pytest.fixture
def long_run(tmp_path: Path) -> list[object]:
    """A command that makes 80 shards."""
    source = write_arrays(tmp_path / "a.npz", 100, (64, 64, 3))
    return ["generate", source, "--samples-per-shard", 5, "--passes", 4]


def whole(run_cli: Runner, long_run: list[object], place: Path) -> dict[str, str]:
    assert run_cli(*long_run, "-o", "whole", cwd=place).returncode == 0
    return digests(place / "whole")


def begun(cluster: RayCluster, long_run: list[object], place: Path) -> Running:
    """A run that has made some of its shards."""
    process = start_process(*long_run, *on(cluster), cwd=place, own_group=True)
    wait_while_running(process, lambda: sidecars(place / "mixup-out") >= 10)
    return process


def test_a_node_dies(run_cli: Runner, cluster: RayCluster, long_run: list[object], tmp_path: Path) -> None:
    process = begun(cluster, long_run, tmp_path)
    cluster.kill(SEES_ALL)
    assert not (tmp_path / "mixup-out/manifest.json").exists()
    said = process.communicate()
    cluster.begin(SEES_ALL)
    assert process.returncode == 0, said
    assert said[0] == "mixup-out/manifest.json\n"
    assert digests(tmp_path / "mixup-out") == whole(run_cli, long_run, tmp_path)


def test_the_driver_dies(run_cli: Runner, cluster: RayCluster, long_run: list[object], tmp_path: Path) -> None:
    process = begun(cluster, long_run, tmp_path)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "mixup-out/manifest.json").exists()
    again = run_cli(*long_run, *on(cluster), cwd=tmp_path)
    assert "(resumed: " in again.stderr
    assert run_cli("verify").returncode == 0
    assert digests(tmp_path / "mixup-out") == whole(run_cli, long_run, tmp_path)


def test_an_interrupt(run_cli: Runner, cluster: RayCluster, long_run: list[object], tmp_path: Path) -> None:
    process = begun(cluster, long_run, tmp_path)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out) == (130, "")
    assert err == "mixup-gen: interrupted. Run the same command again to continue: finished shards are kept.\n"
    assert "(resumed: " in run_cli(*long_run, cwd=tmp_path).stderr
    assert digests(tmp_path / "mixup-out") == whole(run_cli, long_run, tmp_path)


@pytest.mark.slow
def test_a_cluster_for_one_run(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", photos, "--engine", "ray", "--workers", 2, cwd=tmp_path, env={"RAY_ADDRESS": ""})
    assert ended.returncode == 0, ended.stderr
    assert run_cli("generate", photos, "-o", "threads").returncode == 0
    assert digests(tmp_path / "mixup-out") == digests(tmp_path / "threads")


def nothing_listens() -> int:
    """A port of this host on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_no_cluster(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    address = f"127.0.0.1:{nothing_listens()}"
    refused = run_cli("generate", photos, "--engine", "ray", "--ray-address", address, cwd=tmp_path)
    assert refused.returncode == 1
    assert error_line(refused) == (
        f"--ray-address {address}: no Ray cluster to use there ([Errno 111] Connection refused). Start one (ray start "
        "--head; if it uses tokens, set RAY_AUTH_MODE=token), or leave it out for one here."
    )
    assert not (tmp_path / "mixup-out").exists()
    refused = run_cli("generate", photos, "--engine", "ray", env={"RAY_ADDRESS": "nowhere"})
    assert error_line(refused).startswith(
        "RAY_ADDRESS=nowhere: no Ray cluster to use there (it is neither auto nor HOST:PORT, such as 10.0.0.7:6379)."
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ray-address", "auto"], "--ray-address: it goes with --engine ray. Pass both, or neither."),
        (
            ["--engine", "ray", "--ray-address", "ray://head:10001"],
            "--ray-address ray://head:10001: Ray Client is not supported. Run this on a node of the cluster, and pass "
            "HOST:PORT or auto.",
        ),
        (
            ["--engine", "ray", "--device", "auto"],
            "--device auto: the nodes of a cluster may differ. Pass cpu or cuda.",
        ),
        (
            ["--engine", "ray", "--cache", "memory"],
            "--cache memory: worker processes share a file. Drop it, or pass --engine threads.",
        ),
        (
            ["--engine", "ray", "--cache", "none", "--window", 4],
            "--cache none: worker processes share a file of decoded samples. Pass --engine threads.",
        ),
    ],
)
def test_refusals(options: list[object], said: str, run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    refused = run_cli("generate", photos, *options, cwd=tmp_path)
    assert (refused.returncode, error_line(refused)) == (2, said)


def test_without_the_library(run_cli: Runner, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "mixup_cli.engines.ray", raising=False)
    refused = run_cli("generate", photos, "--engine", "ray", cwd=tmp_path)
    assert refused.returncode == 2
    assert error_line(refused) == (
        "--engine ray: it needs a library: import of ray halted; None in sys.modules. Run pip install 'mixup-gen[ray]'."
    )
