"""What a worker process is sent makes the same rows there."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.engines.base import Shared
from mixup_cli.engines.local import LocalEngine
from mixup_cli.engines.parcels import Unpacking, parcels
from mixup_cli.engines.worker import checkpoint
from mixup_cli.listener import Listener
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.job import Asked
from mixup_cli.runs.planning import shard_maker
from mixup_cli.runs.scanned import Scanned
from mixup_cli.runs.settings import Run
from mixup_cli.runs.shard_work import ShardWork
from mixup_cli.scan.cache import allocate
from mixup_cli.scan.scan import Tolerance, scan
from mixup_cli.scan.supply import Cache
from mixup_cli.sources import open_source
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.hdf5.shard import writer_for
from tests.plain_methods import PLAIN
from tests.small_sources import write_arrays

RECIPES: dict[str, dict[str, Any]] = {
    **{name: {"methods": (MethodChoice(name),)} for name in PLAIN},
    **{pair: {"pair": pair} for pair in ("same-class", "cross-class", "balanced")},
    "nearest": {"pair": "nearest"},
    "balance": {"balance": "classes", "per_class": 3, "keep_originals": True},
    "views": {"flip": 0.5, "crop_pad": 2, "methods": (MethodChoice("saliencymix"),)},
    "light": {"linear_light": True, "dtype": "float16"},
    "remix": {"label_rule": "remix"},
    "gzip": {"compression": "gzip"},
    "zstd": {"compression": "zstd"},
}


def sent(value: Any) -> Any:
    """A shared value as a worker process has it."""
    unpacking = Unpacking()
    *shared, task = parcels(partial(getattr, Shared(value), "value"), set())
    for message in shared:
        unpacking.take(message)
    return unpacking.task(task[2])()


def write_targets(path: Path) -> Path:
    """Pictures with a number each."""
    with np.load(write_arrays(path, shape=(12, 12, 3))) as arrays:
        np.savez(path, x=arrays["x"], y=np.linspace(0, 1, 40, dtype=np.float32)[:, None])
    return path


@pytest.mark.parametrize(("name", "device"), [*((name, "cpu") for name in RECIPES), ("mixup", "cpu-torch")])
def test_a_worker_makes_the_same_shard(name: str, device: Any, tmp_path: Path) -> None:
    if name == "nearest":
        source = open_source([write_targets(tmp_path / "a.npz")], SourceOptions(label_kind="real"))
    else:
        source = open_source([write_arrays(tmp_path / "a.npz", shape=(12, 12, 3))])
    job = Asked(source, Recipe(**RECIPES[name])).job(source.survey())
    cache = allocate([job.target.form], len(source), tmp_path, "file")
    table = scan(source, job.targets, cache, Tolerance(), LocalEngine(1), Listener())
    maker = shard_maker(Scanned(source, job, cache, table), Run(device=device), checkpoint)
    folder = DataSetFolder(tmp_path / "out")
    with folder.locked():
        for place in (folder.scratch, folder.work / "done"):
            place.mkdir(parents=True, exist_ok=True)
        writer = writer_for(job.spec, folder.scratch)
        writer.prepare([9])
        work = ShardWork(folder, maker, writer)
        made = [
            (each.make(3, range(27, 36)), folder.path.joinpath("shard-00003.h5").read_bytes())
            for each in (work, sent(work))
        ]
    assert made[0] == made[1]
    supply = sent(work).maker.supply
    assert isinstance(supply, Cache)
    (there,) = supply.samples
    assert np.shares_memory(there, there.base)
    assert isinstance(there.base, np.memmap)
