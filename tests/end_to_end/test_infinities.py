"""No infinity is ever written: a sample that the output cannot hold is broken input, named with its largest value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data_sets import columns
from tests.running import Runner, error_line

LARGE = np.ones((8, 4, 4, 3), np.float32)
LARGE[5, 0, 0, 1] = 70_000
GREY = np.zeros((8, 4, 4, 3), np.uint8)
GREY[3, 1, 1, 2] = 200


def written(path: Path, samples: np.ndarray) -> Path:
    np.savez(path, x=samples, y=np.arange(len(samples)) % 2)
    return path


@pytest.mark.parametrize(
    ("samples", "options", "told"),
    [
        (LARGE, "--dtype float16", "00005: holds 70000, which is beyond what float16 can hold (--dtype float32"),
        (-LARGE, "--dtype float16", "00005: holds -70000, which is"),
        (LARGE.astype(np.int32), "--dtype float16", "00005: holds 70000"),
        (LARGE.astype(np.float64), "--dtype float16", "00005: holds 70000"),
        (LARGE[:, 0, 0], "--dtype float16 --method none", "00005: holds 70000"),
        (LARGE, "--dtype float32 --normalize 0/1e-30", None),
        (LARGE * 1e6, "--dtype float32 --normalize 0/1e-30", "00005: holds 7e+10, which, normalised, is beyond"),
        (LARGE, "--dtype float16 --normalize 60000/1", None),
        (LARGE, "--dtype float16 --normalize 0,60000,0/1,1,1", None),
        (LARGE, "--dtype float16 --normalize 0,60000,0/1,1,1 --layout nchw", None),
        (LARGE, "--dtype float16 --normalize 60000,0,60000/1,1,1 --layout nchw", "00005: holds 70000"),
        (LARGE, "--dtype float16 --normalize 70000,70000,0/1,1,1", "00000: holds 1, which, normalised"),
        (GREY, "--dtype float16 --normalize 0/1e-5", "00003: holds 200, which, normalised"),
        (GREY.astype(np.uint16), "--dtype float16 --normalize 0/1e-8", "00003: holds 200, which, normalised"),
        (GREY, "--dtype float16 --normalize 0/1e-5 --linear-light", "00003: holds 200"),
        (GREY, "--dtype float16 --normalize 0.9/1e-5", "00000: holds 0, which, normalised"),
        (GREY, "--dtype float16 --normalize imagenet", None),
        (GREY, "--dtype float16 --normalize 0/1e-5 --method cutout --fill 255", "--normalize: float16 cannot hold"),
        (LARGE, "--dtype float16 --normalize 60000/1 --method cutout", None),
        (LARGE - 1, "--dtype float16 --normalize 66000/1", "00000: holds 0"),
        (LARGE[:4] + 69_999, "--dtype float16 --normalize 70000/1", None),
        (LARGE[:4] + 69_999, "--dtype float16 --normalize 70000/1 --crop-pad 1", "--normalize: float16 cannot hold"),
        (LARGE[:4] + 69_999, "--dtype float16 --normalize 70000/1 --method erase:fill=noise", "--normalize: float16"),
    ],
)
def test_what_the_output_cannot_hold_is_refused(
    samples: np.ndarray, options: str, told: str | None, run_cli: Runner, tmp_path: Path
) -> None:
    ended = run_cli("generate", written(tmp_path / "a.npz", samples), *options.split(), "-o", tmp_path / "o")
    if told is None:
        assert ended.returncode == 0, ended.stderr
        assert np.isfinite(columns(tmp_path / "o")["images"]).all()
    else:
        assert ended.returncode == (2 if told.startswith("--") else 65)
        assert told in error_line(ended)
        assert not (tmp_path / "o" / "manifest.json").exists()


@pytest.mark.parametrize("caching", [["--cache", "memory"], ["--cache", "none", "--window", "4"]])
def test_such_samples_can_be_left_out(caching: list[str], run_cli: Runner, tmp_path: Path) -> None:
    source = written(tmp_path / "a.npz", LARGE)
    ended = run_cli(
        "generate", source, "--dtype", "float16", "--on-error", "skip", *caching, "-o", "o", "-q", cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    found = columns(tmp_path / "o")
    assert np.isfinite(found["images"]).all()
    assert 5 not in found["source_index"]
    assert run_cli("verify", "o", "--deep", cwd=tmp_path).returncode == 0


def test_a_float_picture_is_named_too(run_cli: Runner, tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 70_000.0)):
        (tmp_path / "p" / name).mkdir(parents=True)
        Image.fromarray(np.full((4, 4), value, np.float32)).save(tmp_path / "p" / name / "0.tif")
    ended = run_cli("generate", "p", "--dtype", "float16", "-o", "o", cwd=tmp_path)
    assert ended.returncode == 65
    assert "b/0.tif: holds 70000, which is beyond what float16 can hold" in error_line(ended)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_accepted_stays_finite(seed: int, run_cli: Runner, tmp_path: Path) -> None:
    """Samples at the very edge of what float16 holds (65519.996 rounds down to 65504, 65520 up to infinity), mixed by
    methods of every kind: refused just where a sample by itself would be infinite."""
    draw = np.random.default_rng(seed)
    edge = np.float32(65520) if seed % 2 else np.nextafter(np.float32(65520), np.float32(0))
    samples = draw.choice(np.array([-edge, edge, 0], np.float32), (9, 6, 6, 3), p=[0.4, 0.4, 0.2])
    method = "mixup,cutmix,fmix,smoothmix,dirichlet,mosaic,resizemix,erase:fill=mean"
    options = ["--method", method, "--alpha", 1] if seed < 4 else ["--random-resized-crop", "--flip", 0.5]
    source = written(tmp_path / "a.npz", samples)
    ended = run_cli("generate", source, "--dtype", "float16", "--passes", 5, *options, "-o", "o", cwd=tmp_path)
    assert ended.returncode == (65 if seed % 2 else 0), ended.stderr
    if ended.returncode == 0:
        assert np.isfinite(columns(tmp_path / "o")["images"]).all()
