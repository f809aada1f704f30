"""What a run will do, worked out before it does it, for `generate`, `verify --deep`, `--dry-run` and `inspect`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mixup_cli.choices import LabelKind
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.fields.decide import Decided, decide, decide_beside
from mixup_cli.fields.form import Form
from mixup_cli.fields.label_rules import mixed_kind, with_label_rule
from mixup_cli.fields.signal import FIRST, Signal
from mixup_cli.fields.target import Survey, Target, sample_bytes
from mixup_cli.methods import for_balanced_pairing, parent_count, resolve, same_rows
from mixup_cli.mixing.columns import columns_of
from mixup_cli.mixing.surface import check_fill
from mixup_cli.pairing import DEFAULT_BANDWIDTH
from mixup_cli.recipe import FORMAT_VERSION, Recipe
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.hdf5.shard import ShardSpec

SURVEY_SAMPLES = 64
"""Headers looked at before the scan. Should a later picture not fit, the scan begins again with what it found."""

ZSTD_NOTICE = "zstd: readers need its HDF5 filter (in Python: import hdf5plugin); gzip is readable everywhere"

SHARD_BYTES = 64 << 20
"""The default size of a shard."""


@dataclass(frozen=True)
class Job:
    """A resolved recipe on one source: the signals as they are stored, the target in which each is cached until then,
    the columns, and what the user should know. `form` and `target` are those of the first signal."""

    recipe: Recipe
    signals: tuple[Signal, ...]
    targets: tuple[Target, ...]
    spec: ShardSpec
    samples_per_shard: int
    class_names: tuple[str, ...]
    label_kind: LabelKind
    notices: tuple[str, ...]

    @property
    def form(self) -> Form:
        """The form in which the first signal is mixed."""
        return self.signals[0].mixed(self.targets[0])

    @property
    def target(self) -> Target:
        return self.targets[0]

    @property
    def sample_bytes(self) -> int:
        """What one sample takes in a cache."""
        return sample_bytes(self.targets)

    @property
    def row_bytes(self) -> int:
        """Bytes of one output row, uncompressed."""
        return self.spec.row_bytes


def prepare(recipe: Recipe, source: Source, survey: Survey, shard_bytes: int | None = None) -> Job:
    """Resolve a recipe that is asked for. Raises what `prepare_again` raises, and UsageError for an option that would
    change no sample."""
    job = prepare_again(recipe, source, survey, shard_bytes)
    is_resized = job.form.axes and job.target.resize is not None
    if survey.array_form is not None and not is_resized and recipe.resize != Recipe.resize:
        raise UsageError(f"--resize {recipe.resize}: these samples keep their size. Leave it out.")
    if recipe.value_range is not None and job.form.dtype == "float32":
        raise UsageError(
            "--value-range: it turns values into integers, and these samples stay floats. Pass --dtype uint8 or "
            "uint16, or leave it out."
        )
    if recipe.value_range is not None and set(survey.dtypes) == {"uint8"}:
        raise UsageError("--value-range: these samples have 8 bits, which keep their values. Leave it out.")
    return job


def survey_for(recipe: Recipe, source: Source) -> Survey:
    """A look at some headers; at all where an option may change no sample."""
    return source.survey(SURVEY_SAMPLES if recipe.value_range is None else None)


def prepare_again(recipe: Recipe, source: Source, survey: Survey, shard_bytes: int | None = None) -> Job:
    """Resolve a recipe for a source; one that a data set records is taken as it is. Raises UsageError where they do not
    fit, NoInputError for an empty source."""
    if not len(source):
        raise NoInputError(f"{source.location}: no samples in it.")
    methods = resolve(recipe.methods, is_planned=recipe.plan is not None)
    decided = decide(_with_pairing(recipe.with_(methods=methods)), survey)
    labels = source.labels
    resolved = with_label_rule(decided.recipe, labels.kind)
    most_parents = parent_count(resolved.methods)
    if resolved.window is not None and resolved.window < most_parents:
        raise UsageError(
            f"--window {resolved.window}: up to {most_parents} different samples are mixed. Give at least as many."
        )
    signals, targets = _signals(source, decided, survey, resolved)
    resolved = resolved.with_(signals=tuple(source.beside))
    columns = columns_of(resolved, signals, labels, most_parents)
    row_bytes = sum(column.row_bytes for column in columns)
    per_shard = recipe.samples_per_shard or max(1, (shard_bytes or SHARD_BYTES) // row_bytes)
    resolved = resolved.with_(samples_per_shard=per_shard)
    attributes: Mapping[str, Any] = {
        "format_version": FORMAT_VERSION,
        "recipe": resolved.to_dict(),
        "class_names": list(labels.class_names),
    }
    spec = ShardSpec(columns, attributes, resolved.compression)
    notices = decided.notices + ((ZSTD_NOTICE,) if resolved.compression == "zstd" else ())
    label_kind = mixed_kind(resolved, labels.kind)
    check_fill(decided.form, resolved)
    return Job(resolved, signals, targets, spec, per_shard, labels.class_names, label_kind, notices)


def _signals(
    source: Source, decided: Decided, survey: Survey, resolved: Recipe
) -> tuple[tuple[Signal, ...], tuple[Target, ...]]:
    """All signals of a sample: the first as the recipe wants it, others as the source has them."""
    form, target = decided.form, decided.target
    found = [(Signal(FIRST, str(resolved.dtype), form.shape, form.axes), target)]
    sizes = {form.size, target.form.size, *survey.sizes}
    for name, other in source.beside.items():
        natural = other.survey(1).array_form
        if natural is None or len(sizes) > 1:
            raise UsageError(f"{FIRST} would be resized, and {name} keeps its form. Leave it out.", field="size")
        found.append(decide_beside(name, natural, resolved, target))
    return tuple(signal for signal, _ in found), tuple(target for _, target in found)


def _with_pairing(recipe: Recipe) -> Recipe:
    """The recipe with what its way of pairing needs filled in.

    Balanced-MixUp has options of its own for some methods.
    """
    if recipe.pair == "nearest":
        return recipe.with_(bandwidth=DEFAULT_BANDWIDTH if recipe.bandwidth is None else float(recipe.bandwidth))
    if recipe.pair == "balanced":
        return recipe.with_(methods=for_balanced_pairing(recipe.methods))
    return recipe


def adopt(recipe: Recipe, stored: Recipe | None, keeps_shard_size: bool) -> Recipe:
    """A recipe whose open fields are those of the data set that is there already, if there is one, and whose methods
    are written as they are there, if that comes to the same rows."""
    if stored is None:
        return recipe
    is_planned = recipe.plan is not None
    methods = _with_pairing(recipe.with_(methods=resolve(recipe.methods, is_planned))).methods
    if same_rows(stored.methods, methods, is_planned):
        recipe = recipe.with_(methods=stored.methods)
    fields = ["size", "cache_size", "channels", "dtype", "layout", *(["samples_per_shard"] if keeps_shard_size else [])]
    return recipe.with_(**{name: getattr(stored, name) for name in fields if getattr(recipe, name) in (None, "source")})


def shard_count(row_count: int, samples_per_shard: int) -> int:
    """How many shards rows make; the last one may be short, and none is empty."""
    return -(-row_count // samples_per_shard)


def shard_rows(number: int, row_count: int, samples_per_shard: int) -> range:
    """The rows of one shard."""
    start = number * samples_per_shard
    return range(start, min(start + samples_per_shard, row_count))
