"""Resizing of arrays, with Pillow's antialiased bilinear filter."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mixup_cli.fields.form import SampleDtype
from mixup_cli.kernels.resample import resample
from tests.unit.methods.making import form_of, noise

DTYPES: list[SampleDtype] = ["uint8", "uint16", "float32"]
SIZES = [(1, 1), (3, 20), (24, 10), (6, 9)]


@pytest.mark.parametrize("size", SIZES)
def test_colour_is_resized_as_picture_files_are(size: tuple[int, int]) -> None:
    pixels = noise(1, form_of("hwc", (12, 10), 3))[0]
    expected = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    assert (resample(pixels, size) == np.asarray(expected)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("size", SIZES)
def test_channels_are_resized_each_alone(dtype: SampleDtype, channels: int, size: tuple[int, int]) -> None:
    pixels = noise(1, form_of("hwc", (12, 10), channels, dtype))[0]
    before = pixels.copy()
    resized = resample(pixels, size)
    assert resized.shape == (*size, channels)
    assert resized.dtype == dtype
    for channel in range(channels):
        assert (resized[..., channel] == resample(pixels[..., [channel]], size)[..., 0]).all()
    assert (pixels == before).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_size_is_the_same_picture(dtype: SampleDtype) -> None:
    pixels = noise(1, form_of("hwc", (12, 10), 4, dtype))[0]
    assert (resample(pixels, (12, 10)) == pixels).all()


@pytest.mark.parametrize("value", [0, 1, 32768, 65535])
def test_16_bits_keep_their_range(value: int) -> None:
    assert (resample(np.full((9, 7, 1), value, np.uint16), (4, 12)) == value).all()


def test_16_bits_are_rounded_half_to_even() -> None:
    pixels = np.array([[[0], [1], [2], [3]]], np.uint16)  # the mean of a pair, by a filter that weights both alike
    row = resample(np.repeat(pixels, 1, axis=0)[:, :2], (1, 1))
    assert row.tolist() == [[[0]]]
    assert resample(pixels[:, 1:3], (1, 1)).tolist() == [[[2]]]


def test_any_memory_layout_will_do() -> None:
    pixels = noise(1, form_of("chw", (12, 10), 3))[0]
    turned = np.moveaxis(pixels, 0, 2)
    assert (resample(turned, (5, 5)) == resample(np.ascontiguousarray(turned), (5, 5))).all()
