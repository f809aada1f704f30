"""The options of methods: dataclass fields that know which values they take."""

from __future__ import annotations

import math
from dataclasses import Field, field, fields
from typing import Any

from mixup_cli.errors import UsageError
from mixup_cli.recipe import LEFT_OUT_AT_DEFAULT
from mixup_cli.wording import did_you_mean

MAX_ALPHA = 1000.0
"""Far beyond any use: lam is then ½ within a few hundredths."""

LOW, HIGH, WHOLE, WORDS = "low", "high", "whole", "words"


def number(default: float, low: float = 0.0, high: float = math.inf) -> Any:
    """A finite number from `low` to `high`."""
    return field(default=default, metadata={LOW: low, HIGH: high})


def count(default: int, low: int, high: int) -> Any:
    """A whole number from `low` to `high`. Recipes hold it as a float, like every number."""
    return field(default=float(default), metadata={LOW: low, HIGH: high, WHOLE: True})


def word(default: str, *others: str) -> Any:
    """One of some words. The default is not written into recipes: it came after the first version."""
    return field(default=default, metadata={WORDS: (default, *others), LEFT_OUT_AT_DEFAULT: True})


def follows(low: float = 0.0, high: float = math.inf) -> Any:
    """A number that follows another option where it is not given, and is then not written into recipes."""
    return field(default=None, metadata={LOW: low, HIGH: high, LEFT_OUT_AT_DEFAULT: True})


def check_option(method: str, option: Field[Any], value: float | str) -> None:
    """Raises UsageError where an option does not take a value."""
    words = option.metadata.get(WORDS)
    if words is not None:
        if value not in words:
            found = f"{option.name}={value} is not one of {', '.join(words)}{did_you_mean(str(value), words)}"
            raise UsageError(found, field="methods", value=method)
        return
    low, high = option.metadata[LOW], option.metadata[HIGH]
    whole = WHOLE in option.metadata
    if isinstance(value, str) or not low <= value <= high or value == math.inf or (whole and value != int(value)):
        kind = "a whole number" if whole else "a number"
        upper = f" to {high:g}" if high < math.inf else " up"
        found = f"{option.name}={value} is not {kind} from {low:g}{upper}. Give one."
        raise UsageError(found, field="methods", value=method)


def option_named(method: type[Any], name: str) -> Field[Any]:
    """A method's option. Raises UsageError where it has none of that name."""
    known = {option.name: option for option in fields(method)}
    if name not in known:
        options = f"Its options are {', '.join(sorted(known))}." if known else "It has no options: leave it out."
        found = f"unknown option {name!r}{did_you_mean(name, known)} {options}"
        raise UsageError(found, field="methods", value=method.name)
    return known[name]
