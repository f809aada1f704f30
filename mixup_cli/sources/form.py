"""The working form: what every sample is brought to before it is cached, decided once from a look at the source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

from mixup_cli.errors import UsageError
from mixup_cli.recipe import Recipe
from mixup_cli.sources.base import Form, SampleDtype, Survey, Target

DEFAULT_SIZE = (224, 224)
"""Height and width where pictures differ in size and none was asked for: what ImageNet models take."""

DEPTHS: tuple[SampleDtype, ...] = ("uint8", "uint16", "float32")
"""From the shallowest to the deepest: a form holds whatever is not deeper than itself."""


@dataclass(frozen=True)
class Decided:
    """The recipe with nothing left open, the target it means, and what the user should be told."""

    recipe: Recipe
    target: Target
    notices: tuple[str, ...]


def decide(recipe: Recipe, survey: Survey) -> Decided:
    """Fill in what the recipe leaves to the source. Raises UsageError where the two do not fit."""
    form, notices = (
        _picture_form(recipe, survey) if survey.array_form is None else _array_form(recipe, survey.array_form)
    )
    dtype = _output_dtype(recipe, form, is_array=survey.array_form is not None)
    depth = form.dtype
    form = replace(form, dtype=_working_dtype(dtype, depth))
    if dtype == "uint8" and depth == "uint16":
        notices.append("16-bit values become 8-bit ones by (v * 255 + 32767) // 65535; --dtype uint16 keeps them")
    if dtype == "uint8" and depth == "float32" and recipe.value_range is None:
        raise UsageError("--dtype uint8: the samples are floats. Pass --dtype float32, or say --value-range LOW,HIGH.")
    height, width, channels = form.extent
    same_size = len(survey.sizes) == 1 and recipe.size is None
    resolved = recipe.with_(
        size=(height, width) if form.axes else None,
        channels={1: "grey", 3: "rgb"}.get(channels) if form.axes else None,
        layout={"hwc": "nhwc", "chw": "nchw"}.get(form.axes),
        dtype=dtype,
    )
    _check_channels(resolved, channels if form.axes else 1)
    return Decided(resolved, Target(form, None if same_size else recipe.resize, recipe.value_range), tuple(notices))


def _picture_form(recipe: Recipe, survey: Survey) -> tuple[Form, list[str]]:
    """Pictures: the size they share or 224 × 224, colour unless grey is asked for."""
    notices = []
    size = recipe.size or (next(iter(survey.sizes)) if len(survey.sizes) == 1 else DEFAULT_SIZE)
    if recipe.size is None and len(survey.sizes) > 1:
        smallest, largest = min(survey.sizes), max(survey.sizes)
        how = {"crop": "resized and centre-cropped", "pad": "resized and padded", "stretch": "stretched"}[recipe.resize]
        notices.append(
            f"the pictures differ in size (from {smallest[1]}x{smallest[0]} to {largest[1]}x{largest[0]}): "
            f"{how} to {size[1]}x{size[0]}; --size WIDTHxHEIGHT and --resize choose otherwise"
        )
    channels = 1 if recipe.channels == "grey" else 3
    depth: SampleDtype = max(survey.dtypes, key=DEPTHS.index, default="uint8")
    return _oriented((*size, channels), depth, recipe.layout or "nhwc"), notices


def _array_form(recipe: Recipe, natural: Form) -> tuple[Form, list[str]]:
    """Arrays keep their shape, unless a size, channels or a layout is asked for."""
    if not natural.axes:
        if recipe.size or recipe.channels or recipe.layout:
            raise UsageError(
                f"--size, --channels and --layout are for pictures; these samples have the shape {natural.shape}."
            )
        return natural, []
    height, width, channels = natural.extent
    if recipe.channels:
        channels = 1 if recipe.channels == "grey" else 3
    size = recipe.size or (height, width)
    if natural.axes == "hw" and recipe.channels is None and recipe.layout is None:
        return replace(natural, shape=size), []
    layout = recipe.layout or ("nchw" if natural.axes == "chw" else "nhwc")
    return _oriented((*size, channels), natural.dtype, layout), []


def _oriented(shape: tuple[int, int, int], dtype: SampleDtype, layout: str) -> Form:
    height, width, channels = shape
    return Form((channels, height, width), dtype, "chw") if layout == "nchw" else Form(shape, dtype, "hwc")


OutputDtype = Literal["uint8", "uint16", "float16", "float32"]


def _output_dtype(recipe: Recipe, form: Form, is_array: bool) -> OutputDtype:
    """What `--dtype` means: pictures become uint8 unless told otherwise, arrays stay as they are."""
    asked = recipe.dtype or ("source" if is_array else "uint8")
    return form.dtype if asked == "source" else asked


def _working_dtype(output: OutputDtype, depth: SampleDtype) -> SampleDtype:
    """The samples' own depth, but never deeper than an integer output."""
    if output in ("uint8", "uint16"):
        return min(cast("SampleDtype", output), depth, key=DEPTHS.index)
    return depth


def _check_channels(recipe: Recipe, channels: int) -> None:
    """Per-channel options must have one value, or one for each channel."""
    options: dict[str, tuple[float, ...]] = {"--fill": recipe.fill}
    if recipe.normalize is not None:
        options |= {"--normalize": recipe.normalize.mean, "--normalize (std)": recipe.normalize.std}
    for option, values in options.items():
        if len(values) not in (1, channels):
            raise UsageError(f"{option}: {len(values)} values, and the channels are {channels}. Give 1 or {channels}.")
