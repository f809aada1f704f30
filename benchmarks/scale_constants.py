"""What one shard, one input and one sample cost, measured here: the constants of docs/scale.md.

    python -m benchmarks.scale_constants --scratch FOLDER

Each is the slope between a small and a large amount, so that starts fall out: of processor seconds, which other load on
the machine hardly changes, and of the peak memory of a process of its own. Writes scale.json, which simulate_cluster.py
and scale_tables.py read.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import make_data
from benchmarks.measure import run
from mixup_cli.listener import Listener

RESULTS = Path(__file__).with_name("scale.json")
ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "sample_data" / "photos"
COMMAND: list[str | Path] = [sys.executable, "-c", "from mixup_cli.cli.start import main; main()"]
"""This checkout's mixup-gen, run in ROOT."""

CIFAR, IMAGENET = (32, 32, 3), (224, 224, 3)


def plain_manifest(count: int, folder: Path, compression: str) -> dict[str, Any]:
    """The manifest of a tiny data set, as if it had `count` shards."""
    out = folder / f"tiny-{compression}"
    if not out.exists():
        generated(out, CIFAR, 40, compression=compression, samples_per_shard=10)
    plain: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())
    record = plain["shards"][0]
    plain["shards"] = [
        {**record, "file": f"shard-{n:05}.h5", "sha256": f"{n:064x}", "start": 10 * n, "stop": 10 * n + 10}
        for n in range(count)
    ]
    plain["totals"] = {"samples": 10 * count, "shards": count, "bytes": record["bytes"] * count}
    return plain


def generated(out: Path, shape: tuple[int, ...], samples: int, **recipe: Any) -> float:
    """Makes a data set of arrays with one worker. Returns the seconds of the stage that mixes, hashes and writes."""
    from mixup_cli.recipe import Recipe
    from mixup_cli.runs.generate import generate
    from mixup_cli.runs.settings import Run
    from mixup_cli.sources import open_source

    source = out.with_name(f"{out.name}.npz")
    draw = np.random.default_rng(1)
    np.savez(source, x=draw.integers(0, 256, (200, *shape), np.uint8), y=np.arange(200) % 10)
    stages = Stages()
    generate(open_source([source]), Recipe(**recipe), Run(out=out, samples=samples, workers=1, force=True), stages)
    return stages.seconds["mix"]


