"""Tables of simulated clusters: of many sizes, and beside real runs of one and of two workers, measured here."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import make_data
from benchmarks.measure import Usage, run
from benchmarks.scale_constants import COMMAND, PHOTOS, RESULTS, ROOT
from benchmarks.scale_tables import ROW_BYTES, sealing_seconds, table
from benchmarks.simulate_cluster import Cluster, Run, Work

ROUNDS = 5
INPUTS = 1_281_167
"""Images of ImageNet, of 115 KB."""

FEW, MANY = (200, 1_000), (600, 16_000)
"""Inputs and rows: of the runs that constants are taken from, and of those that are predicted."""


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
    """A run of the command, from the start of Python to its end."""
    out = photos.with_name("set")
    options = ["--force", "--quiet", "--size", "224", "--samples", rows, "--workers", workers, "-o", out]
    return run([*COMMAND, "generate", photos, *map(str, options)], ROOT)


def constants(folder: Path) -> Work:
    """What a start, an input and a row cost, from runs of one worker: slopes of their seconds."""
    tiny, few, many = (_photos(folder, count) for count in (20, FEW[0], FEW[0] * 2))
    start = real(tiny, 10, 1).wall_seconds
    inputs = (real(many, 10, 1).wall_seconds - real(few, 10, 1).wall_seconds) / FEW[0]
    row = (real(few, 5 * FEW[1], 1).wall_seconds - real(few, FEW[1], 1).wall_seconds) / (4 * FEW[1])
    per_shard = 434
    return Work(MANY[1] // per_shard, 1.0, row * per_shard, MANY[0], 1.0, inputs, start - 20 * inputs, 0.0)


def _photos(folder: Path, count: int) -> Path:
    make_data.photographs(PHOTOS, folder / f"photos-{count}", count)
    return folder / f"photos-{count}"


def against_real_runs(scratch: str | None) -> str:
    """The table: medians of what was predicted and of what was measured, by the count of workers."""
    predicted: dict[int, list[float]] = {1: [], 2: []}
    found: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        folder = Path(place)
        photos = _photos(folder, MANY[0])
        real(photos, 10, 2)  # reads libraries and photographs into memory once
        for _ in range(ROUNDS):
            work = constants(folder)
            for workers in (1, 2):
                cluster = replace(Cluster(workers=workers), slow_nodes=0.0, hours_between_failures=1e9)
                predicted[workers].append(Run(cluster, work).seconds())
                found[workers].append(real(photos, MANY[1], workers).wall_seconds)
    rows = []
    for workers in (1, 2):
        pair = [statistics.median(each[workers]) for each in (predicted, found)]
        rows.append((str(workers), *(f"{each:.1f} s" for each in pair), f"{pair[0] / pair[1] - 1:+.0%}"))
    return table(("workers", "simulated", "real", "difference"), rows)
