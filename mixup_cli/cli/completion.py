"""Completion in bash, zsh and fish: Click's script for each shell, and where that shell looks for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
    shell_complete,
)

from mixup_cli.cli.options.groups import GENERAL, Option, with_default
from mixup_cli.cli.options.parse import AUTO, Reader, word
from mixup_cli.cli.terminal import show
from mixup_cli.errors import StorageError, UsageError

Shell: TypeAlias = Literal["bash", "zsh", "fish"]

PROGRAM = "mixup-gen"

VARIABLE = "_MIXUP_GEN_COMPLETE"
"""By this a shell asks for candidates: `bash_complete`."""


def _shell(text: str) -> str:
    """One of them; AUTO is the one that SHELL names."""
    return str(_ONE_OF_THEM.convert(Path(os.environ.get("SHELL", "")).name if text == AUTO else text, None, None))


_ONE_OF_THEM = word(Shell)
SHELL = Reader(_shell, _ONE_OF_THEM.name, choices=get_args(Shell))


class Bash(BashComplete):
    """Takes `--pair=any`, which bash takes apart into three words, for two, as Click expects."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """See `click.shell_completion.ShellComplete.get_completion_args`."""
        args, begun = super().get_completion_args()
        return [each for each in args if each != "="], begun


class Fish(FishComplete):
    """Keeps commas in a candidate, and `--pair=` before one: to fish that is one word."""

    source_template = FishComplete.source_template.replace("string split ", "string split --max 1 ")

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """See `click.shell_completion.ShellComplete.get_completions`."""
        name, equals, _ = incomplete.partition("=")
        found = super().get_completions(args, incomplete)
        for each in found if equals and name.startswith("-") else ():
            each.value = f"{name}={each.value}"
        return found


KINDS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": ZshComplete, "fish": Fish}


def answer(app: click.Command, asked: str) -> int:
    """Print the candidates that a shell asks for with VARIABLE. Returns the exit code."""
    for kind in KINDS.values():
        add_completion_class(kind)
    return shell_complete(app, {}, PROGRAM, VARIABLE, asked)


def script(app: click.Command, shell: str) -> str:
    """What makes a shell ask."""
    return KINDS[shell](app, {}, PROGRAM, VARIABLE).source()


def place(shell: str, environment: Mapping[str, str]) -> Path:
    """The file from which a shell loads it. Raises UsageError where the home folder is not known."""
    home = Path(os.path.expanduser("~"))
    data = Path(environment.get("XDG_DATA_HOME") or home / ".local/share")
    if not home.is_absolute():
        raise UsageError("the home folder is not known.", "Set HOME, or use --show-completion.")
    match shell:
        case "bash":
            folder = environment.get("BASH_COMPLETION_USER_DIR") or data / "bash-completion"
            return Path(folder) / "completions" / PROGRAM
        case "zsh":
            return data / "zsh/site-functions" / f"_{PROGRAM}"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "fish/completions" / f"{PROGRAM}.fish"


def _next_step(shell: str, path: Path) -> str:
    """What is left to the user, who owns the files that shells read at their start."""
    match shell:
        case "bash":
            return f"new shells load it if bash-completion is set up; if not, add to ~/.bashrc: source '{path}'"
        case "zsh":
            return f"add to ~/.zshrc: fpath=('{path.parent}' $fpath); autoload -Uz compinit; compinit"
    return "new shells load it"


def _install(app: click.Command, shell: str) -> None:
    path, text = place(shell, os.environ), script(app, shell).encode()
    try:
        is_new = not path.is_file() or path.read_bytes() != text
        if is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
    except OSError as problem:
        remedy = "Print the script with --show-completion, and put it where the shell finds it."
        raise StorageError(f"{path}: cannot be written ({problem.strerror}).", remedy) from None
    show.result(str(path))
    show.notice(f"{'installed' if is_new else 'already installed'} for {shell}; {_next_step(shell, path)}")


def _show(app: click.Command, shell: str) -> None:
    show.result(script(app, shell).rstrip())


def options() -> list[click.Option]:
    """`--install-completion` and `--show-completion`."""
    return [
        _option("install_completion", "Set up completion in bash, zsh or fish.", _install),
        _option("show_completion", "Print the script that does it.", _show),
    ]


def _option(name: str, what: str, carry_out: Callable[[click.Command, str], None]) -> Option:
    def run(context: click.Context, _: click.Parameter, shell: str | None) -> None:
        if shell is not None and not context.resilient_parsing:
            carry_out(context.command, shell)
            context.exit()

    how: dict[str, Any] = {"is_flag": False, "flag_value": AUTO, "is_eager": True, "expose_value": False}
    text = with_default(what, "that of SHELL")
    return Option(name, GENERAL, help=text, type=SHELL, metavar="[SHELL]", callback=run, envvar=None, **how)
