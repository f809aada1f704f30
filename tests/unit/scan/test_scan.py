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
from mixup_cli.scan.scan import MOST_IN_A_STEP, QUICK_SECONDS, SLACK_SECONDS, Chunk, Tolerance, _turn, in_steps, scan
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


Steps = list[tuple[int, bool]]


def steps(
    source: PictureSource,
    count: int,
    seconds: Callable[[int], float],
    patched: Any,
    clocks: str = "monotonic thread_time",
) -> Steps:
    """How many samples each step has, and whether it is a turn, where `seconds` says how long one takes of so many."""
    clock, found = [0.0], Steps()
    for name in ("monotonic", "thread_time"):
        runs = name in clocks
        patched.setattr(f"mixup_cli.scan.scan.{name}", lambda runs=runs: clock[0] * runs)
    for start, stop in in_steps(source, 0, count):
        clock[0] += seconds(stop - start)
        found.append((stop - start, _turn.locked()))
    assert not _turn.locked()
    return found


def test_steps_grow_and_are_turns_while_samples_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    source, most = Slow(100), MOST_IN_A_STEP
    quick = steps(source, 2 * most - 1 + most, lambda count: count * QUICK_SECONDS / 2, monkeypatch)
    assert quick == [(1, True), (2, True), (4, True), (8, True), (16, True), (most, True), (most, True)]
    slow = steps(source, 4, lambda count: count * QUICK_SECONDS * 2, monkeypatch)
    assert slow == [(1, True), (1, False), (1, False), (1, False)]
    waiting = steps(source, 3, lambda count: count * QUICK_SECONDS * 1.5, monkeypatch, "monotonic")
    assert waiting == [(1, True), (2, True)]
    locked = steps(source, 7, lambda count: SLACK_SECONDS / 8, monkeypatch, "monotonic")
    assert locked == [(1, True), (2, True), (4, True)], "a few waits for Python's lock are no slow disk"
    far = steps(source, 3, lambda count: count * QUICK_SECONDS * 2.5 + SLACK_SECONDS, monkeypatch, "monotonic")
    assert far == [(1, True), (1, False), (1, False)]
    once = iter([0.0, 0.0, 1.0, 0.0, 0.0])
    mixed = steps(source, 9, lambda _: next(once), monkeypatch)
    assert mixed == [(1, True), (2, True), (4, True), (1, False), (1, False)]


def test_other_sources_take_no_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Slow(200)
    for limit, expected in ((64, [64, 64, 64, 8]), (None, [200])):
        source.load_limit = limit
        assert steps(source, 200, lambda _: 0.0, monkeypatch) == [(count, False) for count in expected]


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
