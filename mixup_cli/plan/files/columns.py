"""The columns of a plan file.

    index                               row of the plan it was made from; not looked at when it is read
    method                              name
    parent_0 … parent_k                 source indices, base first
    part_0 … part_k                     weights in whole 65536ths
    top, left, bottom, right            box; empty where the method has none
    mask_seed                           empty where the method has no mask
    view_0_top … view_k_mirrored        what is seen of each parent, where the recipe has views
    lam, label_0 …, key_0 …             told for people and filters: the base's share, the parents' classes and keys

Those of the last line may be missing from a file that is read; where they are there they must be true, so that an edit
that would have no effect is an error. A row has as many parents as its method takes; the cells beyond are empty.
"""

from __future__ import annotations

from dataclasses import dataclass

BOX = ("top", "left", "bottom", "right")
VIEW = (*BOX, "mirrored")


@dataclass(frozen=True)
class PlanColumns:
    """The columns of a plan whose rows have room for `parent_count` parents, with or without views."""

    parent_count: int
    has_views: bool

    def of_parents(self, kind: str) -> list[str]:
        """`parent_0`, `parent_1` … for "parent"."""
        return [f"{kind}_{parent}" for parent in range(self.parent_count)]

    @property
    def views(self) -> list[str]:
        if not self.has_views:
            return []
        return [f"view_{parent}_{part}" for parent in range(self.parent_count) for part in VIEW]

    @property
    def numbers(self) -> list[str]:
        """The columns of whole numbers that decide a row."""
        return [*self.of_parents("parent"), *self.of_parents("part"), *BOX, "mask_seed", *self.views]

    @property
    def deciding(self) -> list[str]:
        """The columns that decide a row."""
        return ["method", *self.numbers]

    @property
    def telling(self) -> list[str]:
        """The columns that follow from the others and the source."""
        return ["lam", *self.of_parents("label"), *self.of_parents("key")]

    @property
    def all(self) -> list[str]:
        """Every column, in order."""
        return ["index", *self.deciding, *self.telling]


def columns_in(header: list[str]) -> PlanColumns:
    """The columns that a header means: as many parents as it has, with views if it has any."""
    parents = sum(name.startswith("parent_") for name in header)
    return PlanColumns(parents, any(name.startswith("view_") for name in header))
