"""The mixing methods: decisions become weights, constant or over a region of the sample.

A new method is one file here and one line in `choices.METHOD_NAMES`, which names the file and the method."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module

from mixup_cli.choices import METHOD_ALIASES, METHOD_NAMES
from mixup_cli.errors import UsageError
from mixup_cli.methods.base import Method, Shown
from mixup_cli.methods.decisions import Decisions, Grid, Known, Peaks
from mixup_cli.methods.options import MAX_ALPHA, check_option, option_named
from mixup_cli.methods.shares import shares
from mixup_cli.recipe import MethodChoice, written
from mixup_cli.wording import did_you_mean, setting

__all__ = [
    "METHODS",
    "Decisions",
    "Grid",
    "Known",
    "Method",
    "Peaks",
    "Shown",
    "asked",
    "build",
    "for_balanced_pairing",
    "for_objects",
    "of_all",
    "parent_count",
    "resolve",
    "same_rows",
    "shares",
    "undecided",
    "without_alpha",
    "without_idle",
]


class Methods(Mapping[str, type[Method]]):
    """Every method by its name, in the order that numbers them. A method is imported when it is asked for."""

    def __getitem__(self, name: str) -> type[Method]:
        if name not in METHOD_NAMES:
            raise KeyError(name)
        return _in_file(name)

    def __contains__(self, name: object) -> bool:
        return name in METHOD_NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(METHOD_NAMES)

    def __len__(self) -> int:
        return len(METHOD_NAMES)


@cache
def _in_file(name: str) -> type[Method]:
    """The method that a file of this room defines under its own name."""
    for found in vars(import_module(f"{__name__}.{name}")).values():
        if isinstance(found, type) and issubclass(found, Method) and vars(found).get("name") == name:
            return found
    raise ImportError(f"methods/{name}.py has no method with the name {name!r}")


METHODS = Methods()


def build(choice: MethodChoice) -> Method:
    """The method that a choice names, with its options. Raises UsageError for an unknown name or option."""
    if choice.name not in METHODS:
        meant = did_you_mean(choice.name, [*METHODS, *METHOD_ALIASES])
        raise UsageError(
            f"unknown method {choice.name!r}{meant} The methods are {', '.join(METHODS)}.", field="methods"
        )
    method = METHODS[choice.name]
    for name, value in choice.options.items():
        check_option(choice.name, option_named(method, name), value)
    return method(**choice.options)


def parent_count(choices: Sequence[MethodChoice]) -> int:
    """How many parents a row has room for: as many as the method that needs the most."""
    return max(build(choice).parent_count for choice in choices)


def asked(choices: Sequence[MethodChoice], alpha: float | None = None) -> tuple[MethodChoice, ...]:
    """The methods that a user asks for, aliases resolved; `alpha` goes to those that draw from an alpha and lack one.

    Raises UsageError where a method is named twice, or an option has no effect.
    """
    named = tuple(_by_own_name(each) for each in choices)
    names = [each.name for each in named]
    if twice := next((name for name in names if names.count(name) > 1), None):
        also = "".join(f" ({other} is another name of it)" for other, name in METHOD_ALIASES.items() if name == twice)
        raise UsageError(f"{twice} is named twice{also}. Name it once, with its probability.", field="methods")
    for each in named:
        if idle := sorted(build(each).idle & each.options.keys()):
            options = ":".join(f"{name}={value}" for name, value in each.options.items() if name not in idle)
            found = f"{idle[0]} has no effect beside {options}. Leave it out."
            raise UsageError(found, field="methods", value=each.name)
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
        raise UsageError(f"{alpha} is not a number from 0 to {MAX_ALPHA:g}. Give, for example, 0.2.", field="alpha")
    lacking = without_alpha(choices)
    if not lacking:
        own = ", ".join(each.name for each in choices if "alpha" in each.options)
        names = ", ".join(each.name for each in choices)
        found = f"nothing here draws lam from it ({setting('methods', names)}). Leave it out."
        if own:
            found = f"each method that takes it has its own ({own}). Leave one of them out."
        raise UsageError(found, field="alpha")
    return tuple(
        replace(each, options={**each.options, "alpha": alpha}) if each.name in lacking else each for each in choices
    )


def without_alpha(choices: Sequence[MethodChoice]) -> frozenset[str]:
    """The names of the methods that draw from an alpha and do not give it."""
    methods = {each.name: build(_by_own_name(each)) for each in choices if "alpha" not in each.options}
    return frozenset(
        name for name, method in methods.items() if hasattr(method, "alpha") and "alpha" not in method.idle
    )


def of_all(choices: Sequence[MethodChoice]) -> tuple[MethodChoice, ...]:
    """The choices without their alphas, so that one alpha is for all."""
    return tuple(_but(each, frozenset({"alpha"})) for each in choices)


def resolve(choices: Sequence[MethodChoice], is_planned: bool = False) -> tuple[MethodChoice, ...]:
    """The choices with every option filled in by the method's default. With rows from a plan file (`is_planned`) the
    options that decided them stay absent: they are unknown."""
    return tuple(_filled_in(_by_own_name(each), is_planned) for each in choices)


def _filled_in(choice: MethodChoice, is_planned: bool) -> MethodChoice:
    method = build(choice)
    unknown = method.decided - choice.options.keys() if is_planned else frozenset()
    return _but(replace(choice, options=written(method)), unknown)


def for_balanced_pairing(choices: Sequence[MethodChoice]) -> tuple[MethodChoice, ...]:
    """The choices with the options that the pairing "balanced" asks for, unless they are given."""
    return tuple(replace(each, options={**METHODS[each.name].balanced, **each.options}) for each in choices)


def for_objects(choices: Sequence[MethodChoice], maps: Collection[str] = ()) -> tuple[MethodChoice, ...]:
    """The choices with the options that samples with objects, and with these index `maps`, ask for, unless they are
    given. Raises UsageError where objects cannot follow the pixels of a method."""
    for each in choices:
        if not METHODS[each.name].keeps_objects:
            able = [name for name, method in METHODS.items() if method.keeps_objects and method.has_map(maps)]
            found = f"it moves or mixes pixels in ways that boxes cannot follow. Pass {', '.join(able)}."
            raise UsageError(found, field="methods", value=each.name)
    return tuple(replace(each, options={**METHODS[each.name].with_objects, **each.options}) for each in choices)


def undecided(choices: Sequence[MethodChoice]) -> tuple[MethodChoice, ...]:
    """The choices without what a plan decides: probabilities, and the options that decide rows."""
    return tuple(replace(_but(each, build(each).decided), probability=1.0) for each in choices)


def same_rows(before: Sequence[MethodChoice], now: Sequence[MethodChoice], is_planned: bool) -> bool:
    """Whether two resolved choices make the same rows: probabilities of 50 and 50 are those of 0.5 and 0.5."""
    if is_planned:
        return undecided(before) == undecided(now)
    return _normalised(before) == _normalised(now)


def _normalised(choices: Sequence[MethodChoice]) -> list[MethodChoice]:
    total = math.fsum(each.probability for each in choices)
    return [replace(each, probability=each.probability / total) for each in choices]
