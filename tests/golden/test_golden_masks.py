"""What every method decides for one seed, and the weights that follow. Format 1 promises it for ever, as the values of
`test_golden_plan.py`.

FMix, SmoothMix and the saliency of SaliencyMix go through a Fourier transform, exp or cos, whose last bits may differ
elsewhere (docs/format.md: promise A only). Of these there is only what cannot: counts, seeds and places. Erased boxes
and resized views go through exp and log too, but to whole pixels, which none of these comes near the middle between.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.draws.rng import Draws, Stream, mask_words, words
from mixup_cli.methods import Grid, Known, Method
from mixup_cli.plan.views import ViewRules
from mixup_cli.recipe import Recipe
from tests.unit.methods.making import mask_of, method_of

GRID = Grid(24, 32)
SEED = 7
ROWS = 50


def digest(*arrays: NDArray[np.integer] | None) -> str:
    """Of the values, as little-endian 64-bit integers."""
    hashed = hashlib.sha256()
    for array in arrays:
        if array is not None:
            hashed.update(np.ascontiguousarray(array, "<u8" if array.dtype == np.uint64 else "<i8").tobytes())
    return hashed.hexdigest()[:16]


def decided(method: Method) -> tuple[str, str]:
    """Digests of decisions and of weights."""
    rows = np.arange(ROWS)
    peaks = np.stack([rows * 5 % GRID.height, rows * 7 % GRID.width], axis=1).astype(np.int32)
    decisions = method.decide(Draws.of_rows(SEED, 0, ROWS), GRID, Known(peaks))
    weights = method.weights(decisions, GRID)
    return (
        digest(decisions.parts, decisions.box, decisions.mask_seed),
        digest(weights.parts, weights.box, weights.inside, mask_of(weights) if method.has_mask else None),
    )


def test_words_of_the_later_streams() -> None:
    assert words(0, Stream.MORE, 0, 2).tolist() == [0x6DDD30B2E7A29A82, 0xA4F65AB2DDB46C74]
    assert words(2**63 - 1, Stream.VIEW, 24 * 10**12, 2, lane=3).tolist() == [0xE6CBFDF724CD9441, 0x4CC20F2832A150C5]
    assert mask_words(np.array([2**64 - 1], np.uint64), 2).tolist() == [[0x2FAD0BD4F198AA4C, 0x7E04CA617D34895D]]


@pytest.mark.parametrize(
    ("name", "options", "decisions", "weights"),
    [
        ("mixup", {}, "3c19302f58edfd37", "3ac85e63cc8084ff"),
        ("mixup", {"base": 1.0}, "04dbd7068025f74a", "23df452fb3956d14"),
        ("cutmix", {}, "03ca9bf8b5af571a", "a7a9a60c365ab8c3"),
        ("cutmix", {"box": "inside"}, "3ff3e35f6fac8bf9", "81eb56bf99034bd9"),
        ("cutmix", {"box": "minmax"}, "aead03f1a8c4d157", "5e43ccda1d93598f"),
        ("cutout", {}, "e1f2ff4b094bb3a1", "e1f2ff4b094bb3a1"),
        ("erase", {}, "287b41afdf9e373d", "287b41afdf9e373d"),
        ("erase", {"fill": "mean"}, "287b41afdf9e373d", "7e2c8a79c9befe62"),
        ("erase", {"fill": "noise"}, "d63f2b3a4f470c49", "7e2c8a79c9befe62"),
        ("resizemix", {}, "5b57090d5245f720", "f1973f5f1eeed48d"),
        ("gridmix", {}, "9fb965d46c1e14f4", "c9e85b65dc40f330"),
        ("saliencymix", {}, "15a4d7c31ba676fa", "a88e8d9396799bdc"),
        ("mosaic", {}, "a8423144ea5e9d24", "c9238b9e0fa211b7"),
        ("dirichlet", {}, "613497f3d312eb8d", "69c830061d76b3c5"),
        ("dirichlet", {"k": 12.0, "alpha": 1.0}, "cf0b44fc43940d59", "45bbf3532605b9a7"),
        ("zetamix", {}, "5654722eab36faca", "105f989221de883c"),
        ("jigsaw", {}, "9fb965d46c1e14f4", "215ff1dd391446af"),
        ("jigsaw", {"n": 5.0}, "9fb965d46c1e14f4", "edd0ae887f37ad74"),
        ("specmix", {}, "c8b41a73c4200fbc", "a80833093ea54b1d"),
        ("specmix", {"bands": 2.0, "gamma": 0.5}, "c8b41a73c4200fbc", "c1506558c3ef9d8a"),
        ("none", {}, "a63c54fb3d4ec79d", "7e2c8a79c9befe62"),
    ],
)
def test_decisions_and_weights(name: str, options: dict[str, float | str], decisions: str, weights: str) -> None:
    assert decided(method_of(name, **options)) == (decisions, weights)


def test_fmix_counts_and_seeds() -> None:
    method = method_of("fmix")
    decisions = method.decide(Draws.of_rows(SEED, 0, 6), GRID)
    mask = mask_of(method.weights(decisions, GRID))
    assert (mask[:, 0] > 0).sum(axis=(1, 2)).tolist() == [307, 635, 510, 395, 159, 3]
    assert digest(decisions.parts, decisions.mask_seed) == "d90d79feb5bd32b9"


def test_smoothmix_centres_and_seeds() -> None:
    method = method_of("smoothmix")
    decisions = method.decide(Draws.of_rows(SEED, 0, 6), GRID)
    mask = mask_of(method.weights(decisions, GRID))
    centres = [divmod(int(donor.argmax()), GRID.width) for donor in mask[:, 1]]
    assert centres == [(8, 10), (6, 20), (19, 22), (13, 28), (22, 15), (20, 20)]
    assert digest(decisions.mask_seed) == "9078ae56b5e57b64"


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (Recipe(flip=0.5), "8fe9d29f8d7ae63f"),
        (Recipe(flip=0.5, crop_pad=4), "9fa3bd416b8583c3"),
        (Recipe(flip=0.5, crop_area=(0.08, 1.0)), "f71d5713adbbb935"),
    ],
)
def test_views(recipe: Recipe, expected: str) -> None:
    rules = ViewRules.of(recipe, Grid(24, 32), Grid(24, 32))
    assert rules is not None
    assert digest(rules.decide(SEED, 10**6, 10**6 + ROWS, 4)) == expected


def test_some_views() -> None:
    rules = ViewRules.of(Recipe(flip=0.5, crop_area=(0.08, 1.0)), Grid(256, 320), Grid(224, 224))
    assert rules is not None
    assert rules.decide(SEED, 0, 2, 2).tolist() == [
        [[50, 55, 245, 213, 1], [42, 12, 188, 197, 1]],
        [[109, 117, 234, 235, 1], [17, 57, 229, 233, 1]],
    ]
