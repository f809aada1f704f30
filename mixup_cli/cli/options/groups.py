"""Options in groups: each group is a dataclass, and a command takes as many groups as it needs.

Typer reads a command's options from its signature. `takes` writes that signature from the groups' fields, and hands
the command one filled-in dataclass per group.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import Field, field, fields
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from mixup_cli.errors import UsageError
from mixup_cli.wording import url_problem

ENVIRONMENT_PREFIX = "MIXUP_GEN_"

OPTION = "option"
"""In the metadata of a group's field."""

VARIABLES: set[str] = set()
"""The environment variables that some option of some command reads."""


def option(*names: str, help: str, panel: str, **settings: Any) -> Any:  # noqa: A002  # typer's own word
    """A typer option that can also come from MIXUP_GEN_<NAME>."""
    long_name = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = ENVIRONMENT_PREFIX + long_name.removeprefix("--").replace("-", "_").upper()
    VARIABLES.add(variable)
    return typer.Option(
        *names, help=help, rich_help_panel=panel, envvar=variable, show_default=False, show_envvar=False, **settings
    )


class Group:
    """Options that commands take together: a dataclass of them."""

    def given(self) -> dict[str, Any]:
        """Those that are set."""
        return {name: value for name, value in vars(self).items() if value is not None and value is not False}


def flag(panel: str, help: str, *names: str, **settings: Any) -> Any:  # noqa: A002
    """A field of a group that is an option, by default None. It is called as the field is, unless `names` say else."""
    return field(default=None, metadata={OPTION: (names, {"panel": panel, "help": help, **settings})})


def switch(panel: str, help: str, *names: str) -> Any:  # noqa: A002
    """As `flag`, of an option without a value, by default False."""
    return field(default=False, metadata={OPTION: (names, {"panel": panel, "help": help})})


def local_name(text: str) -> str:
    """The name of a file or folder. Raises UsageError for a URL, which would be taken for a relative path; ValueError
    for what cannot be a path."""
    if "\0" in text:
        raise ValueError("holds a NUL, and no path does")
    if problem := url_problem(text):
        raise UsageError(problem)
    return text


def local_path(text: str | Path) -> Path:
    """As `local_name`; defaults are paths already."""
    return Path(local_name(text) if isinstance(text, str) else text)


def takes(**groups: type[Any]) -> Callable[[Callable[..., Any]], Callable[..., None]]:
    """Give a command the options of some groups: `takes(source=SourceFlags)` passes `source=SourceFlags(...)`."""

    def decorate(command: Callable[..., Any]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        parameters = [each for group in groups.values() for each in _parameters(group)]
        parameters += [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, each in own.parameters.items()
            if name not in groups
        ]

        @wraps(command)
        def run(**values: Any) -> None:
            built = {
                name: group(**{each.name: values[each.name] for each in fields(group)})
                for name, group in groups.items()
            }
            command(**{name: values[name] for name in own.parameters if name in values}, **built)

        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return run

    return decorate


def _parameters(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=_annotation(each, hints[each.name]),
            default=each.default,
        )
        for each in fields(group)
    ]


def _annotation(each: Field[Any], hint: Any) -> Any:
    """A field's type, with its option. A switch that can also be off is called off by a name of its own."""
    if OPTION not in each.metadata:
        return hint
    names, settings = each.metadata[OPTION]
    own = each.name.replace("_", "-")
    both = f"--{own}/--no-{own}" if hint == bool | None else f"--{own}"
    return Annotated[hint, option(*(names or (both,)), **settings)]
