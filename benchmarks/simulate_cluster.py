"""A run on a cluster, simulated: shards on nodes, with stragglers, failures, and bandwidth that all nodes share.

    python -m benchmarks.simulate_cluster --nodes 100        one cluster: the seconds until the data set is sealed
    python -m benchmarks.simulate_cluster --table            1 … 1,000 nodes, and what limits each
    python -m benchmarks.simulate_cluster --check --scratch FOLDER    against real runs of one and of two workers

Costs of samples and inputs are those of scale.json (`scale_constants.py`), for 224 × 224. A node starts, reads and
decodes its inputs; then its workers make shards, each of which is written while it is computed. With `--queue parts` a
node has the shards of its part, with `--queue shared` (as Ray) any node takes the next. A node that fails begins again.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Generator
from dataclasses import dataclass

import simpy

Steps = Generator[simpy.Event, None, None]

CHUNKS = 8
"""A worker reads its inputs in so many pieces: bandwidth is shared between pieces."""


@dataclass(frozen=True)
class Cluster:
    """What a run has. Bandwidths are bytes a second, of all nodes together."""

    nodes: int = 1
    workers: int = 16
    source_bandwidth: float = 20e9
    output_bandwidth: float = 20e9
    slow_nodes: float = 0.02
    slowness: float = 3.0
    hours_between_failures: float = 1000.0
    queue: str = "parts"
    seed: int = 0


@dataclass(frozen=True)
class Work:
    """What a run does. Seconds are of one core; `inputs` are those that each node reads."""

    shards: int
    shard_bytes: float
    shard_seconds: float
    inputs: int
    input_bytes: float
    input_seconds: float
    start_seconds: float
    seal_seconds: float


class Run:
    """One run of the simulation."""

    def __init__(self, cluster: Cluster, work: Work) -> None:
        self.cluster, self.work, self.env = cluster, work, simpy.Environment()
        self.source, self.output = (simpy.Resource(self.env) for _ in range(2))
        self.left, self.done = work.shards, self.env.event()
        self.random = random.Random(cluster.seed)  # noqa: S311 - a simulation
        whole, count = list(range(work.shards)), cluster.nodes
        parts = [whole[n * work.shards // count : (n + 1) * work.shards // count] for n in range(count)]
        self.queues = [whole] * count if cluster.queue == "shared" else parts

    def seconds(self) -> float:
        """How long it takes, sealing included."""
        for queue in self.queues:
            speed = self.cluster.slowness if self.random.random() < self.cluster.slow_nodes else 1.0
            self.env.process(self._node(queue, speed))
        self.env.run(self.done)
        return float(self.env.now) + self.work.shards * self.work.seal_seconds

    def _node(self, queue: list[int], speed: float) -> Steps:
        """A node, until all shards are made: it works until it fails, then begins again."""
        while self.left:
            workers = [self.env.process(self._scan(speed)) for _ in range(self.cluster.workers)]
            failure = self.env.timeout(self.random.expovariate(1 / (3600 * self.cluster.hours_between_failures)))
            yield failure | self.env.all_of(workers)
            if not failure.processed:
                workers = [self.env.process(self._make(queue, speed)) for _ in workers]
                yield failure | self.env.all_of(workers)
            if not failure.processed:
                return
            for worker in filter(lambda each: each.is_alive, workers):
                worker.interrupt()

    def _scan(self, speed: float) -> Steps:
        work, count = self.work, self.work.inputs / CHUNKS / self.cluster.workers
        try:
            yield self.env.timeout(work.start_seconds * speed)
            for _ in range(CHUNKS if work.inputs else 0):
                yield from self._moved(self.source, count * work.input_bytes / self.cluster.source_bandwidth)
                yield self.env.timeout(count * work.input_seconds * speed)
        except simpy.Interrupt:
            return

    def _make(self, queue: list[int], speed: float) -> Steps:
        seconds = self.work.shard_bytes / self.cluster.output_bandwidth
        while queue:
            shard = queue.pop()
            try:
                written = self.env.process(self._moved(self.output, seconds))
                yield self.env.timeout(self.work.shard_seconds * speed) & written
            except simpy.Interrupt:
                queue.append(shard)
                return
            self.left -= 1
            if not self.left:
                self.done.succeed()

    def _moved(self, pipe: simpy.Resource, seconds: float) -> Steps:
        with pipe.request() as turn:
            yield turn
            yield self.env.timeout(seconds)


def main() -> None:
    """Simulate one cluster or several, or compare with real runs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in Cluster().__dict__.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--rows", type=int, default=10**9)
    parser.add_argument("--shard-bytes", type=float, default=float(1 << 30))
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--scratch", help="a folder for real runs")
    given = parser.parse_args()
    cluster = Cluster(**{name: getattr(given, name) for name in Cluster().__dict__})
    from benchmarks import cluster_tables  # which simulates, too

    if given.check:
        print(cluster_tables.against_real_runs(given.scratch))
    elif given.table:
        print(cluster_tables.across_nodes(cluster, given.rows, given.shard_bytes))
    else:
        work = cluster_tables.measured(given.rows, given.shard_bytes, given.nodes)
        print(f"{Run(cluster, work).seconds():,.0f} s")


if __name__ == "__main__":
    main()
