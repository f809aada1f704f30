"""The store of windows: few in memory, each decoded once, and nobody waits in vain."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError, StorageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.target import FormMismatch, Survey, Target
from mixup_cli.pairing import Windows, WindowSchedule
from mixup_cli.scan.window_store import Inputs, WindowStore, most_windows
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.loaded import Loaded, LoadedColumn

FORM = Form((4,), "uint8", "")
COUNT = 60


class Numbers(Source):
    """Sample i is all i. Counts how often each is read, and knows what to do about some."""

    def __init__(self, limit: int | None = None) -> None:
        super().__init__("numbers", [str(number) for number in range(COUNT)], Labels())
        self.load_limit = limit
        self.read: Counter[int] = Counter()
        self.odd: dict[int, Loaded | Exception] = {}
        self._lock = threading.Lock()

    def survey(self, limit: int | None = None) -> Survey:
        raise NotImplementedError

    def stored_bytes(self) -> list[int]:
        return [4] * COUNT

    def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
        out[...] = np.arange(start, stop, dtype=np.uint8)[:, None]
        with self._lock:
            self.read.update(range(start, stop))
        for index in range(start, stop):
            if isinstance(found := self.odd.get(index), Exception):
                raise found
        return [self.odd.get(index, self.found(index)) for index in range(start, stop)]  # type: ignore[misc]

    def found(self, index: int) -> Loaded:
        return Loaded(4, f"{index:064x}" if index else "f" * 64)


class Watched(WindowStore):
    """Notes how many windows were in memory."""

    most = 0

    def _fetch(self, visit):  # type: ignore[no-untyped-def]
        window = super()._fetch(visit)
        self.most = max(self.most, len(self._windows))
        return window


def opened(
    source: Numbers, window: int, workers: int, checkpoint: Callable[[], None] = lambda: None, left_out: int = -1
) -> Watched:
    samples = np.delete(np.arange(COUNT), [left_out] if left_out >= 0 else [])
    loaded = LoadedColumn.of([source.found(index) for index in range(COUNT)])
    schedule = WindowSchedule(3, Windows.cut(len(samples), window, 2), samples, has_originals=False)
    return Watched(Inputs(source, (Target(FORM),), loaded), schedule, workers, checkpoint)


def look(store: WindowStore, part: range) -> list[int]:
    """Take a part as a shard does; the rows it was given."""
    rows: list[int] = []
    for portion in store.portions(part):
        assert portion.indices is not None
        assert portion.samples[0][:, 0].tolist() == portion.indices.tolist()
        assert portion.places(portion.indices[::-1]).tolist() == list(range(len(portion.indices)))[::-1]
        rows += portion.rows
        del portion
    return rows


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize(("window", "shard"), [(7, 13), (7, 60), (20, 3), (2, 31), (60, 60), (11, 11)])
@pytest.mark.parametrize("limit", [None, 1])
def test_each_window_is_read_once_a_pass_and_few_are_in_memory(
    window: int, shard: int, workers: int, limit: int | None
) -> None:
    source = Numbers(limit)
    store = opened(source, window, workers)
    parts = [range(start, min(start + shard, 4 * COUNT)) for start in range(0, 4 * COUNT, shard)]
    with store.serving(parts):
        looked = [*LocalEngine(workers).run(partial(look, store, part) for part in parts)]
    assert sorted(looked) == [list(part) for part in parts]
    assert source.read == Counter(dict.fromkeys(range(COUNT), 4))
    assert store.most <= min(most_windows(workers), 4 * -(-COUNT // window))
    assert store._windows == {}


def test_only_what_is_needed_is_read() -> None:
    source = Numbers()
    store = opened(source, 10, 2, left_out=17)
    parts = [range(12, 14), range(55, 61), range(10**12, 10**12 + 1)]
    with store.serving(parts):
        for part in parts:
            assert look(store, part) == list(part)
    assert 17 not in source.read
    needed = [set(visit.samples.tolist()) for part in parts for visit in store._schedule.visits(part.start, part.stop)]
    assert set(source.read) == set().union(*needed)
    assert source.read.total() == sum(len(each) for each in needed)


def test_a_part_given_up_halfway_leaves_nothing_behind() -> None:
    store = opened(Numbers(), 10, 1)
    with store.serving([range(35)]):
        halfway = store.portions(range(35))
        next(halfway)
        del halfway
        later = store.portions(range(35))
        next(later)
    del later
    assert store._windows == {}
    gc.collect()


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (Loaded(4, f"{23:064x}", "cannot decode (it is odd)"), "23: cannot decode .*start over with force"),
        (Loaded(4, "ab" * 32), "23: has changed since the scan"),
        (FormMismatch("23", (3, 5), "uint16"), "23: 5x3 uint16 is not what the scan read"),
    ],
)
def test_a_sample_that_is_not_as_it_was_ends_it_when_its_window_comes(odd: Loaded | Exception, message: str) -> None:
    source = Numbers()
    source.odd[23] = odd
    store = opened(source, 10, 2)
    first = next(visit for visit in store._schedule.visits(0, COUNT) if 23 in visit.samples).start
    parts = [range(start, start + 10) for start in range(0, COUNT, 10)]
    seen: list[int] = []
    with pytest.raises(DataError, match=message), store.serving(parts):  # noqa: PT012  # what came before counts, too
        for part in parts:
            seen += look(store, part)
    assert seen == list(range(first))


def test_nobody_waits_for_a_run_that_was_given_up() -> None:
    engine, begun = LocalEngine(2), threading.Event()

    class Endless(Numbers):
        def load(self, start: int, stop: int, target: Target, out: NDArray[np.generic]) -> list[Loaded]:
            begun.set()
            engine._stop.wait(30)
            return super().load(start, stop, target, out)

    store = opened(Endless(), 10, 2, engine.checkpoint)

    def fail() -> None:
        begun.wait(30)
        raise DataError("another task failed")

    parts = [range(20), range(20, 40)]
    tasks: list[Callable[[], object]] = [partial(look, store, parts[0]), fail]
    with pytest.raises(DataError, match="another task"), store.serving(parts):
        [*engine.run(tasks)]


def test_a_window_that_memory_cannot_hold_is_told() -> None:
    store = opened(Numbers(), 10, 1)
    store._inputs = replace(store._inputs, targets=(Target(Form((1 << 58,), "uint8", "")),))
    with store.serving([range(5)]), pytest.raises(StorageError, match=r"does not fit into memory .*a smaller window"):
        next(store.portions(range(5)))
