"""The blend on a CUDA device, where there is one."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cases.two_amounts import measure_both, rates_of
from benchmarks.measure import ratio, run
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
    amounts = dict.fromkeys(DEVICES, (bench.amounts.small, bench.amounts.large))
    rates = rates_of(part, measure_both(bench, part, command, amounts), amounts)
    if rates["cpu"] and rates["cuda"]:
        value = ratio(rates["cuda"], rates["cpu"])
        part.lines.append(Line("cuda", "CIFAR-10, rate with --device cuda against cpu", value))
    return part


def command(bench: Bench, device: str, count: int) -> list[str | Path]:
    """One run of mixup-gen on a device."""
    return bench.generate(bench.cifar, "--samples", str(count), "--device", device)
