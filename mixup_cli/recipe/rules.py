"""What a recipe may say: the range of each number, and which fields go together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

from mixup_cli.choices import Pair
from mixup_cli.errors import UsageError
from mixup_cli.image_format import ImageFormat
from mixup_cli.wording import setting

if TYPE_CHECKING:
    from mixup_cli.recipe.recipe import Normalize, Recipe

MAX_SEED = 2**63 - 1
MAX_CROP_PAD = 65535
MAX_SIDE_PX = 65535
MOST_OBJECTS = 100_000
MOST_WEIGHT = 1e6
MOST_MEAN, LEAST_STD = 1e30, 1e-30

WINDOW_PAIRS: tuple[Pair, ...] = ("any", "same-class", "cross-class")
"""The ways of pairing that can keep to windows: others draw donors from all samples."""

Problem: TypeAlias = tuple[str | tuple[str, ...], str]
"""The field, or the fields, that are wrong, and what to say of them."""


def problems(recipe: Recipe) -> Iterator[Problem]:
    """What is wrong with a recipe. Only the first is shown, so later checks may rely on earlier ones."""
    for problems_of in (_in_methods, _in_pairs, _in_views, _in_labels, _in_objects, _in_output):
        yield from problems_of(recipe)


def _in_methods(recipe: Recipe) -> Iterator[Problem]:
    probabilities = [choice.probability for choice in recipe.methods]
    if not recipe.methods:
        yield "methods", "none given. Name at least one, for example mixup."
    if not all(0 < p <= MOST_WEIGHT for p in probabilities):
        found = f"the probabilities are {probabilities}, and each must be above 0, and at most {MOST_WEIGHT:g}."
        yield "methods", f"{found} Give, for example, mixup:0.5,cutmix:0.5."
    if not all(0 <= level <= 255 for level in recipe.fill):
        yield "fill", f"{recipe.fill} is not a colour. Give 0 … 255, or one such number per channel."


def _in_pairs(recipe: Recipe) -> Iterator[Problem]:
    bandwidth, window = recipe.bandwidth, recipe.window
    if not 0 <= recipe.seed <= MAX_SEED:
        yield "seed", f"{recipe.seed} is not in 0 … 2^63-1. Give a whole number in that range."
    if bandwidth is not None and not (recipe.pair == "nearest" and 0 < bandwidth < math.inf):
        yield "bandwidth", f"{bandwidth} goes with {setting('pair', 'nearest')}, and must be above 0."
    if recipe.per_class is not None and recipe.per_class < 1:
        yield "per_class", f"{recipe.per_class} is less than one sample of each class."
    if window is not None and window < 1:
        yield "window", f"{window} is less than one sample."
    if window is not None and not (recipe.pair in WINDOW_PAIRS and recipe.balance == "none"):
        yield "window", f"it goes with {setting('pair', ', '.join(WINDOW_PAIRS))}, and without {setting('balance')}."


def _in_views(recipe: Recipe) -> Iterator[Problem]:
    low, high = recipe.crop_area or (1.0, 1.0)
    if not 0 <= recipe.flip <= 1:
        yield "flip", f"{recipe.flip} is not a probability. Give 0 … 1, usually 0.5."
    if not 0 <= recipe.crop_pad <= MAX_CROP_PAD:
        yield "crop_pad", f"{recipe.crop_pad} is not a number of pixels up to {MAX_CROP_PAD}. Give, for example, 4."
    if not 0 < low <= high <= 1:
        yield "crop_area", f"{low:g},{high:g} is not LOW,HIGH with 0 < LOW <= HIGH <= 1. Give, for example, 0.08,1."
    if recipe.crop_area is not None and recipe.crop_pad:
        yield ("crop_pad", "crop_area"), "both are set. Give one or the other."
    if recipe.cache_size is not None and (recipe.crop_area is None or not _is_size(recipe.cache_size)):
        needed = f"goes with {setting('crop_area')}, and is 1 to {MAX_SIDE_PX} pixels a side. Give, for example, 256."
        yield "cache_size", f"{_width_height(recipe.cache_size)} {needed}"


def _in_labels(recipe: Recipe) -> Iterator[Problem]:
    kappa, tau, smoothing = recipe.remix_kappa, recipe.remix_tau, recipe.label_smoothing
    if (kappa, tau) != (None, None) and recipe.label_rule != "remix":
        yield ("remix_kappa", "remix_tau"), f"they go with {setting('label_rule', 'remix')}."
    if kappa is not None and not 1 <= kappa < math.inf:
        yield "remix_kappa", f"{kappa} is not a ratio of class sizes from 1 up. Give, for example, 3."
    if tau is not None and not 0 <= tau <= 1:
        yield "remix_tau", f"{tau} is not in 0 … 1. Give, for example, 0.5."
    if not 0 <= smoothing < 1:
        yield "label_smoothing", f"{smoothing} is not in 0 … 1, 1 excluded. Give, for example, 0.1."
    if smoothing and recipe.labels == "sparse":
        found = f"it changes soft labels, and {setting('labels', 'sparse')} stores none."
        yield "label_smoothing", f"{found} Pass {setting('labels', 'dense')} or both."


def _in_objects(recipe: Recipe) -> Iterator[Problem]:
    if not 0 <= recipe.min_visible <= 1:
        yield "min_visible", f"{recipe.min_visible} is not a part of an object. Give 0 … 1, for example 0.1."
    if recipe.max_objects is not None and not 1 <= recipe.max_objects <= MOST_OBJECTS:
        yield "max_objects", f"{recipe.max_objects} is not in 1 … {MOST_OBJECTS}. Give, for example, 100."


def _in_output(recipe: Recipe) -> Iterator[Problem]:
    low, high = recipe.value_range or (0.0, 1.0)
    if recipe.size is not None and not _is_size(recipe.size):
        found = f"{_width_height(recipe.size)} is not a size from 1 to {MAX_SIDE_PX}."
        yield "size", f"{found} Give pixels, for example 224 or 224x192."
    if recipe.samples_per_shard is not None and recipe.samples_per_shard < 1:
        yield "samples_per_shard", f"{recipe.samples_per_shard} is less than one sample."
    if not -math.inf < low < high < math.inf:
        yield "value_range", f"{low},{high} is not LOW,HIGH with LOW below HIGH, both finite. Give, for example, 0,1."
    yield from _in_encoding(recipe)
    if recipe.normalize is None:
        return
    if recipe.dtype not in ("float16", "float32"):
        found = f"it makes floats, and {setting('dtype')} is {recipe.dtype or 'not given'}."
        yield "normalize", f"{found} Pass {setting('dtype', 'float32')}."
    if not _is_finite(recipe.normalize):
        values = (recipe.normalize.mean, recipe.normalize.std)
        shown = "/".join(",".join(f"{value:g}" for value in each) for each in values)
        means = f"every mean must be from {-MOST_MEAN:g} to {MOST_MEAN:g}"
        yield (
            "normalize",
            f"in {shown}, {means}, and every deviation at least {LEAST_STD:g}. Give, for example, imagenet.",
        )


def _in_encoding(recipe: Recipe) -> Iterator[Problem]:
    if recipe.encode is None:
        return
    try:
        ImageFormat.parse(recipe.encode)
    except UsageError as problem:
        yield "encode", str(problem)
    if recipe.compression != "none":
        yield (
            ("encode", "compression"),
            "both are set, and encoded images do not become smaller. Give one.",
        )
    if recipe.store == "plan":
        yield ("encode", "store"), "both are set, and a plan holds no images. Give one."
    if recipe.dtype not in (None, "uint8", "source"):
        found = f"it stores images of 8 bits, and {setting('dtype')} is {recipe.dtype}."
        yield "encode", f"{found} Pass {setting('dtype', 'uint8')}, or leave it out."
    if recipe.layout == "nchw":
        found = "it stores images with channels last, which readers give to a framework as it wants them."
        yield "encode", f"{found} Pass {setting('layout', 'nhwc')}, or leave it out."


def _is_finite(normalize: Normalize) -> bool:
    """Whether one can divide by it, and float32 holds what comes out."""
    means_fit = all(abs(mean) <= MOST_MEAN for mean in normalize.mean)
    return means_fit and all(LEAST_STD <= std < math.inf for std in normalize.std)


def _is_size(size: tuple[int, int]) -> bool:
    return 1 <= min(size) <= max(size) <= MAX_SIDE_PX


def _width_height(size: tuple[int, int]) -> str:
    """For a message: of a side of many digits no more than that it has them."""
    return "x".join(f"{min(side, 10**9)}" for side in size[::-1])
