"""Of many parts, each looks at the names of the others' sidecars, and the last one reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.parts import Part
from mixup_cli.storage.shard_records import ShardRecord
from tests.small_sources import write_colours


def test_a_part_that_ends_before_others_reads_none_of_their_sidecars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    done = DataSetFolder.done

    def noted(folder: DataSetFolder, number: int, start: int, stop: int) -> ShardRecord | None:
        read.append(number)
        return done(folder, number, start, stop)

    monkeypatch.setattr(DataSetFolder, "done", noted)
    source = write_colours(tmp_path / "colours")
    parts = []
    for number in (1, 2, 3):
        run = Run(out=tmp_path / "out", part=Part(number, 3), workers=1)
        parts.append(generate(open_source([source]), Recipe(samples_per_shard=2), run))
    before_it_began = [0, 1, 2, 3, 4, 5]
    assert read == [*before_it_began, 0, 1, 2, 3]
    assert [outcome.state for outcome in parts] == ["part", "part", "resumed"]
    sizes = [path.stat().st_size for path in sorted((tmp_path / "out").glob("shard-*.h5"))]
    assert [outcome.bytes for outcome in parts] == [sum(sizes[:2]), sum(sizes[2:4]), sum(sizes)]
