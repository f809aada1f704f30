"""torchvision 0.29.1: RandomErasing, RandomHorizontalFlip and RandomCrop pixel by pixel, and the laws of the boxes of
RandomResizedCrop and RandomErasing (golden/torchvision_transforms.npz)."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.draws.rng import Draws
from mixup_cli.fields.form import Form
from mixup_cli.kernels.resample import resample
from mixup_cli.methods import Grid
from mixup_cli.methods.base import pure
from mixup_cli.methods.decisions import decided
from mixup_cli.methods.erase import Erase
from mixup_cli.methods.mixup import Mixup
from mixup_cli.mixing.stage import Stage
from mixup_cli.plan.views import ViewRules
from mixup_cli.recipe import Recipe
from tests.oracles.recorded import SIZE_NUMBERS, blended, recorded

DISTRIBUTION = recorded("torchvision_transforms", "distribution/")
DRAW_COUNT = 20_000


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_erasing_gives_the_same_pictures(number: int) -> None:
    golden = recorded("torchvision_transforms", f"{number}/erasing/")
    grid = Grid(*golden["image"].shape[1:])
    for box, fill, erased in zip(golden["box"], golden["fill"], golden["erased"], strict=True):
        weights = Erase().weights(decided(pure(1, 0, 1), box[None].astype(np.int32)), grid)
        ours = blended(golden["image"][None], np.array([[0]]), weights, fill[:, None])
        assert (ours[0] == erased).all()


def shown(images: NDArray[np.uint8], views: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Pictures (n, C, H, W), each through one view, by the stage."""
    form = Form(images.shape[1:], "uint8", "chw")
    stage = Stage(form, form, np.zeros((images.shape[1], 1), np.uint8), linear_light=False, resample=resample)
    parents, nothing = np.arange(len(images))[:, None], decided(pure(len(images), 0, 1))
    seen: NDArray[np.uint8] = stage.set(images, parents, views[:, None].astype(np.int32), Mixup(), nothing)[0]
    return seen


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_flips_and_padded_crops_give_the_same_pictures(number: int) -> None:
    golden = recorded("torchvision_transforms", f"{number}/geometry/")
    images = golden["images"]
    height, width = images.shape[2:]
    whole = np.tile([0, 0, height, width, 1], (len(images), 1))
    assert (shown(images, whole) == golden["flipped"]).all()
    corner = golden["draws"][:, :, 2] - 4  # of the picture with four pixels around it
    crops = whole * [1, 1, 1, 1, 0] + np.concatenate([corner, corner, np.zeros_like(corner[:, :1])], axis=1)
    assert (shown(images, crops) == golden["cropped"]).all()


def test_padded_crops_are_drawn_from_the_same_places() -> None:
    for number in SIZE_NUMBERS:
        draws = recorded("torchvision_transforms", f"{number}/geometry/")["draws"]
        assert (draws[:, :, :2] == [0, 9]).all()
    rules = ViewRules.of(Recipe(crop_pad=4), Grid(5, 7), Grid(5, 7))
    assert rules is not None
    views = rules.decide(1, 0, 2000, 1)[:, 0]
    assert [sorted(set(corner.tolist())) for corner in views.T[:2]] == [list(range(-4, 5))] * 2


def distance(ours: NDArray[np.float64], quantiles: NDArray[np.float64]) -> float:
    """The largest difference between our distribution and one of which the quantiles are known; both have steps."""
    ours, levels = np.sort(ours), DISTRIBUTION["quantiles"]
    below = np.searchsorted(ours, quantiles - 1e-9, "left") / len(ours)
    up_to = np.searchsorted(ours, quantiles + 1e-9, "right") / len(ours)
    return float(max((levels - up_to)[:-1].max(), (below - levels)[1:].max()))


def check_law(boxes: NDArray[np.int64], prefix: str, grid: Grid) -> None:
    """Boxes (m, 4) follow the law of those recorded: two samples of 20,000 are 0.02 apart once in a thousand times."""
    top, left, bottom, right = boxes.astype(np.float64).T
    height, width = bottom - top, right - left
    tall, wide = height == grid.height, width == grid.width
    of = {
        "area": height * width / grid.position_count,
        "log_aspect": np.log(width / height),
        "top": top[~tall] / (grid.height - height)[~tall],
        "left": left[~wide] / (grid.width - width)[~wide],
    }
    for name, values in of.items():
        assert distance(values, DISTRIBUTION[f"{prefix}{name}_quantiles"]) < 0.02
    full = [tall.mean(), wide.mean(), (tall & wide).mean()]
    np.testing.assert_allclose(full, DISTRIBUTION[f"{prefix}full"], rtol=0, atol=0.015)


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_random_resized_crops_follow_the_same_law(number: int) -> None:
    grid = Grid(*DISTRIBUTION["sizes"][number].tolist())
    rules = ViewRules.of(Recipe(crop_area=(0.08, 1.0)), grid, Grid(32, 32))
    assert rules is not None
    views = rules.decide(7, 0, DRAW_COUNT, 1)[:, 0, :4].astype(np.int64)
    check_law(views, f"{number}/crop/", grid)


def test_random_resized_crops_are_in_vain_as_often() -> None:
    """40 × 100: then the largest centred part is taken, 40 × 53."""
    grid = Grid(40, 100)
    rules = ViewRules.of(Recipe(crop_area=(0.08, 1.0)), grid, Grid(32, 32))
    assert rules is not None
    centred = (rules.decide(7, 0, DRAW_COUNT, 1)[:, 0, :4] == [0, 23, 40, 76]).all(axis=1).mean()
    assert centred == pytest.approx(DISTRIBUTION["2/crop/fallback"], abs=0.004)


@pytest.mark.parametrize("number", SIZE_NUMBERS)
def test_erased_boxes_follow_the_same_law(number: int) -> None:
    grid = Grid(*DISTRIBUTION["sizes"][number].tolist())
    boxes = Erase().decide(Draws.of_rows(7, 0, DRAW_COUNT), grid).box.astype(np.int64)
    none = (boxes == 0).all(axis=1)  # which torchvision says by a box as large as the picture
    boxes[none, 2:] = grid.height, grid.width
    check_law(boxes, f"{number}/erasing/", grid)
