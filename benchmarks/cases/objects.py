"""Photographs with boxes, mixed to 640 × 640 and written, beside a script of today."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from benchmarks.bench import Bench
from benchmarks.make_data import annotate
from benchmarks.measure import Contender, Failure, alternate, ratio, walls
from benchmarks.results import Line, Part

KINDS = {"mosaic": "--method mosaic --fill 114", "mixup": "--method mixup --resize pad"}
PEER = "DataLoader + torchvision"


def measure(bench: Bench) -> Part:
    """Two passes of each method, as whole processes."""
    count, few = 2 * bench.amounts.photos, bench.amounts.few
    file = annotate(bench.photos, bench.scratch / "annotations.json")
    source = ["--labels-from", file]
    contenders = []
    for kind, options in KINDS.items():
        ours = bench.generate(bench.photos, *source, *options.split(), "--passes", "2", "--size", "640")
        contenders.append(Contender(f"mixup-gen, {kind}", partial(bench.fresh, ours, partial(_check_ours, bench)), few))
        made = bench.out / "peer.h5"
        words = ["--samples", str(count), "--workers", str(bench.cores)]
        theirs = bench.peer("objects_torchvision.py", bench.photos, file, made, kind, *words)
        contenders.append(Contender(f"{PEER}, {kind}", partial(bench.fresh, theirs, partial(_check, made, count)), few))
    runs, failures = alternate(contenders, bench.tell)
    part = Part(f"{count:,} rows of photographs with boxes, at 640")
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(name, walls(usages), "s")
    for kind in KINDS:
        ours, theirs = (walls(runs[f"{who}, {kind}"]) for who in ("mixup-gen", PEER))
        if ours and theirs:
            work = f"{kind} of {count:,} photographs with boxes, 640 × 640, whole process against {PEER}"
            part.lines.append(Line(f"objects-{kind}", work, ratio(theirs, ours), "x", 2))
    part.profiled = [
        str(word) for word in bench.generate(bench.photos, *source, *KINDS["mosaic"].split(), "--size", "640")
    ]
    return part


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
