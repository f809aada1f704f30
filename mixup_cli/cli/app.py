"""The command line: its commands, and how an error ends them: one line on stderr and an exit code."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import click

from mixup_cli.cli import completion, help, shortages  # noqa: A004  # as the option is called
from mixup_cli.cli.commands.doctor import doctor
from mixup_cli.cli.commands.export import export
from mixup_cli.cli.commands.generate import generate
from mixup_cli.cli.commands.inspect import inspect
from mixup_cli.cli.commands.materialize import materialize
from mixup_cli.cli.commands.merge import merge
from mixup_cli.cli.commands.plan import plan
from mixup_cli.cli.commands.preview import preview
from mixup_cli.cli.commands.repair import repair
from mixup_cli.cli.commands.report import report
from mixup_cli.cli.commands.verify import verify
from mixup_cli.cli.options import needs, provenance
from mixup_cli.cli.options.groups import taken
from mixup_cli.cli.terminal import show, signals
from mixup_cli.errors import MixupGenError, StorageError, UsageError
from mixup_cli.wording import did_you_mean, quoted, readable, spelled

SWITCH_SECONDS = 0.0005
"""How long a thread that runs Python may keep others waiting. While one imports, another feeds the decompressor, which
would rest for most of Python's own 5 ms after each piece."""

LEAST_MEMORY_BYTES = 512 << 20
"""With less room for addresses libraries fail while they are loaded."""

NO_MEMORY = "Raise the limit of memory (ulimit -v)"


RESUMED = ("generate", "merge", "materialize", "export")
"""Commands that go on where they were stopped."""

SUMMARY = "Precompute mixup training sets: image folders or a CIFAR archive in, sealed HDF5 shards out."


@contextmanager
def _in_one_line(context: click.Context, hint: str = "") -> Iterator[None]:
    """An error that the user can solve becomes a line on stderr and an exit code; `hint` is its remedy if it has none.
    A bug of ours is shown with its traceback."""
    try:
        yield
    except BaseException as problem:
        is_help = isinstance(problem, OSError) and hint  # that could not be printed: `main` says so
        ending = None if is_help else _ending(problem, context, hint)
        if ending is None or signals.is_asked():
            raise
        show.notice(f"error: {ending[0]}")
        raise click.exceptions.Exit(ending[1]) from None


def _ending(problem: BaseException, context: click.Context, hint: str) -> tuple[str, int] | None:
    """What to say and which code to exit with; None for a bug of ours."""
    match problem:
        case MixupGenError():
            return provenance.explained(problem.or_else(hint), context), problem.exit_code
        case click.UsageError():
            return f"{provenance.misused(problem, context)} {hint}", UsageError.exit_code
        case _ if shortages.loads_no_library(problem):
            library = quoted(str(problem), 160)
            return f"a library cannot be loaded ({library}). {NO_MEMORY}, or install mixup-gen again.", 1
        case FileNotFoundError() if not problem.filename and _is_nowhere():
            return "the current folder no longer exists. Go to another one.", StorageError.exit_code
        case OSError():  # the last resort: where we know more, a StorageError says it
            where = f"{problem.filename}: " if problem.filename else ""
            found = problem.strerror or problem
            return f"{where}{found}. Fix that, and run the same command again.", StorageError.exit_code
        case _ if shortages.starts_no_thread(problem):
            return "the system starts no more threads. Raise ulimit -u and ulimit -v, or pass --workers 1.", 1
        case MemoryError():
            return "not enough memory. Pass a smaller --workers, --batch-size or --shard-size.", 1
    return None


def _is_nowhere() -> bool:
    try:
        os.getcwd()
    except OSError:
        return True
    return False


