"""Trees of dictionaries, lists, texts and numbers, as JSON and TOML have them, with some of their nodes changed."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any, TypeAlias

from tests.fuzz.mutating import FEW, bytewise, near_or_far

Place: TypeAlias = tuple[Any, Any]
"""A dictionary or a list, and a key or an index in it."""

ODD: list[Any] = [
    *[None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**25, 10**400],
    *[0.5, -0.0, 1e308, 5e-324, float("nan"), float("inf")],
    *["", "0", "-1", "1e999", "\0", "é\u202e\n", "\ud800", "../x", "a" * 300, "none", "ok"],
    *[[], {}, [[]], [None], {"": None}],
]


def changed_tree(draw: Random, tree: Any) -> Any:
    """A copy with a few changes, most of them small. Now and then the root itself is exchanged."""
    holder = [deepcopy(tree)]
    for _ in range(draw.choice(FEW)):
        container, key = draw.choice(list(_places(holder)))
        _change(draw, container, key, holder)
    return holder[0]


def _places(holder: list[Any]) -> Iterator[Place]:
    """Every node, as where it hangs."""
    waiting: list[Any] = [holder]
    while waiting:
        container = waiting.pop()
        for key in container if isinstance(container, dict) else range(len(container)):
            yield container, key
            if isinstance(container[key], dict | list):
                waiting.append(container[key])


def _change(draw: Random, container: Any, key: Any, holder: list[Any]) -> None:
    value = container[key]
    match draw.randrange(10):
        case 0:
            container[key] = deepcopy(draw.choice(ODD))
        case 1 if container is not holder:
            del container[key]
        case 2 if isinstance(container, dict):
            container[draw.choice([f"{key}_", key[:-1], key.upper(), *container])] = deepcopy(value)
        case 2 if container is not holder:
            container[key:key] = [deepcopy(value) for _ in range(draw.choice([1, 2, 50]))]
        case 3:
            container[key] = draw.choice([str(value), [value], {"a": value}, _number(value)])
        case 4:
            for _ in range(draw.choice([1, 3, 40])):
                value = draw.choice([[value], {"a": value}])
            container[key] = value
        case 5:
            other, there = draw.choice(list(_places(holder)))
            container[key] = deepcopy(other[there])
        case _:
            container[key] = _nearby(draw, value)


def _number(value: Any) -> Any:
    """What a text says in numbers; a number as a fraction."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return len(str(value))


def _nearby(draw: Random, value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return near_or_far(draw, value)
        case float():
            return draw.choice([-value, value + 1, value * 1e-9, value * 1e9, 1 - value])
        case str():
            return bytewise(draw, value.encode("utf-8", "replace")).decode("utf-8", "ignore")
        case list():
            return draw.sample(value, len(value))
        case dict():
            return dict(draw.sample(list(value.items()), len(value)))
    return value
