"""The blend on a GPU (`make bench-gpu`): whether its bits are the CPU's, its rate, and what transfers take.

    python -m benchmarks.gpu [--cifar cifar-10-python.tar.gz] [--photos FOLDER] [--scratch FOLDER]

Runs in mixup-gen's own environment and writes gpu.md. `--device cpu-torch` is a trial on the CPU that prints it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks import make_data
from benchmarks.bench import HERE
from mixup_cli.choices import Device
from mixup_cli.listener import Listener
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from mixup_cli.storage.names import CHECKSUMS

PAGE = HERE / "gpu.md"
ROOT = HERE.parent
CONTRACT = "tests/contracts/test_kernels.py"
CONTRACTS = {"cuda": "TestTorchOnCuda", "cpu-torch": "TestTorchOnCpu"}
"""The classes that keep the contract on a device: names, or how they begin."""

NOT_RUN = """\
# On a GPU

Not yet run: no machine with CUDA was at hand. There, `make bench-gpu` writes this page; it is made to end within eight
minutes.
"""

ROUNDS, PHOTOS = 3, 1000

WHOLE_SECONDS, CONTRACT_SECONDS = 480.0, 180.0
"""How long all may take, and the contract. A case makes fewer rounds where its part of the rest is too short."""


@dataclass(frozen=True)
class Case:
    """What is mixed, and how many rows of it."""

    name: str
    source: Path
    rows: int
    recipe: Recipe


@dataclass
class Found:
    """What a case gave: rows a second of each round, whether all files are equal, and seconds by torch's profiler."""

    case: Case
    rates: dict[str, list[float]] = field(default_factory=dict)
    is_equal: bool = True
    moved_seconds: float = 0.0
    device_seconds: float = 0.0
    wall_seconds: float = 0.0


class Stopwatch(Listener):
    """How long rows are mixed, without the start and the scan."""

    seconds = 0.0
    _began: float | None = None

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        """See `Listener.begin`."""
        self._began = time.perf_counter() if stage == "mix" else None

    def end(self) -> None:
        """See `Listener.end`."""
        if self._began is not None:
            self.seconds = time.perf_counter() - self._began


def cases(cifar: Path, photos: Path, share: float) -> list[Case]:
    """What is measured, with a part of its rows."""

    def case(name: str, source: Path, rows: int, method: str = "mixup", **fields: Any) -> Case:
        recipe = Recipe(methods=(MethodChoice(method, 1.0, {}),), **fields)
        return Case(name, source, max(1, round(rows * share)), recipe)

    side = (224, 224)
    return [
        case("CIFAR-10, mixup", cifar, 500_000),
        case("CIFAR-10, FMix", cifar, 200_000, "fmix"),
        case("photographs at 224, mixup", photos, 10_000, size=side),
        case("photographs at 224, random-resized-crop", photos, 5_000, size=side, crop_area=(0.08, 1.0)),
    ]


def made(case: Case, device: Device, scratch: Path) -> tuple[float, bytes]:
    """Make the rows on a device: how many seconds that takes, and the hashes of all files."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        out = Path(folder) / "set"
        generate(open_source([case.source]), case.recipe, Run(out=out, samples=case.rows, device=device), watch)
        return watch.seconds, (out / CHECKSUMS).read_bytes()


def measured(case: Case, device: Device, scratch: Path, seconds: float) -> Found:
    """The case on the CPU and on the device, in turn, after a first run of each, and once more under the profiler. No
    round begins in the second half of the `seconds`."""
    found, began = Found(case), time.monotonic()
    names: tuple[Device, Device] = ("cpu", device)
    hashes = {made(case, each, scratch)[1] for each in names}
    for number in range(ROUNDS):
        if number and time.monotonic() - began > seconds / 2:
            break
        for each in names[:: -1 if number % 2 else 1]:
            taken, sums = made(case, each, scratch)
            found.rates.setdefault(each, []).append(case.rows / taken)
            hashes.add(sums)
    found.is_equal = len(hashes) == 1
    activity = torch.profiler.ProfilerActivity
    with torch.profiler.profile(activities=[activity.CUDA if device == "cuda" else activity.CPU]) as profiler:
        found.wall_seconds, _ = made(case, device, scratch)
    found.moved_seconds, found.device_seconds = device_times(profiler.key_averages())
    return found


def device_times(events: Iterable[Any]) -> tuple[float, float]:
    """Seconds of transfers, and of all work on the device."""
    spent = [(event.device_type.name, event.key, event.self_device_time_total / 1e6) for event in events]
    times = [(key, seconds) for kind, key, seconds in spent if kind == "CUDA"]
    return sum(seconds for key, seconds in times if key.startswith("Memcpy")), sum(seconds for _, seconds in times)


def contract(device: str, tests: str = CONTRACT) -> tuple[bool, str]:
    """Whether the kernel's contract holds on the device, and pytest's last line."""
    command = [sys.executable, "-m", "pytest", "-q", tests, "-k", CONTRACTS[device]]
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=CONTRACT_SECONDS)
    except subprocess.TimeoutExpired:
        return False, f"not ended after {CONTRACT_SECONDS:g} s"
    said = (ended.stdout.strip() or ended.stderr.strip()).rpartition("\n")[2]
    return ended.returncode == 0 and "passed" in said and "skipped" not in said, said


def row(found: Found, device: str) -> str:
    """A line of the table."""
    ours, theirs = (statistics.median(found.rates[each]) for each in (device, "cpu"))
    rounds = [a / b for a, b in zip(found.rates[device], found.rates["cpu"], strict=True)]
    moved = f"{found.moved_seconds / found.device_seconds:.0%}" if found.device_seconds else "none"
    busy = f"{found.device_seconds / found.wall_seconds:.0%}" if found.device_seconds else "none"
    ratio = f"{ours / theirs:.2f} ({min(rounds):.2f} … {max(rounds):.2f})"
    equal = "equal" if found.is_equal else "**DIFFERENT**"
    rates = f"{theirs / 1000:.1f} | {ours / 1000:.1f}"
    return f"| {found.case.name}, {found.case.rows:,} rows | {equal} | {rates} | {ratio} | {moved} | {busy} |"


HEAD = """\
# On a GPU

