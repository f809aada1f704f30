"""Passes over the source: which rows belong to which pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError, UsageError
from mixup_cli.recipe import Recipe
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.members import Member, members_of


@dataclass(frozen=True)
class Passes:
    """The rows of each pass: `passes[p]` is a range, `len(passes)` the number of passes.

    `members` has one range for each member of the data set, and one if it was not merged: its mixed rows, in steps of a
    pass. So the last pass of a member has fewer rows than others if its samples were not a whole number of passes.
    Originals that were kept belong to no pass.
    """

    members: tuple[range, ...]

    def __len__(self) -> int:
        return sum(map(len, self.members))

    def __getitem__(self, number: int) -> range:
        if not -len(self) <= number < len(self):
            raise IndexError(f"pass {number}: the data set has passes 0 to {len(self) - 1}. Generate more of them.")
        member, place = 0, number % len(self)
        while place >= len(self.members[member]):
            place -= len(self.members[member])
            member += 1
        rows = self.members[member]
        return range(rows[place], min(rows[place] + rows.step, rows.stop))

    def ends(self) -> Iterator[int]:
        """The first and the last pass of each member: those between are as long as the first."""
        for stop, rows in zip(accumulate(map(len, self.members)), self.members, strict=True):
            yield from (stop - len(rows), stop - 1) if rows else ()


def passes_of(folder: Path, manifest: Manifest) -> Passes:
    """The passes of a data set. Reads sources.csv if the sizes of the classes decide how long a pass is.

    Raises UsageError if the rows come from a plan file, DataError if sources.csv is needed and is not what was sealed.
    """
    return Passes(tuple(_of_member(folder, manifest, member) for member in members_of(manifest)))


def _of_member(folder: Path, whole: Manifest, member: Member) -> range:
    rows, recipe = member.rows, Recipe.from_dict(member.manifest.recipe)
    if recipe.plan is not None:
        raise UsageError(f"{folder}: its rows come from a plan file, which has no passes. Leave passes and epoch out.")
    population_size, pass_rows = _sizes(folder, whole, member, recipe)
    if pass_rows < 1:
        raise DataError(f"{folder}: its manifest counts no usable inputs. Run mixup-gen verify.")
    return rows[population_size if recipe.keep_originals else 0 :: pass_rows]


def _sizes(folder: Path, whole: Manifest, member: Member, recipe: Recipe) -> tuple[int, int]:
    """The number of inputs that are mixed, and of the rows in a pass."""
    manifest = member.manifest
    bases = manifest.bases
    if recipe.per_class is None and recipe.balance == "none":  # each is a base once, and nothing is read
        return len(bases), len(bases)
    from mixup_cli.pairing import Population, chosen, pass_rows

    population = Population(bases, _classes(folder, whole, member)[bases], class_names=whole.class_names)
    mixed = chosen(recipe, population)
    return len(mixed), pass_rows(recipe, mixed)


def _classes(folder: Path, whole: Manifest, member: Member) -> NDArray[np.int32]:
    """The class of each input, numbered by first appearance: int32 (n)."""
    from mixup_cli.storage.source_table import finished_table

    manifest = member.manifest
    labels = finished_table(folder, whole).part(member.inputs).labels
    if len(labels) != manifest.source.samples:
        found = f"sources.csv lists {len(labels)} inputs, and the manifest {manifest.source.samples}"
        raise DataError(f"{folder}: {found}. Run mixup-gen verify.")
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], np.int32)


class Shown:
    """The rows that a reader shows: some ranges, one after another."""

    def __init__(self, parts: Sequence[range]) -> None:
        self._ends = np.cumsum([len(part) for part in parts])
        self._shifts = np.array([part.stop for part in parts]) - self._ends

    def __len__(self) -> int:
        return int(self._ends[-1])

    def rows(self, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows at some positions, from 0: int64 (m)."""
        wanted = np.asarray(positions, np.int64)
        rows: NDArray[np.int64] = wanted + self._shifts[self._ends.searchsorted(wanted, side="right")]
        return rows


@dataclass(frozen=True)
class OneByOne:
    """Some passes of one length, each shown alone, after the rows `before`."""

    passes: Passes
    numbers: Sequence[int]
    before: tuple[range, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Shown]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, place: int) -> Shown:
        return Shown([*self.before, self.passes[self.numbers[place]]])


def originals_of(folder: Path, manifest: Manifest) -> Iterator[tuple[range, range]]:
    """The rows of originals that were kept, and the other rows, for each member. Reads what `passes_of` reads."""
    for member in members_of(manifest):
        recipe, count = Recipe.from_dict(member.manifest.recipe), 0
        if recipe.keep_originals:
            count, _ = _sizes(folder, manifest, member, recipe)
        yield member.rows[:count], member.rows[count:]


def shown_of(
    folder: Path,
    passes: Passes,
    wanted: int | Iterable[int] | None,
    one_by_one: bool,
    before: tuple[range, ...] = (),
) -> Sequence[Shown] | OneByOne:
    """What a reader shows: the wanted passes together, or one by one, after the rows `before`. `wanted` None means all.

    Raises IndexError if a pass does not exist, UsageError if none is wanted, or if a short one is among several that
    are shown one by one.
    """
    last = len(passes) - 1
    numbers = range(last + 1) if wanted is None else (wanted,) if isinstance(wanted, int) else tuple(wanted)
    if not numbers:
        raise UsageError(f"{folder}: `passes` is empty. The data set has {last + 1}: pass, for example, passes=0.")
    parts = [passes[number] for number in (() if wanted is None else numbers)]  # all of them could be very many
    if not one_by_one:
        return [Shown([*before, *parts])]
    lengths = {number % (last + 1): len(passes[number]) for number in (passes.ends() if wanted is None else numbers)}
    rows = max(lengths.values())
    for short in (number for number, length in lengths.items() if length < rows):
        without = f": passes=range({last})" if short == last else ""
        raise UsageError(
            f"{folder}: pass {short} is short, with {lengths[short]} rows of {rows}, and epochs have one length. "
            f"Leave it out{without}."
        )
    return OneByOne(passes, numbers, before)
