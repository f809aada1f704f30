from __future__ import annotations

import threading
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixup_cli.sources.reading import read_ahead
from mixup_cli.sources.reading.read_ahead import ReadAhead


class Failing(BytesIO):
    """Raises once its bytes are gone."""

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found:
            raise ValueError("damaged from here on")
        return found


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "PIECE_BYTES", 10)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read-ahead")]


def drained(stream: ReadAhead, sizes: list[int]) -> bytes:
    """Everything, asked for in these sizes over and over."""
    found, turn = b"", 0
    while part := stream.read(sizes[turn % len(sizes)]):
        assert len(part) <= sizes[turn % len(sizes)]
        found, turn = found + part, turn + 1
    return found


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), min_size=1, max_size=5))
@settings(deadline=None)
def test_gives_the_streams_bytes(content: bytes, sizes: list[int]) -> None:
    stream = ReadAhead(BytesIO(content))
    assert drained(stream, sizes) == content
    assert not stream.read(1), "the end stays the end"
    stream.close()
    assert not threads()


def test_raises_what_went_wrong_in_its_place() -> None:
    stream = ReadAhead(Failing(b"abc" * 9))
    assert b"".join(stream.read(9) for _ in range(5)) == b"abc" * 9
    for _ in range(2):
        with pytest.raises(ValueError, match="damaged from here on"):
            stream.read(1)
    stream.close()
    assert not threads()


def test_closing_early_ends_the_thread() -> None:
    source = BytesIO(bytes(10_000))
    stream = ReadAhead(source)
    stream.read(3)
    stream.close()
    assert not threads()
    assert source.closed


def test_reads_no_further_than_agreed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "PIECES_AHEAD", 3)
    source = BytesIO(bytes(10_000))
    stream = ReadAhead(source)
    threading.Event().wait(0.3)
    assert source.tell() <= 10 * (3 + 1)
    stream.close()
