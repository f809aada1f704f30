"""The recipe itself: its fields, with their defaults.

A recipe starts as what the user asked for. A field that depends on the source (size, dtype, channels …) is None until
`generate` has read headers; the resolved recipe, with every field that matters set, is hashed and stored. The path of
the source, workers, batch size, device and the number of rows are not in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

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
from mixup_cli.recipe.rules import problems
from mixup_cli.recipe.written import added, canonical_json, written

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT_VERSION = 1

NORMALIZATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
"""Means and standard deviations by name, for values scaled to [0, 1]. ImageNet's are torchvision's; CIFAR-10's are the
channel statistics of its training pictures."""


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
    is_whole_in_time: bool = added(False)
    """Whether rows show such samples whole all the same, as they wait in a cache: samples that readers mix do."""
    separate_donors: bool = added(False)
    """Whether the source has samples that are donors alone, from which all donors come."""
    object_weights: ObjectWeights = added("share")
    min_visible: float = added(0.1)
    max_objects: int | None = added(None)

    def __post_init__(self) -> None:
        for name in ("value_range", "crop_area"):
            if getattr(self, name) is not None:
                _set(self, **{name: tuple(map(float, getattr(self, name)))})
        for name in ("flip", "label_smoothing", "min_visible"):
            _set(self, **{name: float(getattr(self, name))})
        for field_name, found in problems(self):
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


@cache
def _validator() -> TypeAdapter[Recipe]:
    """Made once: that takes as long as a thousand recipes."""
    from pydantic import TypeAdapter

    return TypeAdapter(Recipe)
