"""Every exit code with its message. A message says where, what was found, what was expected, and what to do next."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.data_sets import manifest
from tests.running import Runner, error_line

SAMPLE_DATA = Path(__file__).parents[2] / "sample_data"
BROKEN = SAMPLE_DATA / "broken"


class Case(NamedTuple):
    """A command in a folder that holds `colours` (a source), `done` (its data set), `file.txt` and `foreign/x`."""

    command: str
    code: int
    where: str
    found: str
    remedy: str


CASES = [
    Case("generate nowhere", 66, "nowhere: ", "no such file or folder", "Give a folder, an archive or an array file."),
    Case("generate empty", 66, "empty: ", "no images found", "Give another folder."),
    Case("generate file.txt", 65, "file.txt: ", "an unknown kind of file", "or a list of images with --files-from."),
    Case("generate colours --files-from nowhere", 2, "--files-from nowhere: ", "colours", "Give one or the other."),
    Case("generate --files-from nowhere", 66, "nowhere: ", "No such file", "takes a file, or - for stdin."),
    Case(
        "generate colours --passes 2 --samples 3",
        2,
        "--samples and --passes: ",
        "both are set",
        "Give one or the other.",
    ),
    Case("generate colours --method mixdown", 2, "--method: ", "unknown method 'mixdown'", "specmix, mixgen, none."),
    Case(
        "generate colours --method mixup:beta=1", 2, "--method mixup: ", "option 'beta'", "Its options are alpha, base."
    ),
    Case("generate colours --method mixup:x", 2, "--method: ", "'x' in 'mixup:x'", "mixup:0.5:alpha=0.4,cutmix:0.5."),
    Case("generate colours --size big", 2, "--size: ", "'big' is not a size", "320x240."),
    Case("generate colours --fill red", 2, "--fill: ", "'red' is not", "124,116,104."),
    Case(
        "generate colours --fill 1,2 --method cutout", 2, "--fill: ", "2 values, and the channels are 3", "Give 1 or 3."
    ),
    Case("generate colours --normalize imagenet", 2, "--normalize: ", "--dtype is not given", "--dtype float32."),
    Case("generate colours --dtype float32 --normalize x", 2, "--normalize: ", "'x' is neither", "0.2,0.2,0.2."),
    Case("generate colours --shard-size lots", 2, "--shard-size: ", "'lots' is not", "64MiB."),
    Case("generate colours --split x", 2, "--split x: colours ", "has no split folders (found: ", "Drop --split."),
    Case("generate vectors.npz --method cutmix", 2, "--method cutmix: ", "have no height and width", "Use mixup."),
    Case("generate vectors.npz --size 8", 2, "--size: for images only; ", "have the shape (9,)", "Leave it out."),
    Case("generate single", 65, "", "has 1 usable sample", "--method none."),
    Case("generate colours -o done --seed 9", 73, "done: ", "seed was 0 and is 9", "or --force to replace it."),
    Case("generate colours -o foreign", 73, "foreign: ", "holds 'x'", "leaves such files alone)."),
    Case("generate colours -o file.txt/out", 73, "file.txt: ", "is not a folder", "Use another -o."),
    Case("generate colours -o ''", 2, "a path ", "is empty", "Give one: . is the current folder."),
    Case("inspect ''", 2, "a path ", "is empty", "Give one: . is the current folder."),
    Case("verify nowhere", 66, "nowhere: ", "no such folder", "Name the folder of a data set."),
    Case("verify colours", 66, "colours: ", "has no manifest.json", "Name the folder of a data set."),
    Case("verify damaged", 65, "damaged/manifest.json: ", "JSON", "."),
    Case("inspect nowhere", 66, "nowhere: ", "no such file or folder", "Give a folder, an archive or an array file."),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, colours: Path) -> Path:
    """The folder that `Case` describes. Commands that fail leave it as it is."""
    import numpy as np

    root = tmp_path_factory.mktemp("place")
    shutil.copytree(colours, root / "colours")
    (root / "empty").mkdir()
    (root / "file.txt").write_text("text")
    (root / "foreign").mkdir()
    (root / "foreign/x").write_text("text")
    (root / "damaged").mkdir()
    (root / "damaged/manifest.json").write_text("{")
    (root / "single/only").mkdir(parents=True)
    shutil.copy(colours / "red/0.png", root / "single/only")
    np.savez(root / "vectors.npz", x=np.zeros((5, 9), np.float32), y=np.arange(5))
    return root


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.command)
def test_every_refusal_names_place_fault_and_remedy(case: Case, place: Path, run_cli: Runner) -> None:
    if not (place / "done").exists():
        run_cli("generate", "colours", "-o", "done", cwd=place)
    there = sorted(path for path in place.rglob("*"))
    ended = run_cli(*shlex.split(case.command), cwd=place)
    message = error_line(ended)
    assert ended.returncode == case.code, message
    assert message.startswith(case.where)
    assert case.found in message
    assert message.endswith(case.remedy)
    assert sorted(path for path in place.rglob("*")) == there, "nothing is left behind"


@pytest.mark.parametrize(
    "command",
    [
        "generate --alpha -1",
        "generate --alpha x",
        "generate --sede 1",
        "generate --workers 0",
        "generate --layout hwc",
        "mix",
    ],
)
def test_what_click_finds_is_a_usage_error(command: str, run_cli: Runner, tmp_path: Path) -> None:
    ended = run_cli(*command.split(), cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert command.split()[-2 if len(command.split()) > 2 else 0] in ended.stderr


def test_a_bug_shows_its_traceback(run_cli: Runner, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixup_cli.runs.generate.finish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_cli("generate", "colours", "-o", "bug", cwd=place)


BROKEN_PICTURES = {
    "bomb.png": "has 400000000 pixels, more than --max-pixels 100000000",
    "damaged_pixels.png": "cannot decode (broken data stream when reading image file)",
    "header_only.jpg": "cannot decode (file ends at byte 20)",
    "text_named.jpg": "not a picture",
    "truncated.jpg": "cannot decode (file ends at byte 1498)",
    "zero_bytes.png": "empty file",
}

BROKEN_SOURCES = {
    "no_pictures": (66, "no_pictures: no images found"),
    "idx_lies-images-idx3-ubyte": (65, "its header says uint8 (60000, 8, 8)"),
    "idx_too_few_labels-images-idx3-ubyte": (65, "found 3 labels for 4 samples"),
    "too_few_labels.npz": (65, "too_few_labels.npz: found 3 labels for 4 samples"),
    "needs_pickle.npz": (65, "needs_pickle.npz: x: is an array of object"),
    "not_a_dataset.h5": (65, "not_a_dataset.h5: settings: is a group"),
    "truncated.h5": (65, "truncated.h5: cannot be opened as HDF5"),
    "cifar_truncated.tar.gz": (65, "cifar_truncated.tar.gz: the compressed data are damaged"),
    "cifar_runs_code.tar.gz": (65, "data_batch_1: the pickle asks for posix.system"),
    "cifar_label_too_large.tar.gz": (65, "has labels from 12 to 12, expected 0 to 9"),
    "cifar_rows_too_short.tar.gz": (65, "data_batch_1: its 'data' is uint8 (10, 3000), expected uint8 (n, 3072)"),
}

PARTLY_BROKEN = {"metadata_names_missing": None, "nan_pixels.npz": "x[", "cifar_batch_missing.tar.gz": None}
SOUND = {"wrong_extension.png"}


def test_every_damaged_input_is_tried() -> None:
    there = {path.name for path in BROKEN.iterdir()} - {"README.md"}
    tried = BROKEN_PICTURES.keys() | BROKEN_SOURCES.keys() | PARTLY_BROKEN.keys() | SOUND
    assert there - tried == {name for name in there if name.endswith("-labels-idx1-ubyte")}


@pytest.fixture
def with_broken(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A class folder of sound pictures and a broken one."""
    for name in ("cat", "rocket"):
        shutil.copytree(SAMPLE_DATA / "photos" / name, tmp_path / "pictures" / name)
    shutil.copy(BROKEN / request.param, tmp_path / "pictures/cat")
    return tmp_path / "pictures"


