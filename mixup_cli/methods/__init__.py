"""The mixing methods. A new one is one file and one line in METHODS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields

from mixup_cli.errors import UsageError
from mixup_cli.methods.base import Decisions, Grid, Method, shares
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.cutout import Cutout
from mixup_cli.methods.mixup import Mixup
from mixup_cli.methods.none import Unmixed
from mixup_cli.recipe import MethodChoice

METHODS: dict[str, type[Method]] = {method.name: method for method in (Mixup, CutMix, Cutout, Unmixed)}

__all__ = ["METHODS", "Decisions", "Grid", "Method", "build", "parent_count", "resolve", "shares"]


def build(choice: MethodChoice) -> Method:
    """The method that a choice names, with its options. Raises UsageError for an unknown name or option."""
    if choice.name not in METHODS:
        raise UsageError(f"--method: {choice.name!r} is not a method. Those there are: {', '.join(METHODS)}.")
    method = METHODS[choice.name]
    known = {option.name for option in fields(method)}  # type: ignore[arg-type]  # each one is a dataclass
    for name, value in choice.options.items():
        if name not in known:
            raise UsageError(
                f"--method {choice.name}: it has no option {name!r} ({', '.join(sorted(known)) or 'none'})."
            )
        if isinstance(value, str) or not 0 <= value < math.inf:
            raise UsageError(f"--{name}: {value!r} is not a number from 0 up.")
    return method(**{name: float(value) for name, value in choice.options.items()})


def parent_count(choices: Sequence[MethodChoice]) -> int:
    """How many parents a row has room for: as many as the method that needs the most."""
    return max(build(choice).parent_count for choice in choices)


def resolve(choices: Sequence[MethodChoice], alpha: float | None) -> tuple[MethodChoice, ...]:
    """The choices with every option filled in: `alpha` where one is asked for, else the method's own default."""
    takers = [choice.name for choice in choices if hasattr(build(choice), "alpha")]
    if alpha is not None and not takers:
        raise UsageError(f"--alpha: {', '.join(choice.name for choice in choices)} has none. Leave it out.")
    return tuple(_filled_in(choice, alpha if choice.name in takers else None) for choice in choices)


def _filled_in(choice: MethodChoice, alpha: float | None) -> MethodChoice:
    given = choice.options if alpha is None else {**choice.options, "alpha": alpha}
    method = build(MethodChoice(choice.name, options=given))
    return MethodChoice(choice.name, float(choice.probability), asdict(method))  # type: ignore[call-overload]
