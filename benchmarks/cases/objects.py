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

WORKS = (("mosaic", 2), ("mixup", 2), ("mosaic", 6))
"""Methods, and how many passes: the more, the less it counts that mixup-gen decodes each photograph once."""

OPTIONS = {"mosaic": "--method mosaic --fill 114", "mixup": "--method mixup --resize pad"}


def measure(bench: Bench) -> Part:
    """Each work, whole."""
    file = annotate(bench.photos, bench.scratch / "annotations.json")
    part = Part("Rows of photographs with boxes, at 640")
    return measure_pairs(
        bench, part, "DataLoader + torchvision", [_pair(bench, file, kind, passes) for kind, passes in WORKS]
    )


def _pair(bench: Bench, file: Path, kind: str, passes: int) -> Pair:
    count, made = passes * bench.amounts.photos, bench.out / "peer.h5"
    options = [*OPTIONS[kind].split(), "--passes", str(passes), "--size", "640"]
    words = ["--samples", str(count), "--workers", str(bench.cores)]
    return Pair(
        key=f"objects-{kind}" if passes == 2 else f"objects-{kind}-{passes}",
        work=f"{kind} of {count:,} photographs with boxes, 640 × 640",
        ours=bench.generate(bench.photos, "--labels-from", file, *options),
        theirs=bench.peer("objects_torchvision.py", bench.photos, file, made, kind, *words),
        check=partial(_check, made, count),
        check_ours=partial(_check_ours, bench),
        at_least=2,
    )


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
