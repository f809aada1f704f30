"""Tasks in threads: all of them, few at a time, and none after a failure."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from mixup_cli.engines.local import LocalEngine, Stopped


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 100])
def test_every_task_runs_once(count: int) -> None:
    assert sorted(LocalEngine(2).run(partial(int, number) for number in range(count))) == list(range(count))


def test_few_tasks_wait_in_line() -> None:
    made: list[int] = []

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(100):
            made.append(number)
            yield partial(int, number)

    results = LocalEngine(2).run(tasks())
    next(results)
    assert len(made) <= 8
    results.close()  # type: ignore[attr-defined]  # it is a generator


def test_a_failure_stops_the_others() -> None:
    engine, began, stopped = LocalEngine(2), threading.Event(), threading.Event()

    def long() -> None:
        began.set()
        try:
            while True:
                engine.checkpoint()
        except Stopped:
            stopped.set()
            raise

    def broken() -> None:
        began.wait()
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(engine.run([long, broken]))
    assert stopped.is_set()
