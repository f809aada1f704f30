"""The text of what has options, `NAME[:NUMBER][:OPTION=VALUE]…`, taken apart: methods and features are written so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from mixup_cli.errors import UsageError
from mixup_cli.wording import quoted

SHOWN_LETTERS = 60

Options: TypeAlias = Mapping[str, float | str]


def taken_apart(text: str, number_is: str, example: str) -> tuple[str, float | None, Options]:
    """The name, the number that stands without a name (`number_is` says what it is, for messages) if there is one, and
    the options. Raises UsageError, which gives the `example`, for any other part, and for one that comes twice."""
    name, *rest = (part.strip() for part in text.split(":"))
    alone: float | None = None
    options: dict[str, float | str] = {}
    for part in rest:
        key, equals, value = part.partition("=")
        number = _number_or_word(value if equals else part)
        if key in options or (not equals and alone is not None):
            what = key if equals else number_is
            raise UsageError(f"{quoted(text, SHOWN_LETTERS)} gives {what} twice.", "Give it once.")
        if equals:
            options[key] = number  # what has the options knows whether one is a number or a word
        elif isinstance(number, float):
            alone = number
        else:
            found = f"{quoted(part, SHOWN_LETTERS)} in {quoted(text, SHOWN_LETTERS)}"
            raise UsageError(f"{found} is neither {number_is} nor OPTION=VALUE.", example)
    return name, alone, options


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
