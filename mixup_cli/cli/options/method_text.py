"""`--method` read and written: `NAME[:PROBABILITY][:OPTION=VALUE]…`, several with commas between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

from mixup_cli.choices import METHOD_NAMES
from mixup_cli.cli.options.parse import Reader
from mixup_cli.errors import UsageError
from mixup_cli.option_text import Options, taken_apart
from mixup_cli.recipe import MethodChoice
from mixup_cli.recipe.rules import MOST_WEIGHT

MOST_OFF = 1e-9
"""How far the sum of probabilities may be from 1: thirds cannot be written out."""

EXAMPLE = "Give, for example, mixup:0.5:alpha=0.4,cutmix:0.5."


Read: TypeAlias = tuple[str, float | None, Options]
"""A method as it is written: its name, its probability if it has one, and its options."""


def methods(text: str) -> tuple[MethodChoice, ...]:
    """The methods that a text names: with probabilities that sum to 1, or 1 each, which is equal shares, where none is
    given. Raises UsageError for other probabilities."""
    read = [taken_apart(part.strip(), "a probability", EXAMPLE) for part in text.split(",")]
    given = [probability for _, probability, _ in read if probability is not None]
    if given:
        _check_probabilities(read, given)
    return tuple(MethodChoice(name, 1.0 if p is None else p, options) for name, p, options in read)


def _check_probabilities(read: Sequence[Read], given: Sequence[float]) -> None:
    """Raises UsageError unless each method has a probability, above 0, and they sum to 1."""
    if not all(0 < each <= MOST_WEIGHT for each in given):
        shown = ", ".join(f"{each:g}" for each in given)
        raise UsageError(f"the probabilities are {shown}, and each must be above 0, and at most 1.", EXAMPLE)
    if len(given) < len(read):
        without = next(name for name, probability, _ in read if probability is None)
        equal = ",".join(_text(name, "", options) for name, _, options in read)
        remedy = f"Give one to each, so that they sum to 1, or to none, as in {equal}, for equal shares."
        raise UsageError(f"{without} has no probability, but others have one.", remedy)
    total = math.fsum(given)
    if abs(total - 1) > MOST_OFF:
        shares = zip(read, given, strict=True)
        normalised = ",".join(_text(name, f"{p / total:.12g}", options) for (name, _, options), p in shares)
        has_room = total < 1 and all(name != "none" for name, _, _ in read)
        rest = f", or add none:{1 - total:.12g}" if has_room else ""
        found = f"the probabilities sum to {total:.12g}, and they must sum to 1."
        raise UsageError(found, f"Give {normalised}{rest}.")


def methods_text(choices: Sequence[MethodChoice]) -> str:
    """What `methods` reads back. Probabilities that do not sum to 1 (of recipes that were not read from there) are
    divided by their sum; 1 each is not written."""
    total = math.fsum(each.probability for each in choices)
    whole = 1.0 if abs(total - 1) <= MOST_OFF else total
    are_equal = all(each.probability == 1 for each in choices)
    return ",".join(
        _text(each.name, "" if are_equal else repr(each.probability / whole), each.options) for each in choices
    )


def _text(name: str, probability: str, options: Options) -> str:
    return ":".join(filter(None, [name, probability, *(f"{key}={value}" for key, value in sorted(options.items()))]))


METHODS = Reader(methods, "NAME[,NAME…]", choices=METHOD_NAMES, is_list=True)
