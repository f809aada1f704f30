"""Videos from files to shards: which voxels come from which parent, and the same bytes however a run is carried out."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.fields.target import Target
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.sources import SourceOptions, open_source
from tests.data_sets import digests
from tests.faults.progress import meet_fault
from tests.running import Runner
from tests.small_clips import numbers_in, write_videos

OVER = ("space", "time", "both")
SHARDS = ("--samples-per-shard", 10)
BOXES = ("paper", "inside", "minmax")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_videos(tmp_path_factory.mktemp("videos"))


def made(run_cli: Runner, videos: Path, out: Path, *options: object) -> MixedArrays:
    """A data set of 16 passes over 8 frames of 24x20 pixels."""
    how = ("--frames", 8, "--size", "24x20", "--passes", 16, *(() if "--samples-per-shard" in options else SHARDS))
    ended = run_cli("generate", videos, "-o", out, *how, *options)
    assert ended.returncode == 0, ended.stderr
    return MixedArrays(out)


def clips_of(videos: Path, each: int = 1) -> NDArray[np.uint8]:
    """The samples (4, 8 · each, 20, 24, 3), as the source gives them."""
    source = open_source([videos], SourceOptions(frames=8, clips=each))
    form = source.survey().array_form
    assert form is not None
    form = form.sized((20, 24))
    clips = np.zeros((len(source), *form.shape), np.uint8)
    assert not any(one.problem for one in source.load(0, len(source), Target(form), clips))
    return clips


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("over", OVER)
def test_shares_are_voxels_and_each_is_one_parents(
    over: str, box: str, run_cli: Runner, videos: Path, tmp_path: Path
) -> None:
    options = ":".join(
        ["videomix", *([f"over={over}"] if over != "space" else []), *([f"box={box}"] if box != "paper" else [])]
    )
    data, clips = made(run_cli, videos, tmp_path / "out", "--method", options), clips_of(videos)
    found, parents = data.column("clips")[:], clips[data.column("source_index")[:]]
    boxes, spans, share = (data.column(name)[:] for name in ("box", "span", "share"))
    frames, lines, columns = np.ogrid[:8, :20, :24]
    for row, ((top, left, bottom, right), (start, stop)) in enumerate(zip(boxes.tolist(), spans.tolist(), strict=True)):
        inside = (frames >= start) & (frames < stop) & (lines >= top) & (lines < bottom)
        inside = inside & (columns >= left) & (columns < right)
        np.testing.assert_array_equal(found[row], np.where(inside[..., None], parents[row, 1], parents[row, 0]))
        assert abs(share[row, 1] - inside.sum() / inside.size) <= 2.0**-24, "the nearest that float32 has"
        whole_frames, whole_time = (top, left, bottom, right) == (0, 0, 20, 24), (start, stop) == (0, 8)
        assert whole_frames or over != "time"
        assert whole_time or over != "space"
    assert len(np.unique(share[:, 1])) > 5
    if box == "inside":
        assert 0.35 < share[:, 1].mean() < 0.6, "lam is uniform, and sides are whole"
    np.testing.assert_array_equal(data.column("label_share")[:], share)


def test_sides_of_a_cuboid_are_cube_roots(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    from fractions import Fraction

    from mixup_cli.draws.beta import levels
    from mixup_cli.draws.rng import Draws, RowWord

    data = made(run_cli, videos, tmp_path / "out", "--method", "cutmix:over=both:box=inside", "--seed", 5)
    boxes, spans = data.column("box")[:], data.column("span")[:]
    sides = np.stack([boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1], spans[:, 1] - spans[:, 0]], axis=1)
    words = Draws.of_rows(5, 0, 64).words
    for found, lam in zip(sides.tolist(), levels(words[:, RowWord.LAM], 1.0, 1.0).tolist(), strict=True):
        part = Fraction(65536 - lam, 65536)
        for side, length in zip(found, (20, 24, 8), strict=True):
            assert side**3 <= part * length**3 < (side + 1) ** 3


def test_tubes_of_cutout_go_through_all_frames(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    data, clips = made(run_cli, videos, tmp_path / "out", "--method", "cutout", "--fill", 9), clips_of(videos)
    found, bases = data.column("clips")[:], clips[data.column("source_index")[:][:, 0]]
    for row, (top, left, bottom, right) in enumerate(data.column("box")[:].tolist()):
        expected = bases[row].copy()
        expected[:, top:bottom, left:right] = 9
        np.testing.assert_array_equal(found[row], expected)
    np.testing.assert_array_equal(data.column("share")[:], 1)


def test_mixup_blends_every_frame(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    data, clips = made(run_cli, videos, tmp_path / "out", "--method", "mixup:alpha=1"), clips_of(videos)
    parents, share = clips[data.column("source_index")[:]].astype(np.int64), data.column("share")[:]
    parts = np.rint(share * 65536).astype(np.int64)
    expected = (np.einsum("rp,rpthwc->rthwc", parts, parents) + 32768) >> 16
    np.testing.assert_array_equal(data.column("clips")[:], expected)


def test_originals_are_the_clips(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    data = made(run_cli, videos, tmp_path / "out", "--keep-originals", "--size", 64)
    first = {
        number: numbers_in(clip)
        for number, clip in zip(data.column("source_index")[:4][:, 0].tolist(), data.column("clips")[:4], strict=True)
    }
    assert first == {
        0: [*range(16, 31, 2)],
        1: [*range(9, 24, 2)],
        2: [*range(2, 17, 2)],
        3: [0, 2, 4, 5, 5, 5, 5, 5],
    }


def test_the_same_bytes_however_it_is_made(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    how = ("--method", "mixup,videomix:over=both,cutout")
    made(run_cli, videos, tmp_path / "one", *how, "--workers", 1)
    for number, options in enumerate(
        (
            ("--workers", 2, "--batch-size", 1),
            ("--batch-size", 3, "--device", "cpu-torch"),
            ("--workers", 2, "--engine", "processes"),
            ("--cache", "disk", "--cache-folder", tmp_path / "kept"),
            ("--cache", "disk", "--cache-folder", tmp_path / "kept", "--workers", 2),
        )
    ):
        made(run_cli, videos, tmp_path / str(number), *how, *options)
        assert digests(tmp_path / str(number)) == digests(tmp_path / "one"), options
    verified = run_cli("verify", tmp_path / "one", "--deep")
    assert verified.returncode == 0, verified.stderr


def test_parts_make_the_same_data_set(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    made(run_cli, videos, tmp_path / "one")
    for part in ("2/2", "1/2"):
        how = ("--frames", 8, "--size", "24x20", "--passes", 16, "--samples-per-shard", 10, "--part", part)
        assert run_cli("generate", videos, "-o", tmp_path / "parts", *how).returncode == 0
    assert digests(tmp_path / "parts") == digests(tmp_path / "one")


def test_a_run_that_was_killed_goes_on(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    how = ("--frames", 8, "--size", "24x20", "--passes", 16, "--samples-per-shard", 2, "--method", "cutmix:over=both")
    made(run_cli, videos, tmp_path / "whole", *how)
    for step in ("25", "60"):
        victim = meet_fault("kill", step, "generate", videos, "-o", tmp_path / "out", *how, cwd=tmp_path)
        victim.communicate()
        assert victim.returncode == -signal.SIGKILL
        assert not (tmp_path / "out/manifest.json").exists()
    made(run_cli, videos, tmp_path / "out", *how)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def test_windows_of_videos_without_a_cache(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    how = ("--window", 3, "--method", "cutmix:over=time")
    made(run_cli, videos, tmp_path / "cached", *how)
    made(run_cli, videos, tmp_path / "not", *how, "--cache", "none")
    assert digests(tmp_path / "not") == digests(tmp_path / "cached")


def test_hugging_face_loads_it(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    data = made(run_cli, videos, tmp_path / "out", "--method", "cutmix:over=time")
    rows = load_dataset(
        "hdf5", data_files=str(tmp_path / "out/shard-*.h5"), split="train", cache_dir=str(tmp_path / "hf")
    )
    assert np.asarray(rows[3]["clips"]).shape == (8, 20, 24, 3)
    np.testing.assert_array_equal(np.asarray(rows[3]["clips"]), data.column("clips")[3:4][0])


def test_readers_and_exports(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    from mixup_cli.readers.pytorch import MixedDataset

    data = made(run_cli, videos, tmp_path / "out")
    clip, label = MixedDataset(tmp_path / "out")[5]
    np.testing.assert_array_equal(clip.numpy(), data.column("clips")[5:6][0])
    assert label.shape == (2,)
    for kind in ("npz", "webdataset", "parquet"):
        ended = run_cli("export", tmp_path / "out", "--to", kind, "-o", tmp_path / kind)
        assert ended.returncode == 0, ended.stderr
    refused = run_cli("export", tmp_path / "out", "--to", "imagefolder", "-o", tmp_path / "no")
    message = "--to imagefolder: samples are clips, and not images. Use npz."
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (2, f"mixup-gen: error: {message}")


def test_rows_show_clips_from_several_places(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    options = ("--clips", 4, "--method", "none", "--keep-originals")
    data, clips = made(run_cli, videos, tmp_path / "out", *options), clips_of(videos, 4).reshape(4, 4, 8, 20, 24, 3)
    starts, samples = data.column("source_start")[:][:, 0], data.column("source_index")[:][:, 0]
    np.testing.assert_array_equal(data.column("clips")[:], clips[samples, starts // 8])
    assert starts[:4].tolist() == [8] * 4, "originals show the last one before the middle"
    counts = [(starts[4:] == start).sum() for start in (0, 8, 16, 24)]
    assert sum(counts) == 64
    assert min(counts) > 5
    assert run_cli("verify", tmp_path / "out", "--deep").returncode == 0


def broken(videos: Path, folder: Path) -> Path:
    shutil.copytree(videos, folder)
    path = folder / "short/3.mp4"
    path.write_bytes(path.read_bytes()[:1500])
    return folder


def test_broken_videos_are_refused_or_left_out(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    folder = broken(videos, tmp_path / "set")
    ended = run_cli("generate", folder, "-o", tmp_path / "out")
    message = "short/3.mp4: cannot decode (file ends at byte 1500). Remove it, or pass --on-error skip."
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (65, f"mixup-gen: error: {message}")
    ended = run_cli("generate", folder, "-o", tmp_path / "out", "--on-error", "skip")
    assert ended.returncode == 0, ended.stderr
    manifest: dict[str, Any] = json.loads((tmp_path / "out/manifest.json").read_text())
    assert (
        manifest["source"]["skipped"] == [{"key": "short/3.mp4", "reason": "cannot decode (file ends at byte 1500)"}]
        or manifest["source"]["skipped"][0]["key"] == "short/3.mp4"
    )
    assert manifest["totals"]["samples"] == 3


def test_a_recipe_holds_how_videos_are_read(run_cli: Runner, videos: Path, tmp_path: Path) -> None:
    made(run_cli, videos, tmp_path / "out", "--stride", 3)
    recipe = json.loads((tmp_path / "out/manifest.json").read_text())["recipe"]
    assert (recipe["task"], recipe["reading"], recipe["size"]) == ("video", [["frames", 8], ["stride", 3]], [20, 24])
    ended = run_cli("generate", videos, "-o", tmp_path / "out", "--frames", 8, "--size", "24x20", "--passes", 16)
    assert ended.returncode == 73, ended.stderr
    assert "reading" in ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--method cutmix:over=sideways", "--method cutmix: over=sideways is not one of space, time, both"),
        ("--method mosaic", "--method mosaic: it does not go with videos. Use mixup, cutmix, cutout"),
        ("--flip 0.5", "--flip: for images only; these samples have the shape (16, 112, 112, 3). Leave it out."),
        ("--resize pad", "--resize pad: clips are resized and centre-cropped. Leave it out."),
        ("--channels grey", "--channels: for images only"),
        ("--layout nchw", "--layout: for images only"),
        ("--encode png", "--encode png: it stores images"),
    ],
)
def test_what_clips_cannot_do_is_said(
    options: str, message: str, run_cli: Runner, videos: Path, tmp_path: Path
) -> None:
    ended = run_cli("generate", videos, "-o", tmp_path / "out", *options.split())
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith(f"mixup-gen: error: {message}"), ended.stderr
    assert not (tmp_path / "out").exists()


def test_images_have_no_frames_to_choose(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", colours, "-o", tmp_path / "out", "--method", "cutmix:over=time")
    message = "--method cutmix: over chooses frames of a clip, and these samples have none. Leave it out."
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, f"mixup-gen: error: {message}")
    assert run_cli("generate", colours, "-o", tmp_path / "out", "--method", "videomix").returncode == 0, "it is CutMix"
