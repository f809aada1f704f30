"""Options in groups: a group is a dataclass with a field for each option, and a command takes as many as it needs.

Nothing but the field itself says what an option is called, how it is read, and what --help says of it; the variable
`MIXUP_GEN_<NAME>`, the key in a configuration file and its spelling in messages follow from that. Of Click only public
names are used (8.5 is the first whose arguments have a text for --help).

A default is written once: --help shows an option's own, or that of the field of the same name in the group's
`defaults`. Only where neither is a value that can be shown, the option has words for it, `otherwise`;
tests/cli/test_help.py compares these with the library's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields, is_dataclass
from typing import Any, ClassVar, get_type_hints

import click

from mixup_cli.cli.options.parse import PATH, TEXT, Reader
from mixup_cli.cli.options.provenance import VARIABLES, names_of, spell, variable_of

SOURCE, MIXING, PAIRING, VIEWS, LABELS = "Source", "Mixing", "Pairing", "Before mixing", "Labels"
OUTPUT, RUNNING, GENERAL = "Output", "Running", "General"
PANELS = (SOURCE, MIXING, PAIRING, VIEWS, OUTPUT, LABELS, RUNNING, GENERAL)
"""The headings under which --help lists options, in their order."""

MAKE = "parameter"
"""In the metadata of a group's field: makes the parameter once the field's name is known."""


class Group:
    """Options that commands take together: a dataclass of them. `defaults` is what holds where one is not given."""

    defaults: ClassVar[object] = None

    def given(self) -> dict[str, Any]:
        """Those that are set."""
        return {name: value for name, value in vars(self).items() if value is not None and value is not False}


class Option(click.Option):
    """An option under a heading of --help, which a variable can set, too. The everyday ones are those that --help shows
    of a command with more options than fit a screen."""

    def __init__(self, field: str, panel: str, names: tuple[str, ...] = (), **settings: Any) -> None:
        self.panel, self.is_everyday = panel, settings.pop("everyday", False)
        settings = {"envvar": variable_of(field), **settings}
        super().__init__([field, *(names or names_of(field))], **settings)
        VARIABLES.update(filter(None, [settings["envvar"]]))


def flag(panel: str, help: str, reader: Reader = TEXT, default: Any = None, **settings: Any) -> Any:  # noqa: A002
    """A field of a group that is an option with a value. `settings` are those of `Option`, and `otherwise`: what holds
    if it is not given."""
    otherwise = settings.pop("otherwise", default)
    settings = {"metavar": reader.name, **settings}

    def make(name: str, defaults: object) -> Option:
        text = with_default(help, getattr(defaults, name, None) if otherwise is None else otherwise)
        return Option(name, panel, help=text, type=reader, default=default, **settings)

    return field(default=default, metadata={MAKE: make})


def with_default(help: str, value: Any) -> str:  # noqa: A002
    """A text for --help, with what holds if the option is not given, where that is a value or words for it."""
    return help if value is None or value == () else f"{help} Default: {_typed(value)}.".lstrip()


def _typed(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, tuple):
        return ",".join(map(_typed, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def switch(panel: str, help: str, default: bool | None = False, everyday: bool = False) -> Any:  # noqa: A002
    """The same without a value. One whose default is None can also be switched off: `--no-…`."""

    def make(name: str, _: object) -> Option:
        own = spell(name)
        both = (f"{own}/--no-{own[2:]}",) if default is None else ()
        return Option(name, panel, both, help=help, is_flag=True, default=default, everyday=everyday)

    return field(default=default, metadata={MAKE: make})


def argument(
    metavar: str,
    help: str,  # noqa: A002
    default: Any = (),
    nargs: int = 1,
    reader: Reader = PATH,
    otherwise: str | None = None,
) -> Any:
    """A field of a group that is a path, or several, without an option's name; `otherwise` as for `flag`."""

    def make(name: str, _: object) -> click.Argument:
        settings: dict[str, Any] = {} if nargs < 0 else {"default": default}
        text = with_default(help, otherwise or default)
        return click.Argument([name], type=reader, metavar=metavar, help=text, nargs=nargs, **settings)

    return field(default=default, metadata={MAKE: make})


def taken(command: Callable[..., None]) -> tuple[list[click.Parameter], Callable[..., None]]:
    """The parameters of all groups that a command's arguments ask for, and the command as Click calls it."""
    groups = {name: hint for name, hint in get_type_hints(command).items() if is_dataclass(hint)}

    def run(**values: Any) -> None:
        command(**{name: _filled(group, values) for name, group in groups.items()})

    made = [
        each.metadata[MAKE](each.name, getattr(group, "defaults", None))
        for group in groups.values()
        for each in fields(group)
    ]
    return made, run


def _filled(group: Any, values: dict[str, Any]) -> Any:
    return group(**{each.name: values[each.name] for each in fields(group)})
