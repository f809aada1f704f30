"""Feeds mutants to a parser in a separate process, since libraries in C crash rather than raise.

Such processes fork from one that has imported everything: that takes milliseconds, not seconds.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import time
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.costs import check_bad_input
from tests.fuzz.parsers import Parser
from tests.fuzz.watching import Watch

MOST_BYTES = 1 << 30
"""For all mutants together."""

ADDRESS_SPACE_BYTES = 8 << 30
"""Protects the machine that runs the tests."""

PATIENCE_SECONDS = 200
"""How much longer than asked for a process may take before it counts as hanging."""


@dataclass(frozen=True)
class Meal:
    """How many mutants, or for how long; the same ones for the same seed. Of a fixed number it is counted how many come
    inside: watching takes time."""

    seed: int
    examples: int | None = None
    seconds: float = float("inf")


def fuzz(parser: Parser, folder: Path, meal: Meal, patience_seconds: float = PATIENCE_SECONDS) -> int:
    """How many mutants came inside. The last one is kept in `folder`, to look at when it breaks."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([Parser.__module__, "pytest"])
    child = context.Process(target=_feed_all, args=(parser, folder, meal))
    child.start()
    try:
        child.join(patience_seconds + (0 if meal.examples else meal.seconds))
        told = (folder / "told").read_text() if (folder / "told").exists() else "it crashed"
        ended = "it hangs" if child.exitcode is None else f"exit code {child.exitcode}: {told}"
        assert child.exitcode == 0, f"{parser.name}, seed {meal.seed}, over {folder / 'last'}: {ended}"
        return int(told)
    finally:
        child.kill()
        child.join()


def _feed_all(parser: Parser, folder: Path, meal: Meal) -> None:
    """In the child. Writes how many came inside, or what went wrong."""
    warnings.simplefilter("ignore")  # libraries warn about damaged bytes, which is their business
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        (folder / "told").write_text(str(feed(parser, folder, meal)))
    except BaseException:
        (folder / "told").write_text(traceback.format_exc())
        raise


def feed(parser: Parser, folder: Path, meal: Meal) -> int:
    """See `fuzz`; in this process."""
    (folder / "fed").mkdir()
    watch = Watch(parser.inside)
    inside = 0
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux counts the most memory from here on
    before_bytes = most_memory_bytes()
    limit = time.monotonic() + meal.seconds
    for number, data in enumerate(parser.mutants(meal.seed)):
        if time.monotonic() > limit or number == meal.examples:
            break
        (folder / "last").write_bytes(data)
        began = time.process_time()
        if meal.examples is None:
            parser.feed(data, folder / "fed")
        else:
            with watch.watching():
                parser.feed(data, folder / "fed")
            inside += watch.is_reached
        taken = time.process_time() - began
        more_bytes = most_memory_bytes() - before_bytes
        assert more_bytes < MOST_BYTES, f"mutant {number} took {more_bytes} bytes"
        check_bad_input(taken)
    return inside


def most_memory_bytes() -> int:
    """The most that this process had at once. Its resource usage would count its parent's, from before the start."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(peak_kib) * 1024
