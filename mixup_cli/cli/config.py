"""`--config FILE.toml`: values for options that are not on the command line or in the environment. And back again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mixup_cli.cli import method_text
from mixup_cli.cli.groups import VARIABLES, local_path
from mixup_cli.cli.needs import DECIDED, OF_RECIPE, is_given
from mixup_cli.cli.panels import RUNNING
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.recipe import Recipe
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
    """The options that give a recipe."""
    from mixup_cli.methods import without_idle

    return {
        "method": method_text.methods_text(without_idle(recipe.methods)),
        **_if_on(recipe, ("pair", "bandwidth", "balance", "per_class", "window", "flip", "crop_pad", "linear_light")),
        "random-resized-crop": True if recipe.crop_area else None,
        "crop-area": ",".join(map(repr, recipe.crop_area)) if recipe.crop_area else None,
        "cache-size": _size(recipe.cache_size),
        "seed": recipe.seed,
        "keep-originals": recipe.keep_originals,
        "fill": ",".join(map(str, recipe.fill)),
        "size": _size(recipe.size),
        "resize": recipe.resize,
        "channels": recipe.channels,
        "dtype": recipe.dtype,
        "value-range": ",".join(map(repr, recipe.value_range)) if recipe.value_range else None,
        "normalize": _normalize(recipe),
        "layout": recipe.layout,
        "labels": recipe.labels,
        **_if_on(recipe, ("label_rule", "remix_kappa", "remix_tau", "label_smoothing")),
        "compression": recipe.compression,
        "samples-per-shard": recipe.samples_per_shard,
    }


def _if_on(recipe: Recipe, names: tuple[str, ...]) -> dict[str, Any]:
    """Options that are not at their defaults, as they are written on the command line."""
    off = Recipe()
    values = {name: getattr(recipe, name) for name in names}
    return {name.replace("_", "-"): value for name, value in values.items() if value != getattr(off, name)}


def _size(height_width: tuple[int, int] | None) -> str | None:
    return f"{height_width[1]}x{height_width[0]}" if height_width else None


def _normalize(recipe: Recipe) -> str | None:
    if recipe.normalize is None:
        return None
    return "/".join(",".join(map(repr, part)) for part in (recipe.normalize.mean, recipe.normalize.std))
