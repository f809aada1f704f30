"""The job: a recipe resolved on one source, before any sample is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from mixup_cli.choices import TIMED_TASKS, LabelKind
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.fields.decide import Decided, decide, decide_beside, decide_line, decide_map
from mixup_cli.fields.form import Form
from mixup_cli.fields.label_rules import mixed_kind, with_label_rule
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import FIRST, MASK, Signal, first_name
from mixup_cli.fields.target import Survey, Target, sample_bytes
from mixup_cli.methods import METHODS, for_balanced_pairing, for_objects, parent_count, resolve, same_rows
from mixup_cli.methods.effect import check_effect
from mixup_cli.mixing.columns import columns_of, planned_columns
from mixup_cli.mixing.surface import check_fill
from mixup_cli.pairing import DEFAULT_BANDWIDTH
from mixup_cli.recipe import FORMAT_VERSION, MethodChoice, Recipe
from mixup_cli.runs.apart import check_donors
from mixup_cli.runs.suits import check_encode, check_fields, check_methods, check_stored_plan, voids_of
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.hdf5.layout import Column
from mixup_cli.storage.hdf5.shard import ShardSpec
from mixup_cli.wording import setting

SURVEY_SAMPLES = 64
"""Headers looked at before the scan. If a later sample does not fit, the scan starts over with what it found."""

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
        they make the same rows. Nothing is taken from one whose samples were read for something else."""
        if stored is None or (stored.task, stored.reading) != (self.source.task, self.source.how_read):
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
    if recipe.normalize is not None and any(recipe.normalize.mean):
        for name in (choice.name for choice in job.recipe.methods if METHODS[choice.name].shares_apart):
            found = f"{name} scales the sum of two sounds, and would scale the mean that was subtracted, too."
            yield UsageError(f"{found} Pass a mean of 0, or leave it out.", field="normalize")
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
    if recipe.is_whole_in_time:
        survey = replace(survey, window=None)
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
    check_encode(resolved, signals)
    columns = columns_of(resolved, signals, labels, most_parents, objects)
    resolved, spec = laid_out(resolved, signals, columns, labels, recipe.samples_per_shard, asked.shard_bytes)
    notices = decided.notices + ((ZSTD_NOTICE,) if resolved.compression == "zstd" else ())
    check_stored_plan(resolved, decided.target)
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
    samples_per_shard: int | None,
    shard_bytes: int | None,
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


def _with_methods(recipe: Recipe, source: Source) -> Recipe:
    """The recipe with its task, and with every option of its methods filled in. Raises UsageError where these do not go
    with the source."""
    check_fields(recipe, source)
    methods, is_planned = recipe.methods, recipe.plan is not None
    if source.objects is not None and not is_planned:
        methods = for_objects(methods, voids_of(source))
    methods = resolve(methods, is_planned)
    check_methods(methods, source)
    check_donors(recipe, methods, source)
    recipe = _as_read(recipe, methods, source)
    keypoints = source.objects.keypoints if source.objects is not None else None
    names = () if keypoints is None else keypoints.names
    mirrored = () if keypoints is None else keypoints.mirrored
    return recipe.with_(
        methods=methods,
        task=source.task,
        separate_donors=source.labels.base_count is not None,
        keypoints=names,
        mirrored_keypoints=mirrored,
        ignore_index=voids_of(source).get(MASK, Recipe.ignore_index),
    )


def _as_read(recipe: Recipe, methods: Sequence[MethodChoice], source: Source) -> Recipe:
    """The recipe with how samples that go on in time, or their captions, are read. Tokens of texts cannot be averaged:
    where a method averages, those of all parents are kept."""
    if source.task not in TIMED_TASKS:
        return recipe.with_(reading=source.how_read)
    averages = source.void is not None and any(METHODS[choice.name].averages for choice in methods)
    return recipe.with_(reading=source.how_read, masks="both" if averages else recipe.masks)


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