@pytest.mark.parametrize(("with_broken", "told"), BROKEN_PICTURES.items(), indirect=["with_broken"])
def test_a_broken_picture_ends_the_run_or_is_skipped(with_broken: Path, told: str, run_cli: Runner) -> None:
    (broken,) = [path.name for path in (with_broken / "cat").iterdir() if path.name in BROKEN_PICTURES]
    options = ["--size", "16", "-o", "../out"]
    refused = run_cli("generate", *options, cwd=with_broken)
    assert refused.returncode == 65
    message = error_line(refused)
    assert message.startswith(f"cat/{broken}: {told}")
    assert message.endswith("Remove it, or pass --on-error skip.")
    skipped = run_cli("generate", *options, "--on-error", "skip")
    assert skipped.returncode == 0, skipped.stderr
    made = manifest(with_broken.parent / "out")
    assert [entry["key"] for entry in made["source"]["skipped"]] == [f"cat/{broken}"]
    assert made["source"]["skipped"][0]["reason"].startswith(told)
    assert (made["source"]["samples"], made["totals"]["samples"]) == (7, 6)
    assert run_cli("verify", "../out", "--deep").returncode == 0


@pytest.mark.parametrize("with_broken", sorted(SOUND), indirect=True)
def test_what_only_looks_broken_is_used(with_broken: Path, run_cli: Runner) -> None:
    assert run_cli("generate", "--size", "16", "-o", "../out", cwd=with_broken).returncode == 0
    assert manifest(with_broken.parent / "out")["totals"]["samples"] == 7


