"""Writes small data sets with masks or instances."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source
from tests.mask_scenes import write_pairs
from tests.object_scenes import write_scenes

ROWS = 12

SIDE = 48
"""Height and width of the rows."""


def write_masked(folder: Path, kind: Literal["mask", "instances"], method: str = "cutmix", **recipe: Any) -> Path:
    """A data set of twelve rows in shards of five, mixed of such a source in `folder`."""
    (write_pairs if kind == "mask" else write_scenes)(folder / "source")
    options = {"alpha": 1.0} if method in ("mixup", "cutmix") else {}
    known = {"methods": (MethodChoice(method, 1.0, options),), "samples_per_shard": 5, "size": (SIDE, SIDE)}
    source = open_source([folder / "source"], SourceOptions(task="segment"))
    generate(source, Recipe(**{**known, **recipe}), Run(out=folder / "made"))
    return folder / "made"
