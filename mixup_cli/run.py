"""A run: how a recipe is carried out, and how many rows that comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mixup_cli.choices import Device
from mixup_cli.engines.local import available_cores
from mixup_cli.fingerprint import decoder_id
from mixup_cli.pairing import Population, chosen, pass_rows
from mixup_cli.plan_files.reading import PlanFile
from mixup_cli.recipe import Recipe
from mixup_cli.sources.cache import Caching
from mixup_cli.sources.fill import Place
from mixup_cli.sources.scan import Tolerance
from mixup_cli.storage.parts import Part


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a recipe is carried out: how many rows, where to, and with what. None of it changes a row's bytes.

    `samples` (mixed rows) takes the place of `passes` where it is given, and `plan` of both: its rows are then carried
    out, and its digest is in the recipe. `part` says which of the shards this run makes; `origin` is what run.json says
    of the source.
    """

    out: Path = Path("mixup-out")
    passes: int = 1
    samples: int | None = None
    plan: PlanFile | None = None
    workers: int = field(default_factory=available_cores)
    device: Device = "cpu"
    batch_size: int | None = None
    shard_bytes: int | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    caching: Caching = field(default_factory=Caching)
    part: Part = field(default_factory=Part)
    force: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """What run.json says of the run."""
        names = ("workers", "device", "batch_size")
        part = {} if self.part.is_whole else {"part": str(self.part)}
        return {**{name: getattr(self, name) for name in names}, **part, "source": dict(self.origin)}

    def place(self, work: Path) -> Place:
        """Where decoded samples wait; `work` is for a file that serves this run alone. Raises UsageError."""
        kept = self.caching.kept_in(self.out)
        return Place(caching=self.caching, work=work, out=self.out, decoder=decoder_id() if kept else "")


def row_count(recipe: Recipe, run: Run, population: Population) -> int:
    """How many rows a run comes to: `passes` over the population, or `samples`, and the originals on top; or those of a
    plan from a file."""
    if run.plan is not None:
        return len(run.plan)
    taken = chosen(recipe, population)
    mixed = run.passes * pass_rows(recipe, taken) if run.samples is None else run.samples
    return mixed + (len(taken) if recipe.keep_originals else 0)
