"""The recipe: everything that decides a row's bytes, and the one place where defaults live.

A recipe starts as what the user asked for. A field that depends on the source (size, dtype, channels …) is None until
`generate` has read headers; the resolved recipe, with every field that matters set, is hashed and stored. The path of
the source, workers, batch size, device and the number of rows are not in it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from mixup_cli.choices import (
    Balance,
    Channels,
    Compression,
    Dtype,
    LabelColumns,
    LabelRule,
    Layout,
    MapRule,
    ObjectWeights,
    Pair,
    Resize,
    StoreKind,
    Task,
)
from mixup_cli.errors import UsageError
from mixup_cli.image_format import ImageFormat
from mixup_cli.wording import setting

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT_VERSION = 1
MAX_SEED = 2**63 - 1

NORMALIZATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
"""Means and standard deviations by name, for values scaled to [0, 1]. ImageNet's are torchvision's; CIFAR-10's are the
channel statistics of its training pictures."""


LEFT_OUT_AT_DEFAULT = "left out at default"


def added(default: Any) -> Any:
    """A field that came after the first version, or may come with a later one: its default means that it is off, and
    then it is not written down. So a new option changes the hash of no recipe that does not use it."""
    return field(default=default, metadata={LEFT_OUT_AT_DEFAULT: True})


def written(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass that are written down."""
    left_out = {
        each.name
        for each in fields(instance)
        if LEFT_OUT_AT_DEFAULT in each.metadata and getattr(instance, each.name) == each.default
    }
    return {name: value for name, value in asdict(instance).items() if name not in left_out}


MAX_CROP_PAD = 65535
MAX_SIDE_PX = 65535
MOST_OBJECTS = 100_000
MOST_MEAN, LEAST_STD = 1e30, 1e-30

WINDOW_PAIRS: tuple[Pair, ...] = ("any", "same-class", "cross-class")
"""The ways of pairing that can keep to windows: others draw donors from all samples."""

DEFAULT_CROP_AREA = (0.08, 1.0)
"""How much of a picture a random resized crop covers, unless asked for otherwise: torchvision's."""


