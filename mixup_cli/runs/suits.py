"""Whether a recipe suits what a source holds, asked before any sample is read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mixup_cli.choices import TIMED_TASKS
from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import plane_of
from mixup_cli.fields.encoding import is_built_in, problem_of
from mixup_cli.fields.fit import INNER_SIZES
from mixup_cli.fields.signal import FIRST, FIRST_OF_AXES, INSTANCES, MASK, Signal
from mixup_cli.fields.target import Target
from mixup_cli.image_format import ImageFormat
from mixup_cli.methods import METHODS, Method, build
from mixup_cli.methods.mosaic import Mosaic
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.sources.reading.base import Source
from mixup_cli.wording import setting

OF_OBJECTS = ("object_weights", "min_visible", "max_objects")
"""The fields of a recipe that say what is stored of objects …"""

OF_MAPS = ("masks",)
"""… and of index maps."""

ON_A_LINE = frozenset(name for axes, name in FIRST_OF_AXES.items() if not plane_of(axes))
"""The columns of samples in which a box has no place."""


def check_fields(recipe: Recipe, source: Source) -> None:
    """Raises UsageError for fields of a recipe that are of something which the source has not."""
    if source.objects is not None:
        if recipe.store == "plan":
            raise UsageError("samples with objects are stored as rows. Leave it out.", field="store", value="plan")
    elif given := _given(recipe, OF_OBJECTS):
        raise UsageError(f"the source {source.location} has no objects. Leave it out.", field=given)
    if not voids_of(source) and (given := _given(recipe, OF_MAPS)):
        raise UsageError(f"the source {source.location} has no masks. Leave it out.", field=given)


def voids_of(source: Source) -> dict[str, int]:
    """The index maps beside images by their names, and the number in each that stands for nothing."""
    return {name: other.void for name, other in source.beside.items() if other.void is not None}


def check_methods(methods: Sequence[MethodChoice], source: Source) -> None:
    """Raises UsageError for one of the resolved methods that makes no sense for what the source holds."""
    maps = voids_of(source)
    for choice in methods:
        if not _goes_with(method := build(choice), source):
            able = [name for name, each in METHODS.items() if each.has_map(maps) and _goes_with(each(), source)]
            found = f"it does not go with {_samples_of(source)}. Use {', '.join(able)}"
            if method.only == "caption" and source.task not in TIMED_TASKS:
                both = f"{setting('task', 'caption')} and {setting('tokenizer', 'tokenizer.json')}"
                found = f"it joins captions, and these are not read. Pass {both}; or use {', '.join(able)}"
            if {method.only, source.column} == {"spectrograms", "waves"}:
                is_wave = source.column == "waves"
                found += (
                    f"; or {'pass' if is_wave else 'leave out'} {setting('features', 'logmel:80' * is_wave or None)}"
                )
            raise UsageError(f"{found}.", field="methods", value=choice.name)
    _check_maps(methods, maps, source.location)


def _samples_of(source: Source) -> str:
    """What messages call the samples of a source."""
    named = {"audio": source.column, "video": "videos", "text": "texts", "caption": "images with captions"}
    form = source.survey(1).array_form
    return named.get(source.task, FIRST if form is None or form.has_pictures else "arrays")


def _goes_with(method: Method, source: Source) -> bool:
    is_of_images = method.rearranges or method.needs_peaks or bool(method.needs_map)
    if source.column in ON_A_LINE and method.needs_picture and not method.has_span:
        return False
    return method.only in ("", source.column, source.task) and not (is_of_images and source.task in TIMED_TASKS)


def _check_maps(methods: Sequence[MethodChoice], maps: Collection[str], where: str) -> None:
    """Raises UsageError for one of the resolved methods whose index map the source has not."""
    for choice in methods:
        needed = METHODS[choice.name].needs_map
        if not METHODS[choice.name].has_map(maps):
            able = [name for name, method in METHODS.items() if method.needs_map in maps] or ["cutmix"]
            found = f"it pastes what {needed} shows, and {where} is read without. Use {able[0]}"
            how = setting("labels_from", "annotations.json") if maps else setting("task", "segment")
            outlines = f", or read outlines with {how}" if needed == INSTANCES else ""
            raise UsageError(f"{found}{outlines}.", field="methods", value=choice.name)


def check_stored_plan(recipe: Recipe, target: Target) -> None:
    """Raises UsageError where readers, which see no headers, would have to know where pictures lie in their padding."""
    is_padded = recipe.store == "plan" and MASK in recipe.index_maps and target.resize in INNER_SIZES
    if is_padded and any(choice.name == Mosaic.name for choice in recipe.methods):
        found = "a mosaic of padded pictures needs to know where these lie, and a stored plan does not hold that."
        raise UsageError(found, f"Leave it out, or pass {setting('resize', 'crop')}.", field="store", value="plan")


def check_encode(resolved: Recipe, signals: Sequence[Signal]) -> None:
    """Raises UsageError unless the samples are pictures that the encoding holds."""
    if resolved.encode is None:
        return
    first, *others = signals
    remedy = "Leave it out."
    if not is_built_in(image_format := ImageFormat.parse(resolved.encode)):
        found, remedy = f"this Pillow was built without {image_format.kind}.", "Pass png, or leave it out."
    elif others:
        found = f"it stores images alone, and {others[0].name} stands beside them."
    elif not first.is_picture:
        found = f"it stores images, and these samples have the shape {first.shape}."
    elif problem := problem_of(first.shape, image_format):
        found, remedy = f"the output {problem}.", "Pass png, or leave it out."
    else:
        return
    raise UsageError(found, remedy, field="encode", value=resolved.encode)


def _given(recipe: Recipe, names: Sequence[str]) -> tuple[str, ...]:
    """Which fields of a recipe are not as they are by default."""
    return tuple(name for name in names if getattr(recipe, name) != getattr(Recipe, name))
