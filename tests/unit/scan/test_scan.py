"""The scan: every sample once, in runs that can be stopped."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.engines.base import Stopped
from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError
from mixup_cli.fields.decide import decide
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.listener import Listener
from mixup_cli.recipe import Recipe
from mixup_cli.scan.scan import MOST_IN_A_STEP, STEP_SECONDS, Chunk, Tolerance, _turn, in_steps, scan
from mixup_cli.sources.combined import combine
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.storage.loaded import Loaded

FORM = Form((2, 2, 3), "uint8", "hwc")


class Slow(PictureSource):
    """Records which samples each call of `load` was asked for."""

    def __init__(self, count: int) -> None:
        super().__init__("here", [f"{number:05d}" for number in range(count)], Labels(), max_pixels=100)
        self.calls: list[tuple[int, int, int]] = []
        self.stop: threading.Event | None = None

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        self.calls.append((start, stop, threading.get_ident()))
        if self.stop is not None:
            self.stop.set()
        return [Loaded(1, "", None)] * (stop - start)


def run(source: PictureSource, engine: LocalEngine) -> None:
    cache = np.empty((len(source), *FORM.shape), np.uint8)
    scan(source, [Target(FORM)], (cache,), Tolerance(), engine, Listener())


def test_a_run_is_given_up_between_two_pictures() -> None:
    engine, source = LocalEngine(1), Slow(100)
    source.stop = engine._stop
    with pytest.raises(Stopped):
        run(source, engine)
    assert len(source.calls) == 1
    assert combine([source, source]).load_limit == 1


def steps(source: PictureSource, count: int, seconds: Callable[[int], float], monkeypatch: Any) -> list[int]:
    """How many samples each step has, where `seconds` says how long one takes of so many."""
    clock, lengths = [0.0], []
    monkeypatch.setattr("mixup_cli.scan.scan.monotonic", lambda: clock[0])
    for start, stop in in_steps(source, 0, count):
        clock[0] += seconds(stop - start)
        lengths.append(stop - start)
        assert _turn.locked() == (stop - start == MOST_IN_A_STEP and source.load_limit == 1)
    assert not _turn.locked()
    return lengths


def test_steps_grow_while_samples_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Slow(100)
    quick, slow = STEP_SECONDS / 100, STEP_SECONDS
    assert steps(source, 95, lambda count: count * quick, monkeypatch) == [1, 2, 4, 8, *[16] * 5]
    assert steps(source, 9, lambda count: count * slow, monkeypatch) == [1] * 9
    assert max(steps(source, 100, lambda count: count * STEP_SECONDS / 3, monkeypatch)) == 4


def test_what_is_fetched_from_afar_takes_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Slow(200)
    for source.load_limit, expected in ((64, [64, 64, 64, 8]), (16, [16] * 12 + [8]), (None, [200])):
        assert steps(source, 200, lambda _: 0.0, monkeypatch) == expected


def test_the_turn_ends_with_a_failure() -> None:
    def fail_at_last() -> None:
        for start, _ in in_steps(Slow(100), 0, 100):
            if start > 20:
                raise DataError("it broke")

    with pytest.raises(DataError):
        fail_at_last()
    assert not _turn.locked()


def test_a_few_pictures_are_shared_among_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[int, int]] = []

    def record(*arguments: object) -> Chunk:
        start, stop = int(str(arguments[-2])), int(str(arguments[-1]))
        runs.append((start, stop))
        return Chunk(start, [Loaded(1, "")] * (stop - start))

    monkeypatch.setattr("mixup_cli.scan.scan._scan_chunk", record)
    run(Slow(60), LocalEngine(2))
    assert sorted(runs) == [(start, start + 4) for start in range(0, 60, 4)]


def folder(place: Path, *arrays: NDArray[np.generic]) -> PictureSource:
    for number, values in enumerate(arrays):
        Image.fromarray(values).save(place / f"{number}.tif")
    return PictureSource(str(place), [f"{number}.tif" for number in range(len(arrays))], Labels(), max_pixels=100)


BYTES, WORDS, FLOATS = (np.zeros((2, 2), dtype) for dtype in (np.uint8, np.uint16, np.float32))


@pytest.mark.parametrize("surveyed", [1, None])
@pytest.mark.parametrize("asked", [None, "uint8", "uint16", "float32", "source"])
@pytest.mark.parametrize("value_range", [None, (0, 1)])
@pytest.mark.parametrize("others", [(WORDS,), (FLOATS,), (WORDS, FLOATS), (FLOATS, WORDS)])
def test_what_the_survey_missed_makes_no_difference(
    others: tuple[NDArray[np.generic], ...],
    value_range: tuple[float, float] | None,
    asked: str | None,
    surveyed: int | None,
    tmp_path: Path,
) -> None:
    """And the scan ends: each new beginning has a deeper form."""
    source = folder(tmp_path, BYTES, *others)
    recipe = Recipe.from_dict({**Recipe().to_dict(), "dtype": asked, "value_range": value_range})
    survey, forms = source.survey(surveyed), []
    while True:
        target = decide(recipe, survey).target
        forms.append(target.form.dtype)
        assert len(set(forms)) == len(forms)
        cache = np.empty((len(source), *target.form.shape), target.form.dtype)
        try:
            table = scan(source, [target], (cache,), Tolerance("skip"), LocalEngine(1), Listener())
        except FormMismatch as mismatch:
            survey.dtypes[mismatch.dtype] += 1
        else:
            break
    assert target == decide(recipe, source.survey()).target
    depths = {"uint8": 0, "uint16": 1, "float32": 2}
    deepest = max(depths[values.dtype.name] for values in others)
    floats_become_bytes = asked in (None, "uint8", "uint16") and value_range is None
    if floats_become_bytes:
        deepest = 1 if len(others) == 2 or others[0] is WORDS else 0
    assert depths[target.form.dtype] == min(deepest, depths.get(asked or "uint8", 2))
    broken = [values is FLOATS and floats_become_bytes for values in (BYTES, *others)]
    assert table.usable.tolist() == np.flatnonzero(~np.array(broken)).tolist()


def test_a_float_picture_is_a_broken_input(tmp_path: Path) -> None:
    source = folder(tmp_path, BYTES, FLOATS)
    target = decide(Recipe(dtype="uint16"), source.survey()).target
    cache = np.empty((2, *target.form.shape), target.form.dtype)
    with pytest.raises(DataError, match=r"1\.tif: has float pixels .*--value-range"):
        scan(source, [target], (cache,), Tolerance(), LocalEngine(1), Listener())
