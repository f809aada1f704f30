"""The recipe: everything that decides a row's bytes, and the one place where defaults live.

A recipe starts with what the user asked for. Where the answer depends on the source (size, dtype, channels …) the field
is None until `generate` has looked at it; the resolved recipe, with nothing left open that matters, is what is hashed
and stored. Where the source lies, workers, batch size, device and the number of rows are not in it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self

from mixup_cli.choices import Channels, Compression, Dtype, LabelColumns, Layout, Pair, Resize
from mixup_cli.errors import UsageError

FORMAT_VERSION = 1
MAX_SEED = 2**63 - 1

NORMALIZATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
"""Means and standard deviations by name, for values scaled to [0, 1]. ImageNet's are torchvision's; CIFAR-10's are the
channel statistics of its training pictures."""


def _set(instance: Any, **values: Any) -> None:
    """Set fields of a frozen dataclass while it is made: 1 and 1.0 must be the same recipe."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def _numbers_as_floats(options: Mapping[str, float | str]) -> dict[str, float | str]:
    return {name: value if isinstance(value, str) else float(value) for name, value in options.items()}


@dataclass(frozen=True)
class MethodChoice:
    """One mixing method with the probability that a row takes it and the options that its file defines."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    name: str
    probability: float = 1.0
    options: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _set(self, probability=float(self.probability), options=_numbers_as_floats(self.options))


@dataclass(frozen=True)
class Normalize:
    """Float output is (value − mean) / std, with values of integer samples first scaled to [0, 1]."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        _set(self, mean=tuple(map(float, self.mean)), std=tuple(map(float, self.std)))

    @property
    def is_finite(self) -> bool:
        """Whether one can divide by it."""
        return all(map(math.isfinite, (*self.mean, *self.std))) and all(std > 0 for std in self.std)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Frozen, validated, and the same JSON for the same content. Fields that are None follow the source."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    methods: tuple[MethodChoice, ...] = (MethodChoice("mixup"),)
    pair: Pair = "any"
    seed: int = 0
    keep_originals: bool = False
    fill: tuple[int, ...] = (0,)
    size: tuple[int, int] | None = None
    resize: Resize = "crop"
    channels: Channels | None = None
    dtype: Dtype | None = None
    value_range: tuple[float, float] | None = None
    normalize: Normalize | None = None
    layout: Layout | None = None
    labels: LabelColumns = "both"
    compression: Compression = "none"
    samples_per_shard: int | None = None

    def __post_init__(self) -> None:
        if self.value_range is not None:
            _set(self, value_range=tuple(map(float, self.value_range)))
        for holds, message in self._rules():
            if not holds:
                raise UsageError(message)

    def _rules(self) -> list[tuple[bool, str]]:
        probabilities = [choice.probability for choice in self.methods]
        low, high = self.value_range or (0.0, 1.0)
        return [
            (bool(self.methods), "--method: none given. Name at least one, for example mixup."),
            (
                all(0 < p < math.inf for p in probabilities),
                f"--method: the probabilities are {probabilities}. Each must be above 0.",
            ),
            (
                all(0 <= level <= 255 for level in self.fill),
                f"--fill: {self.fill} is not a colour. Give 0 … 255, or one such number per channel.",
            ),
            (0 <= self.seed <= MAX_SEED, f"--seed: {self.seed} is not in 0 … 2^63-1."),
            (
                self.size is None or min(self.size) >= 1,
                f"--size: {self.size} is not a size. Give pixels, for example 224 or 224x192.",
            ),
            (
                self.samples_per_shard is None or self.samples_per_shard >= 1,
                f"--samples-per-shard: {self.samples_per_shard} is less than one sample.",
            ),
            (
                -math.inf < low < high < math.inf,
                f"--value-range: {low},{high} is not LOW,HIGH with LOW below HIGH, both finite.",
            ),
            (
                self.normalize is None or self.dtype in ("float16", "float32"),
                f"--normalize: it makes floats, and --dtype is {self.dtype or 'not given'}. Pass --dtype float32.",
            ),
            (
                self.normalize is None or self.normalize.is_finite,
                "--normalize: every mean must be a finite number, and every standard deviation one above 0.",
            ),
        ]

    def with_(self, **changes: Any) -> Self:
        """The same recipe with some fields changed."""
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no spaces, so that equal recipes have equal text."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_dict` came from. Raises UsageError where a field is unknown or of the wrong type."""
        from pydantic import TypeAdapter, ValidationError  # only where plain data come in from outside

        try:
            return TypeAdapter(cls).validate_json(json.dumps(plain), strict=True)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "recipe"
            raise UsageError(f"recipe: {where}: {first['msg']} (found {first['input']!r}).") from None

    @property
    def recipe_id(self) -> str:
        """The hash of the canonical JSON: 64 hex digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()
