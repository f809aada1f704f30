"""How a recipe is written down: the same JSON for the same content, without the fields that are off."""

from __future__ import annotations

import json
from dataclasses import asdict, field, fields
from typing import Any

LEFT_OUT_AT_DEFAULT = "left out at default"


def added(default: Any) -> Any:
    """A field that came after the first version, or may come with a later one: its default means that it is off, and
    then it is not written down. So a new option changes the hash of no recipe that does not use it."""
    return field(default=default, metadata={LEFT_OUT_AT_DEFAULT: True})


def written(instance: Any) -> dict[str, Any]:
    """The fields of a dataclass that are written down."""
    left_out = {
        each.name
        for each in fields(instance)
        if LEFT_OUT_AT_DEFAULT in each.metadata and getattr(instance, each.name) == each.default
    }
    return {name: value for name, value in asdict(instance).items() if name not in left_out}


def canonical_json(plain: Any) -> str:
    """The one text of plain values that is hashed: sorted keys, no spaces, no escapes of letters."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
