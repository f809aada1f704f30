"""The names that `--json` uses: docs/scripts.md lists all of them, and each means the same everywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.boxed_pictures import write_boxes
from tests.damage import flip
from tests.running import Runner

PAGE = (Path(__file__).parents[2] / "docs/scripts.md").read_text()


def listed(heading: str) -> set[str]:
    """The names in the first column of the table with this heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return {name for row in table.splitlines()[2:] for name in re.findall(r"`([\w-]+)`", row.split("|")[1])}


@pytest.fixture
def lines(run_cli: Runner, colours: Path, tmp_path: Path) -> list[dict[str, Any]]:
    """All that each command prints with --json."""
    generate = ("generate", colours, "--samples-per-shard", 4)
    out = tmp_path / "mixup-out"
    found: list[str] = []

    def run(*command: object, code: int = 0) -> None:
        ended = run_cli(*command, "--json", cwd=tmp_path)
        assert ended.returncode == code, ended.stderr
        found.extend(ended.stdout.splitlines())

    run(*generate, "--dry-run")
    run(*generate, "--dry-run", "--part", "1/2")
    run(*generate, "--part", "1/2")
    run(*generate, "--part", "2/2")
    run(*generate)
    (out / "shard-00001.h5").unlink()
    run(*generate)
    run(*generate, "--passes", 2)
    run(*generate, "--force", "--compression", "gzip")
    run("inspect", colours)
    run("inspect", "mixup-out")
    run("inspect", write_boxes(tmp_path / "boxes", count=12))
    run("generate", colours, "--compression", "gzip", "--seed", 1, "-o", "other")
    run("merge", "mixup-out", "other", "-o", "merged")
    run("inspect", "merged")
    run("verify")
    flip(out / "shard-00001.h5")
    run("verify", code=65)
    run("repair")
    flip(out / "shard-00000.h5")
    run("repair", "--source", colours.parent, code=65)
    return [json.loads(line) for line in found]


def test_the_page_lists_every_event_and_name(lines: list[dict[str, Any]]) -> None:
    inner = [line["would"] for line in lines if "would" in line]
    assert {line["event"] for line in lines} | {"left"} == listed("event")
    assert {name for line in [*lines, *inner] for name in line} == listed("name")


def test_each_name_means_the_same(lines: list[dict[str, Any]], colours: Path) -> None:
    first: dict[tuple[str, str | None], dict[str, Any]] = {}
    for line in lines:
        first.setdefault((line["event"], line.get("kind")), line)
    foretold, made = first["dry-run", None], first["unchanged", None]
    assert {line["inputs"] for line in lines if "inputs" in line} == {12}
    assert (foretold["samples"], foretold["shards"]) == (made["samples"], made["shards"]) == (12, 3)
    of_source, of_data_set = first["inspected", "pictures"], first["inspected", "mixup-gen data set"]
    assert of_source["would"]["samples"] == of_source["samples"] == of_data_set["samples"] == 12
    assert of_source["label_kind"] == of_data_set["label_kind"] == "classes"
    verified, whole = first["verified", None], first["whole", None]
    assert [verified[name] for name in ("samples", "shards", "bytes")] == [
        whole[name] for name in ("samples", "shards", "bytes")
    ]
    assert of_data_set["bytes"] == verified["bytes"]
    assert first["finding", None]["file"] == first["repaired", None]["file"] == "shard-00001.h5"
