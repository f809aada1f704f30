"""docs/scale.md has the tables that the measured constants give."""

from __future__ import annotations

from pathlib import Path

from benchmarks.scale_tables import tables

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()


def test_the_tables_are_those_of_the_constants() -> None:
    assert len(tables()) == 3
    for each in tables():
        assert each in PAGE, "python -m benchmarks.scale_tables"
