"""Every error a user can meet, with the exit code it ends the command with.

An error's text says where, what was found, what was expected and what to do next, in one line. Anything that is not a
`MixupGenError` and reaches the top is a bug of ours, and is shown with its traceback.
"""

from __future__ import annotations

from typing import Self


class MixupGenError(Exception):
    """Something the user can put right. Ends the command with `exit_code`.

    Who finds it may not know what to do about it, which hangs on what the file is to whoever reads it: `remedy` is then
    for others to add, with `or_else`.
    """

    exit_code = 1

    def __init__(self, found: str, remedy: str = "") -> None:
        super().__init__(found, remedy)  # both: it travels from process to process
        self.found, self.remedy = found, remedy

    def __str__(self) -> str:
        return f"{self.found} {self.remedy}".rstrip()

    def or_else(self, remedy: str) -> Self:
        """The same error, with this remedy unless it has one."""
        return type(self)(self.found, self.remedy or remedy)


class RepeatedFailureError(MixupGenError):
    """A piece of work failed as often as it is tried: its worker process died, or memory ran out."""


class UsageError(MixupGenError):
    """The options do not fit together, or do not fit this source."""

    exit_code = 2


class DataError(MixupGenError):
    """The input is damaged or is not what it claims to be; also: `verify` found damage."""

    exit_code = 65


class NoInputError(MixupGenError):
    """There is nothing at that place, or nothing that could be mixed."""

    exit_code = 66


class OutputExistsError(MixupGenError):
    """The output folder holds another data set, or something that is not ours."""

    exit_code = 73


class StorageError(MixupGenError):
    """The disk is full, or reading or writing failed."""

    exit_code = 74
