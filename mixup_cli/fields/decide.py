"""The working form: what every sample is brought to before it is mixed, and the form in which it is cached until then,
decided once from a look at the source. The two differ in size where samples are cropped and resized at random."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mixup_cli.choices import PLACED_TASKS, Channels, Dtype
from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.field import COLUMNS
from mixup_cli.fields.form import DEPTHS, Form, SampleDtype
from mixup_cli.fields.scaling import Finish
from mixup_cli.fields.signal import FIRST, INPUT_IDS, MASK, PADDING, Signal, first_name
from mixup_cli.fields.target import Survey, Target
from mixup_cli.methods import METHODS, parent_count
from mixup_cli.recipe import Normalize, Recipe
from mixup_cli.wording import counted, setting

VIEWS = ("flip", "crop_pad", "crop_area")
"""The fields of a recipe that show samples in other ways."""

_NAME = re.compile("[A-Za-z][A-Za-z0-9_]*")

DEFAULT_SIZE, OBJECTS_SIZE = (224, 224), (640, 640)
"""Height and width if images differ in size and the recipe has none: what ImageNet models take, and detectors."""

CHANNELS_OF: dict[tuple[Axes, int], Channels] = {
    ("hwc", 1): "grey",
    ("chw", 1): "grey",
    ("hwc", 3): "rgb",
    ("chw", 3): "rgb",
    ("tc", 1): "mono",
    ("tc", 2): "stereo",
    ("ft", 1): "mono",
}
"""What counts of channels are called, by the axes of samples."""

FITTED = {
    "crop": "resized and centre-cropped",
    "pad": "resized and padded",
    "stretch": "stretched",
    "canvas": "put on a canvas, larger ones resized,",
}

CACHE_SIDE, OUTPUT_SIDE = 256, 224
"""Images that are resized, and cropped at random afterwards, are cached larger than the output by this ratio, as in
ImageNet recipes."""


@dataclass(frozen=True)
class Decided:
    """The recipe with nothing left open, the form that is mixed, the target that is cached, and notices."""

    recipe: Recipe
    form: Form
    target: Target
    notices: tuple[str, ...]


def decide(recipe: Recipe, survey: Survey) -> Decided:
    """Fill in what the recipe leaves to the source. Raises UsageError where the two do not fit."""
    has_objects = recipe.task in PLACED_TASKS
    recipe = recipe.with_(resize=recipe.resize or ("pad" if has_objects else "crop"))
    asked = recipe.dtype or ("uint8" if survey.array_form is None else "source")
    form, notices = _working_form(recipe, survey, asked)
    cached = _cached(recipe, survey, form)
    resolved = _resolved(recipe, form, cached, asked)
    as_they_are = len(survey.sizes) == 1 and recipe.size is None and recipe.cache_size is None
    finish = finish_of(form, resolved)
    watched = None if finish is None or finish.is_safe else finish
    resize = None if as_they_are else recipe.resize
    fill = recipe.fill if has_objects or resize == "canvas" else (0,)
    target = Target(cached, resize, recipe.value_range, _deepest(asked), watched, fill)
    return Decided(resolved, form, target, tuple(notices))


def decide_beside(name: str, natural: Form, recipe: Recipe, first: Target) -> tuple[Signal, Target]:
    """A further signal keeps its form: the recipe's colours and values are those of the first alone.

    `recipe` is the resolved one. Raises UsageError where the two cannot be mixed by the same decisions.
    """
    if not _NAME.fullmatch(name) or name in (FIRST, *COLUMNS):
        remedy = "Name the array with letters, digits and _, and not as other columns are."
        raise UsageError(f"{name!r} cannot be the name of a column. {remedy}", field="data_key")
    size, has_size = "x".join(map(str, first.form.size[::-1])), natural.grid is not None
    for choice in recipe.methods:
        if METHODS[choice.name].needs_picture and not has_size:
            raise UsageError(
                f"it places something in height and width, and {name} has neither (its shape is {natural.shape}). Use "
                f"mixup, or leave {name} out of {setting('data_key')}.",
                field="methods",
                value=choice.name,
            )
    if recipe.has_views and not (has_size and natural.size == first.form.size):
        found = f"signals are flipped and cropped alike; {FIRST} are {size}, {name} has the shape {natural.shape}"
        given = tuple(field for field in VIEWS if getattr(recipe, field))
        raise UsageError(f"{found}. Leave one of the two out.", field=given)
    return Signal(name, natural.dtype, natural.shape, natural.axes), Target(natural)


def decide_map(name: str, dtype: SampleDtype, recipe: Recipe, decided: Decided) -> tuple[Signal, Target]:
    """An index map follows its picture: its size, its place in it, its views. `recipe` is the resolved one."""
    size, target = decided.form.size, decided.target
    signal = Signal(name, dtype, size, "hw", "index")
    if recipe.masks == "both":
        signal = replace(signal, shape=(parent_count(recipe.methods), *size), axes="phw")
    fill = (void_of(recipe, signal) or 0,)
    return signal, Target(Form(target.form.size, dtype, "hw"), target.resize, fill=fill)


def decide_line(name: str, natural: Form, recipe: Recipe) -> tuple[Signal, Target]:
    """An index map along one line keeps its form. `recipe` is the resolved one."""
    dtype = "int32" if name == INPUT_IDS else natural.dtype
    if recipe.masks == "both":
        shape = (parent_count(recipe.methods), *natural.shape)
        return Signal(name, dtype, shape, "pt", "index"), Target(natural)
    return Signal(name, dtype, natural.shape, natural.axes, "index"), Target(natural)


def void_of(recipe: Recipe, signal: Signal) -> int | None:
    """The number in an index map around its picture, or behind its text; None of other signals."""
    if not signal.is_index_map:
        return None
    if signal.name == INPUT_IDS:
        return int(dict(recipe.reading)[PADDING])
    return recipe.ignore_index if signal.name == MASK else 0


def recipe_of(recipe: Recipe, signal: Signal) -> Recipe:
    """What a resolved recipe says of one signal: fill is zeros in all but the first, whose values and light stay."""
    if signal.name == first_name(signal.axes) and not signal.is_index_map:
        return recipe
    return recipe.with_(dtype=signal.dtype, normalize=None, fill=(0,), linear_light=False)


def _working_form(recipe: Recipe, survey: Survey, asked: Dtype) -> tuple[Form, list[str]]:
    """The form that is mixed, and notices of what samples lose in it."""
    form, notices = _picture_form(recipe, survey) if survey.array_form is None else _array_form(recipe, survey)
    _check_sounds(asked, form, recipe)
    deepest, depth = _deepest(asked), _depth(asked, survey, recipe)
    if recipe.value_range is None and deepest != "float32" and (floats := survey.dtypes["float32"]):
        takes = f"{setting('value_range', 'LOW,HIGH')} or {setting('dtype', 'float32')} takes them"
        notices.append(
            f"{counted(floats, 'image')} of floats, or of integers beyond uint16, cannot become {asked} and "
            f"{'counts' if floats == 1 else 'count'} as broken; {takes}"
        )
    if recipe.value_range is None and (deepest, depth) == ("uint8", "uint16"):
        notices += _narrowing(survey)
    return replace(form, dtype=min(depth, deepest, key=DEPTHS.index)), notices


def _resolved(recipe: Recipe, form: Form, cached: Form, asked: Dtype) -> Recipe:
    """The recipe with nothing left open. Raises UsageError where it does not fit the form."""
    resolved = recipe.with_(
        size=form.size if form.has_pictures else None,
        cache_size=cached.size if recipe.crop_area else None,
        channels=CHANNELS_OF.get((form.axes, form.channels)),
        layout={"hwc": "nhwc", "chw": "nchw"}.get(form.axes),
        dtype=form.dtype if asked == "source" else asked,
    )
    _check_channels(resolved, form.channels)
    if recipe.linear_light and form.dtype != "uint8":
        raise UsageError(
            f"it is for 8-bit images, and these samples are {form.dtype}. Leave it out.", field="linear_light"
        )
    return resolved


def _narrowing(survey: Survey) -> list[str]:
    notices = []
    if survey.dtypes["uint16"] > survey.upper_bits:
        keeps = f"{setting('dtype', 'uint16')} keeps them"
        notices.append(f"16-bit values become 8-bit ones by (v * 255 + 32767) // 65535; {keeps}")
    if survey.upper_bits:
        notices.append(
            "of 16-bit colours the upper 8 bits are read, as Pillow gives no more; to keep all 16, store the images "
            "as an array (.npy, .h5)"
        )
    return notices


def finish_of(form: Form, resolved: Recipe) -> Finish | None:
    """How samples of a form become floats; None where the output is integers."""
    if resolved.dtype not in ("float16", "float32"):
        return None
    normalize = resolved.normalize or Normalize((0.0,), (1.0,))
    return Finish(form.dtype, resolved.dtype, normalize.mean, normalize.std)


def _cached(recipe: Recipe, survey: Survey, form: Form) -> Form:
    """The form in which samples wait in the cache. Raises UsageError if samples without axes are to be cropped."""
    if not form.is_picture and recipe.has_views:
        given = tuple(name for name in VIEWS if getattr(recipe, name))
        raise UsageError(f"for images only; these samples have the shape {form.shape}. Leave it out.", field=given)
    if recipe.crop_area is None:
        return form if survey.window is None or survey.array_form is None else form.lasting(survey.array_form.time)
    return form.sized(recipe.cache_size or _room_to_crop(recipe, survey, form.size))


def _room_to_crop(recipe: Recipe, survey: Survey, output: tuple[int, int]) -> tuple[int, int]:
    """Height and width to crop from: the samples' own if they share one and are arrays or the recipe has no size; else
    that of the output, enlarged."""
    if len(survey.sizes) == 1 and (recipe.size is None or survey.array_form is not None):
        return next(iter(survey.sizes))
    height, width = (max(1, round(side * CACHE_SIDE / OUTPUT_SIDE)) for side in output)
    return height, width


def _picture_form(recipe: Recipe, survey: Survey) -> tuple[Form, list[str]]:
    """Images: the size they share or 224 × 224, in colour unless the recipe wants grey."""
    notices = []
    usual = OBJECTS_SIZE if recipe.task in PLACED_TASKS else DEFAULT_SIZE
    size = recipe.size or (next(iter(survey.sizes)) if len(survey.sizes) == 1 else usual)
    if recipe.size is None and len(survey.sizes) > 1:
        smallest, largest = min(survey.sizes), max(survey.sizes)
        how = FITTED[recipe.resize or "crop"]
        notices.append(
            f"the images differ in size (from {smallest[1]}x{smallest[0]} to {largest[1]}x{largest[0]}): "
            f"{how} to {size[1]}x{size[0]}; {setting('size', 'WIDTHxHEIGHT')} and {setting('resize')} choose otherwise"
        )
    channels = 3 if recipe.channels is None else _count(recipe, "hwc")
    return _oriented((*size, channels), "uint8", recipe.layout or "nhwc"), notices


def _array_form(recipe: Recipe, survey: Survey) -> tuple[Form, list[str]]:
    """Arrays keep their shape, unless the recipe has a size, channels or a layout, or rows show a part in time."""
    natural = survey.array_form
    if natural is None:
        raise ValueError("the survey found pictures")
    if survey.window is not None:
        natural = natural.lasting(survey.window)
    if natural.axes in ("tc", "ft") and recipe.channels is not None:
        channels = _count(recipe, natural.axes)
        natural = replace(natural, shape=(natural.length, channels)) if natural.axes == "tc" else natural
        recipe = recipe.with_(channels=None)
    if not natural.is_picture:
        of_pictures = ("channels", "layout") if natural.has_pictures else ("size", "channels", "layout")
        if given := tuple(name for name in of_pictures if getattr(recipe, name)):
            raise UsageError(
                f"for images only; these samples have the shape {natural.shape}. Leave it out.", field=given
            )
        return natural.sized(recipe.size or natural.size) if natural.has_pictures else natural, []
    size = recipe.size or natural.size
    if natural.axes == "hw" and recipe.channels is None and recipe.layout is None:
        return natural.sized(size), []
    channels = natural.channels if recipe.channels is None else _count(recipe, natural.axes)
    layout = recipe.layout or ("nchw" if natural.axes == "chw" else "nhwc")
    return _oriented((*size, channels), natural.dtype, layout), []


def _count(recipe: Recipe, axes: Axes) -> int:
    """How many channels the recipe wants of samples with these axes. Raises UsageError for a word of others."""
    words = {word: count for (of, count), word in CHANNELS_OF.items() if of == ("hwc" if axes == "hw" else axes)}
    if recipe.channels not in words:
        found = f"these samples take {' and '.join(words)}"
        found += ", the mean of all channels. Leave it out." if axes == "ft" else ". Leave it out."
        raise UsageError(found, field="channels", value=recipe.channels)
    return words[recipe.channels]


def _oriented(shape: tuple[int, int, int], dtype: SampleDtype, layout: str) -> Form:
    height, width, channels = shape
    return Form((channels, height, width), dtype, "chw") if layout == "nchw" else Form(shape, dtype, "hwc")


def _deepest(asked: Dtype) -> SampleDtype:
    """The deepest working dtype that the output can use: an integer output no deeper than itself, others any."""
    return asked if asked in ("uint8", "uint16") else "float32"


def _depth(asked: Dtype, survey: Survey, recipe: Recipe) -> SampleDtype:
    """The deepest dtype among the samples.

    Floats that cannot become the wanted integers do not count: the scan reports each as broken. Raises UsageError if
    all samples are such floats.
    """
    dtypes = set(survey.dtypes)
    if asked in ("uint8", "uint16") and recipe.value_range is None and "float32" in dtypes:
        dtypes.remove("float32")
        if not dtypes:
            remedy = f"Pass {setting('dtype', 'float32')}, or {setting('value_range', 'LOW,HIGH')}."
            found = "the samples are floats, or integers that uint16 does not hold."
            raise UsageError(found, remedy, field="dtype", value=asked)
    return max(dtypes, key=DEPTHS.index, default="uint8")


def _check_sounds(asked: Dtype, form: Form, recipe: Recipe) -> None:
    """Waves are floats around zero, or whole numbers with a sign: what has none makes no sense for them, nor their own
    dtype for others. Sounds have silence for fill."""
    if asked == "int16" and form.axes != "tc":
        raise UsageError("it is for waves. Leave it out.", field="dtype", value=asked)
    if form.axes == "tc" and asked in ("uint8", "uint16"):
        remedy = f"Pass {setting('dtype', 'int16')}, or leave it out."
        raise UsageError("waves have a sign, and it has none.", remedy, field="dtype", value=asked)
    if form.axes in ("tc", "ft") and recipe.fill != Recipe.fill:
        raise UsageError("it is for images; sounds are silent where nothing is. Leave it out.", field="fill")


def _check_channels(recipe: Recipe, channels: int) -> None:
    """Per-channel options must have one value, or one for each channel."""
    options: list[tuple[str, str, tuple[float, ...]]] = [("fill", "value", recipe.fill)]
    if recipe.normalize is not None:
        options.append(("normalize", "mean", recipe.normalize.mean))
        options.append(("normalize", "standard deviation", recipe.normalize.std))
    for field, what, values in options:
        if len(values) not in (1, channels):
            found = f"{counted(len(values), what)}, and the channels are {channels}."
            raise UsageError(found, f"Give 1 or {channels}.", field=field)
