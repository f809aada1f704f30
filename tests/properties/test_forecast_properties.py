"""The forecast is what is written: random recipes are foretold, then made, and all files are weighed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixup_cli.errors import DataError
from mixup_cli.recipe import MethodChoice, Normalize, Recipe
from mixup_cli.runs.forecast import forecast
from mixup_cli.runs.generate import generate
from mixup_cli.runs.needs import Needs
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from mixup_cli.sources.reading.base import Source, SourceOptions

Result = TypeVar("Result")

SMALL_BYTES = 600
"""run.json differs from run to run, and stored sizes are not looked up."""

METHODS = ["mixup", "cutmix", "cutout", "fmix", "jigsaw", "mosaic", "resizemix", "dirichlet", "zetamix", "none"]


@dataclass(frozen=True)
class Asked:
    """A recipe and a run, and how long their source is, of what pictures and what labels."""

    recipe: Recipe
    passes: int
    shard_bytes: int | None
    count: int
    shape: tuple[int, ...]
    classes: int | None
    is_soft: bool
    has_groups: bool


@st.composite
def wishes(draw: st.DrawFn) -> Asked:
    classes = draw(st.sampled_from([None, 1, 2, 3, 300]))
    names = draw(st.lists(st.sampled_from(METHODS), min_size=1, max_size=3, unique=True))
    dtype = draw(st.sampled_from([None, "uint8", "uint16", "float16", "float32"]))
    is_float = dtype in ("float16", "float32")
    is_soft = classes is not None and classes > 1 and draw(st.booleans())
    by_class = classes is not None and classes > 1 and not is_soft
    recipe = Recipe(
        methods=tuple(MethodChoice(name) for name in names),
        keep_originals=draw(st.booleans()),
        pair=draw(st.sampled_from(["any", "cross-class"])) if by_class and {*names} - {"cutout", "none"} else "any",
        dtype=dtype,  # type: ignore[arg-type]
        normalize=Normalize((0.5,), (0.25,)) if is_float and draw(st.booleans()) else None,
        layout=draw(st.sampled_from([None, "nchw", "nhwc"])),
        labels=draw(st.sampled_from(["both", "dense", "sparse"])),
        per_class=draw(st.sampled_from([None, 2, 5])) if by_class else None,
        samples_per_shard=draw(st.sampled_from([None, 1, 7, 40])),
        flip=draw(st.sampled_from([0.0, 0.5])),
        size=draw(st.sampled_from([None, (8, 11)])),
    )
    return Asked(
        recipe,
        passes=draw(st.integers(1, 4)),
        shard_bytes=draw(st.sampled_from([None, 1, 10_000, 300_000])),
        count=draw(st.integers(12, 120)),
        shape=draw(st.sampled_from([(4, 4, 3), (9, 5, 1), (40, 50, 3), (3, 20, 20)])),
        classes=classes,
        is_soft=is_soft,
        has_groups=draw(st.booleans()),
    )


def source_of(asked: Asked, folder: Path) -> Source:
    """Sorted by class, as folders are: a look at the first samples sees one class alone."""
    content: dict[str, Any] = {"x": np.random.default_rng(1).integers(0, 256, (asked.count, *asked.shape), np.uint8)}
    if asked.classes is not None and asked.is_soft:
        content["y"] = np.full((asked.count, asked.classes), 1 / asked.classes)
    elif asked.classes is not None:
        content["y"] = np.arange(asked.count) * asked.classes // asked.count
    if asked.has_groups:
        content["who"] = np.arange(asked.count) % 2
    np.savez(folder / "a.npz", **content)
    return open_source([folder / "a.npz"], SourceOptions(group_column="who" if asked.has_groups else None))


def weighed(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def told(attempt: Callable[[], Result]) -> Result | str:
    """What comes of it, or why it is refused."""
    try:
        return attempt()
    except DataError as refused:
        return str(refused)


@given(asked=wishes())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_it_equals_what_is_written(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("foretold")
    source = source_of(asked, folder)
    origin = {"options": {"classes": "[" + asked.count * '"größe", ' + "]"}}
    run = Run(out=folder / "o", passes=asked.passes, shard_bytes=asked.shard_bytes, workers=1, origin=origin)
    foretold = told(lambda: forecast(source, asked.recipe, run))
    if isinstance(foretold, str):
        assert told(lambda: generate(source, asked.recipe, run)) == foretold
        return
    assert not run.out.exists()
    made = generate(source, asked.recipe, run)
    needed, found = foretold.needed, weighed(run.out)
    shards = sum(size for name, size in found.items() if name.endswith(".h5"))
    assert (needed.rows, needed.shards, needed.shard_bytes) == (made.samples, made.shards, shards)
    assert needed.output_bytes == pytest.approx(sum(found.values()), rel=0.02, abs=SMALL_BYTES)
    assert needed.side_bytes == pytest.approx(sum(found.values()) - shards, rel=0.02, abs=SMALL_BYTES)


def test_compression_cannot_save_everything() -> None:
    given = {"rows": 9, "shards": 3, "row_bytes": 100, "cache_bytes": 7, "cache_on_disk": True, "free_bytes": 0}
    sizes = {"shard_bytes": 50_000, "fixed_bytes": 30_000, "side_bytes": 400, "work_bytes": 20}
    needed = Needs(**given, **sizes, compressed=True)  # type: ignore[arg-type]
    assert (needed.output_bytes, needed.disk_bytes, needed.certain_bytes) == (50_400, 50_427, 30_427)
