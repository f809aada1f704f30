"""`--config FILE.toml`: values for options that are not on the command line or in the environment. And back again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mixup_cli.cli.options import method_text
from mixup_cli.cli.options.groups import VARIABLES, local_path
from mixup_cli.cli.options.needs import DECIDED, OF_RECIPE, is_given
from mixup_cli.cli.options.panels import RUNNING
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.recipe import Normalize, Recipe, written
from mixup_cli.wording import did_you_mean, encodable, json_problem

NOT_IN_CONFIG = ("config", "print_config", "help", "sources")

CONFIG_VARIABLE = "MIXUP_GEN_CONFIG"
VARIABLES.add(CONFIG_VARIABLE)

WRITE_TOML = "Write a line NAME = VALUE for each option; --print-config shows how."

LIMIT_BYTES = 1 << 16
"""Each option once takes a few kilobytes."""


def load(context: typer.Context, path: Path | None) -> Path | None:
    """Make the file's values the defaults of the command that is being parsed."""
    if path is None or context.resilient_parsing:
        return path
    values = read_config(path)
    known = {each.name: each for each in context.command.params if each.name not in NOT_IN_CONFIG}
    defaults = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in known:
            names = sorted(str(each).replace("_", "-") for each in known)
            meant = did_you_mean(key.replace("_", "-"), names)
            rest = "" if meant.endswith("?") else f" Give one of {', '.join(names)}."
            raise UsageError(f"{path}: unknown option {key!r}{meant}{rest}")
        if isinstance(value, dict | list):
            kind = "table" if isinstance(value, dict) else "list"
            raise UsageError(f"{path}: {key} is a {kind}. Write it as on the command line, in quotes.")
        is_flag = getattr(known[name], "is_flag", False)
        if isinstance(value, bool) and not is_flag:
            raise UsageError(f"{path}: {key} is {str(value).lower()}, and it takes a value. Write it as for --{key}.")
        if is_flag and not isinstance(value, bool):
            raise UsageError(f"{path}: {key} is {value!r}, and it is on or off. Write true or false.")
        defaults[name] = value if is_flag else str(value)
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


def read_config(path: Path) -> dict[str, Any]:
    """What the file says. Raises NoInputError where it cannot be read, UsageError where it is no TOML."""
    try:
        with path.open("rb") as file:  # read to a limit: it may be a device, or a file of gigabytes
            data = file.read(LIMIT_BYTES + 1)
    except OSError as problem:
        raise NoInputError(
            f"{path}: cannot be read ({problem.strerror}). --config takes a file of options in TOML."
        ) from None
    if len(data) > LIMIT_BYTES:
        raise UsageError(f"{path}: is longer than {LIMIT_BYTES} bytes, which no list of options is. {WRITE_TOML}")
    try:
        return tomllib.loads(data.decode())
    except RecursionError:
        raise UsageError(f"{path}: not TOML (nested too deeply). {WRITE_TOML}") from None
    except ValueError as problem:  # no UTF-8, no TOML, or a number of thousands of digits
        raise UsageError(f"{path}: not TOML ({json_problem(problem)}). {WRITE_TOML}") from None


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        parser=local_path,
        is_eager=True,
        callback=load,
        envvar=CONFIG_VARIABLE,
        help="Options from a file; those on the command line or in MIXUP_GEN_* win.",
        rich_help_panel=RUNNING,
        show_default=False,
        show_envvar=False,
    ),
]


def printed(recipe: Recipe, context: Any) -> str:
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
    values = {name: value for name, value in of_recipe(recipe).items() if name.replace("-", "_") not in left_out}
    streams = [name for name in STREAMS if others.get(name) == "-"]
    values |= {_key(name): value for name, value in others.items() if name not in streams}
    remarks = [f"# --{_key(name)} came from stdin: pass it again\n" for name in streams]
    odd = {key: encodable(str(value)) for key, value in values.items() if encodable(str(value)) != str(value)}
    remarks += [f"# {key} is {text}, which is not UTF-8: pass it again with --{key}\n" for key, text in odd.items()]
    values = {key: value for key, value in values.items() if key not in odd}
    return "".join(remarks) + as_toml(values)


STREAMS = ("plan", "files_from")
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
    return {_key(name): _text(name, values[name]) for name in OF_RECIPE if name in values}


def _text(name: str, value: Any) -> Any:
    """What reads as this value on the command line."""
    if isinstance(value, Normalize):
        return f"{_text('', value.mean)}/{_text('', value.std)}"
    if name in ("size", "cache_size") and value is not None:
        return f"{value[1]}x{value[0]}"
    return ",".join(map(repr, value)) if isinstance(value, tuple) else value
