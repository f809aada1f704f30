"""Parsers of bytes give an answer or an error of ours, whatever the bytes, in little time and memory.

The mutating runs in a child process, since libraries in C crash rather than raise. Some examples for each parser in
every run, always the same; a minute for each in `make test-slow`.
"""

from __future__ import annotations

import multiprocessing
import random
import re
import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.fuzz.parsers import PARSERS, Parser

EXAMPLES, SECONDS = 60, 60
MOST_SECONDS, MOST_BYTES = 5.0, 1 << 30
TOKENS = [
    b"",
    b"\0",
    b"\xff",
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"-1",
    b"9" * 25,
    b"1e999",
    b"nan",
    b'"',
    b"[",
    b"{",
    b"\n",
]


def mutants(corpus: list[bytes], seed: int) -> Iterator[bytes]:
    """Sound bytes with a few of them changed, cut out, doubled, moved, or exchanged for what parsers dislike."""
    draw = random.Random(seed)
    while True:
        data = bytearray(draw.choice(corpus))
        for _ in range(draw.choice([1, 1, 2, 4, 16])):
            start = draw.randrange(len(data) + 1)
            stop = min(len(data), start + draw.choice([0, 1, 1, 2, 4, 8, 64]))
            match draw.randrange(6):
                case 0 if start < len(data):
                    data[start] ^= 1 << draw.randrange(8)
                case 1:
                    data[start:stop] = draw.choice(TOKENS)
                case 2:
                    data[start:stop] = draw.randbytes(stop - start)
                case 3:
                    data[start:start] = data[start:stop] * draw.choice([1, 2, 50])
                case 4:
                    other = draw.choice(corpus)
                    at = draw.randrange(len(other) + 1)
                    data[start:stop] = other[at : at + draw.choice([1, 8, 64, 512])]
                case 5 if draw.random() < 0.2:
                    del data[start:]
        yield bytes(data)


def feed_all(name: str, folder: Path, examples: int | None, seconds: float) -> None:
    """The last input is kept in `folder`, so that whoever finds it broken has it."""
    (parser,) = (each for each in PARSERS if each.name == name)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux counts the most memory anew: other tests came before
    before_bytes = most_memory_bytes()
    limit = time.monotonic() + seconds
    for number, data in enumerate(mutants(parser.corpus(), seed=1)):
        if time.monotonic() > limit or number == examples:
            break
        (folder / "last").write_bytes(data)
        began = time.process_time()
        parser.feed(data, folder / "fed")
        assert time.process_time() - began < MOST_SECONDS
    more_bytes = most_memory_bytes() - before_bytes
    assert more_bytes < MOST_BYTES, f"{more_bytes} bytes"


def most_memory_bytes() -> int:
    """The most that this process had at once. Its resource usage would count its parent's, from before the start."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (peak_kib,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(peak_kib) * 1024


def fuzz(parser: Parser, folder: Path, examples: int | None, seconds: float) -> None:
    (folder / "fed").mkdir()
    child = multiprocessing.get_context("spawn").Process(target=feed_all, args=(parser.name, folder, examples, seconds))
    child.start()
    child.join(seconds + 60)
    assert child.exitcode == 0, f"{child.exitcode} (None: it hangs) over {folder / 'last'}"


def feed_some(parser: Parser, folder: Path) -> None:
    """In this process: for parsers that are Python's own."""
    (folder / "fed").mkdir()
    feed_all(parser.name, folder, EXAMPLES, 30)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
@pytest.mark.filterwarnings("ignore")  # libraries warn about damaged bytes, which is their business
def test_some_mutants_of_each(parser: Parser, tmp_path: Path) -> None:
    assert parser.corpus()
    fuzz(parser, tmp_path, EXAMPLES, 30) if parser.name == "shard" else feed_some(parser, tmp_path)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_the_corpus_is_sound(parser: Parser, tmp_path: Path) -> None:
    """What is mutated would otherwise be refused at its first byte."""
    for data in parser.corpus():
        parser.parse(data, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_minute_of_mutants(parser: Parser, tmp_path: Path) -> None:
    fuzz(parser, tmp_path, None, SECONDS)
