"""The job: a recipe resolved on one source, before any sample is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from mixup_cli.choices import TIMED_TASKS, LabelKind, Task
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.fields.axes import plane_of
from mixup_cli.fields.decide import Decided, decide, decide_beside, decide_line, decide_map
from mixup_cli.fields.encoding import is_built_in, problem_of
from mixup_cli.fields.fit import INNER_SIZES
from mixup_cli.fields.form import Form
from mixup_cli.fields.label_rules import mixed_kind, with_label_rule
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import FIRST, FIRST_OF_AXES, INSTANCES, MASK, Signal, first_name
from mixup_cli.fields.target import Survey, Target, sample_bytes
from mixup_cli.image_format import ImageFormat
from mixup_cli.methods import (
    METHODS,
    Method,
    build,
    for_balanced_pairing,
    for_objects,
    parent_count,
    resolve,
    same_rows,
)
from mixup_cli.methods.effect import check_effect
from mixup_cli.methods.mosaic import Mosaic
from mixup_cli.mixing.columns import columns_of, planned_columns
from mixup_cli.mixing.surface import check_fill
from mixup_cli.pairing import DEFAULT_BANDWIDTH
from mixup_cli.recipe import FORMAT_VERSION, MethodChoice, Recipe
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.shard import ShardSpec
from mixup_cli.wording import setting

SURVEY_SAMPLES = 64
"""Headers looked at before the scan. If a later sample does not fit, the scan starts over with what it found."""

OF_OBJECTS = ("object_weights", "min_visible", "max_objects")
"""The fields of a recipe that say what is stored of objects …"""

OF_MAPS = ("masks",)
"""… and of index maps."""

ON_A_LINE = frozenset(name for axes, name in FIRST_OF_AXES.items() if not plane_of(axes))
"""The columns of samples in which a box has no place."""

ZSTD_NOTICE = "zstd: readers need its HDF5 filter (in Python: import hdf5plugin); gzip is readable everywhere"

LOSSY_NOTICE = "{}: stored images differ from those that were mixed; png loses nothing"

SHARD_BYTES = 64 << 20
"""The default size of a shard."""


@dataclass(frozen=True)
class Job:
    """What a run will do: a recipe resolved on a source, the signals as they are stored, the target in which each is
    cached before (none of captions, which come last), and what the user should know. `columns` are what readers give:
    what shards hold, unless they hold the plan. `form` and `target` are those of the first signal."""

    recipe: Recipe
    signals: tuple[Signal, ...]
    targets: tuple[Target, ...]
    spec: ShardSpec
    columns: tuple[Column, ...]
    class_names: tuple[str, ...]
    label_kind: LabelKind
    notices: tuple[str, ...]

    @property
    def form(self) -> Form:
        """The form in which the first signal is mixed."""
        return self.signals[0].mixed(self.targets[0])

    @property
    def samples_per_shard(self) -> int:
        """How many rows all shards but the last one have."""
        return self.recipe.samples_per_shard or 1

    @property
    def mixed_signals(self) -> tuple[Signal, ...]:
        """The signals that a run mixes: none, where readers do."""
        return self.signals if self.recipe.store == "rows" else ()

    @property
    def target(self) -> Target:
        return self.targets[0]

    @property
    def sample_bytes(self) -> int:
        """What one sample takes in a cache."""
        return sample_bytes(self.targets)

    @property
    def labels(self) -> tuple[LabelKind, tuple[str, ...]]:
        """What the numbers of labels mean: their kind, and the names of the classes."""
        return self.label_kind, self.class_names


@dataclass(frozen=True)
class Asked:
    """A recipe on a source: one that a user asks for, or (`is_recorded`) one that a data set records, which is taken as
    it is. `shard_bytes` is the size of shards, unless the recipe says how many samples they hold."""

    source: Source
    recipe: Recipe
    shard_bytes: int | None = None
    is_recorded: bool = False

    def survey(self) -> Survey:
        """A look at some headers; at all of them where an option may change no sample."""
        needs_all = self.recipe.value_range is not None and not self.is_recorded
        return self.source.survey(None if needs_all else SURVEY_SAMPLES)

    def job(self, survey: Survey) -> Job:
        """The job, as far as the survey knows the source. Raises NoInputError for an empty source, UsageError if the
        recipe does not fit it, or asks for an option that would change no sample."""
        job = _resolved(self, survey)
        if self.is_recorded:
            return job
        check_effect(job.recipe)
        for problem in _without_effect(self.recipe, job, survey):
            raise problem
        return job

    def following(self, stored: Recipe | None) -> Self:
        """The same, with open fields of the recipe taken from the recipe of a stored data set, if any; methods, too, if
        they make the same rows."""
        if stored is None:
            return self
        recipe = self.recipe
        methods = _with_pairing(_with_methods(recipe, self.source)).methods
        if same_rows(stored.methods, methods, recipe.plan is not None):
            recipe = recipe.with_(methods=stored.methods)
        names = ["size", "cache_size", "resize", "channels", "dtype", "layout"]
        names += ["samples_per_shard"] if self.shard_bytes is None else []
        left_open = {name: getattr(stored, name) for name in names if getattr(recipe, name) in (None, "source")}
        return replace(self, recipe=recipe.with_(**left_open))


def _without_effect(recipe: Recipe, job: Job, survey: Survey) -> Iterator[UsageError]:
    yield from _of_values(recipe, job.signals[0], survey)
    is_resized = job.form.is_picture and job.target.resize is not None
    if survey.array_form is not None and not is_resized and recipe.resize not in (None, "crop"):
        found = "clips are resized and centre-cropped." if job.form.has_pictures and not job.form.is_picture else ""
        yield UsageError(
            f"{found or 'these samples keep their size.'} Leave it out.", field="resize", value=recipe.resize
        )
    if recipe.value_range is not None and job.form.dtype == "float32":
        found = "it turns values into integers, and these samples stay floats."
        yield UsageError(f"{found} Pass {setting('dtype', 'uint8')} or uint16, or leave it out.", field="value_range")
    if recipe.value_range is not None and set(survey.dtypes) == {"uint8"}:
        yield UsageError(
            "these samples have 8 bits, and such values stay as they are. Leave it out.", field="value_range"
        )


def _of_values(recipe: Recipe, first: Signal, survey: Survey) -> Iterator[UsageError]:
    """What a recipe says of values, where samples are numbers that name something."""
    dtype = None if survey.array_form is None else survey.array_form.dtype
    for name in ("dtype", "value_range", "normalize", "fill", "linear_light") if first.is_index_map else ():
        if getattr(recipe, name) not in (getattr(Recipe(), name), dtype):
            found = f"{first.name} are numbers of a vocabulary, and stay as they are. Leave it out."
            yield UsageError(found, field=name)


def _resolved(asked: Asked, survey: Survey) -> Job:
    source, recipe = asked.source, asked.recipe
    if not len(source):
        raise NoInputError(f"{source.location}: no samples in it.")
    decided = decide(_with_pairing(_with_methods(recipe, source)), survey)
    labels, objects = source.labels, source.objects
    resolved = with_label_rule(decided.recipe, labels.kind)
    most_parents = parent_count(resolved.methods)
    if resolved.window is not None and resolved.window < most_parents:
        found = f"up to {most_parents} different samples are mixed. Give at least as many."
        raise UsageError(found, field="window", value=resolved.window)
    signals, targets = _signals(source, decided, survey, resolved)
    maps = tuple(signal.name for signal in signals[1:] if signal.is_index_map)
    names = tuple(signal.name for signal in signals[1:])
    resolved = resolved.with_(signals=names, index_maps=maps, is_part_in_time=survey.window is not None)
    _check_encode(resolved, signals)
    columns = columns_of(resolved, signals, labels, most_parents, objects)
    resolved, spec = laid_out(resolved, signals, columns, labels, recipe.samples_per_shard, asked.shard_bytes)
    notices = decided.notices + ((ZSTD_NOTICE,) if resolved.compression == "zstd" else ())
    _check_stored_plan(resolved, decided.target)
    if any(column.encoding and column.encoding.is_lossy for column in columns):
        notices += (LOSSY_NOTICE.format(resolved.encode),)
    label_kind = mixed_kind(resolved, labels.kind)
    check_fill(decided.form, resolved)
    return Job(resolved, signals, targets, spec, columns, labels.class_names, label_kind, notices)


def laid_out(
    resolved: Recipe,
    signals: tuple[Signal, ...],
    columns: tuple[Column, ...],
    labels: Labels,
    samples_per_shard: int | None = None,
    shard_bytes: int | None = None,
) -> tuple[Recipe, ShardSpec]:
    """The recipe with the length of shards, and what shards are like, from the columns that readers give."""
    stored = columns if resolved.store == "rows" else planned_columns(columns, signals)
    row_bytes = sum(column.row_bytes for column in stored)
    resolved = resolved.with_(samples_per_shard=samples_per_shard or max(1, (shard_bytes or SHARD_BYTES) // row_bytes))
    attributes: Mapping[str, Any] = {
        "format_version": FORMAT_VERSION,
        "recipe": resolved.to_dict(),
        "class_names": list(labels.class_names),
    }
    return resolved, ShardSpec(stored, attributes, resolved.compression)


def _signals(
    source: Source, decided: Decided, survey: Survey, resolved: Recipe
) -> tuple[tuple[Signal, ...], tuple[Target, ...]]:
    """All signals of a sample: the first as the recipe wants it, others as the source has them."""
    form, target = decided.form, decided.target
    found = [_first(source, form, target, resolved)]
    sizes = {form.size, target.form.size, *survey.sizes}
    for name, other in source.beside.items():
        natural = other.survey(1).array_form
        if natural is not None and other.void is not None:
            is_line = natural.axes == "t"
            found.append(
                decide_line(name, natural, resolved) if is_line else decide_map(name, natural.dtype, resolved, decided)
            )
            continue
        if natural is None or len(sizes) > 1:
            raise UsageError(f"{FIRST} would be resized, and {name} keeps its form. Leave it out.", field="size")
        found.append(decide_beside(name, natural, resolved, target))
    captions = () if source.captions is None else source.captions.signals
    return (*(signal for signal, _ in found), *captions), tuple(target for _, target in found)


def _first(source: Source, form: Form, target: Target, resolved: Recipe) -> tuple[Signal, Target]:
    """The first signal, with the target in which it is cached."""
    if source.void is not None:
        return decide_line(first_name(form.axes), form, resolved)
    return Signal(first_name(form.axes), str(resolved.dtype), form.shape, form.axes), target


def _check_encode(resolved: Recipe, signals: Sequence[Signal]) -> None:
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


def _with_methods(recipe: Recipe, source: Source) -> Recipe:
    """The recipe with its task, and with every option of its methods filled in. Raises UsageError where these do not go
    with the source."""
    methods, is_planned = recipe.methods, recipe.plan is not None
    if source.objects is not None:
        methods = for_objects(methods) if not is_planned else methods
        if recipe.store == "plan":
            raise UsageError("samples with objects are stored as rows. Leave it out.", field="store", value="plan")
    elif given := _given(recipe, OF_OBJECTS):
        raise UsageError(f"the source {source.location} has no objects. Leave it out.", field=given)
    voids = {name: other.void for name, other in source.beside.items() if other.void is not None}
    if not voids and (given := _given(recipe, OF_MAPS)):
        raise UsageError(f"the source {source.location} has no masks. Leave it out.", field=given)
    methods = resolve(methods, is_planned)
    _check_task(methods, source)
    _check_maps(methods, voids.keys(), source.location)
    recipe = _as_read(recipe, methods, source)
    keypoints = source.objects.keypoints if source.objects is not None else None
    names = () if keypoints is None else keypoints.names
    mirrored = () if keypoints is None else keypoints.mirrored
    return recipe.with_(
        methods=methods,
        task=source.task,
        keypoints=names,
        mirrored_keypoints=mirrored,
        ignore_index=voids.get(MASK, Recipe.ignore_index),
    )


def _as_read(recipe: Recipe, methods: Sequence[MethodChoice], source: Source) -> Recipe:
    """The recipe with how samples that go on in time, or their captions, are read. Tokens of texts cannot be averaged:
    where a method averages, those of all parents are kept. Raises UsageError for what such samples cannot do yet."""
    check_rows(recipe, source)
    if source.task not in TIMED_TASKS:
        return recipe.with_(reading=source.how_read)
    averages = source.void is not None and any(METHODS[choice.name].averages for choice in methods)
    return recipe.with_(reading=source.how_read, masks="both" if averages else recipe.masks)


def check_rows(recipe: Recipe, source: Source) -> None:
    """Raises UsageError for what samples that go on in time, or have captions, cannot do yet."""
    fields = ("store", "plan") if source.task in TIMED_TASKS else ("store",) if source.task == "caption" else ()
    for field in fields:
        if getattr(recipe, field) != getattr(Recipe, field):
            found = f"it is not there for {setting('task', source.task)}. Leave it out."
            raise UsageError(found, field=field, value=getattr(recipe, field))


def check_plan_file(task: Task) -> None:
    """Raises UsageError where rows of what a source holds cannot be written into a plan file."""
    if task in TIMED_TASKS:
        raise UsageError("plan files have no spans yet. Run mixup-gen generate.", field="task", value=task)


def _check_task(methods: Sequence[MethodChoice], source: Source) -> None:
    """Raises UsageError for a method that makes no sense for what the source holds."""
    for choice in methods:
        if not _goes_with(method := build(choice), source):
            able = [name for name, method in METHODS.items() if _goes_with(method(), source)]
            what = setting("task", source.task) if source.task != "audio" else source.column
            found = f"it does not go with {what}. Use {', '.join(able)}"
            if {method.only, source.column} == {"spectrograms", "waves"}:
                of_other = setting("features", "logmel:80")
                found += f"; or pass {of_other}" if source.column == "waves" else f"; or leave out {of_other}"
            raise UsageError(f"{found}.", field="methods", value=choice.name)


def _goes_with(method: Method, source: Source) -> bool:
    is_of_images = method.rearranges or method.needs_peaks or bool(method.needs_map)
    if source.column in ON_A_LINE and method.needs_picture and not method.has_span:
        return False
    return method.only in ("", source.column, source.task) and not (is_of_images and source.task in TIMED_TASKS)


def _check_maps(methods: Sequence[MethodChoice], maps: Collection[str], where: str) -> None:
    """Raises UsageError for one of the resolved methods whose index map the source has not."""
    for choice in methods:
        needed = METHODS[choice.name].needs_map
        if needed and needed not in maps:
            able = [name for name, method in METHODS.items() if method.needs_map in maps] or ["cutmix"]
            found = f"it pastes what {needed} shows, and {where} is read without. Use {able[0]}"
            task = f", or read outlines with {setting('task', 'segment')}" if needed == INSTANCES else ""
            raise UsageError(f"{found}{task}.", field="methods", value=choice.name)


def _check_stored_plan(recipe: Recipe, target: Target) -> None:
    """Raises UsageError where readers, which see no headers, would have to know where pictures lie in their padding."""
    is_padded = recipe.store == "plan" and MASK in recipe.index_maps and target.resize in INNER_SIZES
    if is_padded and any(choice.name == Mosaic.name for choice in recipe.methods):
        found = "a mosaic of padded pictures needs to know where these lie, and a stored plan does not hold that."
        raise UsageError(found, f"Leave it out, or pass {setting('resize', 'crop')}.", field="store", value="plan")


def _given(recipe: Recipe, names: Sequence[str]) -> tuple[str, ...]:
    """Which fields of a recipe are not as they are by default."""
    return tuple(name for name in names if getattr(recipe, name) != getattr(Recipe, name))


def _with_pairing(recipe: Recipe) -> Recipe:
    """The recipe with what its way of pairing needs filled in.

    Balanced-MixUp has its own options for some methods.
    """
    if recipe.pair == "nearest":
        return recipe.with_(bandwidth=DEFAULT_BANDWIDTH if recipe.bandwidth is None else float(recipe.bandwidth))
    if recipe.pair == "balanced":
        return recipe.with_(methods=for_balanced_pairing(recipe.methods))
    return recipe


def shard_count(row_count: int, samples_per_shard: int) -> int:
    """The number of shards; the last one may be short."""
    return -(-row_count // samples_per_shard)


def shard_rows(number: int, row_count: int, samples_per_shard: int) -> range:
    """The rows of one shard."""
    start = number * samples_per_shard
    return range(start, min(start + samples_per_shard, row_count))
