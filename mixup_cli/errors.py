"""Every error a user can meet, with the exit code it ends the command with.

An error's text says where, what was found, what was expected and what to do next, in one line. Anything that is not a
`MixupGenError` and reaches the top is a bug of ours, and is shown with its traceback.
"""

from __future__ import annotations


class MixupGenError(Exception):
    """Something the user can put right. Ends the command with `exit_code`."""

    exit_code = 1


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
