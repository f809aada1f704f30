"""Rate against batch size and against workers, for ours and (a)."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.cifar import SCRIPTS, A
from benchmarks.measure import Contender, Spread, alternate, walls
from benchmarks.results import Part

OUR_BATCHES = (16, 64, 256, 1024, 4096)
PEER_BATCHES = (64, 256, 1024)


def measure(bench: Bench) -> Part:
    """Whole processes: samples over seconds."""
    part = Part("Batch size and workers")
    amounts = bench.amounts
    if not amounts.sweeps:
        part.remarks.append("**Skipped** in a quick run.")
        return part
    workers = sorted({1, bench.cores, 2 * bench.cores})
    settings = [("batch size", "--batch-size", size) for size in OUR_BATCHES]
    settings += [("workers", "--workers", count) for count in workers]
    contenders = [
        Contender(f"mixup-gen, {what}, {value}", partial(bench.fresh, ours(bench, option, value)), 2)
        for what, option, value in settings
    ]
    settings = [("batch size", "--batch-size", size) for size in PEER_BATCHES]
    settings += [("workers", "--workers", count) for count in (0, *workers)]
    contenders += [
        Contender(f"(a), {what}, {value}", partial(bench.fresh, peer(bench, option, value)), 1)
        for what, option, value in settings
    ]
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    for name, usages in runs.items():
        if usages:
            who, what, value = name.split(", ")
            count = amounts.sweep if who == "mixup-gen" else amounts.peer_small
            rates = [count / seconds / 1000 for seconds in walls(usages)]
            part.figure(f"{who}, {what} {value}", rates, "thousand/s")
            curve = part.plots.setdefault(f"rate against {what}", {}).setdefault(who, [])
            curve.append((float(value), Spread.of(rates).median))
    part.remarks.append(
        f"Whole processes: mixup-gen makes {amounts.sweep:,} samples, (a) {amounts.peer_small:,}. mixup-gen's batch "
        "size is what is blended at a time; by itself it takes what fits in a core's cache."
    )
    return part


def ours(bench: Bench, option: str, value: int) -> list[str | Path]:
    """mixup-gen with one option set."""
    return bench.generate(bench.cifar, "--samples", str(bench.amounts.sweep), option, str(value))


def peer(bench: Bench, option: str, value: int) -> list[str | Path]:
    """(a) with one option set."""
    options = {"--samples": str(bench.amounts.peer_small), "--workers": str(bench.cores), option: str(value)}
    words = [word for pair in options.items() for word in pair]
    return bench.peer(SCRIPTS[A], bench.cifar_folder, bench.out / "peer.h5", *words)
