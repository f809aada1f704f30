"""Manual pages, made from what --help says. setup.py makes them for a wheel."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from mixup_cli.cli.app import SUMMARY, app
from mixup_cli.cli.help import EXAMPLES, panels
from mixup_cli.cli.options.groups import Option
from mixup_cli.cli.terminal import signals
from mixup_cli.errors import DataError, NoInputError, OutputExistsError, StorageError, UsageError

ERRORS = (UsageError, DataError, NoInputError, OutputExistsError, StorageError)
"""Those with an exit code of their own."""

LONGEST_SUMMARY = 200

AS_TYPED = str.maketrans({"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "^": r"\(ha", "~": r"\(ti"})
"""What roff would read, or print as another sign than the one that is typed."""


def pages() -> dict[str, str]:
    """The pages by the names of their files: of mixup-gen, and of each command."""
    with app.make_context("mixup-gen", [next(iter(app.commands))]) as context:
        made = {"mixup-gen.1": _page("mixup-gen", SUMMARY, _whole(context))}
        for name, command in app.commands.items():
            with click.Context(command, info_name=name, parent=context) as own:
                title = f"mixup-gen-{name}"
                summary = command.get_short_help_str(LONGEST_SUMMARY)
                made[f"{title}.1"] = _page(title, summary, _of_command(own))
    return made


def _page(title: str, summary: str, body: Iterator[str]) -> str:
    head = f'.TH {_text(title.upper())} 1 "" mixup\\-gen mixup\\-gen'
    return "\n".join([head, ".SH NAME", f"{_text(title)} \\- {_text(summary)}", *body, ""])


def _whole(context: click.Context) -> Iterator[str]:
    yield from _synopsis(context)
    yield ".SH COMMANDS"
    for name, command in app.commands.items():
        yield from _item(f"mixup-gen-{name}(1)", command.get_short_help_str(LONGEST_SUMMARY))
    yield from _options(context)
    yield ".SH EXAMPLES"
    for what, example in EXAMPLES:
        yield from (*_item(what, ""), ".nf", _text(example), ".fi")
    yield ".SH EXIT STATUS"
    yield from (*_item("0", "Done."), *_item("1", "Failed."))
    for each in ERRORS:
        yield from _item(str(each.exit_code), (each.__doc__ or "").replace("`", ""))
    yield from _item("130, 143", f"Interrupted. {signals.CONTINUE}")


def _of_command(context: click.Context) -> Iterator[str]:
    yield from _synopsis(context)
    yield ".SH DESCRIPTION"
    yield "\n.PP\n".join(map(_text, inspect.cleandoc(context.command.help or "").split("\n\n")))
    if arguments := [each for each in context.command.params if isinstance(each, click.Argument)]:
        yield ".SH ARGUMENTS"
        for each in arguments:
            yield from _item(*each.get_help_record(context))
    yield from _options(context)
    if variables := [str(each.envvar) for each in context.command.params if isinstance(each, Option) and each.envvar]:
        yield from (".SH ENVIRONMENT", _text(f"{', '.join(variables)} set the options of these names."))
    yield from (".SH SEE ALSO", ".BR mixup-gen (1)")


def _synopsis(context: click.Context) -> Iterator[str]:
    usage = " ".join(context.command.collect_usage_pieces(context))
    yield from (".SH SYNOPSIS", f"\\fB{_text(context.command_path)}\\fP {_text(usage)}")


def _options(context: click.Context) -> Iterator[str]:
    for panel, options in panels(context.command, context).items():
        yield f".SH {_text(panel.upper())} OPTIONS"
        for each in options:
            yield from _item(*(each.get_help_record(context) or ("", "")))


def _item(term: str, text: str) -> Iterator[str]:
    yield from (".TP", f"\\fB{_text(term)}\\fP", _text(text))


def _text(text: str) -> str:
    """Words for roff: in one line, none of which is a request or an escape, in ASCII."""
    escaped = " ".join(text.split()).translate(AS_TYPED)
    return "\\&" + "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in escaped)
