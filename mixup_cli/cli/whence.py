"""Where an option's value comes from that is not on the command line: who reads of it should not have to guess."""

from __future__ import annotations

import os
import re
from typing import Any

from mixup_cli.wording import quoted

_OPTION = re.compile(r"(?<!\S)--?[a-zA-Z0-9][a-z0-9-]*")
SHOWN_LETTERS = 40


def with_places(message: str, context: Any) -> str:
    """A message that begins with options (`--seed: …`, `--crop-pad and --fill: …`), and behind each the variable or
    the file that sets it, if one does: `--seed (from MIXUP_GEN_SEED): …`."""
    head, colon, rest = message.partition(": ")
    if not colon:
        return message
    return _OPTION.sub(lambda found: _behind(found[0], _place(context, found[0])), head) + colon + rest


def misused(problem: Any) -> str:
    """What Click finds wrong with a command line, told as all else is: which option, what is there, what could be."""
    option = max(getattr(getattr(problem, "param", None), "opts", ()), key=len, default="")
    if not option.startswith("--") or not problem.message:
        return str(problem.format_message()).rstrip(".")
    place = _place(problem.ctx, option)
    found = f"{_found(problem.ctx, option)} from {place}" if place else ""
    return f"{_behind(option, found, word='')}: {problem.message.removeprefix('Value error, ').rstrip('.')}"


def _behind(option: str, place: str, word: str = "from ") -> str:
    return f"{option} ({word}{place})" if place else option


def _place(context: Any, option: str) -> str:
    """The variable or the configuration file that sets an option; nothing where the command line does, or nobody."""
    parameter = _parameter(context, option)
    origin = None if parameter is None else context.get_parameter_source(parameter.name)
    if origin is None or origin.name not in ("ENVIRONMENT", "DEFAULT_MAP"):
        return ""
    return str(parameter.envvar if origin.name == "ENVIRONMENT" else context.params.get("config"))


def _found(context: Any, option: str) -> str:
    """What the variable or file says, for a message that does not tell it."""
    parameter = _parameter(context, option)
    is_variable = context.get_parameter_source(parameter.name).name == "ENVIRONMENT"
    text = os.environ[parameter.envvar] if is_variable else str(context.default_map[parameter.name])
    return quoted(text, SHOWN_LETTERS)


def _parameter(context: Any, option: str) -> Any:
    known = () if context is None else context.command.params
    return next((each for each in known if option in (*each.opts, *each.secondary_opts)), None)
