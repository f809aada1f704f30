"""What differs between two data sets, or a data set and a wish, before any byte is compared. Nothing is read here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeAlias

from mixup_cli.choices import LabelKind
from mixup_cli.recipe import Recipe
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.storage.names import SOURCES
from mixup_cli.storage.source_table import SourceTable, first_difference
from mixup_cli.wording import plural

_HASH = re.compile("[0-9a-f]{64}")

LabelMeaning: TypeAlias = tuple[LabelKind, tuple[str, ...]]
"""The kind of the labels and the names of the classes: what the numbers of labels mean."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the rows of a data set follow from, in the order of comparing. None is not known, or not yet, and differs
    from nothing. Of a `source` whose table is lost only the fingerprint may be known."""

    recipe: Recipe | None = None
    pixels: Pixels | None = None
    source: SourceTable | str | None = None
    labels: LabelMeaning | None = None
    rows: int | None = None


def differences(stored: Identity, wanted: Identity) -> Iterator[tuple[str, str]]:
    """Every field in which the two differ, and how: a clause for a message."""
    for field in fields(Identity):
        before, now = getattr(stored, field.name), getattr(wanted, field.name)
        if before is not None and now is not None and (found := COMPARED[field.name](before, now)):
            yield field.name, found


def _recipes(before: Recipe, now: Recipe) -> str:
    """How two recipes differ; between tasks, nothing else is worth a word."""
    if before.task != now.task:
        return f"task was {before.task} and is {now.task}"
    return "; ".join(_other_values(_plain(before), _plain(now)))


def _plain(recipe: Recipe) -> dict[str, Any]:
    """All of a recipe as plain data, with names for how its samples are read, and methods with their options."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    methods = [{**choice.pop("options"), **choice} for choice in plain["methods"]]
    return {**plain, "reading": dict(plain["reading"]), "methods": methods}


def _other_values(before: Any, now: Any, name: str = "") -> Iterator[str]:
    """What differs between two recipes as plain data: `mixup.alpha was 0.2 and is 0.3`."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            yield from _other_values(before.get(key), now.get(key), f"{name}.{key}".lstrip("."))
    elif _are_records(before) and _are_records(now) and len(before) == len(now):
        for number, (old, new) in enumerate(zip(before, now, strict=True)):
            is_same = "name" in old and old["name"] == new.get("name")
            yield from _other_values(old, new, old["name"] if is_same else f"{name}.{number}")
    elif before != now:
        yield f"{name} was {_shown(before)} and is {_shown(now)}"


def _are_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)


def _shown(value: Any) -> str:
    """A value of a recipe; of methods, if some were added or left out, their names; of a hash, its beginning."""
    if _are_records(value) and all("name" in each for each in value):
        return ", ".join(str(each["name"]) for each in value)
    is_hash = isinstance(value, str) and _HASH.fullmatch(value)
    return f"{value[:12]}…" if is_hash else repr(value)


def _pixels(before: Pixels, now: Pixels) -> str | None:
    """Which versions changed, if the fingerprint did."""
    if before.fingerprint == now.fingerprint:
        return None
    old, new = before.versions, now.versions
    changed = [f"{name} {old.get(name)} then, {new[name]} now" for name in new if old.get(name) != new[name]]
    return "; ".join(changed) or "another machine"


def _labels(before: LabelMeaning, now: LabelMeaning) -> str | None:
    shown = [f"{kind} ({', '.join(names[:5])})" for kind, names in (before, now)]
    return None if before == now else f"{shown[0]} then, {shown[1]} now"


def _sources(before: SourceTable | str, now: SourceTable) -> str | None:
    if not isinstance(before, str):
        return first_difference(before, now)
    if before == now.fingerprint:
        return None
    hashes = f"the hash of its list is {now.fingerprint[:12]}…, and was {before[:12]}…"
    return f"{hashes}; {SOURCES}, which would show what differs, is missing"


def _rows(before: int, now: int) -> str | None:
    return None if before == now else f"for {before} {plural(before, 'sample')}, and {now} are asked for"


COMPARED: dict[str, Callable[[Any, Any], str | None]] = {
    "recipe": _recipes,
    "pixels": _pixels,
    "source": _sources,
    "labels": _labels,
    "rows": _rows,
}
"""How each field of `Identity` is compared: the function says how the two differ, if they do."""
