"""The fuzzer notices what a parser must not do, and reports the input."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mixup_cli.errors import DataError
from tests.fuzz.feeding import Meal, fuzz
from tests.fuzz.mutating import bytewise
from tests.fuzz.parsers import Parser


def refuses(data: bytes, folder: Path) -> bool:
    raise DataError("damaged")


def raises(data: bytes, folder: Path) -> bool:
    raise KeyError("label")


def hangs(data: bytes, folder: Path) -> bool:
    time.sleep(1e6)
    return True


def crashes(data: bytes, folder: Path) -> bool:
    os.abort()


def asks_for_more_than_there_is(data: bytes, folder: Path) -> bool:
    return len(bytes(9 << 30)) > 0


@dataclass(frozen=True)
class Fed(Parser):
    def mutants(self, seed: int) -> Iterator[bytes]:
        return iter([b"fatal"])


def fed_to(parse: Callable[[bytes, Path], bool]) -> Parser:
    return Fed("some", parse, bytewise, parse, 0)


def test_what_comes_inside_is_counted(tmp_path: Path) -> None:
    assert fuzz(fed_to(refuses), tmp_path, Meal(seed=1, examples=1)) == 1


@pytest.mark.parametrize(
    ("parse", "told"),
    [
        (raises, "KeyError: 'label'"),
        (hangs, "it hangs"),
        (crashes, "it crashed"),
        (asks_for_more_than_there_is, "MemoryError"),
    ],
)
def test_misbehaviour_is_told(parse: Callable[[bytes, Path], bool], told: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=told) as noticed:
        fuzz(fed_to(parse), tmp_path, Meal(seed=7, examples=1), patience_seconds=200 if parse is not hangs else 0.5)
    assert "seed 7" in str(noticed.value)
    assert str(tmp_path / "last") in str(noticed.value)
    assert (tmp_path / "last").read_bytes() == b"fatal"
    assert not multiprocessing.active_children()
