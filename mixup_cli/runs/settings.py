"""How a run carries out a recipe, and how many rows it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from mixup_cli.choices import Device, EngineKind, Task
from mixup_cli.engines.base import Engine, Report
from mixup_cli.engines.local import LocalEngine, available_cores
from mixup_cli.errors import UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.methods import METHODS
from mixup_cli.pairing import chosen, pass_rows
from mixup_cli.plan.files.reading import PlanFile
from mixup_cli.plan.plan import population_of
from mixup_cli.recipe import Recipe
from mixup_cli.scan.cache import CacheSettings
from mixup_cli.scan.fill import CachePlace
from mixup_cli.scan.scan import Tolerance
from mixup_cli.storage.names import SAMPLES
from mixup_cli.storage.parts import Part
from mixup_cli.storage.stores import Store
from mixup_cli.wording import setting


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a recipe is carried out: how many rows, where to, and with what. None of it changes a row's bytes.

    The data set goes to `store`, if there is one, else to `out`. `samples` (mixed rows) overrules `passes`, and `plan`
    overrules both: the run makes its rows, and the recipe has its digest. `workers` None is one for each core, with the
    engine "ray" each of the cluster that `ray_address` names. `part` says which of the shards this run makes (in a job
    array: `schedulers.assigned_part(os.environ)`); `samples_folder` has the samples of a data set that stores its plan;
    `heldout` is where a table of the samples goes that `per_class` leaves out; `origin` is what run.json says of the
    source. With the engine "processes", a script must begin its work under `if __name__ == "__main__":`, as
    `multiprocessing` asks.
    """

    out: Path = Path("mixup-out")
    store: Store | None = None
    passes: int = 1
    samples: int | None = None
    plan: PlanFile | None = None
    workers: int | None = None
    engine: EngineKind = "threads"
    ray_address: str | None = None
    device: Device = "cpu"
    batch_size: int | None = None
    shard_bytes: int | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    caching: CacheSettings = field(default_factory=CacheSettings)
    part: Part = field(default_factory=Part)
    force: bool = False
    samples_folder: Path | None = None
    heldout: Path | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)

    @property
    def threads(self) -> int:
        """How many threads this process works with, where it works alone."""
        return available_cores() if self.workers is None or self.engine == "ray" else self.workers

    @property
    def samples_place(self) -> Path:
        """Where the samples are, if the run stores its plan."""
        return self.samples_folder or self.out / SAMPLES

    def settings(self) -> dict[str, Any]:
        """What run.json says about the run."""
        names = ("workers", "engine", "device", "batch_size")
        part = {} if self.part.is_whole else {"part": str(self.part)}
        return {**{name: getattr(self, name) for name in names}, **part, "source": dict(self.origin)}

    def place(self, work: Path, task: Task = "classify") -> CachePlace:
        """Where samples wait that are decoded for a task; `work` is for a file that serves this run alone. Raises
        UsageError."""
        from mixup_cli.runs.fingerprint import decoder_id  # needs Pillow

        mapped = self.engine != "threads"
        if mapped and self.caching.kind == "memory":
            remedy = f"Drop it, or pass {setting('engine', 'threads')}."
            raise UsageError("worker processes share a file.", remedy, field="cache", value="memory")
        decoder = decoder_id(task) if self.caching.kept_in(self.out) else ""
        return CachePlace(caching=self.caching, work=work, out=self.out, decoder=decoder, mapped=mapped)

    def open_engine(self, report: Report) -> Engine:
        """What runs the tasks; it reports those that it tries again."""
        match self.engine:
            case "threads":
                return LocalEngine(self.threads, report)
            case "processes":
                from mixup_cli.engines.processes import ProcessEngine  # multiprocessing takes some time to import

                return ProcessEngine(self.threads, report)
            case "ray":
                from mixup_cli.engines.ray import Cluster, RayEngine  # an extra
                from mixup_cli.runs.fingerprint import decoder_id

                if self.device == "auto":
                    found = "the nodes of a cluster may differ."
                    raise UsageError(found, "Pass cpu or cuda.", field="device", value="auto")
                cluster = Cluster(
                    address=self.ray_address,
                    workers=self.workers,
                    takes_gpu=self.device == "cuda",
                    identity=decoder_id,
                    copies_in=self.caching.folder,
                )
                return RayEngine(cluster, report)
            case _:
                assert_never(self.engine)


def row_count(recipe: Recipe, run: Run, labels: Labels, usable: NDArray[np.int64]) -> int:
    """The number of rows: `passes` over usable samples, or `samples`, plus the originals; or those of a plan file."""
    if run.plan is not None:
        return len(run.plan)
    taken = chosen(recipe, population_of(labels, usable))
    mixed = run.passes * pass_rows(recipe, taken) if run.samples is None else run.samples
    return mixed + (len(taken) if recipe.keep_originals else 0)


def check_caching(recipe: Recipe, run: Run) -> None:
    """Raises UsageError if nothing is to be cached, but rows may need any sample at any time."""
    if run.caching.kind == "none" and (problem := _needs_cache(recipe, run)):
        raise UsageError(*problem, field="cache", value="none")


def _needs_cache(recipe: Recipe, run: Run) -> tuple[str, str] | None:
    """Why a run needs a cache, and what to do about it."""
    if recipe.store == "plan":
        return None
    if run.engine != "threads":
        return "worker processes share a file of decoded samples.", f"Pass {setting('engine', 'threads')}."
    if run.plan is not None:
        return f"rows of a {setting('plan')} can have any parents.", "Leave one of the two out."
    if recipe.window is None:
        found = "without a cache, samples can meet only within windows of the source."
        return found, f"Pass {setting('window', 1000)}, or another number of samples that fit into memory."
    if names := ", ".join(_loaded(recipe)):
        return f"windows are read once, and {names} would read them again.", "Leave one of the two out."
    if (method := _looks_ahead(recipe)) is not None:
        return f"{method} looks at samples before rows are planned.", "Leave one of the two out."
    return None


def keeps_to_windows(recipe: Recipe) -> bool:
    """Whether its rows can be made with the pixels of one window at a time."""
    return recipe.window is not None and not _loaded(recipe) and _looks_ahead(recipe) is None


def _loaded(recipe: Recipe) -> tuple[str, ...]:
    """The further signals that samples are read for; captions are known from the start."""
    return () if recipe.task == "caption" else recipe.signals


def _looks_ahead(recipe: Recipe) -> str | None:
    """A method of the recipe that needs pixels to plan rows."""
    return next((choice.name for choice in recipe.methods if METHODS[choice.name]().looks_ahead), None)
