"""Every error a user can meet, with the exit code it ends the command with.

An error's text says where, what was found, what was expected and what to do next, in one line. Anything that is not a
`MixupGenError` and reaches the top is a bug of ours, and is shown with its traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from mixup_cli.wording import setting


class MixupGenError(Exception):
    """A problem that the user can solve. Ends the command with `exit_code`.

    `field` names the setting that is wrong, or several of them, and `value` what it was set to: library code knows
    fields alone, and the command line shows the option, the variable or the file that set them (`shown`). The place
    that finds a problem may not know the remedy, which depends on what the file is to the caller: `or_else` adds it.
    """

    exit_code = 1

    def __init__(self, found: str, remedy: str = "", field: str | tuple[str, ...] = (), value: object = None) -> None:
        super().__init__(found, remedy, field, value)  # all: errors travel from process to process
        self.found, self.remedy = found, remedy
        self.fields = (field,) if isinstance(field, str) else field
        self.value = None if value is None else str(value)

    def __str__(self) -> str:
        return self.shown(setting)

    def shown(self, spelling: Callable[[str, str | None], str]) -> str:
        """The message, with its fields as `spelling` writes them."""
        named = " and ".join(spelling(field, self.value) for field in self.fields)
        return f"{f'{named}: ' if named else ''}{self.found} {self.remedy}".rstrip()

    def or_else(self, remedy: str = "", field: str | tuple[str, ...] = ()) -> Self:
        """The same error, with this remedy unless it has one, and this field unless it names one."""
        return type(self)(self.found, self.remedy or remedy, self.fields or field, self.value)


class RepeatedFailureError(MixupGenError):
    """A piece of work failed as often as it is tried: its worker process died, or memory ran out."""


class ClusterError(MixupGenError):
    """A Ray cluster that cannot be reached, or a node of it that is of no use."""


class UsageError(MixupGenError):
    """The options do not fit together, or do not fit this source."""

    exit_code = 2


class DataError(MixupGenError):
    """The input is damaged or is not what it claims to be; also: `verify` found damage."""

    exit_code = 65


class NoInputError(MixupGenError):
    """No such file or folder, or it holds nothing that can be mixed."""

    exit_code = 66


class OutputExistsError(MixupGenError):
    """The output folder holds another data set, or something that is not ours."""

    exit_code = 73


class StorageError(MixupGenError):
    """The disk is full, or reading or writing failed."""

    exit_code = 74


@contextmanager
def from_extra(extra: str, what: str, field: str = "", value: object = None) -> Iterator[None]:
    """Import libraries that an extra of this package brings, for `what`. Raises UsageError where one is missing."""
    try:
        yield
    except (ImportError, OSError) as problem:  # OSError: without the part in C
        remedy = f"Run pip install 'mixup-gen[{extra}]'."
        raise UsageError(f"{what} needs a library: {problem}.", remedy, field or (), value) from None
