"""Where a picture is most salient."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.plan.saliency import PeakFinder, peak, saliency

PHOTOS = Path(__file__).parents[3] / "sample_data" / "photos"


def blob(size: tuple[int, int], at: tuple[float, float], width: float, channels: int = 3) -> NDArray[np.uint8]:
    """A bright round spot on grey ground; `at` and `width` are parts of the sides."""
    y, x = (np.arange(side) / side for side in size)
    bell = np.exp(-0.5 * (((y[:, None] - at[0]) / width) ** 2 + ((x - at[1]) / width) ** 2))
    return np.repeat((60 + 180 * bell)[..., None], channels, axis=2).astype(np.uint8)


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (100, 160), (300, 200)])
@pytest.mark.parametrize("at", [(0.5, 0.5), (0.25, 0.7), (0.8, 0.3)])
@pytest.mark.parametrize("width", [0.02, 0.04, 0.07])
def test_a_bright_spot_is_found(size: tuple[int, int], at: tuple[float, float], width: float) -> None:
    found = peak(blob(size, at, width))
    for place, wanted, side in zip(found, at, size, strict=True):
        assert abs(place - wanted * side) <= max(1.0, side / 16)


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_rectangle_is_found(seed: int) -> None:
    """Its spectrum is nothing at many frequencies."""
    rng = np.random.default_rng(seed)
    (height, width), (top, left) = rng.integers(3, 14, 2), rng.integers(0, 50, 2)
    picture = np.full((64, 64, 1), rng.integers(0, 120), np.uint8)
    picture[top : top + height, left : left + width] = 250
    y, x = peak(picture)
    assert top - 3 <= y < top + height + 3
    assert left - 3 <= x < left + width + 3


def test_a_textured_patch_is_found_on_flat_ground() -> None:
    picture = np.full((96, 96, 3), 120, np.uint8)
    picture[60:76, 20:36] = np.random.default_rng(1).integers(0, 256, (16, 16, 3))
    y, x = peak(picture)
    assert 56 <= y < 80
    assert 16 <= x < 40


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_channels_and_depth_change_nothing(dtype: Any) -> None:
    one = blob((50, 40), (0.3, 0.6), 0.04, 1)
    scale = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    for channels in (1, 3, 4):
        picture = (np.repeat(one, channels, axis=2).astype(np.float64) * scale).astype(dtype)
        assert np.abs(np.subtract(peak(picture), peak(one))).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (5, 5), (130, 3)])
def test_a_picture_without_detail_is_salient_in_the_middle(size: tuple[int, int]) -> None:
    assert peak(np.full((*size, 3), 200, np.uint8)) == (size[0] // 2, size[1] // 2)
    assert peak(np.zeros((*size, 1), np.float32)) == (size[0] // 2, size[1] // 2)


@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 1000), st.sampled_from([np.uint8, np.float32]))
@settings(deadline=None, max_examples=40)
def test_a_peak_lies_in_the_picture(height: int, width: int, seed: int, dtype: Any) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(dtype)
    y, x = peak(picture)
    assert 0 <= y < height
    assert 0 <= x < width
    salient = saliency(picture)
    assert max(salient.shape) == min(64, max(height, width))
    assert np.isfinite(salient).all()
    assert salient.min() >= 0


@pytest.mark.parametrize("period", [2, 4, 8])
def test_spectra_with_holes_are_no_problem(period: int) -> None:
    """Stripes have nothing at most frequencies: the logarithm of nothing."""
    picture = np.zeros((32, 32, 1), np.uint8)
    picture[:, ::period] = 255
    assert np.isfinite(saliency(picture)).all()
    assert min(peak(picture)) >= 0


def test_photographs_are_not_salient_at_their_borders() -> None:
    """Where the Fourier transform sees a seam."""
    paths = sorted(PHOTOS.rglob("*.jpg"))
    assert len(paths) > 10
    for path in paths:
        with Image.open(path) as photo:
            y, x = peak(np.asarray(photo.convert("RGB").resize((64, 64))))
        assert min(y, x) >= 3
        assert max(y, x) <= 60


def test_the_peak_of_a_large_picture_is_the_middle_of_what_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = np.zeros((2, 4))
    seen[1, 2] = 1
    monkeypatch.setattr("mixup_cli.plan.saliency.saliency", lambda _: seen)
    picture = np.arange(10 * 40, dtype=np.uint16).reshape(10, 40, 1)
    assert peak(picture) == (7, 25)


def test_a_shifted_picture_has_a_shifted_peak() -> None:
    picture = blob((64, 64), (0.5, 0.5), 0.03)
    y, x = peak(picture)
    shifted = peak(np.roll(picture, (9, -14), axis=(0, 1)))
    assert np.abs(np.subtract(shifted, (y + 9, x - 14))).max() <= 1


def test_saliency_follows_the_papers_equations() -> None:
    """Hou and Zhang, eq. 8 to 10, of a picture that fades out towards its borders; convolutions by hand."""
    rng = np.random.default_rng(2)
    grey = rng.integers(1, 256, (9, 12)).astype(np.float64)
    down, across = (
        [math.sin(math.pi / 2 * min(1, (min(i, side - 1 - i) + 0.5) / (side / 4))) ** 2 for i in range(side)]
        for side in grey.shape
    )
    spectrum = np.fft.fft2((grey - grey.mean()) * np.outer(down, across))
    logarithm = np.log(np.abs(spectrum))
    average = sum(np.roll(logarithm, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) / 9
    power = np.abs(np.fft.ifft2(np.exp(logarithm - average + 1j * np.angle(spectrum)))) ** 2
    reach = np.arange(-10, 11)  # four sigmas, as in scipy
    bell = np.exp(-(reach**2) / (2 * 2.5**2))
    padded = np.pad(power, 10)
    smooth = np.apply_along_axis(np.convolve, 1, padded, bell / bell.sum(), "valid")
    smooth = np.apply_along_axis(np.convolve, 0, smooth, bell / bell.sum(), "valid")
    np.testing.assert_allclose(saliency(grey[..., None]), smooth, rtol=1e-6)


def test_peaks_of_some_samples_are_asked_for_by_their_source_index() -> None:
    pictures = np.stack([blob((32, 32), (0.2 + 0.05 * n, 0.8 - 0.05 * n), 0.04) for n in range(8)])
    some = np.array([1, 4, 6])
    finder = PeakFinder(pictures[some], some)
    asked = np.array([6, 1, 4, 6])
    assert finder.of(asked).tolist() == PeakFinder(pictures).of(asked).tolist()


def test_peaks_are_found_once_by_any_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = np.stack([blob((32, 32), (0.2 + 0.05 * n, 0.8 - 0.05 * n), 0.04) for n in range(8)])
    expected = [list(peak(picture)) for picture in pictures]
    finder = PeakFinder(pictures)
    with ThreadPoolExecutor(4) as pool:
        asked = [np.random.default_rng(n).integers(0, 8, 20) for n in range(20)]
        for samples, found in zip(asked, pool.map(finder.of, asked), strict=True):
            assert found.tolist() == [expected[sample] for sample in samples]
    monkeypatch.setattr("mixup_cli.plan.saliency.peak", None)
    assert finder.of(np.arange(8)).tolist() == expected
    assert finder.of(np.array([], np.int64)).shape == (0, 2)
