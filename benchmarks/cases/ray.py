"""Ray against the local engine: the same 200 shards, whole runs, on a cluster of this machine that is there before."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Contender, Failure, alternate, ratio, walls
from benchmarks.results import Line, Part

SHARDS = 200
START_SECONDS = 120.0
ADDRESS = re.compile(r"--address='([^']+)'")


def measure(bench: Bench) -> Part:
    """In turn; a run on Ray connects to the cluster, which starts worker processes for it."""
    part = Part("Ray")
    if not _program(bench).exists():
        part.remarks.append("**Skipped:** Ray is not installed.")
        return part
    rows = bench.amounts.photos * bench.amounts.ray_passes
    options = ("--size", "224", "--samples", str(rows), "--samples-per-shard", str(-(-rows // SHARDS)))
    command = bench.generate(bench.photos, *options)
    with _cluster(bench) as address:
        on_ray = [*command, "--engine", "ray", "--ray-address", address]
        bench.fresh(on_ray)  # not counted: the cluster's first worker processes read libraries from the disk
        contenders = [
            Contender(name, partial(bench.fresh, words), bench.amounts.few)
            for name, words in {"threads": command, "ray": on_ray}.items()
        ]
        runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(f"{name}, {rows:,} samples in {SHARDS} shards", walls(usages), "s")
    threads, ray = walls(runs["threads"]), walls(runs["ray"])
    if threads and ray:
        work = f"photographs at 224 in {SHARDS} shards, --engine ray on this machine, whole process against threads"
        part.lines.append(Line("ray", work, ratio(ray, threads), "x", most=1.3))
    return part


def _program(bench: Bench) -> Path:
    return bench.mixup_gen.with_name("ray")


@contextmanager
def _cluster(bench: Bench) -> Iterator[str]:
    """A cluster of one node. Yields its address. Raises Failure if it does not start."""
    said = bench.scratch / "ray.txt"
    options = ("--head", "--block", "--port=0", f"--num-cpus={bench.cores}", "--include-dashboard=false")
    with said.open("w") as file:
        quiet = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
        head = subprocess.Popen([_program(bench), "start", *options], stdout=file, stderr=file, env=quiet)
    try:
        limit = time.monotonic() + START_SECONDS
        while (found := ADDRESS.search(said.read_text())) is None or "Ray runtime started" not in said.read_text():
            if head.poll() is not None or time.monotonic() > limit:
                raise Failure(f"no Ray cluster: {said.read_text()[-500:]}")
            time.sleep(0.1)
        yield found[1]
    finally:
        head.terminate()
        head.wait()