def _set(instance: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass while it is made: 1 and 1.0 must be the same recipe."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _numbers_as_floats(options: Mapping[str, float | str]) -> dict[str, float | str]:
    return {name: value if isinstance(value, str) else float(value) for name, value in options.items()}


@dataclass(frozen=True)
class MethodChoice:
    """One mixing method with the probability that a row takes it and the options that its file defines.

    The probabilities of a recipe's methods are divided by their sum; where each is 1, the methods have equal shares.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    probability: float = 1.0
    options: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _set(self, probability=float(self.probability), options=_numbers_as_floats(self.options))


@dataclass(frozen=True)
class Normalize:
    """Float output is (value − mean) / std, with values of integer samples first scaled to [0, 1]."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        _set(self, mean=tuple(map(float, self.mean)), std=tuple(map(float, self.std)))

    @property
    def is_finite(self) -> bool:
        """Whether one can divide by it, and float32 holds what comes out."""
        means_fit = all(abs(mean) <= MOST_MEAN for mean in self.mean)
        return means_fit and all(LEAST_STD <= std < math.inf for std in self.std)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Frozen, validated, and the same JSON for the same content. Fields that are None follow the source."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    methods: tuple[MethodChoice, ...] = (MethodChoice("mixup"),)
    pair: Pair = "any"
    seed: int = 0
    keep_originals: bool = False
    fill: tuple[int, ...] = (0,)
    size: tuple[int, int] | None = None
    resize: Resize | None = None
    channels: Channels | None = None
    dtype: Dtype | None = None
    value_range: tuple[float, float] | None = None
    normalize: Normalize | None = None
    layout: Layout | None = None
    labels: LabelColumns = "both"
    compression: Compression = "none"
    samples_per_shard: int | None = None
    bandwidth: float | None = added(None)
    balance: Balance = added("none")
    per_class: int | None = added(None)
    label_rule: LabelRule = added("soft")
    remix_kappa: float | None = added(None)
    remix_tau: float | None = added(None)
    label_smoothing: float = added(0.0)
    flip: float = added(0.0)
    crop_pad: int = added(0)
    crop_area: tuple[float, float] | None = added(None)
    cache_size: tuple[int, int] | None = added(None)
    linear_light: bool = added(False)
    plan: str | None = added(None)
    window: int | None = added(None)
    store: StoreKind = added("rows")
    encode: str | None = added(None)
    """An `ImageFormat`, in which each image is encoded by itself."""
    signals: tuple[str, ...] = added(())
    """The columns of further signals, as the source has them."""
    index_maps: tuple[str, ...] = added(())
    """Those of `signals` that are selected, not blended."""
    masks: MapRule = added("heavier")
    ignore_index: int = added(255)
    """The class in a mask that stands for none, as the source has it; also around a picture."""
    task: Task = added("classify")
    """What the source's labels are for."""
    keypoints: tuple[str, ...] = added(())
    """The names of keypoints, as the source has them."""
    mirrored_keypoints: tuple[int, ...] = added(())
    """Which keypoint takes the place of each in a mirror, by position."""
    reading: tuple[tuple[str, int | float | str], ...] = added(())
    """How the source reads samples that go on in time, as far as that decides their values, by name."""
    is_part_in_time: bool = added(False)
    """Whether rows show parts of longer samples, as the source has them."""
    object_weights: ObjectWeights = added("share")
    min_visible: float = added(0.1)
    max_objects: int | None = added(None)

    def __post_init__(self) -> None:
        for name in ("value_range", "crop_area"):
            if getattr(self, name) is not None:
                _set(self, **{name: tuple(map(float, getattr(self, name)))})
        for name in ("flip", "label_smoothing", "min_visible"):
            _set(self, **{name: float(getattr(self, name))})
        for field_name, found in _problems(self):
            raise UsageError(found, field=field_name)

    @property
    def has_views(self) -> bool:
        """Whether parents are flipped or cropped before they are mixed."""
        return bool(self.flip or self.crop_pad or self.crop_area)

    def with_(self, **changes: Any) -> Self:
        """The same recipe with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(written(self)))
        return plain

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, so that equal recipes have equal text."""
        return canonical_json(self.to_dict())

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` came from. Raises UsageError where a field is unknown or of the wrong type."""
        from pydantic import ValidationError  # only where plain data come in from outside

        try:
            return _validator().validate_json(json.dumps(plain), strict=True)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "recipe"
            raise UsageError(f"recipe: {where}: {first['msg']} (found {first['input']!r}).") from None
        except RecursionError:
            raise UsageError("recipe: is nested too deeply.") from None

    @property
    def recipe_id(self) -> str:
        """The hash of the canonical JSON: 64 hex digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def canonical_json(plain: Any) -> str:
    """The one text of plain values that is hashed: sorted keys, no spaces, no escapes of letters."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@cache
def _validator() -> TypeAdapter[Recipe]:
    """Made once: that takes as long as a thousand recipes."""
    from pydantic import TypeAdapter

    return TypeAdapter(Recipe)


Problem: TypeAlias = tuple[str | tuple[str, ...], str]
"""The field, or the fields, that are wrong, and what to say of them."""


def _problems(recipe: Recipe) -> Iterator[Problem]:
    """What is wrong with a recipe. Only the first is shown, so later checks may rely on earlier ones."""
    for problems_of in (_in_methods, _in_pairs, _in_views, _in_labels, _in_objects, _in_output):
        yield from problems_of(recipe)


def _in_methods(recipe: Recipe) -> Iterator[Problem]:
    probabilities = [choice.probability for choice in recipe.methods]
    if not recipe.methods:
        yield "methods", "none given. Name at least one, for example mixup."
    if not all(0 < p < math.inf for p in probabilities):
        found = f"the probabilities are {probabilities}, and each must be above 0."
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
    if not recipe.normalize.is_finite:
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


def _is_size(size: tuple[int, int]) -> bool:
    return 1 <= min(size) <= max(size) <= MAX_SIDE_PX


def _width_height(size: tuple[int, int]) -> str:
    """For a message: of a side of many digits no more than that it has them."""
    return "x".join(f"{min(side, 10**9)}" for side in size[::-1])
