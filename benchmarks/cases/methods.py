"""CutMix and FMix against mixup: rates between one pass over CIFAR-10 and more."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Contender, alternate, marginal_rates, ratio
from benchmarks.results import Line, Part

TARGETS = {"cutmix": (0.9, 1.1), "fmix": (0.25, 0.5)}
METHODS = ("mixup", *TARGETS)


def measure(bench: Bench) -> Part:
    """The same amounts with each method."""
    amounts = bench.amounts
    contenders = [
        Contender(f"{method}, {count:,}", partial(bench.fresh, command(bench, method, count)), amounts.few)
        for method in METHODS
        for count in (amounts.cifar, amounts.methods)
    ]
    runs, failures = alternate(contenders, bench.tell)
    part = Part("Methods")
    part.fail(failures)
    rates = {}
    for method in METHODS:
        small, large = (runs[f"{method}, {count:,}"] for count in (amounts.cifar, amounts.methods))
        rates[method] = marginal_rates(small, large, amounts.methods - amounts.cifar)
        part.figure(f"{method}: rate", [value / 1000 for value in rates[method]], "thousand/s")
    for method, targets in TARGETS.items():
        if rates[method] and rates["mixup"]:
            value = ratio(rates[method], rates["mixup"])
            part.lines.append(Line(method, f"{method} against mixup, CIFAR-10, rate", value, "x", *targets))
    part.profiled = [str(word) for word in command(bench, "fmix", amounts.methods)]
    return part


def command(bench: Bench, method: str, count: int) -> list[str | Path]:
    """One run of mixup-gen with a method."""
    return bench.generate(bench.cifar, "--samples", str(count), "--method", method)
