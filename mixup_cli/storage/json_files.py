"""JSON for the data set's own files: the same text for the same content."""

from __future__ import annotations

import io
import json
import os
import stat
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mixup_cli.errors import DataError, StorageError
from mixup_cli.wording import json_problem


def to_json(plain: Any) -> bytes:
    """UTF-8 with sorted keys, one space of indent, and a newline at the end. Dataclasses become objects.

    Put together piece by piece, as bytes: where millions of inputs are left out, a list of all pieces takes six times
    what they come to, and text four times. A lone surrogate becomes JSON's own escape for it.
    """
    written = io.BytesIO()
    text = io.TextIOWrapper(written, "utf-8", "backslashreplace", newline="")
    text.writelines(json.JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False, default=asdict).iterencode(plain))
    text.write("\n")
    text.flush()
    return written.getvalue()


LIMIT_BYTES = 256 << 20
"""A manifest of this size tells of more than a hundred thousand shards."""


def content_of(path: Path, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """A file's bytes. Raises FileNotFoundError, since the caller knows what that means, StorageError, and DataError for
    what is no file of ours."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit_bytes:
                raise DataError(
                    f"{path}: is no file of up to {limit_bytes} bytes. Restore it, or start anew with --force."
                )
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise StorageError(f"{path}: cannot be read ({problem.strerror}).") from problem


def _open_at_once(path: str, flags: int) -> int:
    """A pipe would make us wait for its other end."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours. Raises DataError where it is none, FileNotFoundError if there is no such file."""
    try:
        plain = json.loads(content_of(path))
    except (ValueError, RecursionError) as problem:
        raise DataError(
            f"{path}: not JSON ({json_problem(problem)}). Restore it, or start anew with --force."
        ) from None
    if not isinstance(plain, dict):
        raise DataError(f"{path}: not a JSON object. Restore it, or start anew with --force.")
    return plain
