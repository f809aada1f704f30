"""Tables of simulated clusters: of many sizes, and beside real runs of one and of two workers, measured here."""

from __future__ import annotations

import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks import make_data
from benchmarks.measure import Usage, run
from benchmarks.scale_constants import COMMAND, PHOTOS, RESULTS, ROOT
from benchmarks.scale_tables import ROW_BYTES, SHARD_BYTES, sealing_seconds, table
from benchmarks.simulate_cluster import Cluster, Run, Work

ROUNDS = 3
INPUTS = 1_281_167
"""Images of ImageNet, of 115 KB."""

FEW = (100, 700, 500, 8_500)
"""Inputs, and rows, of the runs that constants are taken from: a small and a large count of each."""

REAL = (1_000, 10_000)
"""Inputs and rows of the runs that are predicted."""


def measured(rows: int, shard_bytes: float, nodes: int) -> Work:
    """The work of so many rows of 224 × 224 from ImageNet's images, by the constants of scale.json. A node reads
    what its rows need: two images for each, by chance often the same."""
    found, row_bytes = json.loads(RESULTS.read_text()), ROW_BYTES["mix_imagenet"]
    return Work(
        shards=max(1, round(rows * row_bytes / shard_bytes)),
        shard_bytes=shard_bytes,
        shard_seconds=found["mix_imagenet"]["seconds"] * shard_bytes / row_bytes,
        inputs=round(INPUTS * (1 - math.exp(-2 * rows / nodes / INPUTS))),
        input_bytes=115e3,
        input_seconds=found["decode"]["seconds"],
        start_seconds=found["start"]["seconds"],
        seal_seconds=sealing_seconds(found),
    )


def bounds(cluster: Cluster, work: Work) -> dict[str, float]:
    """How long each resource alone would take."""
    cores = cluster.nodes * cluster.workers
    return {
        "cores, mixing": work.shards * work.shard_seconds / cores,
        "cores, decoding": work.inputs * work.input_seconds / cluster.workers,
        "source": cluster.nodes * work.inputs * work.input_bytes / cluster.source_bandwidth,
        "output": work.shards * work.shard_bytes / cluster.output_bandwidth,
        "sealing": work.shards * work.seal_seconds,
    }


def across_nodes(cluster: Cluster, rows_wanted: int, shard_bytes: float) -> str:
    """The table of 1 … 1,000 nodes."""
    rows = []
    for count in (1, 3, 10, 30, 100, 300, 1000):
        hours, work = [], measured(rows_wanted, shard_bytes, count)
        for queue in ("parts", "shared"):
            of_count = replace(cluster, nodes=count, queue=queue)
            hours.append(f"{Run(of_count, work).seconds() / 3600:.2f}")
        alone = bounds(of_count, work)
        limit = max(alone, key=alone.__getitem__)
        rows.append((str(count), *hours, f"{limit} ({alone[limit] / 3600:.2f})"))
    return table(("nodes", "hours, parts", "hours, shared queue", "what alone would take longest (hours)"), rows)


def real(photos: Path, rows: int, workers: int) -> Usage:
    """A run of the command, from the start of Python to its end. A moment before it is for others on the machine."""
    time.sleep(1)
    out = photos.with_name("set")
    options = ["--force", "--quiet", "--size", "224", "--samples", rows, "--workers", workers, "-o", out]
    return run([*COMMAND, "generate", photos, *map(str, options)], ROOT)


def _photos(folder: Path, count: int) -> Path:
    make_data.photographs(PHOTOS, folder / f"photos-{count}", count)
    return folder / f"photos-{count}"


def bandwidth(folder: Path) -> float:
    """Bytes a second that one thread writes and syncs, in files as large as shards."""
    piece, path = os.urandom(SHARD_BYTES), folder / "bandwidth"
    began = time.perf_counter()
    for _ in range(8):
        with path.open("wb") as file:
            file.write(piece)
            os.fsync(file.fileno())
        path.unlink()
    return 8 * SHARD_BYTES / (time.perf_counter() - began)


def against_real_runs(scratch: str | None) -> str:
    """The table of what is predicted from runs of one worker, and of what larger runs take: medians of all rounds."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        folder = Path(place)
        sources = {count: _photos(folder, count) for count in {*FEW, REAL[0]}}
        runs: dict[str | int, Callable[[], float]] = {
            "start": lambda: real(sources[FEW[0]], FEW[2], 1).wall_seconds,
            "inputs": lambda: real(sources[FEW[1]], FEW[2], 1).wall_seconds,
            "rows": lambda: real(sources[FEW[0]], FEW[3], 1).cpu_seconds,
            "few rows": lambda: real(sources[FEW[0]], FEW[2], 1).cpu_seconds,
            "bandwidth": lambda: bandwidth(folder),
            1: lambda: real(sources[REAL[0]], REAL[1], 1).wall_seconds,
            2: lambda: real(sources[REAL[0]], REAL[1], 2).wall_seconds,
        }
        took: dict[str | int, list[float]] = {name: [] for name in runs}
        for _ in range(ROUNDS + 1):
            for name, act in runs.items():
                took[name].append(act())
    found = {name: statistics.median(each[1:]) for name, each in took.items()}  # the first fills the system's caches
    calm = Cluster(slow_nodes=0, hours_between_failures=1e9, output_bandwidth=found["bandwidth"])
    rows = []
    for workers in (1, 2):
        predicted = Run(replace(calm, workers=workers), _work(found)).seconds()
        spread = f"{min(took[workers][1:]):.1f} … {max(took[workers][1:]):.1f}"
        difference = f"{predicted / found[workers] - 1:+.0%}"
        rows.append((str(workers), f"{predicted:.1f} s", f"{found[workers]:.1f} s ({spread})", difference))
    return table(("workers", "simulated", "real", "difference"), rows)


def _work(found: Mapping[str | int, float]) -> Work:
    """The run of REAL, from what runs of FEW took."""
    inputs = (found["inputs"] - found["start"]) / (FEW[1] - FEW[0])
    row = (found["rows"] - found["few rows"]) / (FEW[3] - FEW[2])
    row_bytes = ROW_BYTES["mix_imagenet"] - 4 * 990  # ten classes
    per_shard = SHARD_BYTES // row_bytes
    return Work(
        shards=round(REAL[1] / per_shard),
        shard_bytes=SHARD_BYTES,
        shard_seconds=row * per_shard,
        inputs=REAL[0],
        input_bytes=0.0,
        input_seconds=inputs,
        start_seconds=found["start"] - FEW[0] * inputs - FEW[2] * row,
        seal_seconds=0.0,
    )
