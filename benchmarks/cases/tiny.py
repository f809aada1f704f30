"""A folder of tiny JPEGs: how many a second are read, in threads and in processes, beside a loader written by hand."""

from __future__ import annotations

from functools import partial

from benchmarks.bench import Bench
from benchmarks.make_data import tiny_pictures
from benchmarks.measure import Contender, alternate, ratio, run
from benchmarks.results import Line, Part

KINDS = ("threads", "processes")


def measure(bench: Bench) -> Part:
    """mixup-gen with one worker and one for each core, a pool with one for each core: rates without the start."""
    count, cores = bench.amounts.tiny, str(bench.cores)
    folder = bench.scratch / "tiny"
    tiny_pictures(bench.cifar_folder, folder, count)
    commands = {f"mixup-gen, {kind}": bench.ours("scan_rate.py", folder, kind, cores) for kind in KINDS}
    commands |= {f"mixup-gen, 1 of {kind}": bench.ours("scan_rate.py", folder, kind, "1") for kind in KINDS}
    commands |= {f"(c) pool of {kind}": bench.peer("read_pictures.py", folder, kind, cores) for kind in KINDS}
    contenders = [
        Contender(name, partial(run, each, bench.scratch), bench.amounts.few) for name, each in commands.items()
    ]
    runs, failures = alternate(contenders, bench.tell)
    part = Part(f"{count:,} JPEGs of 32 × 32")
    part.fail(failures)
    rates = {name: [used.said["rate"] for used in usages] for name, usages in runs.items()}
    for name, found in rates.items():
        part.figure(name, [rate / 1000 for rate in found], "thousand/s")
    for key, work, above, below, least in (
        ("tiny-scaling", f"{cores} processes against one", "mixup-gen, processes", "mixup-gen, 1 of processes", 1.8),
        ("tiny-threads", "threads against (c)", "mixup-gen, threads", "(c) pool of threads", None),
        ("tiny-processes", "processes against (c)", "mixup-gen, processes", "(c) pool of processes", None),
    ):
        if rates[above] and rates[below]:
            line = Line(key, f"{part.title} read, {work}", ratio(rates[above], rates[below]), "x", least)
            part.lines.append(line)
    part.profiled = [str(word) for word in commands["mixup-gen, threads"]]
    return part
