"""Photographs with boxes, mixed to 640 × 640 and written, beside a script of today."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from benchmarks.bench import Bench
from benchmarks.cases.pairs import Pair, measure_pairs
from benchmarks.make_data import annotate
from benchmarks.measure import Failure
from benchmarks.results import Part

KINDS = {"mosaic": "--method mosaic --fill 114", "mixup": "--method mixup --resize pad"}


def measure(bench: Bench) -> Part:
    """Two passes of each method."""
    count = 2 * bench.amounts.photos
    file = annotate(bench.photos, bench.scratch / "annotations.json")
    made = bench.out / "peer.h5"
    words = ["--samples", str(count), "--workers", str(bench.cores)]
    pairs = [
        Pair(
            key=f"objects-{kind}",
            work=f"{kind} of {count:,} photographs with boxes, 640 × 640",
            ours=bench.generate(
                bench.photos, "--labels-from", file, *options.split(), "--passes", "2", "--size", "640"
            ),
            theirs=bench.peer("objects_torchvision.py", bench.photos, file, made, kind, *words),
            check=partial(_check, made, count),
            check_ours=partial(_check_ours, bench),
            at_least=2,
        )
        for kind, options in KINDS.items()
    ]
    part = Part(f"{count:,} rows of photographs with boxes, at 640")
    return measure_pairs(bench, part, "DataLoader + torchvision", pairs)


def _check_ours(bench: Bench) -> None:
    manifest = json.loads((bench.out / "set" / "manifest.json").read_bytes())
    if "boxes" not in manifest:
        raise Failure("no boxes were written")


def _check(file: Path, count: int) -> None:
    """Raises Failure unless the peer wrote what it should."""
    with h5py.File(file) as written:
        images, boxes = written["images"], written["boxes"]
        is_right = images.shape == (count, 3, 640, 640) and np.asarray(images[-4:]).std() > 10
        if not is_right or not (np.asarray(boxes[-4:, :, 5]) > 0).any():
            raise Failure(f"{file}: has not the rows that were asked for")
