"""Videos made into mixed clips and written, beside a script of today. Decoding takes most of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py
import numpy as np

from benchmarks.bench import Bench
from benchmarks.make_data import make_videos
from benchmarks.measure import Contender, Failure, alternate, ratio, walls
from benchmarks.results import Line, Part

PEER = "DataLoader + PyAV + torch"


def measure(bench: Bench) -> Part:
    """One pass of VideoMix, as whole processes: each video is decoded once by both."""
    count, few = bench.amounts.videos, bench.amounts.few
    folder = make_videos(bench.photos, bench.scratch / "videos", count)
    ours = bench.generate(folder, "--method", "videomix", "--passes", "1")
    made = bench.out / "peer.h5"
    theirs = bench.peer("videos_pyav.py", folder, made, "--passes", "1", "--workers", str(bench.cores))
    contenders = [
        Contender("mixup-gen", partial(bench.fresh, ours), few),
        Contender(PEER, partial(bench.fresh, theirs, partial(_check, made, count)), few),
    ]
    runs, failures = alternate(contenders, bench.tell)
    part = Part(f"{count:,} clips of 16 frames at 112, from videos of 250 frames at 340 × 256")
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(name, walls(usages), "s")
    ours_walls, their_walls = (walls(runs[who]) for who in ("mixup-gen", PEER))
    if ours_walls and their_walls:
        work = f"VideoMix of {count:,} videos, whole process against {PEER}"
        part.lines.append(Line("videos", work, ratio(their_walls, ours_walls), "x", 1.2))
    part.profiled = [str(word) for word in ours]
    return part


def _check(file: Path, count: int) -> None:
    """Raises Failure unless the peer wrote what it should."""
    with h5py.File(file) as written:
        clips = written["clips"]
        if clips.shape != (count, 16, 3, 112, 112) or np.asarray(clips[-4:]).std() < 10:
            raise Failure(f"{file}: has not the clips that were asked for")
