"""Words of messages: settings as their reader spells them, words that depend on a number, and texts from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias, TypeGuard

_SURROGATE = re.compile("[\ud800-\udfff]")


Spelling: TypeAlias = Callable[[str, str | None], str]
"""Turns the name of a field and its value, if any, into what a message says."""


def as_argument(field: str, value: str | None) -> str:
    """As a caller in Python writes it: `label_kind=multi`."""
    return field if value is None else f"{field}={value}"


_spelling: list[Spelling] = [as_argument]


def setting(field: str, value: object = None) -> str:
    """A field of a recipe, a run or source options in a message, as its reader spells it.

    In Python that is `label_kind=multi`; the command line has it `--label-kind multi` (see `spelled`).
    """
    return _spelling[-1](field, None if value is None else str(value))


def spelling() -> Spelling:
    """How settings are spelled now: for a worker process, which must spell them alike."""
    return _spelling[-1]


@contextmanager
def spelled(how: Spelling) -> Iterator[None]:
    """Within the context, `setting` spells settings this way."""
    _spelling.append(how)
    try:
        yield
    finally:
        _spelling.pop()


def use_another(field: str = "out", or_force: bool = False) -> str:
    """What to do where a place is taken."""
    return f"Use another {setting(field)}" + (f", or {setting('force')} to replace it." if or_force else ".")


def plural(count: int, noun: str) -> str:
    """The noun as it follows a number: 1 shard, 2 shards, 2 classes."""
    return noun if count == 1 else f"{noun}{'es' if noun.endswith('s') else 's'}"


def counted(count: int, noun: str) -> str:
    """How many of it: `1 shard`, `2,000 shards`."""
    return f"{count:,} {plural(count, noun)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the known one that is most like it, where one is."""
    from difflib import get_close_matches  # takes a while to import, and is seldom needed

    names = list(known)
    begun = sorted((name for name in names if word and name.startswith(word.lower())), key=len)
    near = begun or get_close_matches(word.lower(), names, n=1)
    return f"; did you mean {near[0]}?" if near else "."


def quoted(text: str, most_letters: int) -> str:
    """What a user gave, in quotes, cut to fit into a line."""
    return repr(text if len(text) <= most_letters else f"{text[:most_letters]}…")


_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def is_url(text: object) -> TypeGuard[str]:
    """Whether a text names a place by a URL. A `Path` never does: it has lost a slash."""
    return isinstance(text, str) and _URL.match(text) is not None


_NEARLY_URL = re.compile(r"(s3|gs|az|https?|file)(:/?|//)(?=[^/:])", re.IGNORECASE)


def url_problem(text: str) -> tuple[str, str] | None:
    """What is wrong with a URL in place of a path, or with one that lacks a slash or a colon, and the remedy; None for
    any other text."""
    if nearly := _NEARLY_URL.match(text):
        meant = f"{nearly[1].lower()}://{'/' if nearly[1].lower() == 'file' else ''}{text[nearly.end() :]}"
        return f"{text}: neither a URL nor a plain path.", f"Write {meant}, or ./{text} for a path of that name."
    if not (match := _URL.match(text)):
        return None
    instead = "Mount it or copy it first, and give a local path."
    if match[0] == "file://":
        instead = f"Give the path alone: {text[match.end() :]}."
    return f"{text}: a URL, and this takes a local path only.", instead


MOST_TIB = 1_000_000
"""Larger sizes are not worth their digits."""


def readable(size_bytes: int) -> str:
    """Bytes for people: 1.5 GiB."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:,.1f} TiB" if size < MOST_TIB else f"more than {MOST_TIB:,} TiB"


def json_problem(problem: Exception) -> str:
    """Why a text is not JSON, without advice about limits of Python."""
    if isinstance(problem, RecursionError):
        return "nested too deeply"
    return str(problem).partition("; use sys.")[0]


LONGEST = 2000
"""Longer messages hold a file's content, not its name."""


def one_line(text: str) -> str:
    """Foreign text for a line on the terminal: what cannot be printed (line ends, escape sequences, halves of letters)
    is shown escaped, and of what is too long the middle is left out."""
    text = encodable(text)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return printable(text)


def printable(text: str) -> str:
    """A text in which what cannot be printed is shown escaped."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def encodable(text: str) -> str:
    r"""The text with what UTF-8 cannot encode escaped: `\xNN` for a byte that is not UTF-8 (a lone surrogate, as
    `os.fsdecode` gives it), `\uNNNN` for any other lone surrogate."""
    return _SURROGATE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"
