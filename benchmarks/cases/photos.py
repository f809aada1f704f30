"""Photographs at 224: ten passes and one, as whole processes, against the scripts of today."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.cifar import SCRIPTS, A
from benchmarks.make_data import PHOTO_CLASSES
from benchmarks.measure import Contender, alternate, ratio, walls
from benchmarks.results import Line, Part

TARGETS = {True: (2.2, 3.0), False: (8.0, 12.0)}


def measure(bench: Bench) -> Part:
    """All of it, in one run."""
    amounts = bench.amounts
    counts = [amounts.photos, amounts.photos * amounts.passes]
    mine = [
        Contender(f"mixup-gen, {count:,}", partial(bench.fresh, ours(bench, count)), amounts.few) for count in counts
    ]
    peers = [
        Contender(
            f"{name}, {count:,}", partial(bench.written_by, script, bench.photos, count, PHOTO_CLASSES), amounts.few
        )
        for name, script in SCRIPTS.items()
        for count in counts
    ]
    runs, failures = alternate([*mine, *peers], bench.tell)
    part = Part(f"{amounts.photos:,} photographs at 224")
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(name, walls(usages), "s")
    for count, passes in zip(reversed(counts), (f"{amounts.passes} passes", "one pass"), strict=True):
        for name in SCRIPTS:
            theirs, own = walls(runs[f"{name}, {count:,}"]), walls(runs[f"mixup-gen, {count:,}"])
            if theirs and own:
                work = f"{amounts.photos:,} photographs at 224, {passes}, whole process against {name}"
                targets = TARGETS[count == amounts.photos] if name == A else (None, None)
                key = f"photos-{passes.partition(' ')[0]}-{name[1]}"
                part.lines.append(Line(key, work, ratio(theirs, own), "x", *targets))
    part.profiled = [str(word) for word in ours(bench, counts[1])]
    return part


def ours(bench: Bench, count: int) -> list[str | Path]:
    """One run of mixup-gen: uint8 pictures of 224 × 224, soft labels."""
    return bench.generate(bench.photos, "--samples", str(count), "--size", "224")
