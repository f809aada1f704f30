"""Samples of several signals: an image, a depth of another resolution and a wave, mixed by the same decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset
from tests.running import Runner

COUNT = 24
UNIT = 65536


@pytest.fixture
def arrays() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(5)
    return {
        "images": rng.integers(0, 256, (COUNT, 8, 12, 3), np.uint8),
        "depth": rng.random((COUNT, 16, 24), np.float32),
        "wave": rng.standard_normal((COUNT, 50)).astype(np.float32),
        "coarse": rng.integers(0, 65536, (COUNT, 3, 7, 5), np.uint16),
        "share": rng.random((COUNT, 2)),
        "labels": rng.integers(0, 3, COUNT),
    }


@pytest.fixture(params=["npz", "h5"])
def source(arrays: dict[str, NDArray[Any]], tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / f"two.{request.param}"
    if path.suffix == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]
    else:
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                file[name] = values
    return path


@pytest.fixture
def npz(arrays: dict[str, NDArray[Any]], tmp_path: Path) -> Path:
    path = tmp_path / "two.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def generated(run_cli: Runner, *args: object) -> None:
    result = run_cli("generate", *args)
    assert result.returncode == 0, result.stderr


def refused(run_cli: Runner, *args: object) -> str:
    result = run_cli("generate", *args)
    assert result.returncode in (2, 65, 73)
    assert len(result.stderr.strip().splitlines()) == 1
    return result.stderr


def columns(data: MixedArrays, *names: str) -> list[NDArray[Any]]:
    rows = np.arange(len(data))
    return [data.column(name).take(rows) for name in names]


def test_all_signals_are_blended_by_the_same_weights(
    source: Path, arrays: dict[str, NDArray[Any]], tmp_path: Path, run_cli: Runner
) -> None:
    out = tmp_path / "out"
    generated(run_cli, source, "--data-key", "images,depth,wave", "--alpha", "0.4", "--passes", "2", "-o", out)
    assert run_cli("verify", out, "--deep").returncode == 0
    data = MixedArrays(out)
    parents, share = columns(data, "source_index", "share")
    weights = (share.astype(np.float64) * UNIT).astype(np.int64)
    assert (weights.sum(axis=1) == UNIT).all()
    assert len(np.unique(weights[:, 0])) > 20
    found = data.signals(np.arange(len(data)))
    assert [*found] == ["images", "depth", "wave"]
    for name, values in found.items():
        both = arrays[name].astype(np.float64)[parents]
        total = (both * weights.reshape(*weights.shape, *[1] * (both.ndim - 2))).sum(axis=1)
        rounded = np.floor(total / UNIT + 0.5) if name == "images" else total / UNIT
        assert np.array_equal(values, rounded.astype(values.dtype))


def test_a_box_lies_at_the_same_place_of_signals_of_any_resolution(
    npz: Path, arrays: dict[str, NDArray[Any]], tmp_path: Path, run_cli: Runner
) -> None:
    out = tmp_path / "out"
    keys = "images,depth,coarse"
    generated(run_cli, npz, "--data-key", keys, "--method", "cutmix", "--passes", "4", "--layout", "nchw", "-o", out)
    assert run_cli("verify", out, "--deep").returncode == 0
    data = MixedArrays(out)
    assert data.manifest.fields is not None
    assert [(field.name, field.axes) for field in data.manifest.fields] == [("depth", "hw"), ("coarse", "chw")]
    parents, boxes = columns(data, "source_index", "box")
    found = data.signals(np.arange(len(data)))
    assert (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) > 0).any()
    wanted = {
        "images": np.moveaxis(arrays["images"], 3, 1),
        "depth": arrays["depth"][:, None],
        "coarse": arrays["coarse"],
    }
    for name, values in wanted.items():
        height, width = values.shape[2:]
        scale = np.array([height / 8, width / 12] * 2)
        for row, (base, donor) in enumerate(parents):
            top, left, bottom, right = np.floor(boxes[row] * scale + 0.5).astype(int)
            expected = values[base].copy()
            expected[:, top:bottom, left:right] = values[donor][:, top:bottom, left:right]
            assert np.array_equal(found[name][row], expected.reshape(found[name].shape[1:]))


@pytest.mark.parametrize("method", ["fmix", "gridmix", "jigsaw"])
def test_a_drawn_mask_is_the_same_picture_in_all_signals(method: str, tmp_path: Path, run_cli: Runner) -> None:
    """Each sample has one colour, its number: so both signals show which parent stands where."""
    numbers = np.arange(COUNT, dtype=np.uint8)
    np.savez(
        tmp_path / "flat.npz",
        fine=np.broadcast_to(numbers[:, None, None], (COUNT, 12, 16)),
        rough=np.broadcast_to(numbers[:, None, None], (COUNT, 6, 8)),
    )
    out = tmp_path / "out"
    generated(run_cli, tmp_path / "flat.npz", "--data-key", "fine,rough", "--method", method, "-o", out)
    found = MixedArrays(out).signals(np.arange(COUNT))
    assert np.array_equal(found["rough"], found["images"][:, 1::2, 1::2])
    assert (found["images"] != found["images"][:, :1, :1]).any()


def test_every_method_and_view_is_made_again_from_the_source(npz: Path, tmp_path: Path, run_cli: Runner) -> None:
    methods = "mixup,cutmix,cutout,erase,resizemix,fmix,gridmix,smoothmix,saliencymix,mosaic,dirichlet,zetamix,jigsaw"
    generated(run_cli, npz, "--data-key", "coarse,depth", "--method", methods, "--samples", "200", "-o", tmp_path / "a")
    small = ["--method", "resizemix:low=0.01:high=0.2", "--samples", "100"]
    generated(run_cli, npz, "--data-key", "depth,coarse", *small, "-o", tmp_path / "c")
    views = ["--flip", "0.5", "--crop-pad", "2", "--samples", "20"]
    same_size = tmp_path / "same.npz"
    with np.load(npz) as given:
        np.savez(same_size, a=given["images"], b=given["images"].astype(np.float32).mean(axis=3))
    generated(run_cli, same_size, "--data-key", "a,b", *views, "-o", tmp_path / "b")
    for name in "abc":
        assert run_cli("verify", tmp_path / name, "--deep").returncode == 0


def test_views_move_all_signals_alike(tmp_path: Path, run_cli: Runner) -> None:
    rng = np.random.default_rng(2)
    first = rng.integers(0, 256, (COUNT, 6, 9), np.uint8)
    np.savez(tmp_path / "same.npz", a=first, b=first.astype(np.float32))
    out = tmp_path / "out"
    views = ["--flip", "0.5", "--crop-pad", "2", "--method", "none"]
    generated(run_cli, tmp_path / "same.npz", "--data-key", "a,b", *views, "-o", out)
    found = MixedArrays(out).signals(np.arange(COUNT))
    assert np.array_equal(found["images"].astype(np.float32), found["b"])


def test_it_grows_and_stays_the_same_at_any_number_of_workers(npz: Path, tmp_path: Path, run_cli: Runner) -> None:
    keys = ["--data-key", "images,depth", "--method", "cutmix,mixup", "--samples-per-shard", "10"]
    for name, how in {"a": [], "b": ["--workers", "2", "--batch-size", "3"], "c": ["--engine", "processes"]}.items():
        generated(run_cli, npz, *keys, *how, "--passes", "1", "-o", tmp_path / name)
        generated(run_cli, npz, *keys, *how, "--passes", "3", "-o", tmp_path / name)
    manifests = {(tmp_path / name / "manifest.json").read_bytes() for name in "abc"}
    assert len(manifests) == 1
    assert run_cli("verify", tmp_path / "a", "--deep").returncode == 0
    assert "signals was ['depth'] and is []" in refused(
        run_cli, npz, "--data-key", "images", *keys[2:], "--passes", "3", "-o", tmp_path / "a"
    )


def test_a_lost_manifest_and_shard_are_made_again(npz: Path, tmp_path: Path, run_cli: Runner) -> None:
    out = tmp_path / "out"
    generated(
        run_cli, npz, "--data-key", "images,depth,wave", "--compression", "gzip", "--samples-per-shard", "10", "-o", out
    )
    kept = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "manifest.json").unlink()
    assert run_cli("repair", out).returncode == 0
    (out / "shard-00001.h5").unlink()
    assert run_cli("repair", out).returncode == 0
    assert {path.name: path.read_bytes() for path in out.iterdir()} == kept


def test_readers_and_further_mixing_have_all_signals(npz: Path, tmp_path: Path, run_cli: Runner) -> None:
    out = tmp_path / "out"
    generated(run_cli, npz, "--data-key", "images,depth,wave", "-o", out)
    image, depth, wave, label = MixedDataset(out)[3]
    assert [tuple(each.shape) for each in (image, depth, wave, label)] == [(3, 8, 12), (1, 16, 24), (50,), (3,)]
    batch = next(iter(DataLoader(MixedDataset(out), batch_size=4)))
    assert [len(each) for each in batch] == [4] * 4
    generated(run_cli, out, "-o", tmp_path / "again")
    assert [*MixedArrays(tmp_path / "again").signals([0])] == ["images", "depth", "wave"]
    assert run_cli("preview", out, "-o", tmp_path / "a.png").returncode == 0
    assert run_cli("preview", npz, "--data-key", "images,wave", "-o", tmp_path / "b.png").returncode == 0


def test_data_sets_of_one_signal_say_nothing_of_fields(npz: Path, tmp_path: Path, run_cli: Runner) -> None:
    generated(run_cli, npz, "--data-key", "images", "-o", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert "fields" not in manifest
    assert "signals" not in manifest["recipe"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            "--data-key images,wave --method cutmix",
            "wave has neither (its shape is (50,)). Use mixup, or leave wave out",
        ),
        ("--data-key images,depth --flip 0.5", "images are 12x8, depth has the shape (16, 24)"),
        ("--data-key images,depth --size 4", "images would be resized, and depth keeps its form"),
        ("--data-key images,share", "'share' cannot be the name of a column"),
        ("--data-key images,nothing", "has no array 'nothing'. Found: "),
        ("--data-key images,depth --cache none --window 8", "windows are read once, and depth would read them again"),
    ],
)
def test_what_cannot_be_mixed_alike_is_refused(
    options: str, told: str, npz: Path, tmp_path: Path, run_cli: Runner
) -> None:
    assert told in refused(run_cli, npz, *options.split(), "-o", tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_signals_of_other_lengths_are_refused(tmp_path: Path, run_cli: Runner) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros((4, 3, 3), np.uint8), b=np.zeros((5, 3), np.float32))
    told = refused(run_cli, tmp_path / "x.npz", "--data-key", "a,b", "-o", tmp_path / "out")
    assert "b has the shape (5, 3), and 4 samples were expected" in told


def test_a_broken_signal_leaves_its_sample_out(npz: Path, tmp_path: Path, run_cli: Runner) -> None:
    with np.load(npz) as given:
        arrays = dict(given)
    arrays["wave"][7, 3] = np.nan
    np.savez(npz, **arrays)
    keys = ["--data-key", "images,wave"]
    assert "sample 00007: wave: holds NaN or infinity" in refused(run_cli, npz, *keys, "-o", tmp_path / "out")
    generated(run_cli, npz, *keys, "--on-error", "skip", "-o", tmp_path / "out")
    (parents,) = columns(MixedArrays(tmp_path / "out"), "source_index")
    assert 7 not in parents
    assert run_cli("verify", tmp_path / "out", "--deep").returncode == 0
