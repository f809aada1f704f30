"""Kinds of runs at two amounts each, in turn: what the larger takes longer is what more samples cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TypeAlias

from benchmarks.bench import Bench
from benchmarks.measure import Contender, Usage, alternate, marginal_rates
from benchmarks.results import Part

Command: TypeAlias = Callable[[Bench, str, int], list[str | Path]]
"""One run of mixup-gen, of a kind, with an amount of samples."""


def measure_both(
    bench: Bench, part: Part, command: Command, amounts: Mapping[str, tuple[int, int]]
) -> dict[str, tuple[list[Usage], list[Usage]]]:
    """Runs of each kind with its smaller and its larger amount. What failed is noted in `part`."""
    contenders = [
        Contender(f"{kind}, {count:,}", partial(bench.fresh, command(bench, kind, count)), bench.amounts.few)
        for kind, counts in amounts.items()
        for count in counts
    ]
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    return {kind: (runs[f"{kind}, {small:,}"], runs[f"{kind}, {large:,}"]) for kind, (small, large) in amounts.items()}


def rates_of(
    part: Part, runs: Mapping[str, tuple[list[Usage], list[Usage]]], amounts: Mapping[str, tuple[int, int]]
) -> dict[str, list[float]]:
    """Samples a second of each kind, which are noted in `part`, too."""
    rates = {kind: marginal_rates(*runs[kind], large - small) for kind, (small, large) in amounts.items()}
    for kind, values in rates.items():
        part.figure(f"{kind}: rate", [value / 1000 for value in values], "thousand/s")
    return rates
