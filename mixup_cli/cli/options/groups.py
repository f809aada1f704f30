"""Options in groups: a group is a dataclass with a field for each option, and a command takes as many as it needs.

Nothing but the field itself says what an option is called, how it is read, and what --help says of it; the variable
`MIXUP_GEN_<NAME>`, the key in a configuration file and its spelling in messages follow from that. Of Click only public
names are used (8.5 is the first whose arguments have a text for --help).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, fields, is_dataclass
from typing import Any, get_type_hints

import click

from mixup_cli.cli.options.parse import PATH, TEXT, Reader
from mixup_cli.cli.options.provenance import VARIABLES, names_of, spell, variable_of

SOURCE, MIXING, PAIRING, VIEWS, LABELS = "Source", "Mixing", "Pairing", "Before mixing", "Labels"
OUTPUT, RUNNING = "Output", "Running"
PANELS = (SOURCE, MIXING, PAIRING, VIEWS, OUTPUT, LABELS, RUNNING)
"""The headings under which --help lists options, in their order."""

MAKE = "parameter"
"""In the metadata of a group's field: makes the parameter once the field's name is known."""


class Group:
    """Options that commands take together: a dataclass of them."""

    def given(self) -> dict[str, Any]:
        """Those that are set."""
        return {name: value for name, value in vars(self).items() if value is not None and value is not False}


class Option(click.Option):
    """An option under a heading of --help, which a variable can set, too."""

    def __init__(self, field: str, panel: str, names: tuple[str, ...] = (), **settings: Any) -> None:
        settings = {"envvar": variable_of(field), **settings}
        super().__init__([field, *(names or names_of(field))], **settings)
        self.panel = panel
        VARIABLES.update(filter(None, [settings["envvar"]]))


def flag(panel: str, help: str, reader: Reader = TEXT, default: Any = None, **settings: Any) -> Any:  # noqa: A002
    """A field of a group that is an option with a value."""
    settings = {"metavar": reader.name, **settings}

    def make(name: str) -> Option:
        return Option(name, panel, help=help, type=reader, default=default, **settings)

    return field(default=default, metadata={MAKE: make})


def switch(panel: str, help: str, default: bool | None = False) -> Any:  # noqa: A002
    """The same without a value. One whose default is None can also be switched off: `--no-…`."""

    def make(name: str) -> Option:
        own = spell(name)
        both = (f"{own}/--no-{own[2:]}",) if default is None else ()
        return Option(name, panel, both, help=help, is_flag=True, default=default)

    return field(default=default, metadata={MAKE: make})


def argument(
    metavar: str,
    help: str,  # noqa: A002
    default: Any = (),
    nargs: int = 1,
    reader: Reader = PATH,
) -> Any:
    """A field of a group that is a path, or several, without an option's name."""

    def make(name: str) -> click.Argument:
        settings: dict[str, Any] = {} if nargs < 0 else {"default": default}
        return click.Argument([name], type=reader, metavar=metavar, help=help, nargs=nargs, **settings)

    return field(default=default, metadata={MAKE: make})


def taken(command: Callable[..., None]) -> tuple[list[click.Parameter], Callable[..., None]]:
    """The parameters of all groups that a command's arguments ask for, and the command as Click calls it."""
    groups = {name: hint for name, hint in get_type_hints(command).items() if is_dataclass(hint)}

    def run(**values: Any) -> None:
        command(**{name: _filled(group, values) for name, group in groups.items()})

    return [each.metadata[MAKE](each.name) for group in groups.values() for each in fields(group)], run


def _filled(group: Any, values: dict[str, Any]) -> Any:
    return group(**{each.name: values[each.name] for each in fields(group)})
