"""What went wrong in an object store: whether it may pass, and what a user reads of it.

Each backend has its own errors: Python's, botocore's, aiohttp's, Azure's and Google's. They are recognised by the names
of their classes and by HTTP status, to import none of these libraries.
"""

from __future__ import annotations

import re
from typing import Any

from mixup_cli.errors import MixupGenError, NoInputError, StorageError
from mixup_cli.storage.seal import reason

PASSING = frozenset(
    "ClientConnectionError ClientPayloadError ConnectionError HTTPClientError IncompleteRead ResponseParserError "
    "ServiceRequestError ServiceResponseError TimeoutError".split()
)
"""Classes of errors that may pass: no answer came, or half of one."""

PASSING_CODES = {"BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch"}
"""What S3 says of an upload that was damaged on its way."""

NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError"}

LETTERS = 200


class ExistsError(StorageError):
    """A file that was to be created exists already."""


_SECRET = re.compile(r"(?<=://)(?:[^/@\s]*|[^/@\s:]*:(?!\d+/)[^@\s]*)@|\?[^\s'\")]*")
"""What stands before the @, or behind the ?. A secret key of S3 may have a slash in it; a port ends with one."""


def without_secrets(text: str) -> str:
    """A text without the users, passwords and queries of the URLs in it."""
    return _SECRET.sub("", text)


def may_pass(problem: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    if (status := _status_of(problem)) is not None:
        code = _answer(problem).get("Error", {}).get("Code")
        return status >= 500 or status in (408, 429) or code in PASSING_CODES
    return not PASSING.isdisjoint(each.__name__ for each in type(problem).__mro__)


def missing(url: str) -> NoInputError:
    """The error for a file that is not there."""
    return NoInputError(f"{url}: no such file or bucket.", "Check the URL.")


def failure(url: str, problem: Exception, attempts: int) -> MixupGenError:
    """What a user reads of a backend's error about a URL, after so many attempts."""
    status, why = _status_of(problem), _why(problem)
    if isinstance(problem, FileNotFoundError | IsADirectoryError | NotADirectoryError) or status == 404:
        return missing(url)
    if isinstance(problem, FileExistsError) or status in (409, 412):
        return ExistsError(f"{url}: exists already.")
    if type(problem).__name__ in NO_CREDENTIALS:
        variables = "such as AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        return StorageError(f"{url}: no credentials ({why}).", f"Set the variables of the store, {variables}.")
    if isinstance(problem, PermissionError) or status in (401, 403):
        return StorageError(f"{url}: access denied ({why}).", "Check the credentials in the environment.")
    if may_pass(problem):
        remedy = "Check the network, and run the same command again: what is finished is kept."
        return StorageError(f"{url}: failed {attempts} times ({why}).", remedy)
    return StorageError(f"{url}: {why}.", "Check the URL and the settings of the store in the environment.")


def _answer(problem: Exception) -> dict[str, Any]:
    """The answer of S3 that botocore parsed: s3fs raises its own error from botocore's."""
    answer = getattr(problem.__cause__ or problem, "response", None)
    return answer if isinstance(answer, dict) else {}


def _status_of(problem: Exception) -> int | None:
    """The HTTP status in a backend's error: S3's, or that of aiohttp, Azure and gcsfs."""
    if (found := _answer(problem).get("ResponseMetadata", {}).get("HTTPStatusCode")) is not None:
        return int(found)
    codes = (getattr(problem, name, None) for name in ("status", "status_code", "code"))
    return next((int(str(each)) for each in codes if str(each).isdecimal()), None)


def _why(problem: Exception) -> str:
    """Why a request failed, in a few words."""
    text = _answer(problem).get("Error", {}).get("Message") or getattr(problem, "message", "")
    if not text:  # a negative number is one of looking up a host's name
        text = str(problem) if (getattr(problem, "errno", None) or 0) < 0 else reason(problem)
    lines = without_secrets(str(text)).strip().splitlines() or [type(problem).__name__]
    return lines[0][:LETTERS].rstrip(". ")
