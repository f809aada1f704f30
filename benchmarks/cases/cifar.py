"""CIFAR-10: the rate beside the limit and the peers, one pass as a whole process, and memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.bench import HERE, Bench
from benchmarks.measure import Contender, Runs, Spread, Usage, alternate, marginal_rates, ratio, walls
from benchmarks.results import Line, Part

SCRIPTS = {
    "(a) DataLoader + torchvision": "dataloader_torchvision.py",
    "(b) DataLoader + timm": "dataloader_timm.py",
    "(c) expert NumPy": "expert_numpy.py",
}
A, B, C = SCRIPTS
EXTRACTED = "mixup-gen, one pass over the extracted archive"
LIMITS = {
    "buffered": ("--sync",),
    "O_DIRECT": ("--sync", "--direct"),
    "buffered, no fsync": (),
    "O_DIRECT, no fsync": ("--direct",),
}


@dataclass(frozen=True)
class Cifar:
    """The contenders. Names end with the amount of samples."""

    bench: Bench

    def contenders(self) -> list[Contender]:
        """In the order of a round: the limit needs to know what ours wrote."""
        amounts = self.bench.amounts
        ours = [self._ours(count, amounts.rounds) for count in (amounts.cifar, amounts.small, amounts.large)]
        bare = [self._ours(count, amounts.few, synced=False) for count in (amounts.small, amounts.large)]
        limits = [
            Contender(f"(d) {name}", self._limit(options), amounts.rounds if "--sync" in options else amounts.few)
            for name, options in LIMITS.items()
        ]
        return [*ours, self._extracted(), *limits, *bare, *self._peers(), self._ours(amounts.largest, 1)]

    def _extracted(self) -> Contender:
        """One pass over what the peers read."""
        command = self.bench.generate(self.bench.cifar_folder, "--samples", str(self.bench.amounts.cifar))
        return Contender(EXTRACTED, partial(self.bench.fresh, command), self.bench.amounts.rounds)

    def _ours(self, count: int, rounds: int, synced: bool = True) -> Contender:
        call = self.bench.generate if synced else self.bench.generate_without_fsync
        command = call(self.bench.cifar, "--samples", str(count))
        note = self._note_sizes(count)
        name = f"mixup-gen{'' if synced else ' without fsync'}, {count:,}"
        return Contender(name, partial(self.bench.fresh, command, note), rounds)

    def _sizes(self, count: int) -> Path:
        return self.bench.scratch / f"sizes-{count}.json"

    def _note_sizes(self, count: int) -> Callable[[], None]:
        """What remembers the sizes of the shards that were written."""

        def note() -> None:
            shards = sorted((self.bench.out / "set").glob("shard-*.h5"))
            self._sizes(count).write_text(json.dumps([shard.stat().st_size for shard in shards]))

        return note

    def _limit(self, options: tuple[str, ...]) -> Callable[[], Usage]:
        """Writes as many files, of the same sizes, as `large` samples have more than `small`."""
        amounts, marginal = self.bench.amounts, self.bench.scratch / "sizes-marginal.json"
        paths: list[str | Path] = [HERE / "limit.py", marginal, self.bench.out]
        command = [self.bench.peers_python, *paths, "--threads", str(self.bench.cores), *options]

        def make() -> Usage:
            large = json.loads(self._sizes(amounts.large).read_text())
            small = json.loads(self._sizes(amounts.small).read_text())
            marginal.write_text(json.dumps(large[len(small) :] if len(large) > len(small) else large))
            return self.bench.fresh(command)

        return make

    def _peers(self) -> list[Contender]:
        amounts = self.bench.amounts
        return [
            Contender(f"{name}, {count:,}", self._peer(script, count), amounts.few)
            for name, script in SCRIPTS.items()
            for count in (amounts.peer_small, self.large_of(name))
        ]

    def large_of(self, peer: str) -> int:
        """The larger amount for a peer: enough to take seconds."""
        return self.bench.amounts.expert_large if peer == C else self.bench.amounts.peer_large

    def _peer(self, script: str, count: int) -> Callable[[], Usage]:
        return partial(self.bench.written_by, script, self.bench.cifar_folder, count, 10)


def measure(bench: Bench) -> Part:
    """All of it, in one run."""
    case, amounts = Cifar(bench), bench.amounts
    runs, failures = alternate(case.contenders(), bench.tell)
    part = Part("CIFAR-10")
    part.fail(failures)
    for name, usages in runs.items():
        part.figure(name, walls(usages), "s")
    rates = rates_of(case, runs)
    for name, values in rates.items():
        part.figure(f"{name}: rate", [value / 1000 for value in values], "thousand/s")
    for name, values in processor_times(case, runs).items():
        part.figure(f"{name}: processor time a sample", values, "µs")
    part.lines = [*limit_lines(rates), *peer_lines(rates), *whole_lines(case, runs), *memory_lines(case, runs, part)]
    part.plots["time against N"] = curves(runs)
    command = bench.generate(bench.cifar, "--samples", str(amounts.large), out=bench.out / "set")
    part.profiled = [str(word) for word in command]
    return part


def rates_of(case: Cifar, runs: Runs) -> dict[str, list[float]]:
    """Marginal rates by contender, in samples a second, round by round."""
    amounts = case.bench.amounts
    more = amounts.large - amounts.small
    rates = {}
    for name in ("mixup-gen", "mixup-gen without fsync"):
        small, large = runs[f"{name}, {amounts.small:,}"], runs[f"{name}, {amounts.large:,}"]
        rates[name] = marginal_rates(small, large, more)
    for name in SCRIPTS:
        count = case.large_of(name)
        small, large = runs[f"{name}, {amounts.peer_small:,}"], runs[f"{name}, {count:,}"]
        rates[name] = marginal_rates(small, large, count - amounts.peer_small)
    for name in LIMITS:
        rates[f"(d) {name}"] = [more / used.said["seconds"] for used in runs[f"(d) {name}"]]
    return {name: values for name, values in rates.items() if values}


def processor_times(case: Cifar, runs: Runs) -> dict[str, list[float]]:
    """Marginal processor time in µs a sample, of all cores: hardly disturbed by what else runs on the machine."""
    amounts = case.bench.amounts
    pairs = dict.fromkeys(("mixup-gen", "mixup-gen without fsync"), (amounts.small, amounts.large))
    pairs |= {name: (amounts.peer_small, case.large_of(name)) for name in SCRIPTS}
    times = {}
    for name, (small, large) in pairs.items():
        both = zip(runs[f"{name}, {small:,}"], runs[f"{name}, {large:,}"], strict=False)
        times[name] = [1e6 * (b.cpu_seconds - a.cpu_seconds) / (large - small) for a, b in both]
    for name in LIMITS:
        more = amounts.large - amounts.small
        times[f"(d) {name}"] = [1e6 * used.cpu_seconds / more for used in runs[f"(d) {name}"]]
    return times


def limit_lines(rates: dict[str, list[float]]) -> list[Line]:
    """Against the faster of buffered and O_DIRECT, with and without fsync."""
    lines = []
    for ours, ending, targets in (
        ("mixup-gen", "", (0.70, 0.85)),
        ("mixup-gen without fsync", ", no fsync", (None, None)),
    ):
        limits = [rates[f"(d) {how}{ending}"] for how in ("buffered", "O_DIRECT") if f"(d) {how}{ending}" in rates]
        if limits and ours in rates:
            fastest = max(limits, key=lambda values: Spread.of(values).median)
            what = "CIFAR-10 archive, rate, against (d) " + ("without fsync" if ending else "with sha256 and fsync")
            key = "limit-without-fsync" if ending else "limit"
            lines.append(Line(key, what, ratio(rates[ours], fastest), least=targets[0], aim=targets[1]))
    return lines


def peer_lines(rates: dict[str, list[float]]) -> list[Line]:
    """Against the scripts of today: (a) has a target."""
    lines = []
    for name in SCRIPTS:
        if name in rates and "mixup-gen" in rates:
            targets = (18, 30) if name == A else (None, None)
            faster = ratio(rates["mixup-gen"], rates[name])
            lines.append(Line(f"rate-{name[1]}", f"the same, against {name}", faster, "x", *targets))
    return lines


def whole_lines(case: Cifar, runs: Runs) -> list[Line]:
    """One pass, from the start of the process to its end: over the archive, and over its files, as peers read them."""
    amounts = case.bench.amounts
    lines = []
    for key, ours, source in (("pass", f"mixup-gen, {amounts.cifar:,}", ""), ("files", EXTRACTED, " extracted,")):
        for name in SCRIPTS:
            sizes = [count for count in (amounts.peer_small, case.large_of(name)) if count == amounts.cifar]
            theirs = runs[f"{name}, {sizes[0]:,}"] if sizes else []
            if runs[ours] and theirs:
                work = f"CIFAR-10,{source} one pass ({amounts.cifar:,}), whole process against {name}'s"
                targets = (3, 6) if (key, name) == ("pass", A) else (None, None)
                value = ratio(walls(theirs), walls(runs[ours]))
                lines.append(Line(f"{key}-{name[1]}", work, value, "x", *targets))
    return lines


def memory_lines(case: Cifar, runs: Runs, part: Part) -> list[Line]:
    """Peak memory at ten times as many samples. Runs below 384 MiB do without numba, which takes memory itself."""
    amounts = case.bench.amounts
    peaks = {}
    for count in (amounts.cifar, amounts.small, amounts.large, amounts.largest):
        peaks[count] = [used.peak_bytes / 2**20 for used in runs[f"mixup-gen, {count:,}"]]
        part.figure(f"mixup-gen, {count:,}: peak memory", peaks[count], "MiB")
    lines = []
    for key, less, more, most in (
        ("memory", amounts.small, amounts.largest, 1.1),
        ("memory-small", amounts.cifar, amounts.small, None),
    ):
        if peaks[less] and peaks[more]:
            work = f"peak memory at {more:,} samples against {less:,}"
            lines.append(Line(key, work, ratio(peaks[more], peaks[less]), most=most, aim=1.0 if most else None))
    return lines


def curves(runs: Runs) -> dict[str, list[tuple[float, float]]]:
    """Seconds of a whole process against the amount, by contender."""
    found: dict[str, list[tuple[float, float]]] = {}
    for name, usages in runs.items():
        who, _, count = name.partition(", ")
        digits = count.replace(",", "")
        if usages and digits.isdigit():
            found.setdefault(who, []).append((int(digits), Spread.of(walls(usages)).median))
    return {who: sorted(points) for who, points in found.items()}
