"""`mixup-gen export`, as a user types it. What each format holds: tests/contracts/test_exporters.py."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mixup_cli.readers.numpy import MixedArrays
from tests.running import Runner, error_line


@pytest.fixture
def here(run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a data set `mixed` of 24 rows in three shards, the first 12 of them originals."""
    monkeypatch.chdir(tmp_path)
    options = ("--keep-originals", "--samples-per-shard", 10, "--labels", "sparse", "--quiet")
    assert run_cli("generate", colours, "-o", "mixed", *options).returncode == 0
    return tmp_path


def test_what_it_says(run_cli: Runner, here: Path) -> None:
    command = ("export", "mixed/manifest.json", "--to", "npz", "-o", "out")
    first, again = run_cli(*command), run_cli(*command, "--json")
    assert (first.returncode, first.stdout) == (0, "out\n")
    assert first.stderr.startswith("mixup-gen: exported 24 samples as npz, 3 files, ")
    event = json.loads(again.stdout)
    assert (event["event"], event["samples"], event["files"], event["out"]) == ("unchanged", 24, 3, "out")
    assert again.stderr == ""


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--to", "webdatset", "-o", "out"), 2, "--to: 'webdatset' is not one of .*; did you mean webdataset"),
        (("-o", "out"), 2, "--to: names the format, and is missing. Pass, for example, --to webdataset."),
        (("--to", "npz"), 2, "-o: names the folder to write, and is missing."),
        (("--to", "npz", "-o", "-"), 2, "-o -: npz cannot be streamed. Name a folder."),
        (("--to", "npz", "-o", "out", "--columns", "image"), 2, "--columns: .*did you mean images"),
        (("--to", "npz", "-o", "out", "--rows", "20:30"), 2, "--rows: .*has the rows 0:24, and 20:30 is"),
        (("--to", "npz", "-o", "out", "--rows", "20"), 2, "--rows: '20' is not A:B. Give, for example, 0:1000."),
        (("--to", "npz", "-o", "out", "--image-format", "jpeg:95"), 2, "--image-format jpeg:95: npz has arrays"),
        (
            ("--to", "parquet", "-o", "out", "--image-format", "jpg"),
            2,
            "'jpg' is neither png, nor jpeg or webp with",
        ),
        (
            ("--to", "parquet", "-o", "out", "--image-format", "jpeg"),
            2,
            "--image-format: 'jpeg' is neither png",
        ),
        (
            ("--to", "imagefolder", "-o", "out", "--columns", "labels"),
            2,
            "--columns: leaves out the images.",
        ),
        (("--to", "npz", "-o", "mixed/out"), 2, "-o mixed/out: lies in the data set"),
    ],
)
def test_mistakes(run_cli: Runner, here: Path, options: tuple[str, ...], code: int, said: str) -> None:
    ended = run_cli("export", "mixed", *options)
    assert ended.returncode == code
    assert re.search(said, error_line(ended))
    assert not (here / "out").exists()


