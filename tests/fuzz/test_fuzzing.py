"""Parsers of bytes give an answer or an error of ours, whatever the bytes, in little time and memory.

Some mutants for each parser in every run, always the same; a minute of others for each in `make test-slow`.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.fuzz.feeding import Meal, fuzz
from tests.fuzz.parsers import PARSERS, Parser
from tests.fuzz.watching import Watch

EXAMPLES, SECONDS = 60, 60

each_parser = pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)


@each_parser
def test_the_corpus_is_sound(parser: Parser, tmp_path: Path) -> None:
    """What is mutated would otherwise be refused at its first byte."""
    assert parser.corpus()
    watch = Watch(parser.inside)
    for data in parser.corpus():
        with watch.watching():
            assert parser.parse(data, tmp_path)
        assert watch.is_reached


@each_parser
def test_some_mutants_of_each(parser: Parser, tmp_path: Path) -> None:
    """Enough of them get past the outer layer, too: else nothing else is tried."""
    inside = fuzz(parser, tmp_path, Meal(seed=1, examples=EXAMPLES))
    assert inside >= parser.floor * EXAMPLES, f"{inside} of {EXAMPLES} mutants are understood"


@pytest.mark.slow
@each_parser
def test_a_minute_of_mutants(parser: Parser, tmp_path: Path) -> None:
    fuzz(parser, tmp_path, Meal(seed=secrets.randbits(32), seconds=SECONDS))
