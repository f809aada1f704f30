"""Which rows a reader shows: passes, originals, methods, classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.passes import OneByOne, Shown, originals_of, shown_of
from mixup_cli.wording import did_you_mean, setting

BLOCK_ROWS = 1 << 14
"""Rows that are looked at together."""

Test: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.bool_]]
"""Which of some rows are shown: bool (m)."""


class Listed:
    """Rows that are shown, each by its number."""

    def __init__(self, rows: NDArray[np.int64]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows at some positions, from 0: int64 (m)."""
        return self._rows[np.asarray(positions, np.int64)]


Epochs: TypeAlias = Sequence[Shown] | OneByOne | Sequence[Listed]
"""The rows of each epoch; one, if all epochs show the same."""


def selected(arrays: MixedArrays, choices: Mapping[str, Any]) -> Epochs:
    """The rows that `readers.view.Choices` ask for. Raises UsageError if they contradict each other or leave no row, or
    if the data set has no originals, method or class of that name."""
    shown, tests = _by_pass(arrays, choices), [*_tests(arrays, choices)]
    if not tests:
        return shown
    if choices.get("epoch") is not None:
        reason = "epochs have one length, and a choice of methods or classes leaves each another one."
        raise UsageError(reason, "Leave epoch out, or choose passes.", field="epoch")
    found = [np.empty(0, np.int64)]
    for rows in blocks_of(shown[0]):
        for test in tests:
            rows = rows[test(rows)]
        found.append(rows)
    if not (rows := np.concatenate(found)).size:
        given = tuple(name for name in ("methods", "classes") if choices.get(name) is not None)
        raise UsageError(f"{arrays.folder} has no such rows.", field=given)
    return [Listed(rows)]


def blocks_of(shown: Shown | Listed) -> Iterator[NDArray[np.int64]]:
    """The rows of an epoch, some at a time."""
    for start in range(0, len(shown), BLOCK_ROWS):
        yield shown.rows(np.arange(start, min(start + BLOCK_ROWS, len(shown))))


def _tests(arrays: MixedArrays, choices: Mapping[str, Any]) -> Iterator[Test]:
    if (methods := choices.get("methods")) is not None:
        numbers = _numbers(methods, arrays.manifest.methods, "methods")
        yield lambda rows: np.isin(arrays.column("method").take(rows), numbers)
    if (classes := choices.get("classes")) is not None:
        if arrays.label_kind in ("none", "real"):
            raise UsageError(f"the labels of {arrays.folder} are not of classes.", "Leave it out.", field="classes")
        yield _within(arrays, _numbers(classes, arrays.class_names, "classes"))


def _by_pass(arrays: MixedArrays, choices: Mapping[str, Any]) -> Sequence[Shown] | OneByOne:
    passes, epoch, originals = (choices.get(name) for name in ("passes", "epoch", "originals"))
    members = [] if originals is None else [*originals_of(arrays.folder, arrays.manifest)]
    kept = tuple(rows for rows, _ in members if rows)
    if originals and not kept:
        remedy = f"Generate with {setting('keep_originals')}, or leave it out."
        raise UsageError(f"{arrays.folder} holds no originals beside its mixed rows.", remedy, field="originals")
    if passes is not None or epoch is not None:
        return shown_of(arrays.folder, arrays.passes, passes, epoch is not None, kept if originals else ())
    if originals is False:
        return [Shown([others for _, others in members])]
    return [Shown([range(len(arrays))])]


def _numbers(wanted: Iterable[str], known: Sequence[str], field: str) -> list[int]:
    """The numbers of names."""
    if isinstance(wanted, str):
        raise UsageError("is one name, expected several.", f"Pass {field}=[{wanted!r}].", field=field, value=wanted)
    names = list(wanted)
    for name in names:
        if name not in known:
            raise UsageError(f"the data set has no {name!r}{did_you_mean(str(name), known)}", field=field)
    return [known.index(name) for name in names]


def _within(arrays: MixedArrays, classes: list[int]) -> Test:
    """Whether the label of a row has shares of these classes only."""
    if any(column.name == "source_label" for column in arrays.manifest.columns):  # smoothing leaves no label at 0
        parents, shares = arrays.column("source_label"), arrays.column("label_share")
        return lambda rows: (np.isin(parents.take(rows), classes) | (shares.take(rows) == 0)).all(axis=1)
    others = np.setdiff1d(np.arange(len(arrays.class_names)), classes)
    return lambda rows: (arrays.column("labels").take(rows)[:, others] == 0).all(axis=1)
