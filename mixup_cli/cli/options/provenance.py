"""How settings are spelled on the command line, and which variable or file sets one that is not on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from click.core import ParameterSource

from mixup_cli.errors import MixupGenError
from mixup_cli.wording import did_you_mean

ENVIRONMENT_PREFIX = "MIXUP_GEN_"

NAMES = {
    "methods": ("--method",),
    "null": ("-0", "--null"),
    "out": ("-o", "--out"),
    "quiet": ("--quiet", "-q"),
    "separate_donors": ("--donors-from",),
    "shard_bytes": ("--shard-size",),
    "source_paths": ("--source",),
}
"""The options that set a field, the first as messages spell it. Other options are called as their fields are."""

VARIABLES: set[str] = {"MIXUP_GEN_STORE_CACHE"}
"""The environment variables that some option of some command reads, and the one of `storage.mirror`."""


def names_of(field: str) -> tuple[str, ...]:
    """What the option that sets a field is called."""
    return NAMES.get(field, (f"--{field.replace('_', '-')}",))


def variable_of(field: str) -> str:
    """The variable that sets a field: the long name of its option, as variables are written."""
    return ENVIRONMENT_PREFIX + max(names_of(field), key=len)[2:].replace("-", "_").upper()


def unread(environment: Mapping[str, str]) -> Iterator[str]:
    """What to say about each variable that looks like ours and sets nothing: most likely it is misspelt."""
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in VARIABLES:
            from difflib import get_close_matches  # takes a while to import, and is seldom needed

            near = get_close_matches(name, VARIABLES, n=1)
            hint = f"Did you mean {near[0]}?" if near else "mixup-gen COMMAND --help-all lists the options."
            yield f"{name} is set, and no option reads it. {hint}"


def spell(field: str, value: str | None = None) -> str:
    """A setting as it is typed: `--label-kind multi`. The command line installs it with `wording.spelled`."""
    option = names_of(field)[0]
    return option if value is None else f"{option} {value or chr(39) * 2}"


def explained(problem: MixupGenError, context: click.Context) -> str:
    """What to say of an error. Each option that it is about is followed by the variable or the file that sets it, if
    one does: `--seed (from MIXUP_GEN_SEED): …`."""
    return problem.shown(lambda field, value: _placed(context, field) + spell(field, value).removeprefix(spell(field)))


def misused(problem: click.UsageError, context: click.Context) -> str:
    """A sentence on what Click finds wrong with a command line."""
    options = {name: each for each in context.command.params for name in (*each.opts, *each.secondary_opts)}
    match problem:
        case click.NoSuchOption():
            known = [name for name in options if name.startswith("-")]
            return f"unknown option {problem.option_name}{did_you_mean(problem.option_name, known)}"
        case click.BadOptionUsage():
            is_switch = getattr(options.get(problem.option_name), "is_flag", False)
            wrong = "it takes no value" if is_switch else "it takes a value, and none is given"
            return f"{problem.option_name}: {wrong}."
        case click.BadParameter() if problem.param is not None and problem.param.name:  # of Click's types we use one
            return f"{_placed(context, problem.param.name)}: it is on or off. Give true or false."
    found = problem.format_message()
    return f"{found[:1].lower()}{found[1:].rstrip('.')}."


def _placed(context: click.Context, field: str) -> str:
    """A field's option with the variable or the file that sets it, where the command line does not."""
    option = spell(field)
    parameter = next((each for each in context.command.params if option in each.opts), None)
    source = context.get_parameter_source(parameter.name or "") if parameter else None
    place: Any = None
    if parameter and source is ParameterSource.ENVIRONMENT:
        place = parameter.envvar
    elif source is ParameterSource.DEFAULT_MAP:
        place = context.params["config"]
    return f"{option} (from {place})" if place else option
