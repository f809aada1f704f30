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
from mixup_cli.storage.seal import reason
from mixup_cli.wording import json_problem, readable, setting


def to_json(plain: Any) -> bytes:
    """UTF-8 with sorted keys, one space of indent, and a newline at the end. Dataclasses become objects.

    Encoded piece by piece: for millions of skipped inputs, a list of all pieces takes six times the memory of the
    bytes. A lone surrogate becomes JSON's own escape.
    """
    written = io.BytesIO()
    text = io.TextIOWrapper(written, "utf-8", "backslashreplace", newline="")
    text.writelines(json.JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False, default=asdict).iterencode(plain))
    text.write("\n")
    text.flush()
    return written.getvalue()


LIMIT_BYTES = 256 << 20
"""The size of a manifest of more than a hundred thousand shards."""


def content_of(path: Path, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """A file's bytes. Raises FileNotFoundError, StorageError, and DataError if it is larger or not a regular file."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit_bytes:
                raise DataError(f"{path}: is not a regular file of at most {readable(limit_bytes)}.", _restore())
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise StorageError(f"{path}: cannot be read ({reason(problem)}).") from problem


def _open_at_once(path: str, flags: int) -> int:
    """Without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of ours. Raises DataError if the file holds anything else, and as `content_of` does."""
    try:
        plain = json.loads(content_of(path))
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{path}: not JSON ({json_problem(problem)}).", _restore()) from None
    if not isinstance(plain, dict):
        raise DataError(f"{path}: not a JSON object.", _restore())
    return plain


def _restore() -> str:
    return f"Restore it, or start over with {setting('force')}."