@pytest.mark.parametrize(("allowed", "code"), [(5, 65), (6, 0)])
def test_max_errors_bounds_what_is_skipped(allowed: int, code: int, run_cli: Runner, tmp_path: Path) -> None:
    source = shutil.copytree(SAMPLE_DATA / "photos/cat", tmp_path / "pictures/cat").parent
    for name in BROKEN_PICTURES:
        shutil.copy(BROKEN / name, source / "cat")
    options = ["--size", "16", "--on-error", "skip", "--max-errors", allowed]
    ended = run_cli("generate", source, *options, cwd=tmp_path)
    assert ended.returncode == code
    if code:
        assert "broken input number 6, and --max-errors allows 5" in error_line(ended)


@pytest.mark.parametrize(("name", "expected"), BROKEN_SOURCES.items())
@pytest.mark.parametrize("options", [[], ["--on-error", "skip"]], ids=["fail", "skip"])
def test_a_broken_source_is_refused_whatever_on_error_says(
    name: str, expected: tuple[int, str], options: list[str], run_cli: Runner, tmp_path: Path
) -> None:
    refused = run_cli("generate", BROKEN / name, *options, cwd=tmp_path)
    message = error_line(refused)
    assert refused.returncode == expected[0], message
    assert expected[1] in message
    assert str(BROKEN) in message, "it says which file"


def test_a_sample_that_is_not_a_number_is_skipped_by_its_place(run_cli: Runner, tmp_path: Path) -> None:
    refused = run_cli("generate", BROKEN / "nan_pixels.npz", cwd=tmp_path)
    assert refused.returncode == 65
    assert "00002: holds NaN or infinity" in error_line(refused)
    assert run_cli("generate", BROKEN / "nan_pixels.npz", "--on-error", "skip").returncode == 0
    assert len(manifest(tmp_path / "mixup-out")["source"]["skipped"]) == 1


def test_a_picture_that_is_not_there_is_told_with_its_line(run_cli: Runner, tmp_path: Path) -> None:
    source = shutil.copytree(BROKEN / "metadata_names_missing", tmp_path / "source")
    refused = run_cli("generate", source, cwd=tmp_path)
    assert refused.returncode == 65
    assert error_line(refused).startswith("not_here.jpg: cannot read (No such file or directory). Remove it, or pass")
    assert f"{source}/metadata.csv, line 3: no file not_here.jpg" in refused.stderr
    shutil.copy(source / "here.jpg", source / "there.jpg")
    (source / "metadata.csv").write_text("file_name,label\nhere.jpg,cat\nnot_here.jpg,cat\nthere.jpg,dog\n")
    assert run_cli("generate", source, "--on-error", "skip").returncode == 0
    assert [each["key"] for each in manifest(tmp_path / "mixup-out")["source"]["skipped"]] == ["not_here.jpg"]


def test_an_archive_without_one_batch_is_used_and_says_so(run_cli: Runner, tmp_path: Path) -> None:
    ended = run_cli("generate", BROKEN / "cifar_batch_missing.tar.gz", cwd=tmp_path)
    assert ended.returncode == 0
    assert "holds 4 of the 5 training batches of CIFAR-10" in ended.stderr
