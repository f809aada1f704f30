"""The command line: commands, and what becomes of errors."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from types import FrameType
from typing import Annotated, Any

import typer

from mixup_cli.cli import show
from mixup_cli.cli.doctor import doctor
from mixup_cli.cli.generate import generate
from mixup_cli.cli.inspect import inspect
from mixup_cli.cli.verify import verify
from mixup_cli.errors import MixupGenError

INTERRUPTED = 130
TERMINATED = 143
CONTINUE = "Finished shards are kept: run the same command again to continue."

app = typer.Typer(
    name="mixup-gen",
    help="Precompute mixup training sets: pictures or a CIFAR archive in, sealed HDF5 shards out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"mixup-gen {version('mixup-gen')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Precompute mixup training sets: pictures or a CIFAR archive in, sealed HDF5 shards out."""


class _Terminated(BaseException):
    """SIGTERM arrived."""


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise _Terminated


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose errors of the user's become one line on stderr and an exit code."""

    @wraps(command)
    def run(**values: Any) -> None:
        try:
            command(**values)
            sys.stdout.flush()
        except MixupGenError as problem:
            show.notice(f"error: {problem}")
            raise typer.Exit(problem.exit_code) from None
        except KeyboardInterrupt:
            show.notice(f"interrupted. {CONTINUE}")
            raise typer.Exit(INTERRUPTED) from None
        except _Terminated:
            show.notice(f"terminated. {CONTINUE}")
            raise typer.Exit(TERMINATED) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: let the last flush pass

    return run


for each in (generate, inspect, verify, doctor):
    app.command()(guarded(each))


def main() -> None:
    """The entry point of `mixup-gen`."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        app(prog_name="mixup-gen")
    except MixupGenError as problem:  # raised while options were read
        show.notice(f"error: {problem}")
        sys.exit(problem.exit_code)
