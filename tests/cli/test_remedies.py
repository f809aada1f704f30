"""What a message advises works, and follows from what is there; of what cannot be decoded nothing is promised."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mixup_cli.wording import one_line
from tests.data_sets import columns, manifest
from tests.running import Runner, error_line
from tests.tiffs import write_tiff


def tiffs(folder: Path, dtype: Any, bands: int, planar: bool = False) -> Path:
    """Two classes of two TIFFs each."""
    draw = np.random.default_rng(2)
    for number, name in enumerate(("a/0", "a/1", "b/0", "b/1")):
        values = (draw.random((8, 9, bands)) * 200 + number).astype(dtype)
        write_tiff(folder / f"{name}.tif", values, planar)
    return folder


def refusal(ended: CompletedProcess[str], command: list[str]) -> str:
    """The error. `inspect` shows before it what is there."""
    if command[0] == "inspect":
        assert "would make" not in ended.stdout, "nothing is promised"
        ended.stdout = ""
    return error_line(ended)


TOLD = {
    "EuroSAT": (np.uint16, 13, False, "has 13 bands of 16-bit integers, where pictures have 1, 3 or 4"),
    "EuroSAT, band after band": (np.uint16, 13, True, "has 13 bands of 16-bit integers"),
    "five bands": (np.uint8, 5, False, "has 5 bands of 8-bit integers"),
    "two bands": (np.uint8, 2, False, "has 2 bands of 8-bit integers, which Pillow does not read"),
    "float64": (np.float64, 1, False, "has 1 band of 64-bit floats, which Pillow does not read"),
    "three float bands": (np.float32, 3, False, "has 3 bands of 32-bit floats, which Pillow does not read"),
    "signed colours": (np.int16, 3, False, "has 3 bands of 16-bit signed integers, which Pillow does not read"),
}


@pytest.mark.parametrize(
    "command", [["inspect"], ["generate"], ["generate", "--dry-run"], ["generate", "--on-error=skip"]]
)
@pytest.mark.parametrize("name", TOLD)
def test_tiffs_that_are_no_pictures_are_named_and_go_as_arrays(
    name: str, command: list[str], run_cli: Runner, tmp_path: Path
) -> None:
    dtype, bands, planar, told = TOLD[name]
    ended = run_cli(*command, tiffs(tmp_path / "set", dtype, bands, planar), cwd=tmp_path)
    assert ended.returncode == 65
    message = refusal(ended, command)
    assert message.startswith(f"a/0.tif: {told}"), "the first of them"
    assert "(store such pictures as an array: .npy or .h5)" in message
    assert message.endswith("None of the 4 inputs can be used. Give other inputs.")


def test_what_is_advised_for_bands_works(run_cli: Runner, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(4 * 8 * 9 * 13, dtype=np.uint16).reshape(4, 8, 9, 13))
    assert run_cli("generate", "x.npy", "--method", "none", cwd=tmp_path).returncode == 0
    assert columns(tmp_path / "mixup-out")["images"].shape == (4, 8, 9, 13)


@pytest.mark.parametrize("dtype", [np.int32, np.uint32, np.float32, np.int16])
def test_numbers_that_are_no_colours_need_a_range_or_floats(dtype: Any, run_cli: Runner, tmp_path: Path) -> None:
    folder = tiffs(tmp_path / "set", dtype, 1)
    for command in ("inspect", "generate"):
        refused = run_cli(command, folder, cwd=tmp_path)
        assert refused.returncode == 2
        assert (
            "the samples are floats, or integers that uint16 does not hold. Pass --dtype float32, or" in refused.stderr
        )
    for number, option in enumerate((["--dtype", "float32"], ["--value-range", "0,255"])):
        assert run_cli("generate", folder, *option, "-o", f"out{number}").returncode == 0
    assert columns(tmp_path / "out1")["images"].max() > 150


@pytest.mark.parametrize("bands", [3, 4])
def test_colours_of_16_bits_say_what_is_read_of_them(bands: int, run_cli: Runner, tmp_path: Path) -> None:
    ended = run_cli("inspect", tiffs(tmp_path / "set", np.uint16, bands), cwd=tmp_path)
    assert ended.returncode == 0
    assert "of 16-bit colours the upper 8 bits are read, as Pillow gives no more" in ended.stderr
    assert "--dtype uint16 keeps them" not in ended.stderr
    refused = run_cli("generate", tmp_path / "set", "--dtype", "uint16")
    assert "--dtype uint8 accepts that; an array in .npy or .h5 keeps 16" in error_line(refused)
    assert "--dtype uint16 keeps them" in run_cli("inspect", tiffs(tmp_path / "grey", np.uint16, 1)).stderr


def test_inspect_counts_what_cannot_be_read(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    shutil.copytree(colours, tmp_path / "set")
    write_tiff(tmp_path / "set/red/x.tif", np.zeros((8, 9, 13), np.uint16))
    (tmp_path / "set/blue/y.png").write_bytes(b"no picture")
    ended = run_cli("inspect", "set", cwd=tmp_path)
    assert ended.returncode == 0
    assert "broken        2 of 14, as far as headers show; blue/y.png: not a picture Pillow can read" in ended.stdout
    assert json.loads(run_cli("inspect", "set", "--json").stdout)["broken"] == 2
    assert "broken" not in run_cli("inspect", colours).stdout


def test_inspect_promises_nothing_where_decoding_fails(run_cli: Runner, tmp_path: Path) -> None:
    """Headers are sound, and nothing else is."""
    for name in ("a/0.png", "b/0.png"):
        (tmp_path / name).parent.mkdir()
        Image.effect_noise((64, 64), 90).save(tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    for command in (["inspect", "."], ["generate", "--dry-run"], ["generate", "--on-error", "skip"]):
        refused = run_cli(*command, cwd=tmp_path)
        assert refused.returncode == 65
        assert "None of the 2 inputs can be used. Give other inputs." in refusal(refused, command)


def test_of_many_inputs_a_few_are_looked_at(run_cli: Runner, tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.png").write_bytes(b"no picture")
    message = error_line(run_cli("generate", ".", cwd=tmp_path))
    assert message == (
        "00.png: not a picture Pillow can read. None of 8 examined inputs, of 30, can be used. Give other inputs."
    )
    Image.new("RGB", (8, 8)).save(tmp_path / "15.png")
    assert error_line(run_cli("generate", ".")).endswith("Remove it, or pass --on-error skip.")


def test_arrays_without_a_number_in_them(run_cli: Runner, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((4, 3, 3), np.nan, np.float32))
    for options in ([], ["--on-error", "skip"]):
        message = error_line(run_cli("generate", "x.npy", *options, cwd=tmp_path))
        assert (
            message
            == "x.npy, sample 00000: holds NaN or infinity. None of the 4 inputs can be used. Give other inputs."
        )


def test_the_only_input(run_cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"no picture")
    message = error_line(run_cli("generate", ".", cwd=tmp_path))
    assert message == "0.png: not a picture Pillow can read. It is the only input. Give other inputs."


# Lists


@pytest.mark.parametrize("separator", [" ", ",", "\t", ", "])
def test_a_list_with_labels_names_the_option_that_takes_it_and_that_works(
    separator: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    shutil.copytree(colours, tmp_path / "set")
    paths = sorted(path.relative_to(tmp_path).as_posix() for path in (tmp_path / "set").rglob("*.png"))
    lines = [f"{path}{separator}{number % 3}\n" for number, path in enumerate(paths)]
    (tmp_path / "train.txt").write_text("".join(lines))
    refused = run_cli("generate", "--files-from", "train.txt", cwd=tmp_path)
    assert refused.returncode == 65
    assert error_line(refused) == (
        f"train.txt, line 1: no such file {one_line(lines[0].rstrip())}; found {paths[0]}. Use generate FOLDER "
        "--labels-from train.txt for paths with labels."
    )
    assert run_cli("generate", "set", "--labels-from", "train.txt").returncode == 0
    assert manifest(tmp_path / "mixup-out")["class_names"] == ["0", "1", "2"]
    assert run_cli("verify", "--deep").returncode == 0
    (tmp_path / "elsewhere").mkdir()
    assert run_cli("verify", "--deep", "../mixup-out", cwd=tmp_path / "elsewhere").returncode == 0


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("sub\\a.png", "; found sub/a.png. Write / between folders."),
        ('"sub/a.png"', "; found sub/a.png. Remove quotes and spaces around it."),
        (" sub/a.png", "; found sub/a.png. Remove quotes and spaces around it."),
        ("a.png", "; found sub/a.png. Run this in sub: paths begin at the current folder."),
    ],
)
def test_lines_that_nearly_are_paths(line: str, remedy: str, run_cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "sub/a.png")
    (tmp_path / "sub/list").write_text(f"{line}\n")
    refused = run_cli("generate", "--files-from", "sub/list", cwd=tmp_path)
    assert refused.returncode == 65
    assert error_line(refused).endswith(remedy)


# Tables of labels


def test_labels_from_a_table_from_end_to_end(run_cli: Runner, tmp_path: Path) -> None:
    """Seen, named, taken, verified from elsewhere, and written out and used again."""
    for number in range(6):
        path = tmp_path / f"data/train/{number:04x}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number * 40, 0, 0)).save(path)
    rows = "".join(f"{number:04x},{'xy'[number % 2]}\n" for number in range(6))
    (tmp_path / "data/labels.csv").write_text(f"id,breed\n{rows}")
    seen = run_cli("inspect", "data", cwd=tmp_path)
    assert "data/labels.csv names these images; --labels-from data/labels.csv reads labels from it" in seen.stderr
    made = run_cli("generate", "data", "--labels-from", "data/labels.csv", "--method", "none")
    assert made.returncode == 0, made.stderr
    assert "labels taken from data/labels.csv, column breed; column id names the images" in made.stderr
    assert manifest(tmp_path / "mixup-out")["class_names"] == ["x", "y"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run_cli("verify", "--deep", "../mixup-out", cwd=elsewhere).returncode == 0
    (tmp_path / "data/labels.csv").write_text(f"id,breed\n{rows}".replace("0000,x", "0000,y"))
    damaged = run_cli("verify", "--deep", "../mixup-out", cwd=elsewhere)
    assert damaged.returncode == 65
    assert "train/0000.jpg was of class 'x' and is of 'y'" in error_line(damaged)


def test_labels_for_arrays_from_end_to_end(run_cli: Runner, tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", np.arange(6 * 12, dtype=np.uint8).reshape(6, 2, 2, 3))
    (tmp_path / "labels").mkdir()
    np.save(tmp_path / "labels/y.npy", np.array([0.0, 1.0] * 3).reshape(6, 1, 1, 1))
    options = ["--label-key", "labels/y.npy", "--pair", "same-class"]
    assert run_cli("generate", "x.npz", *options, cwd=tmp_path).returncode == 0
    rows = columns(tmp_path / "mixup-out")["source_label"]
    assert (rows[:, 0] == rows[:, 1]).all()
    (tmp_path / "elsewhere").mkdir()
    assert run_cli("verify", "--deep", "../mixup-out", cwd=tmp_path / "elsewhere").returncode == 0