class Stages(Listener):
    """Times stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        """See `Listener`."""
        self._stage, self._began = stage, time.process_time()

    def end(self) -> None:
        """See `Listener`."""
        self.seconds[self._stage] = time.process_time() - self._began


def timed(act: Callable[[], Any]) -> tuple[float, Any]:
    """The processor seconds that it takes, and what it returns."""
    began = time.process_time()
    result = act()
    return time.process_time() - began, result


def manifest_write(count: int, folder: Path, compression: str = "none") -> dict[str, float]:
    """The manifest with all records: seconds to encode it, and its bytes."""
    from mixup_cli.storage.manifest import Manifest

    manifest = Manifest.model_validate(plain_manifest(count, folder, compression))
    seconds, data = timed(manifest.to_json)
    (folder / f"{compression}-{count}.json").write_bytes(data)
    return {"seconds": seconds, "bytes": len(data)}


def manifest_write_gzip(count: int, folder: Path) -> dict[str, float]:
    """The same of a compressed data set."""
    return manifest_write(count, folder, "gzip")


def manifest_read(count: int, folder: Path) -> dict[str, float]:
    """Parse what `manifest_write` wrote."""
    from mixup_cli.storage.manifest import parse_manifest

    data = (folder / f"none-{count}.json").read_bytes()
    seconds, _ = timed(lambda: parse_manifest(data))
    return {"seconds": seconds}


def lists_write(count: int, folder: Path) -> dict[str, float]:
    """The same records in lists: seconds to encode, and bytes."""
    from mixup_cli.storage import shard_records
    from mixup_cli.storage.manifest import parse_manifest

    records = parse_manifest((folder / f"none-{count}.json").read_bytes()).shards
    shard_records.MOST_IN_MANIFEST = 0
    seconds, lists = timed(lambda: list(shard_records.shard_lists(records)))
    return {"seconds": seconds, "bytes": sum(each.bytes for each, _ in lists)}


def sidecars(count: int, folder: Path) -> dict[str, float]:
    """Read one sidecar, and list the names of all, each as seconds for one."""
    from mixup_cli.storage.folder import DataSetFolder
    from mixup_cli.storage.shard_records import ShardRecord

    data_set = DataSetFolder(folder / f"done-{count}")
    for place in (data_set.scratch, data_set.work / "done"):
        place.mkdir(parents=True, exist_ok=True)
    records = [ShardRecord.model_validate(each) for each in plain_manifest(count, folder, "none")["shards"]]
    sealing, _ = timed(lambda: [*starmap(data_set.add_done, enumerate(records))])
    for record in records:
        with (data_set.path / record.file).open("wb") as file:
            file.truncate(record.bytes)
    reading, found = timed(lambda: [data_set.done(n, 10 * n, 10 * n + 10) for n in range(count)])
    listing, names = timed(data_set.numbers_done)
    looking, _ = timed(data_set.shard_sizes)
    removing, _ = timed(lambda: shutil.rmtree(data_set.work))
    shutil.rmtree(data_set.path)
    if len(names) != count or None in found:
        raise RuntimeError("sidecars were not found again")
    return {"seconds": reading, "listing": listing, "looking": looking, "sealing": sealing, "removing": removing}


def plan(count: int, folder: Path) -> dict[str, float]:
    """The first rows of a plan over `count` inputs: the order of a pass is found for all of them."""
    from mixup_cli.methods import Grid, resolve
    from mixup_cli.pairing import Population
    from mixup_cli.plan.plan import Plan
    from mixup_cli.recipe import Recipe

    asked = Recipe()
    recipe = asked.with_(methods=resolve(asked.methods))
    population = Population(np.arange(count), np.zeros(count, np.int32))
    seconds, _ = timed(lambda: Plan(recipe, population, Grid(32, 32)).rows(0, 4096))
    return {"seconds": seconds}


def sources_write(count: int, folder: Path) -> dict[str, float]:
    """sources.csv of `count` images in class folders."""
    from mixup_cli.storage.loaded import LoadedColumn
    from mixup_cli.storage.source_table import SourceTable

    column = LoadedColumn.from_bytes(os.urandom(40 * count), {})
    keys = [f"n{n % 1000:08}/n{n % 1000:08}_{n}.JPEG" for n in range(count)]
    seconds, data = timed(lambda: SourceTable(keys, [key[:9] for key in keys], column).csv)
    (folder / f"sources-{count}.csv").write_bytes(data)
    return {"seconds": seconds, "bytes": len(data)}


def sources_read(count: int, folder: Path) -> dict[str, float]:
    """The same read, as a run that resumes does."""
    from mixup_cli.storage.source_table import read_table

    data = (folder / f"sources-{count}.csv").read_bytes()
    seconds, _ = timed(lambda: read_table(data, "sources.csv"))
    return {"seconds": seconds}


def mix_cifar(count: int, folder: Path) -> dict[str, float]:
    """Blend, hash and write samples of 32 × 32."""
    return {"seconds": generated(folder / "cifar", CIFAR, count)}


def mix_imagenet(count: int, folder: Path) -> dict[str, float]:
    """Blend, hash and write samples of 224 × 224."""
    return {"seconds": generated(folder / "imagenet", IMAGENET, count)}


def check_imagenet(count: int, folder: Path) -> dict[str, float]:
    """Verify such a data set."""
    from mixup_cli.checks.verify import verify

    generated(folder / "checked", IMAGENET, count)
    seconds, findings = timed(lambda: verify(folder / "checked"))
    if findings:
        raise RuntimeError(str(findings[0]))
    return {"seconds": seconds}


def decode(count: int, folder: Path) -> dict[str, float]:
    """Read, hash, decode and resize photographs of 500 × 375 to 224 × 224."""
    from mixup_cli.recipe import Recipe
    from mixup_cli.runs.generate import generate
    from mixup_cli.runs.settings import Run
    from mixup_cli.sources import open_source

    stages, source = Stages(), folder / f"photos-{count}"
    make_data.photographs(PHOTOS, source, count)
    wanted = Run(out=folder / "decoded", samples=10, workers=1, force=True)
    generate(open_source([source]), Recipe(size=(224, 224)), wanted, stages)
    return {"seconds": stages.seconds["scan"]}


def start(count: int, folder: Path) -> dict[str, float]:
    """The whole command, on a few photographs, `count` times."""
    source = folder / "photos-20"
    make_data.photographs(PHOTOS, source, 20)
    command = [*COMMAND, "generate", source, "--force", "--quiet", "-o"]
    return {"seconds": sum(run([*command, folder / "few"], ROOT).cpu_seconds for _ in range(count))}


TASKS: dict[Callable[[int, Path], dict[str, float]], tuple[int, int]] = {
    manifest_write: (10_000, 100_000),
    manifest_write_gzip: (10_000, 100_000),
    manifest_read: (10_000, 100_000),
    lists_write: (10_000, 100_000),
    sidecars: (500, 4_000),
    plan: (1_000_000, 8_000_000),
    sources_write: (100_000, 1_000_000),
    sources_read: (100_000, 1_000_000),
    mix_cifar: (60_000, 600_000),
    mix_imagenet: (1_000, 8_000),
    check_imagenet: (1_000, 8_000),
    decode: (200, 1_000),
    start: (1, 4),
}
"""What is measured, at a small and a large amount."""


def slope(task: Callable[[int, Path], dict[str, float]], folder: Path, rounds: int) -> dict[str, float]:
    """What one more costs: medians of seconds, bytes, and `memory` in bytes."""
    command: list[str | Path] = [sys.executable, "-m", "benchmarks.scale_constants", "--scratch", folder, task.__name__]
    small, large = TASKS[task]
    found = []
    for _ in range(rounds):
        low, high = (run([*command, str(count)], ROOT) for count in (small, large))
        more = {name: (high.said[name] - low.said[name]) / (large - small) for name in high.said}
        found.append({**more, "memory": (high.peak_bytes - low.peak_bytes) / (large - small)})
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def main() -> None:
    """Measure one task in this process, or all, each in its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("task", nargs="?", choices=[task.__name__ for task in TASKS], help="measure it in this process")
    parser.add_argument("count", nargs="?", type=int)
    parser.add_argument("--scratch", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="measure these tasks again, and keep the other figures")
    given = parser.parse_args()
    if given.task:
        task = next(each for each in TASKS if each.__name__ == given.task)
        print(json.dumps(task(given.count, given.scratch)))
        return
    found = json.loads(RESULTS.read_text()) if given.only else {}
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        for task in TASKS:
            if not given.only or task.__name__ in given.only:
                found[task.__name__] = slope(task, Path(folder), given.rounds)
                print(task.__name__, found[task.__name__])
                RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
