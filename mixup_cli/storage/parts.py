"""Parts: one data set made by several runs, each of which makes its own shards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

from mixup_cli.errors import UsageError

MOST_PARTS = 100_000
"""More than anyone has machines: a larger number is a slip."""

_NAME = re.compile(r"part-([0-9]{1,6})-of-([0-9]{1,6})")


@dataclass(frozen=True)
class Part:
    """Part `number` of `of`, both from 1. It decides which shards a run makes, and does not change their bytes.
    `taken_from` says which variables it is from, if any."""

    number: int = 1
    of: int = 1
    taken_from: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= MOST_PARTS:
            parts = f"the parts of N are 1/N … N/N, and N is at most {MOST_PARTS:,}"
            raise UsageError(f"{self} is not a part: {parts}. Give, for example, 1/4.", field="part")

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def is_whole(self) -> bool:
        """Whether it is the only part."""
        return self.of == 1

    @property
    def name(self) -> str:
        """The name of its files in the work folder."""
        return f"part-{self.number}-of-{self.of}"

    @classmethod
    def named(cls, name: str) -> Self | None:
        """The part whose `name` this is, or None."""
        match = _NAME.fullmatch(name)
        with suppress(UsageError):
            return cls(int(match[1]), int(match[2])) if match else None
        return None

    def shards(self, count: int) -> range:
        """The numbers of its shards out of `count`: contiguous, and as many as any other part's, give or take one."""
        return range((self.number - 1) * count // self.of, self.number * count // self.of)

    def all_parts(self) -> Iterator[Self]:
        """Every part of the same division, this one too."""
        return (type(self)(number, self.of) for number in range(1, self.of + 1))
