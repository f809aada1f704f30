"""A finished data set is a source: soft labels go in, and dense ones come out."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns, manifest
from tests.end_to_end.test_pixel_shares import ROUNDING, shares_of_colours
from tests.running import Runner, error_line


@pytest.mark.parametrize(
    "options", ["", "--labels sparse", "--labels dense --compression gzip", "--samples-per-shard 5"]
)
@pytest.mark.parametrize("named", ["first", "first/manifest.json"])
def test_mixtures_of_mixtures_still_tell_their_colours(
    options: str, named: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("generate", colours, "--alpha", 1, "--passes", 2, "-o", "first", *options.split(), cwd=tmp_path)
    ended = run_cli("generate", named, "--alpha", 1, "-o", "second")
    assert ended.returncode == 0, ended.stderr
    first, second = columns(tmp_path / "first"), columns(tmp_path / "second")
    assert second.keys() == {"images", "labels", "index", "source_index", "share", "method", "box"}
    assert manifest(tmp_path / "second")["source"]["kind"] == "mixup-gen"
    assert np.abs(shares_of_colours(second["images"]) - second["labels"]).max() <= 2 * ROUNDING
    assert np.abs(second["labels"].sum(axis=1, dtype=np.float64) - 1).max() <= 1e-6
    if "labels" in first:
        parents = first["labels"].astype(np.float64)[second["source_index"]]
        assert np.abs((parents * second["share"][..., None]).sum(axis=1) - second["labels"]).max() < 1e-7


def test_an_unlabelled_one_stays_unlabelled(run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(5 * 12, dtype=np.uint8).reshape(5, 2, 2, 3))
    run_cli("generate", "a.npz", "-o", "first", cwd=tmp_path)
    run_cli("generate", "first", "-o", "second")
    assert "labels" not in columns(tmp_path / "second")
    assert manifest(tmp_path / "second")["class_names"] == []


def test_it_can_be_verified_deeply(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "-o", "first", cwd=tmp_path)
    run_cli("generate", "first", "-o", "second")
    assert run_cli("verify", "second", "--deep").returncode == 0
    run_cli("generate", colours, "-o", "first", "--seed", 1, "--force")
    assert run_cli("verify", "second", "--deep").returncode == 65


@pytest.fixture
def patients(run_cli: Runner, tmp_path: Path) -> Path:
    """A finished data set whose samples are of four patients; each pixel tells the patient of its sample."""
    who = np.arange(24) % 4
    pictures = np.repeat(who, 12).reshape(24, 2, 2, 3).astype(np.uint8)
    np.savez(tmp_path / "scans.npz", x=pictures, y=np.arange(24) % 3, patient=[f"P, {each}" for each in who])
    made = run_cli("generate", "scans.npz", "--group-column", "patient", "-o", "first", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "first"


def patients_of(folder: Path) -> list[str]:
    """The group of each input, as sources.csv has it."""
    with (folder / "sources.csv").open(newline="") as file:
        return [row["group"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("options", ["", "--method mosaic", "--method cutmix --flip 0.5", "--keep-originals"])
def test_groups_travel(options: str, run_cli: Runner, patients: Path) -> None:
    run_cli("generate", "first", *options.split(), "--passes", 3, "-o", "second")
    first, second = columns(patients), columns(patients.parent / "second")
    of_rows = first["images"][:, 0, 0, 0]  # all parents are of one patient, and so is the mixture
    met = of_rows[second["source_index"]]
    assert (met == met[:, :1]).all()
    assert patients_of(patients.parent / "second") == [f"P, {each}" for each in of_rows]
    assert manifest(patients.parent / "second")["source"]["groups"] == 4
    assert run_cli("verify", "second", "--deep").returncode == 0
    run_cli("generate", "second", "-o", "third")
    assert manifest(patients.parent / "third")["source"]["groups"] == 4


def test_groups_can_be_left_out(run_cli: Runner, patients: Path) -> None:
    run_cli("generate", "first", "--group-column", "none", "--passes", 9, "-o", "second")
    assert "groups" not in manifest(patients.parent / "second")["source"]
    of_rows = columns(patients)["images"][:, 0, 0, 0]
    assert (np.ptp(of_rows[columns(patients.parent / "second")["source_index"]], axis=1) > 0).any()
    assert run_cli("verify", "second", "--deep").returncode == 0
    refused = run_cli("generate", "first", "--passes", 10, "-o", "second")
    assert refused.returncode == 73
    assert "its samples had no groups, and now have: --group-column none ignores" in error_line(refused)


def test_a_data_set_beside_other_sources(run_cli: Runner, patients: Path) -> None:
    """Its groups go with those of others, by name; `none` leaves them out where others have none."""
    np.savez(patients.parent / "more.npz", x=np.zeros((4, 2, 2, 3), np.uint8), y=np.arange(4) % 3, ward=["P, 0"] * 4)
    both = run_cli("generate", "first", "more.npz", "--group-column", "ward", "-o", "both")
    assert both.returncode == 0, both.stderr
    assert manifest(patients.parent / "both")["source"]["groups"] == 4
    refused = run_cli("generate", "first", "more.npz", "-o", "neither")
    assert "more.npz: has no groups, and other sources do" in error_line(refused)
    assert run_cli("generate", "first", "more.npz", "--group-column", "none", "-o", "neither").returncode == 0
    assert "groups" not in manifest(patients.parent / "neither")["source"]


def test_a_group_column_that_a_data_set_does_not_have(run_cli: Runner, patients: Path) -> None:
    refused = run_cli("generate", "first", "--group-column", "patient", "-o", "second")
    assert refused.returncode == 2
    assert "is read as a mixup-gen data set, where --group-column has no effect" in error_line(refused)


def test_a_column_that_is_called_none_is_a_column(run_cli: Runner, tmp_path: Path) -> None:
    two = np.arange(8) % 2
    np.savez(tmp_path / "with.npz", x=np.zeros((8, 2, 2, 3), np.uint8), y=two, none=two)
    run_cli("generate", "with.npz", "--group-column", "none", "-o", "with", cwd=tmp_path)
    assert manifest(tmp_path / "with")["source"]["groups"] == 2


def test_rows_of_several_groups_are_refused(run_cli: Runner, patients: Path) -> None:
    """A plan from a file can mix what it likes."""
    run_cli("plan", "scans.npz", "--seed", 3, "-o", "plan.csv")
    run_cli("generate", "scans.npz", "--group-column", "patient", "--plan", "plan.csv", "-o", "across")
    refused = run_cli("generate", "across", "-o", "second")
    assert refused.returncode == 65
    assert "mixes samples of the groups 'P, " in error_line(refused)
    assert run_cli("generate", "across", "--group-column", "none", "-o", "second").returncode == 0


def test_groups_that_cannot_be_read(run_cli: Runner, patients: Path) -> None:
    sources = patients / "sources.csv"
    sources.write_bytes(sources.read_bytes().replace(b'"P, 3"', b'"P, 2"'))
    refused = run_cli("generate", "first", "-o", "second")
    assert (refused.returncode, "was sealed. Run mixup-gen repair" in error_line(refused)) == (65, True)
    sources.unlink()
    refused = run_cli("generate", "first", "-o", "second")
    assert (refused.returncode, "or pass --group-column none" in error_line(refused)) == (65, True)
    assert run_cli("generate", "first", "--group-column", "none", "-o", "second").returncode == 0
