"""Batches of random samples: ours against h5py's indexing (CIFAR-10) and against mixing on the fly (photographs); of
encoded images; and mixed as they are read."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.hot_spots import profile
from benchmarks.measure import Contender, Failure, Spread, alternate, ratio, run
from benchmarks.results import Line, Part

FORMS = ("--store plan", "--encode png", "--encode jpeg:90", "--encode webp:80")
ARRAYS, TENSORS = "ours, arrays", "ours, DataLoader"


def measure(bench: Bench) -> Part:
    """Make the data sets once, then read them in turn."""
    part = Part("Reading")
    kept = bench.scratch / "reading"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    try:
        _make(bench, kept)
        _cifar(bench, kept, part)
        _photos(bench, kept, part)
        _other_forms(bench, kept, part)
    except Failure as failure:
        part.fail({"reading": str(failure)})
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    return part


def seconds(bench: Bench) -> str:
    """How long each contender reads."""
    return str(bench.amounts.reading_seconds)


def _make(bench: Bench, kept: Path) -> None:
    amounts = bench.amounts
    workers = ["--workers", str(bench.cores)]
    run(bench.generate(bench.cifar, out=kept / "cifar"), bench.scratch)
    run(
        bench.generate(bench.photos, "--passes", str(amounts.passes), "--size", "224", out=kept / "photos"),
        bench.scratch,
    )
    samples = ["--samples", str(amounts.cifar)]
    run(bench.peer("expert_numpy.py", bench.cifar_folder, kept / "cifar.h5", *samples, *workers), bench.scratch)


def _rates(bench: Bench, part: Part, commands: dict[str, list[str | Path]]) -> dict[str, list[float]]:
    """Samples a second of some commands, in turn."""
    few = bench.amounts.few
    contenders = [Contender(name, partial(run, command, bench.scratch), few) for name, command in commands.items()]
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    rates = {name: [used.said["rate"] for used in usages] for name, usages in runs.items() if usages}
    for name, values in rates.items():
        part.figure(name, [value / 1000 for value in values], "thousand/s")
    return rates


def _cifar(bench: Bench, kept: Path, part: Part) -> None:
    ours = bench.ours("read_batches.py", kept / "cifar", "--seconds", seconds(bench))
    theirs = "h5py, fancy indexing"
    commands = {
        f"CIFAR-10: {ARRAYS}": ours,
        f"CIFAR-10: {TENSORS}": [*ours, "--as", "pytorch"],
        f"CIFAR-10: {theirs}": bench.peer("read_hdf5.py", kept / "cifar.h5", "--seconds", seconds(bench)),
    }
    rates = _rates(bench, part, commands)
    work = "loader: batches of 256 random CIFAR-10 samples against h5py's fancy indexing"
    _compare(part, rates, f"CIFAR-10: {ARRAYS}", f"CIFAR-10: {theirs}", Target("loader-cifar", work, 10, 20))
    _compare(
        part, rates, f"CIFAR-10: {TENSORS}", f"CIFAR-10: {theirs}", Target("loader-cifar-torch", f"{work}, as tensors")
    )
    part.profiled = [str(word) for word in ours]
    if part.misses and bench.amounts.profiles:
        part.profile = profile(bench, part.profiled)


def _photos(bench: Bench, kept: Path, part: Part) -> None:
    ours = bench.ours("read_batches.py", kept / "photos", "--seconds", seconds(bench))
    theirs = "ImageFolder + v2.MixUp"
    on_the_fly = ["--seconds", seconds(bench), "--workers", str(bench.cores), "--batch-size", "64"]
    commands = {
        f"photographs: {TENSORS}": [*ours, "--as", "pytorch", "--batch-size", "64"],
        f"photographs: {theirs}": bench.peer("mix_on_the_fly.py", bench.photos, *on_the_fly),
    }
    rates = _rates(bench, part, commands)
    work = "loader: batches of photographs at 224, DataLoader, against mixing on the fly (ImageFolder + v2.MixUp)"
    target = Target("loader-photos", work, 15, 30)
    _compare(part, rates, f"photographs: {TENSORS}", f"photographs: {theirs}", target)


def _other_forms(bench: Bench, kept: Path, part: Part) -> None:
    """Images that are mixed or decoded as they are read, and what a row of a shard takes."""
    photographs = ["--passes", str(bench.amounts.passes), "--size", "224"]
    for name, source, options, batch in (
        ("CIFAR-10", bench.cifar, [], "256"),
        ("photographs", bench.photos, photographs, "64"),
    ):
        commands: dict[str, list[str | Path]] = {}
        for form in FORMS:
            out = kept / f"{name}{form.replace(' ', '').replace(':', '-')}"
            run(bench.generate(source, *options, *form.split(), out=out), bench.scratch)
            totals = json.loads((out / "manifest.json").read_bytes())["totals"]
            part.figure(f"{name}, {form}: a row", [totals["bytes"] / totals["samples"] / 1000], "kB")
            ours = bench.ours("read_batches.py", out, "--seconds", seconds(bench))
            commands[f"{name}, {form}: {TENSORS}"] = [*ours, "--as", "pytorch", "--batch-size", batch]
        _rates(bench, part, commands)


class Target:
    """A line to be: its key, work, and what is asked for."""

    def __init__(self, key: str, work: str, least: float | None = None, aim: float | None = None) -> None:
        self.key, self.work, self.least, self.aim = key, work, least, aim

    def line(self, value: Spread) -> Line:
        """The line, with what was found."""
        return Line(self.key, self.work, value, "x", self.least, self.aim)


def _compare(part: Part, rates: dict[str, list[float]], ours: str, theirs: str, target: Target) -> None:
    if ours in rates and theirs in rates:
        part.lines.append(target.line(ratio(rates[ours], rates[theirs])))
