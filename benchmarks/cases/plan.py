"""Rows of the plan a second, on one core."""

from __future__ import annotations

from functools import partial

from benchmarks.bench import Bench
from benchmarks.measure import Contender, Spread, alternate, run
from benchmarks.results import Line, Part


def measure(bench: Bench) -> Part:
    """Rows from 0 and from 10^12, in one process and in turn."""
    part = Part("Plan")
    command = bench.ours("plan_rate.py")
    contender = Contender("plan", partial(run, command, bench.scratch), bench.amounts.few)
    runs, failures = alternate([contender], bench.tell)
    part.fail(failures)
    near, far = ([used.said[key] / 1e6 for used in runs["plan"]] for key in ("near", "far"))
    if near:
        part.lines.append(Line("plan", "plan, rows a second on one core", Spread.of(near), "M/s", 5, 10))
        shares = Spread.of([b / a for a, b in zip(near, far, strict=True)])
        part.lines.append(Line("plan-far", "plan, rows from 10^12 against rows from 0", shares, "x", 0.9, 1.0))
    part.figure("rows from 10^12", far, "M/s")
    part.profiled = [str(word) for word in command]
    return part
