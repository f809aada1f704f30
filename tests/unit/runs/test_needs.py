"""A run works out what it needs of the disk once, and not at all where nothing is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mixup_cli.recipe import Recipe
from mixup_cli.runs import generate as module
from mixup_cli.runs.generate import generate
from mixup_cli.runs.needs import needs
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from tests.small_sources import write_arrays


def test_needs_are_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source([write_arrays(tmp_path / "a.npz", shape=(4, 4, 3))])
    counts: list[int] = []

    def counted(*arguments: Any) -> Any:
        counts[-1] += 1
        return needs(*arguments)

    monkeypatch.setattr(module, "needs", counted)
    for passes, state in ((1, "made"), (1, "unchanged"), (2, "extended")):
        counts.append(0)
        assert generate(source, Recipe(), Run(out=tmp_path / "out", passes=passes)).state == state
    assert counts == [1, 0, 1]
