"""What --help, --help-all and the manual pages show of a command: its options under their headings."""

from __future__ import annotations

import click

from mixup_cli.cli.options.groups import GENERAL, PANELS, Option
from mixup_cli.wording import counted

SCREEN_LINES = 40
"""Of 80 columns: --help of a command with more shows its everyday options only."""

EXAMPLES = (
    ("Mix the images in this folder, where each class has a folder:", "mixup-gen generate --alpha 0.2"),
    ("Ten passes of mixup and CutMix, at one size:", "mixup-gen generate --method mixup,cutmix --passes 10 --size 224"),
    ("Look at what came out, in a browser:", "mixup-gen report mixup-out -o report.html"),
)
"""What a new user may want, and the command for it."""


def panels(
    command: click.Command, context: click.Context, only_everyday: bool = False
) -> dict[str, list[click.Option]]:
    """The options of a command by their headings, in the order of PANELS."""
    found: dict[str, list[click.Option]] = {panel: [] for panel in PANELS}
    for each in command.get_params(context):
        if isinstance(each, click.Option) and (not only_everyday or getattr(each, "is_everyday", False)):
            found[each.panel if isinstance(each, Option) else GENERAL].append(each)
    return {panel: options for panel, options in found.items() if options}


def help_all() -> click.Option:
    """`--help-all`, for any command."""
    shown = "Show all options and exit."
    return click.Option(["--help-all"], is_flag=True, is_eager=True, expose_value=False, callback=_show_all, help=shown)


def _show_all(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(_with(context, only_everyday=False), color=context.color)
        context.exit()


_ONLY_EVERYDAY = f"{__name__}.only_everyday"


def _with(context: click.Context, only_everyday: bool) -> str:
    context.meta[_ONLY_EVERYDAY] = only_everyday
    return click.Command.get_help(context.command, context)


def fitting(context: click.Context) -> str:
    """The help of a command, with its everyday options only where all would not fit a screen."""
    whole = _with(context, only_everyday=False)
    return whole if whole.count("\n") < SCREEN_LINES else _with(context, only_everyday=True)


def write_options(context: click.Context, formatter: click.HelpFormatter) -> None:
    """The options under their headings, and how to see those that are left out."""
    for panel, options in panels(context.command, context, context.meta[_ONLY_EVERYDAY]).items():
        with formatter.section(panel):
            formatter.write_dl([_record(each, context) for each in options])
    if context.meta[_ONLY_EVERYDAY]:
        rest = sum(isinstance(each, Option) and not each.is_everyday for each in context.command.params)
        formatter.write(f"\n--help-all shows {counted(rest, 'more option')}.\n")


def _record(option: click.Option, context: click.Context) -> tuple[str, str]:
    """How an option is typed, and what it does. Among the everyday options, how to switch one off is left out."""
    typed, what = option.get_help_record(context) or ("", "")
    return typed.partition(" / ")[0] if context.meta[_ONLY_EVERYDAY] else typed, what


def write_examples(formatter: click.HelpFormatter) -> None:
    """What to type first."""
    with formatter.section("Examples"):
        for what, command in EXAMPLES:
            formatter.write(f"  {what}\n    {command}\n")
