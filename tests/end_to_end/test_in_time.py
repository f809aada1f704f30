"""Samples that go on in time: waves, spectrograms, clips and tokens, mixed by the same plan and the same blend as
images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources.arrays.source import ArraySource
from mixup_cli.sources.combined import combine
from tests.data_sets import digests
from tests.timed_sources import PAD, PartsOfWaves, clips, spectrograms, tokens, waves

UNIT = 65536


def made(source: ArraySource, out: Path, method: str, **options: object) -> MixedArrays:
    """Three passes of one method, or of several with commas between them."""
    chosen = (each.partition(":fill=") for each in method.split(","))
    methods = tuple(MethodChoice(name, options={"fill": fill} if fill else {}) for name, _, fill in chosen)
    generate(source, Recipe(methods=methods, samples_per_shard=7, **options), Run(out=out, passes=3))  # type: ignore[arg-type]
    return MixedArrays(out)


def parents_of(data: MixedArrays, samples: NDArray[Any]) -> NDArray[Any]:
    """The samples of each row's parents: (m, P, …)."""
    found: NDArray[Any] = samples[data.column("source_index")[:]]
    return found


def test_waves_are_averaged(tmp_path: Path) -> None:
    source = waves()
    data = made(source, tmp_path / "out", "mixup")
    column, gain = data.column("waves"), data.column("gain")[:]
    assert (data.axes, column.dtype.name, column.shape) == ("tc", "float32", (36, 40, 2))
    expected = np.einsum("rp,rptc->rtc", gain.astype(np.float64), parents_of(data, source._rows[:]))
    np.testing.assert_allclose(column[:], expected, atol=1e-6)
    np.testing.assert_array_equal(gain, data.column("share")[:])


def test_a_span_of_a_wave_comes_from_the_donor(tmp_path: Path) -> None:
    source = waves()
    data = made(source, tmp_path / "out", "cutmix")
    parents, spans = parents_of(data, source._rows[:]), data.column("span")[:]
    assert not data.column("box")[:].any()
    for row, (start, stop) in enumerate(spans.tolist()):
        expected = parents[row, 0].copy()
        expected[start:stop] = parents[row, 1, start:stop]
        np.testing.assert_array_equal(data.column("waves")[row : row + 1][0], expected)
        assert data.column("share")[row : row + 1][0, 1] == pytest.approx((stop - start) / 40, abs=1e-7)
    assert len({stop - start for start, stop in spans.tolist()}) > 5


