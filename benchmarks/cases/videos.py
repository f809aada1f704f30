"""Videos made into mixed clips and written, beside a script of today. Decoding takes most of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py
import numpy as np

from benchmarks.bench import Bench
from benchmarks.cases.pairs import Pair, measure_pairs
from benchmarks.make_data import make_videos
from benchmarks.measure import Failure
from benchmarks.results import Part


def measure(bench: Bench) -> Part:
    """VideoMix: one pass, in which both decode each video once, and four, for which mixup-gen decodes no more."""
    videos = bench.amounts.videos
    folder = make_videos(bench.photos, bench.scratch / "videos", videos)
    made = bench.out / "peer.h5"
    pair = Pair(
        key="videos",
        work=f"VideoMix of {videos:,} videos",
        ours=bench.generate(folder, "--method", "videomix"),
        theirs=bench.peer("videos_pyav.py", folder, made, "--workers", str(bench.cores)),
        at_least=1.2,
    )
    pairs = [pair.in_passes(passes, partial(_check, made, passes * videos)) for passes in (1, 4)]
    part = Part("Clips of 16 frames at 112, from videos of 250 frames at 340 × 256")
    return measure_pairs(bench, part, "DataLoader + PyAV + torch", pairs)


def _check(file: Path, count: int) -> None:
    """Raises Failure unless the peer wrote what it should."""
    with h5py.File(file) as written:
        clips = written["clips"]
        if clips.shape != (count, 16, 3, 112, 112) or np.asarray(clips[-4:]).std() < 10:
            raise Failure(f"{file}: has not the clips that were asked for")
