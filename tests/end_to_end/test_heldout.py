"""`--heldout`: the samples that `--per-class` leaves out, as a table of labels."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from mixup_cli.recipe import Recipe
from mixup_cli.runs import heldout
from mixup_cli.sources import open_source
from tests.data_sets import columns, digests
from tests.running import Runner, error_line


def table(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        return {row["file_name"]: row["label"] for row in csv.DictReader(file)}


def keys_of(out: Path) -> dict[str, str]:
    """The samples that rows of a data set are made from, with their labels."""
    with (out / "sources.csv").open(newline="") as file:
        every = {int(row["source_index"]): row for row in csv.DictReader(file)}
    used = {int(each) for each in columns(out)["source_index"].ravel()}
    return {every[index]["key"]: every[index]["label"] for index in used}


FEW = ("--per-class", 2, "--method", "mixup", "--passes", 3, "-q")


@pytest.mark.parametrize("how", [(), ("--store", "plan"), ("--engine", "processes")])
def test_it_lists_every_sample_that_is_not_mixed(
    run_cli: Runner, colours: Path, tmp_path: Path, how: tuple[str, ...]
) -> None:
    out, rest = tmp_path / "few", tmp_path / "rest.csv"
    plain = run_cli("generate", colours, *FEW, *how, "-o", tmp_path / "plain")
    ended = run_cli("generate", colours, *FEW, *how, "--heldout", rest, "-o", out)
    assert (plain.returncode, ended.returncode) == (0, 0), ended.stderr
    assert digests(out) == digests(tmp_path / "plain"), "no byte of a data set depends on it"
    listed, taken = table(rest), keys_of(out)
    every = {str(path.relative_to(colours)): path.parent.name for path in colours.rglob("*.png")}
    assert not listed.keys() & taken.keys()
    assert listed | taken == every
    assert listed


def test_the_table_is_the_test_side(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    rest = tmp_path / "rest.csv"
    assert run_cli("generate", colours, *FEW, "--heldout", rest, "-o", tmp_path / "few").returncode == 0
    ended = run_cli("generate", colours, "--labels-from", rest, "--method", "none", "-q", "-o", tmp_path / "test")
    assert ended.returncode == 0, ended.stderr
    assert keys_of(tmp_path / "test") == table(rest)


def test_a_finished_data_set_writes_it_again(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    command = ["generate", colours, *FEW, "--heldout", tmp_path / "rest.csv", "-o", tmp_path / "few"]
    assert run_cli(*command).returncode == 0
    before = (tmp_path / "rest.csv").read_bytes()
    (tmp_path / "rest.csv").unlink()
    assert run_cli(*command).returncode == 0
    assert (tmp_path / "rest.csv").read_bytes() == before
    assert run_cli(*command).returncode == 0, "the same table is left alone"


def test_another_file_is_not_replaced(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    rest = tmp_path / "rest.csv"
    rest.write_text("mine")
    command = ["generate", colours, *FEW, "--heldout", rest, "-o", tmp_path / "few"]
    ended = run_cli(*command)
    assert ended.returncode == 73
    assert error_line(ended) == f"{rest}: is another file. Name another, or pass --force."
    assert rest.read_text() == "mine"
    assert run_cli(*command, "--force").returncode == 0
    assert len(table(rest)) > 0
    rest.unlink()
    rest.mkdir()
    assert run_cli(*command).returncode == 74


def test_no_input_is_replaced(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    image = sorted(colours.rglob("*.png"))[0]
    labels = tmp_path / "labels.csv"
    labels.write_text("".join(f"{path.relative_to(colours)},x\n" for path in sorted(colours.rglob("*.png"))))
    before = image.read_bytes(), labels.read_bytes()
    for rest, more in ((image, ()), (labels, ("--labels-from", labels))):
        ended = run_cli("generate", colours, *FEW, *more, "--heldout", rest, "--force", "-o", tmp_path / "few")
        assert ended.returncode == 2
        assert error_line(ended) == f"--heldout {rest}: is {rest}, which belongs to the input. Use another --heldout."
    assert (image.read_bytes(), labels.read_bytes()) == before


def test_parts_write_it_at_the_same_time(colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, recipe, rest = open_source([colours]), Recipe(per_class=1), tmp_path / "rest.csv"
    usable, barrier = np.arange(len(source)), Barrier(4)
    made = heldout.heldout_table(source, recipe, usable)

    def together(*_: object) -> bytes:
        barrier.wait()
        return made

    monkeypatch.setattr(heldout, "heldout_table", together)

    def write(_: int) -> None:
        heldout.write_heldout(rest, source, recipe, usable)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            list(pool.map(write, range(4)))
            assert [each.name for each in tmp_path.iterdir()] == [rest.name]
            rest.unlink()
