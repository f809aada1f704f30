"""CutMix and FMix against mixup: rates between one pass over CIFAR-10 and more."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.two_amounts import measure_both, rates_of
from benchmarks.measure import ratio
from benchmarks.results import Line, Part

TARGETS = {"cutmix": (0.9, 1.1), "fmix": (0.25, 0.5)}
METHODS = ("mixup", *TARGETS)


def measure(bench: Bench) -> Part:
    """The same amounts with each method."""
    part = Part("Methods")
    amounts = dict.fromkeys(METHODS, (bench.amounts.cifar, bench.amounts.methods))
    rates = rates_of(part, measure_both(bench, part, command, amounts), amounts)
    for method, targets in TARGETS.items():
        if rates[method] and rates["mixup"]:
            value = ratio(rates[method], rates["mixup"])
            part.lines.append(Line(method, f"{method} against mixup, CIFAR-10, rate", value, "x", *targets))
    part.profiled = [str(word) for word in command(bench, "fmix", bench.amounts.methods)]
    return part


def command(bench: Bench, method: str, count: int) -> list[str | Path]:
    """One run of mixup-gen with a method."""
    return bench.generate(bench.cifar, "--samples", str(count), "--method", method)