Made by `make bench-gpu` (`benchmarks/gpu.py`) on {card}, with {cores} CPU cores, torch {torch}, {data}.
`--device {device}` and `--device cpu` (numba, all cores) in turn, medians. Rates are of mixing and writing, without the
start and the scan. Transfers are given as a part of the device's time, by torch's profiler, and that time as a part of
the wall clock's.

Kernel contract (`{tests}`): {kept} ({said}).

| what | all files | cpu, thousand/s | {device}, thousand/s | ratio | transfers | device busy |
|---|---|---|---|---|---|---|
"""


def page(device: str, kept: tuple[bool, str], founds: list[Found], data: str) -> str:
    """The page."""
    head = HEAD.format(
        card=torch.cuda.get_device_name() if device == "cuda" else "the CPU, as a trial",
        cores=os.cpu_count(),
        torch=torch.__version__,
        data=data,
        device=device,
        tests=CONTRACT,
        kept="kept" if kept[0] else "**NOT KEPT**",
        said=kept[1],
    )
    return head + "".join(f"{row(found, device)}\n" for found in founds)


def options(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=CONTRACTS, default="cuda")
    parser.add_argument("--cifar", type=Path, help="cifar-10-python.tar.gz; without it, a stand-in")
    parser.add_argument("--photos", type=Path, help="folder of photographs; else variants of sample_data/photos")
    parser.add_argument("--scratch", type=Path, help="where data sets are written; default: the system's temporary")
    parser.add_argument("--share", type=float, default=1.0, help="the part of the rows to make, for a trial")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Measure, and write the page, or print it where the device is not a GPU. Returns 1 if any bits differ."""
    asked = options(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("torch finds no CUDA device here. For a trial on the CPU, pass --device cpu-torch.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="mixup-gen-gpu-", dir=asked.scratch) as folder:
        text, is_same = compared(asked, Path(folder))
    if asked.device == "cuda" and asked.share == 1.0:
        PAGE.write_text(text)
        print(PAGE)
    else:
        print(text)
    return 0 if is_same else 1


def compared(asked: argparse.Namespace, scratch: Path) -> tuple[str, bool]:
    """The page, and whether all bits are the CPU's."""
    began, cifar, photos = time.monotonic(), asked.cifar, asked.photos
    if cifar is None:
        make_data.cifar_archive(cifar := scratch / "cifar-10-python.tar.gz")
    if photos is None:
        make_data.photographs(ROOT / "sample_data" / "photos", photos := scratch / "photos", PHOTOS)
    kept, founds, todo = contract(asked.device), list[Found](), cases(cifar, photos, asked.share)
    for number, case in enumerate(todo):
        rest = WHOLE_SECONDS - (time.monotonic() - began)
        founds.append(measured(case, asked.device, scratch, rest / (len(todo) - number)))
    data = ("the CIFAR-10 archive given" if asked.cifar else "a stand-in for CIFAR-10") + (
        " and the photographs given" if asked.photos else f" and {PHOTOS:,} variants of sample_data/photos"
    )
    return page(asked.device, kept, founds, data), kept[0] and all(found.is_equal for found in founds)


if __name__ == "__main__":
    sys.exit(main())
