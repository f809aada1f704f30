"""The mixing methods. A new one is one file, one line in METHODS and its name in `choices`."""

from __future__ import annotations

from collections.abc import Sequence

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

__all__ = ["METHODS", "Decisions", "Grid", "Method", "Peaks", "build", "parent_count", "resolve", "shares"]


def build(choice: MethodChoice) -> Method:
    """The method that a choice names, with its options. Raises UsageError for an unknown name or option."""
    if choice.name not in METHODS:
        raise UsageError(f"--method: {choice.name!r} is not a method. Those there are: {', '.join(METHODS)}.")
    method = METHODS[choice.name]
    for name, value in choice.options.items():
        check_option(choice.name, option_named(method, name), value)
    return method(**choice.options)


def parent_count(choices: Sequence[MethodChoice]) -> int:
    """How many parents a row has room for: as many as the method that needs the most."""
    return max(build(choice).parent_count for choice in choices)


def resolve(choices: Sequence[MethodChoice], alpha: float | None) -> tuple[MethodChoice, ...]:
    """The choices with every option filled in: `alpha` where one is asked for, else the method's own default."""
    named = [MethodChoice(METHOD_ALIASES.get(each.name, each.name), each.probability, each.options) for each in choices]
    if alpha is not None and not 0 <= alpha <= MAX_ALPHA:
        raise UsageError(f"--alpha: {alpha} is not a number from 0 to {MAX_ALPHA:g}. Give, for example, 0.2.")
    takers = {each.name for each in named if hasattr(build(each), "alpha")}
    if alpha is not None and not takers:
        raise UsageError(f"--alpha: {', '.join(each.name for each in named)} has none. Leave it out.")
    return tuple(_filled_in(each, alpha if each.name in takers else None) for each in named)


def _filled_in(choice: MethodChoice, alpha: float | None) -> MethodChoice:
    given = choice.options if alpha is None else {**choice.options, "alpha": alpha}
    return MethodChoice(choice.name, choice.probability, written(build(MethodChoice(choice.name, options=given))))
