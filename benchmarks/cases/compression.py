"""Compressed output, and whether all cores are busy with it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.two_amounts import measure_both, rates_of
from benchmarks.measure import Spread
from benchmarks.results import Line, Part


def measure(bench: Bench) -> Part:
    """Processor time over wall clock, of the whole process and of what comes after its start (one pass falls out)."""
    amounts = bench.amounts
    counts = {"gzip": (amounts.gzip // 10, amounts.gzip), "zstd": (amounts.zstd // 10, amounts.zstd)}
    part = Part("Compressed output")
    runs = measure_both(bench, part, command, counts)
    rates_of(part, runs, counts)
    for kind, (small, large) in runs.items():
        if not small or not large:
            continue
        pairs = list(zip(small, large, strict=False))
        longer = [(b.cpu_seconds - a.cpu_seconds, b.wall_seconds - a.wall_seconds) for a, b in pairs]
        busy = [cpu / wall for cpu, wall in longer if wall > 0]
        part.figure(
            f"{kind}, {counts[kind][1]:,}, whole process with its start", [used.cores for used in large], "cores"
        )
        work = f"{kind} output: cores busy of {bench.cores}, after the start"
        if busy:
            part.lines.append(Line(kind, work, Spread.of(busy), "cores", 0.9 * bench.cores))
    part.profiled = [str(word) for word in command(bench, "gzip", amounts.gzip)]
    return part


def command(bench: Bench, kind: str, count: int) -> list[str | Path]:
    """One run of mixup-gen with a compression."""
    return bench.generate(bench.cifar, "--samples", str(count), "--compression", kind)
