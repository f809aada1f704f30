"""What differs between what is stored and what is wanted: every field, and nothing that is not known."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.differences import Identity, differences
from mixup_cli.runs.fingerprint import Pixels
from mixup_cli.storage.loaded import Loaded, LoadedColumn
from mixup_cli.storage.source_table import SourceTable


def table(sha256: str) -> SourceTable:
    return SourceTable(["a/1.png"], ["a"], LoadedColumn.of([Loaded(3, sha256)]))


STORED = Identity(
    recipe=Recipe(seed=1),
    pixels=Pixels("0" * 64, {"pillow": "11.0.0", "numpy": "2.0.0"}),
    source=table("1" * 64),
    labels=("classes", ("a", "b")),
    rows=24,
)
MIXUP = (MethodChoice("mixup", options={"alpha": 0.4}),)
CHANGED: dict[str, tuple[Any, str]] = {
    "recipe": (Recipe(seed=2, methods=MIXUP), "mixup.alpha was None and is 0.4; seed was 1 and is 2"),
    "pixels": (Pixels("1" * 64, {"pillow": "12.0.0", "numpy": "2.0.0"}), "pillow 11.0.0 then, 12.0.0 now"),
    "source": (table("2" * 64), "a/1.png has other content than before"),
    "labels": (("multi", ("a", "c")), "classes (a, b) then, multi (a, c) now"),
    "rows": (25, "for 24 samples, and 25 are asked for"),
}


def test_the_same_differs_in_nothing() -> None:
    assert list(differences(STORED, replace(STORED))) == []


@pytest.mark.parametrize("field", CHANGED)
def test_each_field_is_compared(field: str) -> None:
    now, found = CHANGED[field]
    assert list(differences(STORED, replace(STORED, **{field: now}))) == [(field, found)]


def test_differences_come_in_the_order_of_the_fields() -> None:
    other = Identity(**{field: now for field, (now, _) in CHANGED.items()})
    assert [field for field, _ in differences(STORED, other)] == [field.name for field in fields(Identity)]


def test_what_is_not_known_differs_from_nothing() -> None:
    assert list(differences(STORED, Identity())) == []
    assert list(differences(Identity(), STORED)) == []


def test_versions_do_not_matter_where_pixels_are_the_same() -> None:
    assert list(differences(STORED, Identity(pixels=Pixels("0" * 64, {"pillow": "12.0.0"})))) == []


def test_a_lost_table_is_compared_by_its_fingerprint() -> None:
    now = table("1" * 64)
    assert list(differences(Identity(source=now.fingerprint), Identity(source=now))) == []
    ((_, found),) = differences(Identity(source="f" * 64), Identity(source=now))
    assert found.startswith(f"the hash of its list is {now.fingerprint[:12]}…, and was ffffffffffff…; sources.csv")