def _check_memory() -> None:
    """Raises MixupGenError where this process may have too little memory for anything."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
    except ImportError:  # Windows
        return
    limit = getrlimit(RLIMIT_AS)[0]
    if limit != RLIM_INFINITY and limit < LEAST_MEMORY_BYTES:
        found, least = readable(limit), readable(LEAST_MEMORY_BYTES)
        raise MixupGenError(f"not enough memory: a process may take {found}, and mixup-gen takes {least}. {NO_MEMORY}.")


class Command(click.Command):
    """A command that takes groups of options, and ends in one line where the user made a mistake."""

    @classmethod
    def of(cls, function: Callable[..., None]) -> Self:
        """The command that is named and described as the function is."""
        params, run = taken(function)
        return cls(function.__name__, params=params, callback=run, help=function.__doc__)

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._help_all = help.help_all()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`."""
        with _in_one_line(ctx, f"See {ctx.command_path} --help-all."):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Command.invoke`."""
        signals.advise(signals.CONTINUE if self.name in RESUMED else signals.AGAIN)
        with _in_one_line(ctx):
            _check_memory()
            for notice in () if ctx.params.get("quiet") else provenance.unread(os.environ):
                show.notice(notice)
            needs.settle(ctx)
            return super().invoke(ctx)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """See `click.Command.get_params`: each command has `--help-all`, too."""
        return [*super().get_params(ctx), self._help_all]

    def get_help(self, ctx: click.Context) -> str:
        """See `click.Command.get_help`."""
        return help.fitting(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See `click.Command.format_options`."""
        help.write_options(ctx, formatter)


class Commands(click.Group):
    """The commands by their names, in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See `click.Group.list_commands`."""
        return list(self.commands)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See `click.Group.format_options`: commands come first."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See `click.Command.format_epilog`."""
        help.write_examples(formatter)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Group.parse_args`."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(UsageError.exit_code)
        with _in_one_line(ctx, HINT):
            return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """See `click.Group.resolve_command`."""
        with _in_one_line(ctx, HINT):
            if args[0] not in self.commands and not ctx.resilient_parsing:
                raise UsageError(f"unknown command {args[0]!r}{did_you_mean(args[0], self.commands)}")
            return super().resolve_command(ctx, args)


HINT = "See mixup-gen --help."

app = Commands(
    name="mixup-gen",
    help=SUMMARY,
    params=[*completion.options()],
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(package_name="mixup-gen", message="mixup-gen %(version)s")(app)
for each in (generate, plan, inspect, preview, report, verify, repair, merge, materialize, export, doctor):
    app.add_command(Command.of(each))


def _occupy_descriptors() -> None:
    """Where stdin, stdout or stderr is closed (`>&-`), a file of ours would take its number, and what a library in C
    says on stderr would end up in a shard."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _run() -> int:
    """Run the command that was typed, and return its exit code. Click's own `main` would end with 1 if the reader of
    stdout has left."""
    if asked := os.environ.get(completion.VARIABLE):
        return completion.answer(app, asked)
    try:
        with app.make_context("mixup-gen", sys.argv[1:]) as context:
            app.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return 0


def main() -> None:
    """The entry point of `mixup-gen`."""
    signals.listen()
    sys.setswitchinterval(SWITCH_SECONDS)
    _occupy_descriptors()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # we report what is wrong with an image, with its name
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that the terminal's encoding lacks are shown escaped
    try:
        with spelled(provenance.spell):
            sys.exit(_run())
    except OSError as problem:  # commands report theirs; this one is of --help
        show.let_go(sys.stdout)
        if not isinstance(problem, BrokenPipeError):  # the reader of --help has left
            show.notice(f"error: stdout: {problem.strerror}. Send it elsewhere, and run the same command again.")
            sys.exit(StorageError.exit_code)
    except BaseException:  # not Interrupt alone: an error raised meanwhile can replace it
        if signals.is_asked():
            signals.end()
        raise
    finally:
        signals.nothing_to_unwind()
        gc.disable()
        gc.freeze()  # else the interpreter's last search for cycles takes a quarter of a second
