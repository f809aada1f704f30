"""The time of an epoch from a data set and with mixing on the fly, a model's step being a pause of fixed length."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Contender, Failure, alternate, ratio, run
from benchmarks.results import Line, Part

STEPS = {"CIFAR-10": (0, 5, 20), "photographs": (0, 20, 100)}
"""Milliseconds a batch."""
BATCH_SIZES = {"CIFAR-10": 256, "photographs": 64}
EPOCHS = {"CIFAR-10": 50_000, "photographs": 1_000}
"""Samples."""


def measure(bench: Bench) -> Part:
    """Make a data set of each source, then train without a model."""
    part = Part(
        "Epochs",
        remarks=[
            "A model's step is a pause, as if a GPU computed meanwhile. On the fly: ImageFolder or CIFAR10, a "
            f"DataLoader with {bench.cores} workers, v2.MixUp in them. From a data set: a DataLoader without workers."
        ],
    )
    kept = bench.scratch / "epochs"
    sources = {
        "CIFAR-10": (bench.cifar, bench.cifar_folder, ()),
        "photographs": (bench.photos, bench.photos, ("--size", "224")),
    }
    try:
        for name, (source, folder, options) in sources.items():
            run(bench.generate(source, *options, out=kept / name), bench.scratch)
            for step in STEPS[name]:
                _compare(bench, part, name, step, kept / name, folder)
    except Failure as failure:
        part.fail({"epochs": str(failure)})
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    return part


def _compare(bench: Bench, part: Part, name: str, step: int, made: Path, folder: Path) -> None:
    """An epoch of one source with one length of a step, in turn."""
    options = [
        "--seconds",
        str(bench.amounts.reading_seconds),
        "--batch-size",
        str(BATCH_SIZES[name]),
        "--step",
        str(step / 1000),
    ]
    commands = {
        "from a data set": bench.ours("read_batches.py", made, *options, "--as", "pytorch"),
        "on the fly": bench.peer("mix_on_the_fly.py", folder, *options, "--workers", str(bench.cores)),
    }
    contenders = [
        Contender(each, partial(run, words, bench.scratch), bench.amounts.few) for each, words in commands.items()
    ]
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    seconds = {each: [EPOCHS[name] / used.said["rate"] for used in usages] for each, usages in runs.items() if usages}
    work = f"{EPOCHS[name]:,} {name}, batches of {BATCH_SIZES[name]}, steps of {step} ms"
    for each, values in seconds.items():
        part.figure(f"{work}: {each}", values, "s an epoch")
    if len(seconds) == 2:
        value = ratio(seconds["on the fly"], seconds["from a data set"])
        part.lines.append(Line(f"epoch-{name}-{step}", f"epoch: {work}, against v2.MixUp on the fly", value))
