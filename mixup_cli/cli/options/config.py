"""`--config FILE.toml`: values for options that are not on the command line or in the environment. And back again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from mixup_cli.cli.options import method_text
from mixup_cli.cli.options.groups import RUNNING, flag
from mixup_cli.cli.options.needs import DECIDED, OF_RECIPE, is_given
from mixup_cli.cli.options.parse import PATH, shown
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.recipe import Recipe, written
from mixup_cli.wording import did_you_mean, encodable, json_problem, setting

NOT_IN_CONFIG = ("config", "print_config", "help", "sources")

WRITE_TOML = "Write a line NAME = VALUE for each option; --print-config shows how."

LIMIT_BYTES = 1 << 16
"""Each option once takes a few kilobytes."""


def load(context: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """Make the file's values the defaults of the command that is being parsed."""
    if path is None or context.resilient_parsing:
        return path
    known = {str(each.name): each for each in context.command.params if each.name not in NOT_IN_CONFIG}
    context.default_map = {
        **(context.default_map or {}),
        **dict(_default(path, key, value, known) for key, value in read_config(path).items()),
    }
    return path


def _default(path: Path, key: str, value: Any, known: Mapping[str, click.Parameter]) -> tuple[str, Any]:
    """An option's name and its value, as Click takes it. Raises UsageError for an unknown option or a wrong value."""
    name = key.replace("-", "_")
    if name not in known:
        names = sorted(map(_key, known))
        meant = did_you_mean(_key(key), names)
        rest = "" if meant.endswith("?") else f" Give one of {', '.join(names)}."
        raise UsageError(f"{path}: unknown option {key!r}{meant}{rest}")
    if isinstance(value, dict | list):
        kind = "table" if isinstance(value, dict) else "list"
        raise UsageError(f"{path}: {key} is a {kind}.", "Write it as on the command line, in quotes.")
    is_switch = getattr(known[name], "is_flag", False)
    if isinstance(value, bool) and not is_switch:
        found = f"{path}: {key} is {str(value).lower()}, and it takes a value."
        raise UsageError(found, f"Write it as for {setting(name)}.")
    if is_switch and not isinstance(value, bool):
        raise UsageError(f"{path}: {key} is {value!r}, and it is on or off.", "Write true or false.")
    return name, value if is_switch else str(value)


def read_config(path: Path) -> dict[str, Any]:
    """What the file says. Raises NoInputError where it cannot be read, UsageError where it is not TOML."""
    try:
        with path.open("rb") as file:  # read to a limit: it may be a device, or a file of gigabytes
            data = file.read(LIMIT_BYTES + 1)
    except OSError as problem:
        remedy = f"{setting('config')} takes a file of options in TOML."
        raise NoInputError(f"{path}: cannot be read ({problem.strerror}).", remedy) from None
    if len(data) > LIMIT_BYTES:
        raise UsageError(f"{path}: is longer than {LIMIT_BYTES} bytes, too long for a list of options.", WRITE_TOML)
    try:
        return tomllib.loads(data.decode())
    except RecursionError:
        raise UsageError(f"{path}: not TOML (nested too deeply).", WRITE_TOML) from None
    except ValueError as problem:  # not UTF-8, not TOML, or a number of thousands of digits
        raise UsageError(f"{path}: not TOML ({json_problem(problem)}).", WRITE_TOML) from None


@dataclass(frozen=True)
class ConfigFlags:
    """Where options may stand besides the command line."""

    config: Path | None = flag(
        RUNNING,
        "Read options from a file; the command line and MIXUP_GEN_* override it.",
        PATH,
        metavar="FILE.toml",
        is_eager=True,
        callback=load,
    )


def printed(recipe: Recipe, context: click.Context) -> str:
    """A resolved recipe, and all else that a command was asked for, as a file for `--config`: the same options again
    do the same.

    What a plan has decided is left out. What comes from stdin is a remark only.
    """
    others = {
        name: value
        for name, value in context.params.items()
        if name not in (*NOT_IN_CONFIG, *OF_RECIPE) and is_given(context, name)
    }
    left_out = DECIDED if "plan" in others else ()
    values = {key: value for key, value in of_recipe(recipe).items() if key.replace("-", "_") not in left_out}
    values |= {_key(name): value for name, value in others.items()}
    remarks = ""
    for key, text in {key: str(value) for key, value in values.items()}.items():
        if key in STREAMS and text == "-":
            remarks += f"# --{key} came from stdin: pass it again\n"
        elif encodable(text) != text:
            remarks += f"# {key} is {encodable(text)}, which is not UTF-8: pass it again with --{key}\n"
        else:
            continue
        del values[key]
    return remarks + as_toml(values)


STREAMS = ("plan", "files-from")
"""The options that may name stdin."""


def _key(name: str) -> str:
    return name.replace("_", "-")


def as_toml(values: Mapping[str, Any]) -> str:
    """Options that are given, a line for each: a JSON string, number or boolean is also a TOML one."""
    return "".join(f"{key} = {json.dumps(value, default=str)}\n" for key, value in values.items() if value is not None)


def of_recipe(recipe: Recipe) -> dict[str, Any]:
    """The options that give a recipe, in the order in which --help has them."""
    from mixup_cli.methods import without_idle

    values = {name: getattr(recipe, name) for name in written(recipe)}
    values["method"] = method_text.methods_text(without_idle(recipe.methods))
    values["random_resized_crop"] = True if recipe.crop_area else None
    return {_key(name): shown(name, values[name]) for name in OF_RECIPE if name in values}
