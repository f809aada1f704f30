"""Where an option's value comes from that is not on the command line: who reads of it should not have to guess."""

from __future__ import annotations

import re
from typing import Any

from mixup_cli.errors import MixupGenError
from mixup_cli.wording import did_you_mean, quoted

_OPTION = re.compile(r"(?<!\S)--?[a-zA-Z0-9][a-z0-9-]*")
SHOWN_LETTERS = 40


SPELLED = {"methods": "--method", "out": "-o", "source_paths": "--source", "null": "-0", "shard_bytes": "--shard-size"}
"""Fields that no option of their own name sets."""


def spell(field: str, value: str | None) -> str:
    """A setting as it is typed: `--label-kind multi`. The command line installs it with `wording.spelled`."""
    option = SPELLED.get(field, f"--{field.replace('_', '-')}")
    return option if value is None else f"{option} {value or chr(39) * 2}"


def told(problem: MixupGenError, context: Any) -> str:
    """What to say of an error. Each option that it is about is followed by the variable or the file that sets it, if
    one does: `--seed (from MIXUP_GEN_SEED): …`."""
    if not problem.fields:
        return with_places(str(problem), context)
    return problem.shown(lambda field, value: _placed(context, field, value))


def _placed(context: Any, field: str, value: str | None) -> str:
    option = spell(field, None)
    rest = spell(field, value).removeprefix(option)
    return _behind(option, _place(context, option)) + rest


def with_places(message: str, context: Any) -> str:
    """A message that begins with options (`--seed: …`, `--crop-pad and --fill: …`), and behind each the variable or
    the file that sets it, if one does: `--seed (from MIXUP_GEN_SEED): …`."""
    head, colon, rest = message.partition(": ")
    if not colon:
        return message
    return _OPTION.sub(lambda found: _behind(found[0], _place(context, found[0])), head) + colon + rest


def misused(problem: Any) -> str:
    """A sentence on what Click finds wrong with a command line: which option, what is there, what could be."""
    if (unknown := getattr(problem, "option_name", None)) and type(problem).__name__ == "NoSuchOption":
        known = [name for each in problem.ctx.command.params for name in (*each.opts, *each.secondary_opts)]
        return f"unknown option {unknown}{did_you_mean(unknown, [name for name in known if name.startswith('-')])}"
    if type(problem).__name__ == "BadOptionUsage":
        wrong = "it takes a value, and none is given" if "requires" in problem.message else "it takes no value"
        return f"{problem.option_name}: {wrong}."
    parameter = getattr(problem, "param", None)
    option = max(getattr(parameter, "opts", ()), key=len, default="")
    if not option.startswith("--") or not problem.message:
        return f"{str(problem.format_message()).rstrip('.')}."
    place = _place(problem.ctx, option)
    return f"{_behind(option, place)}: {_what_is_wrong(problem, parameter)}"


BOUNDS = {"greater_than_equal": ("ge", "less than"), "less_than_equal": ("le", "more than")}
KINDS = {"int_parsing": "a whole number", "float_parsing": "a number", "bool_parsing": "true or false"}


def _what_is_wrong(problem: Any, parameter: Any) -> str:
    """What is there and what could be, from what pydantic says of it."""
    details: list[Any] = getattr(problem.__cause__, "errors", list)()
    if not details:
        return f"{problem.message.rstrip('.')}."
    kind, found = details[0]["type"], quoted(str(details[0]["input"]), SHOWN_LETTERS)
    if choices := parameter.type_descriptor.choices:
        return f"{found} is not one of {', '.join(choices)}{did_you_mean(str(details[0]['input']), choices)}"
    if kind == "value_error":
        return f"{found} {details[0]['msg'].removeprefix('Value error, ')}."
    if kind in BOUNDS:
        name, wrong = BOUNDS[kind]
        return f"{found.strip(chr(39))} is {wrong} {details[0]['ctx'][name]}."
    return f"{found} is not {KINDS.get(kind, f'valid ({problem.message})')}."


def _behind(option: str, place: str) -> str:
    return f"{option} (from {place})" if place else option


def _place(context: Any, option: str) -> str:
    """The variable or the configuration file that sets an option; nothing where the command line does, or nobody."""
    parameter = _parameter(context, option)
    origin = None if parameter is None else context.get_parameter_source(parameter.name)
    if origin is None or origin.name not in ("ENVIRONMENT", "DEFAULT_MAP"):
        return ""
    return str(parameter.envvar if origin.name == "ENVIRONMENT" else context.params.get("config"))


def _parameter(context: Any, option: str) -> Any:
    known = () if context is None else context.command.params
    return next((each for each in known if option in (*each.opts, *each.secondary_opts)), None)
