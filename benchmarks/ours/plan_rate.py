"""Rows of the plan a second on one core, from row 0 and from row 10^12: CIFAR's 50,000 samples in ten classes."""

from __future__ import annotations

import json
import os
import time

import numpy as np

from mixup_cli import backend
from mixup_cli.methods import Grid, resolve
from mixup_cli.pairing import Population
from mixup_cli.plan.plan import Plan
from mixup_cli.recipe import Recipe

SAMPLES = 50_000
ROWS = 2_000_000
FAR = 10**12


def rate(plan: Plan, start: int) -> float:
    """Rows a second, asked for in the blocks that shards are made of."""
    block = plan.methods.block_rows
    began = time.perf_counter()
    for first in range(start, start + ROWS, block):
        plan.rows(first, min(first + block, start + ROWS))
    return ROWS / (time.perf_counter() - began)


def main() -> None:
    """Print both rates, each of them taken on passes that were not asked for before."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    backend.settle(10 * ROWS, 32 * 32 * 3)  # as a run of so many rows does
    asked = Recipe()
    recipe = asked.with_(methods=resolve(asked.methods))
    classes = (np.arange(SAMPLES) % 10).astype(np.int32)
    plan = Plan(recipe, Population(np.arange(SAMPLES), classes), Grid(32, 32))
    plan.rows(0, 4096)  # tables and compiled code
    near, far = [], []
    for turn in range(5):
        near.append(rate(plan, (turn + 1) * ROWS))
        far.append(rate(plan, FAR + turn * ROWS))
    print(json.dumps({"near": float(np.median(near)), "far": float(np.median(far))}))


if __name__ == "__main__":
    main()