def test_a_missing_library_names_its_extra(run_cli: Runner, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webdataset", None)
    monkeypatch.delitem(sys.modules, "mixup_cli.exporters.web_dataset", raising=False)
    ended = run_cli("export", "mixed", "--to", "webdataset", "-o", "out")
    assert "Run pip install 'mixup-gen[webdataset]'." in error_line(ended)


def test_images_that_no_encoding_holds(run_cli: Runner, colours: Path, here: Path) -> None:
    run_cli("generate", colours, "-o", "floats", "--dtype", "float32", "--quiet")
    said = error_line(run_cli("export", "floats", "--to", "parquet", "-o", "out"))
    assert "parquet has encoded images, which hold no float32 images with 3 channels. Use npz" in said
    assert run_cli("export", "floats", "--to", "webdataset", "-o", "tars").returncode == 0
    with tarfile.open("tars/shard-00000.tar") as tar:
        assert tar.getnames()[:3] == ["000000000.images.npy", "000000000.json", "000000000.labels.npy"]
    draw = np.random.default_rng(7)
    np.savez("deep.npz", x=draw.integers(0, 65536, (9, 8, 6), dtype=np.uint16), y=np.arange(9) % 3)
    assert run_cli("generate", "deep.npz", "-o", "deep", "--quiet").returncode == 0
    assert run_cli("export", "deep", "--to", "imagefolder", "-o", "out").returncode == 0
    picture = Image.open(next((here / "out").rglob("000000003.png")))
    assert picture.mode == "I;16"
    np.testing.assert_array_equal(np.array(picture), MixedArrays("deep").images([3])[0])


def test_originals_alone(run_cli: Runner, here: Path) -> None:
    run_cli("export", "mixed", "--to", "npz", "-o", "kept.npz", "--originals-only", "--columns", "index,labels")
    with np.load("kept.npz") as found:
        np.testing.assert_array_equal(found["index"], range(12))
        np.testing.assert_array_equal(found["labels"], MixedArrays("mixed").labels(range(12)))


def test_one_file_is_replaced_only_by_force(run_cli: Runner, here: Path) -> None:
    command = ("export", "mixed", "--to", "npz", "-o", "all.npz")
    Path("all.npz").write_text("mine")
    assert run_cli(*command).returncode == 73
    assert Path("all.npz").read_text() == "mine"
    assert run_cli(*command, "--force").returncode == 0
    assert "nothing to do" in run_cli(*command).stderr
    assert run_cli(*command, "--rows", "0:5").returncode == 73
    assert sorted(each.name for each in here.iterdir()) == ["all.npz", "mixed"]


@pytest.mark.parametrize("name", ["../mine/a.txt", "{here}/mine/a.txt", "link/a.txt"])
def test_force_removes_nothing_elsewhere(run_cli: Runner, here: Path, name: str) -> None:
    """A stranger may have written the records of an export, which name its files."""
    command = ("export", "mixed", "--to", "npz", "-o", "out", "--force")
    assert run_cli(*command).returncode == 0
    kept = here / "mine/a.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    (here / "out/link").symlink_to("../mine")
    record = min((here / "out").glob(".mixup-gen-export/records/*.json"))
    content = json.loads(record.read_bytes())
    files = content["files"] | {"link/x": 1, name.format(here=here): 4}
    record.write_text(json.dumps({**content, "files": files}))
    refused = run_cli(*command)
    assert refused.returncode == 65
    assert "names files in " in error_line(refused)
    assert kept.read_text() == "mine"
    record.write_text(json.dumps({**content, "files": [name]}))
    assert error_line(run_cli(*command)).endswith(f"{record.name}: is not the record of an export. Use another -o.")


def test_mixup_gen_reads_an_image_folder_back_with_its_soft_labels(run_cli: Runner, here: Path) -> None:
    run_cli("export", "mixed", "--to", "imagefolder", "-o", "folder")
    with Path("folder/metadata.csv").open() as table:
        assert next(csv.reader(table))[:4] == ["file_name", "blue", "green", "red"]
    labels = ("--label-kind", "soft", "--label-column", "blue,green,red")
    run_cli("generate", "folder", *labels, "--alpha", 0, "-o", "again", "--quiet")
    before, after = MixedArrays("mixed"), MixedArrays("again")
    rows = after.column("source_index")[:][:, 0]
    np.testing.assert_array_equal(after.images(range(24)), before.images(rows))
    found, expected = after.labels(range(24)), before.labels(rows)
    assert found is not None
    assert expected is not None
    np.testing.assert_allclose(found, expected, atol=2**-24)


def test_a_stream_of_one_tar_and_a_reader_that_leaves(
    run_cli: Runner, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = list[bytes]()
    command = ("export", "mixed", "--to", "webdataset", "-o", "-")

    def gathered(data: bytes) -> bool:
        pieces.append(data)
        return True

    monkeypatch.setattr("mixup_cli.cli.terminal.show.piece", gathered)
    done = run_cli(*command, "--rows", "3:5", "--columns", "images,method")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "mixup-gen: 2 samples exported to stdout as webdataset\n"
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert tar.getnames() == ["000000003.json", "000000003.png", "000000004.json", "000000004.png"]
        member = tar.extractfile("000000003.png")
        assert member is not None
        picture = np.array(Image.open(io.BytesIO(member.read())))
    np.testing.assert_array_equal(picture, MixedArrays("mixed").images([3])[0])
    monkeypatch.setattr("mixup_cli.cli.terminal.show.piece", lambda data: False)
    left = run_cli(*command)
    assert (left.returncode, left.stdout, left.stderr) == (0, "", "")
