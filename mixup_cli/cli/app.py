"""The command line: commands, and what becomes of errors."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
import warnings
from importlib.metadata import version
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from mixup_cli.cli.commands.doctor import doctor
from mixup_cli.cli.commands.generate import generate
from mixup_cli.cli.commands.inspect import inspect
from mixup_cli.cli.commands.plan import plan
from mixup_cli.cli.commands.preview import preview
from mixup_cli.cli.commands.repair import repair
from mixup_cli.cli.commands.verify import verify
from mixup_cli.cli.help import GroupedHelp
from mixup_cli.cli.options import needs, provenance, settings
from mixup_cli.cli.terminal import show, signals
from mixup_cli.errors import MixupGenError, StorageError, UsageError
from mixup_cli.wording import did_you_mean, quoted, readable, spelled

GC_THRESHOLD = 100_000
"""A scan makes hundreds of thousands of small objects and no cycle among them; looking for some took 7 % of a run."""

WHAT_THERE_IS = "mixup-gen --help lists what there is."

SWITCH_SECONDS = 0.0005
"""How long a thread that runs Python may keep others waiting. While one imports, another feeds the decompressor, which
would rest for most of Python's own 5 ms after each piece."""

LEAST_MEMORY_BYTES = 512 << 20
"""With less room for addresses libraries fail while they are loaded."""

NO_MEMORY = "Raise the limit of memory (ulimit -v)"


class Commands(TyperGroup):
    """The commands by their names."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """See `click.Group.resolve_command`."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise UsageError(f"unknown command {args[0]!r}{did_you_mean(args[0], self.commands)} {WHAT_THERE_IS}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="mixup-gen",
    cls=Commands,
    help="Precompute mixup training sets: pictures or a CIFAR archive in, sealed HDF5 shards out.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        show.result(f"mixup-gen {version('mixup-gen')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Precompute mixup training sets: pictures or a CIFAR archive in, sealed HDF5 shards out."""


def _ending(problem: BaseException, context: Any) -> tuple[str, int] | None:
    """What to say and which code to exit with; None for a bug of ours, which is shown with its traceback."""
    match problem:
        case MixupGenError():
            return f"error: {provenance.told(problem, context)}", problem.exit_code
        case ImportError() | OSError() if "shared object" in str(problem):
            library = quoted(str(problem), 160)
            return f"error: a library cannot be loaded ({library}). {NO_MEMORY}, or install mixup-gen again.", 1
        case FileNotFoundError() if not problem.filename and _is_nowhere():
            return "error: the current folder is not there any more. Go to another one.", StorageError.exit_code
        case OSError():  # the last resort: where we know more, a StorageError says it
            where = f"{problem.filename}: " if problem.filename else ""
            found = problem.strerror or problem
            return f"error: {where}{found}. Put that right, and run the same command again.", StorageError.exit_code
        case RuntimeError() if str(problem) == "can't start new thread":  # each takes memory for its stack
            return "error: the system starts no more threads. Raise ulimit -u and ulimit -v, or pass --workers 1.", 1
        case MemoryError():
            return "error: not enough memory. Pass a smaller --workers, --batch-size or --shard-size.", 1
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


class Guarded(GroupedHelp):
    """A command whose errors of the user's become one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """See `click.Command.invoke`."""
        signals.advise(signals.CONTINUE if self.name == "generate" else signals.AGAIN)
        try:
            _check_memory()
            for notice in () if ctx.params.get("quiet") else settings.unread(os.environ):
                show.notice(notice)
            needs.settle(ctx)
            return super().invoke(ctx)
        except BaseException as problem:
            ending = _ending(problem, ctx)
            if ending is None or signals.is_asked():
                raise
            show.notice(ending[0])
            raise typer.Exit(ending[1]) from None


for each in (generate, plan, inspect, preview, verify, repair, doctor):
    app.command(cls=Guarded)(each)


def _occupy_descriptors() -> None:
    """Where stdin, stdout or stderr is closed (`>&-`), a file of ours would take its number, and what a library in C
    says on stderr would land in a shard."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


_Misused = cast(type[Exception], typer.BadParameter.__bases__[0])
"""What Click raises where the command line is not one: its UsageError, which typer hides at different places."""


def _told(problem: Any) -> int:
    """Say in a line what is wrong with the command line, as we say all else. Returns the exit code."""
    if type(problem).__name__ == "NoArgsIsHelpError":
        problem.show()
    else:
        command = problem.ctx.command_path if problem.ctx else "mixup-gen"
        show.notice(f"error: {provenance.misused(problem)} {WHAT_THERE_IS.replace('mixup-gen', command)}")
    return int(problem.exit_code)


def main() -> None:
    """The entry point of `mixup-gen`."""
    signals.listen()
    gc.set_threshold(GC_THRESHOLD)
    sys.setswitchinterval(SWITCH_SECONDS)
    _occupy_descriptors()
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what is wrong with a picture we say, with its name
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names that the terminal's encoding lacks are shown escaped
    try:
        with spelled(provenance.spell):
            sys.exit(app(prog_name="mixup-gen", standalone_mode=False) or 0)
    except MixupGenError as problem:  # raised while options were read
        show.notice(f"error: {provenance.told(problem, None)}")
        sys.exit(problem.exit_code)
    except _Misused as problem:
        sys.exit(_told(problem))
    except OSError as problem:  # commands tell of theirs; this one is of --help
        show.let_go(sys.stdout)
        if not isinstance(problem, BrokenPipeError):  # the reader of --help has left
            show.notice(f"error: stdout: {problem.strerror}. Send it elsewhere, and run the same command again.")
            sys.exit(StorageError.exit_code)
    except BaseException:  # not Interrupt alone: what is raised while something else fails can take its place
        if signals.is_asked():
            signals.end()
        raise
    finally:
        signals.nothing_to_unwind()
        gc.disable()
        gc.freeze()  # else the interpreter's last search for cycles takes a quarter of a second
