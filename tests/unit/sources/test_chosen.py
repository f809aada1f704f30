"""Some samples of a source, loaded as the source itself loads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli import Recipe, SourceOptions, open_source
from mixup_cli.fields.target import room_for
from mixup_cli.runs.job import Asked
from mixup_cli.sources.chosen import BETWEEN_BYTES, MOST_APART, ChosenSamples
from mixup_cli.sources.reading.base import Source
from tests.small_sources import write_arrays


def loads_of(source: Source, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The ranges that are asked of a source from now on."""
    asked = []
    load = source.load

    def heard(start: int, stop: int, *rest: Any) -> Any:
        asked.append((start, stop))
        return load(start, stop, *rest)

    monkeypatch.setattr(source, "load", heard)
    return asked


@pytest.mark.parametrize("indices", [[0], [7], [0, 1, 2], [1, 3, 4, 7], [0, 2, 4, 6], list(range(8))])
@pytest.mark.parametrize("kind", ["photos", "arrays", "both", "signals"])
def test_they_are_those_of_the_source(
    kind: str, indices: list[int], photos: Path, arrays: Path, tmp_path: Path
) -> None:
    if kind == "signals":
        draw = np.random.default_rng(0)
        np.savez(tmp_path / "two.npz", a=draw.random((8, 8, 8, 3), np.float32), b=draw.random((8, 4), np.float32))
        source = open_source([tmp_path / "two.npz"], SourceOptions(data_key="a,b", label_kind="none"))
    else:
        source = open_source({"photos": [photos], "arrays": [arrays], "both": [photos, arrays]}[kind])
    asked = Asked(source, Recipe(size=None if kind == "signals" else (12, 10)))
    targets = asked.job(source.survey()).targets
    chosen = ChosenSamples(source, np.array(indices))
    whole, some = room_for(targets, len(source)), room_for(targets, len(chosen))
    loaded = source.load_signals(0, len(source), targets, whole)
    assert chosen.load_signals(0, len(chosen), targets, some) == [loaded[index] for index in indices]
    for all_of, found in zip(whole, some, strict=True):
        np.testing.assert_array_equal(found, all_of[indices])
    assert [chosen.name_of(place) for place in range(len(chosen))] == [source.name_of(index) for index in indices]
    assert list(chosen.keys) == [source.keys[index] for index in indices]
    assert list(chosen.stored_bytes()) == [source.stored_bytes()[index] for index in indices]


def load_all(source: Source, indices: NDArray[np.int64]) -> None:
    targets = Asked(source, Recipe()).job(source.survey()).targets
    chosen = ChosenSamples(source, indices)
    chosen.load_signals(0, len(chosen), targets, room_for(targets, len(chosen)))


def test_near_ones_that_are_quick_to_load_are_loaded_together(arrays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source([arrays])
    asked = loads_of(source, monkeypatch)
    load_all(source, np.array([0, 2, 2 + MOST_APART, 3 + 2 * MOST_APART]))
    assert asked == [(0, 3 + MOST_APART), (3 + 2 * MOST_APART, 4 + 2 * MOST_APART)]


def test_large_ones_and_images_are_loaded_alone(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = open_source([write_arrays(tmp_path / "large.npz", 4, (BETWEEN_BYTES // 2 + 1,))])
    for source in (large, open_source([photos])):
        asked = loads_of(source, monkeypatch)
        load_all(source, np.array([0, 2, 3]))
        assert asked == [(0, 1), (2, 4)]
