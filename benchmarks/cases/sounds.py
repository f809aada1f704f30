"""Sounds with others as noise behind them, resampled and written, beside a script of today."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import h5py
import numpy as np

from benchmarks.bench import Bench
from benchmarks.cases.pairs import Pair, measure_pairs
from benchmarks.make_data import make_sounds
from benchmarks.measure import Failure
from benchmarks.results import Part

HZ = 16_000
"""Of each row, which lasts a second."""


def measure(bench: Bench) -> Part:
    """One pass, and five."""
    sounds = bench.amounts.sounds
    folder = make_sounds(bench.scratch / "sounds", sounds)
    made = bench.out / "peer.h5"
    pair = Pair(
        key="sounds",
        work=f"{sounds:,} sounds with noise at a drawn ratio",
        ours=bench.generate(folder, "--method", "snr", "--rate", str(HZ), "--seconds", "1"),
        theirs=bench.peer("sounds_torchaudio.py", folder, made, "--workers", str(bench.cores)),
        at_least=3,
    )
    pairs = [pair.in_passes(passes, partial(_check, made, passes * sounds)) for passes in (5, 1)]
    part = Part("Waves of 1 s at 16 kHz, from WAV files of 1 s at 22.05 kHz")
    return measure_pairs(bench, part, "DataLoader + soundfile + torchaudio", pairs)


def _check(file: Path, count: int) -> None:
    """Raises Failure unless the peer wrote what it should."""
    with h5py.File(file) as written:
        waves = written["waves"]
        if waves.shape != (count, HZ) or np.asarray(waves[-4:]).std() < 0.01:
            raise Failure(f"{file}: has not the waves that were asked for")
