"""The blend on a CUDA device, where there is one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Contender, alternate, marginal_rates, ratio, run
from benchmarks.results import Line, Part

DEVICES = ("cpu", "cuda")


def measure(bench: Bench) -> Part:
    """CIFAR-10's rate with the blend on each device."""
    part = Part("CUDA")
    device = run(bench.ours("which_cuda.py"), bench.scratch).said.get("device")
    if device is None:
        part.remarks.append("**Not measured:** mixup-gen's torch finds no CUDA device here.")
        return part
    part.remarks.append(f"Device: {device}.")
    amounts = bench.amounts
    contenders = [
        Contender(f"{name}, {count:,}", partial(bench.fresh, command(bench, name, count)), amounts.few)
        for name in DEVICES
        for count in (amounts.small, amounts.large)
    ]
    runs, failures = alternate(contenders, bench.tell)
    part.fail(failures)
    rates = {}
    for name in DEVICES:
        small, large = (runs[f"{name}, {count:,}"] for count in (amounts.small, amounts.large))
        rates[name] = marginal_rates(small, large, amounts.large - amounts.small)
        part.figure(f"{name}: rate", [value / 1000 for value in rates[name]], "thousand/s")
    if rates["cpu"] and rates["cuda"]:
        value = ratio(rates["cuda"], rates["cpu"])
        part.lines.append(Line("cuda", "CIFAR-10, rate with --device cuda against cpu", value))
    return part


def command(bench: Bench, device: str, count: int) -> list[str | Path]:
    """One run of mixup-gen on a device."""
    return bench.generate(bench.cifar, "--samples", str(count), "--device", device)
