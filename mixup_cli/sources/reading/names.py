"""File names in messages and in keys: as text that UTF-8 can encode, and back."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from mixup_cli.errors import DataError
from mixup_cli.wording import encodable


def escape_name(name: str) -> str:
    r"""A file name as text that UTF-8 can encode, never the same for two names.

    Bytes that are not UTF-8 (lone surrogates, as `os.fsdecode` gives them) become `\xNN`, and a backslash is doubled.
    """
    if name.isascii() and "\\" not in name:
        return name
    return encodable(name.replace("\\", "\\\\"))


_ESCAPE = re.compile(r"\\(\\|x[89a-f][0-9a-f]|ud[89a-f][0-9a-f]{2})")


def unescape_name(text: str) -> str:
    """The file name that `escape_name` has made a text of. What it never writes stays as it is."""
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    kind, digits = found[1][0], found[1][1:]
    return "\\" if kind == "\\" else chr(int(digits, 16) + (0xDC00 if kind == "x" else 0))


def names_of(names: Sequence[str], limit: int = 5) -> str:
    """The first few names of files or folders, for a message."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(escape_name(name) for name in names[:limit]) + more


def inner_name(name: str, where: str, known: Container[str]) -> str:
    """A file in an archive or a store, as a path from the root of that. Raises DataError for a name that leads out, and
    for one that is `known` already."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name or not parts:
        raise DataError(f"{where}: has a member named {escape_name(name)!r:.80}. Remove it.")
    if (plain := "/".join(parts)) in known:
        raise DataError(f"{where}: holds {escape_name(plain)} twice. Remove one of them.")
    return plain
