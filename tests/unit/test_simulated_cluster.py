"""benchmarks/simulate_cluster.py: where the answer is known, the simulation has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.simulate_cluster import Cluster, Run, Work

CALM = Cluster(workers=1, slow_nodes=0, hours_between_failures=1e9, source_bandwidth=1e12, output_bandwidth=1e12)
WORK = Work(
    shards=1000,
    shard_bytes=1e9,
    shard_seconds=5,
    inputs=1000,
    input_bytes=1e5,
    input_seconds=0.01,
    start_seconds=2,
    seal_seconds=0.001,
)


@pytest.mark.parametrize("queue", ["parts", "shared"])
@pytest.mark.parametrize(("nodes", "workers"), [(1, 1), (1, 4), (10, 1), (10, 4)])
def test_without_trouble_shards_are_divided(queue: str, nodes: int, workers: int) -> None:
    expected = 2 + 10 / workers + 5000 / nodes / workers + 1
    found = Run(replace(CALM, queue=queue, nodes=nodes, workers=workers), WORK).seconds()
    assert found == pytest.approx(expected, rel=0.01)


def test_shared_bandwidth_does_not_grow_with_nodes() -> None:
    for nodes in (100, 300):
        found = Run(replace(CALM, nodes=nodes, output_bandwidth=1e9), WORK).seconds()
        assert found == pytest.approx(2 + 10 + 1000 + 1, rel=0.01)
    reading = Run(replace(CALM, nodes=100, source_bandwidth=1e7), WORK).seconds()
    assert reading == pytest.approx(2 + 1000 + 50 + 1, rel=0.02)


def test_a_slow_node_holds_up_parts_and_not_a_shared_queue() -> None:
    slow = replace(CALM, nodes=100, slow_nodes=0.05)
    parts, shared = (Run(replace(slow, queue=queue), WORK).seconds() for queue in ("parts", "shared"))
    assert parts == pytest.approx(3 * (2 + 10 + 50) + 1, rel=0.01)
    assert shared < 80


def test_shards_of_a_node_that_fails_are_made_all_the_same() -> None:
    run = Run(replace(CALM, nodes=20, hours_between_failures=0.2), WORK)
    assert run.seconds() > Run(replace(CALM, nodes=20), WORK).seconds() + WORK.start_seconds + 10
    assert run.left == 0
