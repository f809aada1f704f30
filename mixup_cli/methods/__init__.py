"""The mixing methods: decisions become weights, constant or over a region of the sample.

A new one is one file, one line in METHODS and its name in `choices`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from mixup_cli.choices import METHOD_ALIASES
from mixup_cli.errors import UsageError
from mixup_cli.methods.base import Decisions, Grid, Method, Peaks
from mixup_cli.methods.cutmix import CutMix
from mixup_cli.methods.cutout import Cutout
from mixup_cli.methods.dirichlet import Dirichlet
from mixup_cli.methods.erase import Erase
from mixup_cli.methods.fmix import FMix
from mixup_cli.methods.gridmix import GridMix
from mixup_cli.methods.jigsaw import Jigsaw
from mixup_cli.methods.mixup import Mixup
from mixup_cli.methods.mosaic import Mosaic
from mixup_cli.methods.none import Unmixed
from mixup_cli.methods.options import MAX_ALPHA, check_option, option_named
from mixup_cli.methods.resizemix import ResizeMix
from mixup_cli.methods.saliencymix import SaliencyMix
from mixup_cli.methods.shares import shares
from mixup_cli.methods.smoothmix import SmoothMix
from mixup_cli.methods.zetamix import ZetaMix
from mixup_cli.recipe import MethodChoice, written
from mixup_cli.wording import did_you_mean

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        Mixup,
        CutMix,
        Cutout,
        Erase,
        ResizeMix,
        FMix,
        GridMix,
        SmoothMix,
        SaliencyMix,
        Mosaic,
        Dirichlet,
        ZetaMix,
        Jigsaw,
        Unmixed,
    )
}

__all__ = [
    "METHODS",
    "Decisions",
    "Grid",
    "Method",
    "Peaks",
    "asked",
    "build",
    "of_all",
    "parent_count",
    "resolve",
    "same_rows",
    "shares",
    "undecided",
    "without_alpha",
    "without_idle",
]


def build(choice: MethodChoice) -> Method:
    """The method that a choice names, with its options. Raises UsageError for an unknown name or option."""
    if choice.name not in METHODS:
        meant = did_you_mean(choice.name, [*METHODS, *METHOD_ALIASES])
        raise UsageError(f"--method: unknown method {choice.name!r}{meant} The methods are {', '.join(METHODS)}.")
    method = METHODS[choice.name]
    for name, value in choice.options.items():
        check_option(choice.name, option_named(method, name), value)
    return method(**choice.options)


def parent_count(choices: Sequence[MethodChoice]) -> int:
    """How many parents a row has room for: as many as the method that needs the most."""
    return max(build(choice).parent_count for choice in choices)


def asked(choices: Sequence[MethodChoice], alpha: float | None = None) -> tuple[MethodChoice, ...]:
    """The methods that a user asks for, by their own names; `alpha` is for those that have none of their own.

    Raises UsageError where a method is named twice, or an option has no effect.
    """
    named = tuple(_by_own_name(each) for each in choices)
    names = [each.name for each in named]
    if twice := next((name for name in names if names.count(name) > 1), None):
        also = "".join(f" ({other} is another name of it)" for other, name in METHOD_ALIASES.items() if name == twice)
        raise UsageError(f"--method: {twice} is named twice{also}. Name it once, with its probability.")
    for each in named:
        if idle := sorted(build(each).idle & each.options.keys()):
            options = ":".join(f"{name}={value}" for name, value in each.options.items() if name not in idle)
            raise UsageError(f"--method {each.name}: {idle[0]} has no effect beside {options}. Leave it out.")
    return named if alpha is None else _with_alpha(named, alpha)


def without_idle(choices: Sequence[MethodChoice]) -> tuple[MethodChoice, ...]:
    """The choices as `asked` takes them: without options that have no effect, though recipes hold their defaults."""
    return tuple(_but(each, build(each).idle) for each in choices)


def _but(choice: MethodChoice, names: frozenset[str]) -> MethodChoice:
    return replace(choice, options={name: value for name, value in choice.options.items() if name not in names})


def _by_own_name(choice: MethodChoice) -> MethodChoice:
    return replace(choice, name=METHOD_ALIASES.get(choice.name, choice.name))


def _with_alpha(choices: tuple[MethodChoice, ...], alpha: float) -> tuple[MethodChoice, ...]:
    if not 0 <= alpha <= MAX_ALPHA:
        raise UsageError(f"--alpha: {alpha} is not a number from 0 to {MAX_ALPHA:g}. Give, for example, 0.2.")
    lacking = without_alpha(choices)
    if not lacking:
        own = [each.name for each in choices if "alpha" in each.options]
        if own:
            names = ", ".join(own)
            raise UsageError(f"--alpha: each method that takes it has its own ({names}). Leave one of them out.")
        names = ", ".join(each.name for each in choices)
        raise UsageError(f"--alpha: nothing here draws lam from it (--method {names}). Leave it out.")
    return tuple(
        replace(each, options={**each.options, "alpha": alpha}) if each.name in lacking else each for each in choices
    )


def without_alpha(choices: Sequence[MethodChoice]) -> frozenset[str]:
    """The methods that draw from an alpha, and have none of their own."""
    methods = {each.name: build(_by_own_name(each)) for each in choices if "alpha" not in each.options}
    return frozenset(
        name for name, method in methods.items() if hasattr(method, "alpha") and "alpha" not in method.idle
    )


def of_all(choices: Sequence[MethodChoice]) -> tuple[MethodChoice, ...]:
    """The choices without an alpha of their own, so that one is for all."""
    return tuple(_but(each, frozenset({"alpha"})) for each in choices)


def resolve(choices: Sequence[MethodChoice], is_planned: bool = False) -> tuple[MethodChoice, ...]:
    """The choices with every option filled in by the method's own default; where rows are planned already (in a file),
    without those that the plan has decided, which nobody knows."""
    return tuple(_filled_in(_by_own_name(each), is_planned) for each in choices)


def _filled_in(choice: MethodChoice, is_planned: bool) -> MethodChoice:
    method = build(choice)
    unknown = method.decided - choice.options.keys() if is_planned else frozenset()
    return _but(replace(choice, options=written(method)), unknown)


def undecided(choices: Sequence[MethodChoice]) -> tuple[MethodChoice, ...]:
    """The choices without what a plan decides: how often each occurs, and the options that decide its rows."""
    return tuple(replace(_but(each, build(each).decided), probability=1.0) for each in choices)


def same_rows(before: Sequence[MethodChoice], now: Sequence[MethodChoice], is_planned: bool) -> bool:
    """Whether two resolved choices make the same rows: 50 and 50, 1 and 1, 0.5 and 0.5 are the same probabilities."""
    if is_planned:
        return undecided(before) == undecided(now)
    return _normalised(before) == _normalised(now)


def _normalised(choices: Sequence[MethodChoice]) -> list[MethodChoice]:
    total = math.fsum(each.probability for each in choices)
    return [replace(each, probability=each.probability / total) for each in choices]