def test_rows_show_parts_of_longer_waves(tmp_path: Path) -> None:
    source = waves(PartsOfWaves)
    data = made(source, tmp_path / "out", "none", keep_originals=True)
    starts, samples = data.column("source_start")[:][:, 0], data.column("source_index")[:][:, 0]
    assert data.column("waves").shape == (48, 16, 2)
    for row, (sample, start) in enumerate(zip(samples.tolist(), starts.tolist(), strict=True)):
        np.testing.assert_array_equal(data.column("waves")[row : row + 1][0], source._rows[sample][start : start + 16])
    room = np.maximum(0, source.lengths[samples] - 16)  # type: ignore[index]
    assert ((starts >= 0) & (starts <= room)).all()
    np.testing.assert_array_equal(starts[:12], room[:12] // 2)
    assert len(set(starts[12:].tolist())) > 6


def test_whole_numbers_of_waves_are_rounded_once(tmp_path: Path) -> None:
    floats, whole = (made(waves(), tmp_path / each, "mixup", dtype=each) for each in ("float32", "int16"))
    assert whole.column("waves").dtype == np.int16
    expected = np.clip(np.rint(floats.column("waves")[:] * np.float32(32768)), -32768, 32767)
    np.testing.assert_array_equal(whole.column("waves")[:], expected)


@pytest.mark.parametrize("method", ["mixup", "cutmix", "cutout", "erase", "fmix", "specmix", "none"])
def test_parts_of_spectrograms_are_mixed_as_images_are(method: str, tmp_path: Path) -> None:
    """Each parent from its own start on; places and shares as in images of that size."""
    source = spectrograms()
    data = made(source, tmp_path / "out", method)
    column, starts = data.column("spectrograms"), data.column("source_start")[:]
    assert (data.axes, column.dtype.name, column.shape) == ("ft", "float32", (36, 6, 9))
    assert len(set(starts.ravel().tolist())) > 5
    assert (starts <= np.maximum(0, source.lengths[data.column("source_index")[:]] - 9)).all()  # type: ignore[index]
    frames = starts[..., None] + np.arange(9)
    seen = np.take_along_axis(parents_of(data, source._rows[:]), frames[..., None, :], axis=3)
    mixed, share = column[:], data.column("share")[:]
    if method in ("mixup", "none"):
        expected = np.einsum("rp,rpft->rft", share.astype(np.float64), seen)
        np.testing.assert_allclose(mixed, expected, rtol=1e-6)
        return
    of_donor = mixed == (seen[:, 1] if seen.shape[1] > 1 else 0)
    assert (of_donor | (mixed == seen[:, 0])).all()
    if seen.shape[1] > 1:
        np.testing.assert_allclose(of_donor.mean(axis=(1, 2)), share[:, 1], atol=1e-7)
    if method not in ("specmix", "fmix"):
        for place, (top, left, bottom, right) in zip(of_donor, data.column("box")[:].tolist(), strict=True):
            assert place.sum() == place[top:bottom, left:right].size


@pytest.mark.parametrize("method", ["cutmix", "cutout", "erase", "mixup", "fmix", "none"])
def test_frames_of_clips_are_mixed_as_images_are(method: str, tmp_path: Path) -> None:
    """The same decisions on each frame, where a box goes through all of the time."""
    source = clips()
    data = made(source, tmp_path / "out", method)
    assert (data.axes, data.column("clips").shape) == ("thwc", (36, 6, 8, 10, 3))
    frames = np.ascontiguousarray(source._rows[:][:, 2])
    as_images = made(ArraySource("frames", source.keys, source.labels, frames), tmp_path / "images", method)
    np.testing.assert_array_equal(data.column("clips")[:][:, 2], as_images.images(np.arange(36)))
    np.testing.assert_array_equal(data.column("share")[:], as_images.column("share")[:])


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_tokens_are_selected(dtype: str, tmp_path: Path) -> None:
    source = tokens(dtype)
    data = made(source, tmp_path / "out", "cutmix")
    ids, parents, spans = data.column("input_ids")[:], parents_of(data, source._rows[:]), data.column("span")[:]
    assert ids.dtype == np.int32
    inside = (np.arange(12) >= spans[:, :1]) & (np.arange(12) < spans[:, 1:])
    np.testing.assert_array_equal(ids, np.where(inside, parents[:, 1], parents[:, 0]))
    mask = parents_of(data, source.beside["attention_mask"]._rows[:])  # type: ignore[attr-defined]
    np.testing.assert_array_equal(data.column("attention_mask")[:], mask[:, 0], "donors have content where spans lie")
    content = source.content[data.column("source_index")[:][:, 0]]  # type: ignore[index]
    replaced = (spans[:, 1] - spans[:, 0]) / (content[:, 1] - content[:, 0])
    np.testing.assert_allclose(data.column("share")[:][:, 1], replaced, atol=1e-7)


def test_tokens_that_would_be_averaged_are_kept_of_both(tmp_path: Path) -> None:
    source = tokens()
    data = made(source, tmp_path / "out", "mixup,cutmix")
    assert (data.axes, data.column("input_ids").shape) == ("pt", (36, 2, 12))
    mixup = data.column("method")[:] == 0
    parents, parts = parents_of(data, source._rows[:]), data.column("share")[:] > 0
    expected = np.where(parts[..., None], parents, PAD)
    np.testing.assert_array_equal(data.column("input_ids")[:][mixup], expected[mixup])


@pytest.mark.parametrize(
    "source",
    [waves(), waves(PartsOfWaves), spectrograms(), clips(), tokens()],
    ids=lambda each: each.location,
)
def test_workers_and_batches_change_no_byte(source: ArraySource, tmp_path: Path) -> None:
    methods = (MethodChoice("mixup"), MethodChoice("cutmix"), MethodChoice("none"))
    recipe = Recipe(methods=methods, samples_per_shard=5)
    generate(source, recipe, Run(out=tmp_path / "one", passes=3, workers=1))
    for number, how in enumerate(({"workers": 2, "batch_size": 1}, {"batch_size": 4, "device": "cpu-torch"})):
        generate(source, recipe, Run(out=tmp_path / str(number), passes=3, **how))  # type: ignore[arg-type]
        assert digests(tmp_path / str(number)) == digests(tmp_path / "one"), how


@pytest.mark.parametrize(
    ("source", "method"),
    [
        (waves(), "fmix"),
        (waves(), "resizemix"),
        (waves(), "specmix"),
        (spectrograms(), "bc"),
        (spectrograms(), "erase:fill=mean"),
        (spectrograms(), "mosaic"),
        (clips(), "specmix"),
        (clips(), "mosaic"),
        (clips(), "saliencymix"),
        (clips(), "erase:fill=noise"),
        (tokens(), "gridmix"),
    ],
)
def test_methods_of_images_are_refused(source: ArraySource, method: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Use (mixup|none)"):
        made(source, tmp_path / "out", method)


def test_they_are_not_combined() -> None:
    with pytest.raises(DataError, match="cannot be combined"):
        combine([waves(), waves()])
