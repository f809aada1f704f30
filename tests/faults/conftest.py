"""What tests of faults share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_sources import write_arrays


@pytest.fixture
def long_run(tmp_path: Path) -> list[object]:
    """A command that makes twenty shards each pass, and most of the time waits for the disk. Add `--passes`."""
    return ["generate", write_arrays(tmp_path / "a.npz", 100, (64, 64, 3)), "--samples-per-shard", 5]
