"""Small plans as files, and a source to hold them against."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO, StringIO

import numpy as np
from numpy.typing import NDArray

from mixup_cli.fields.labels import Labels
from mixup_cli.methods import METHODS, Grid, Peaks, resolve
from mixup_cli.methods.method_set import MethodSet
from mixup_cli.plan.files.checking import checked
from mixup_cli.plan.files.columns import PlanColumns
from mixup_cli.plan.files.plan_file import PlanFile, Table, csv_parts
from mixup_cli.plan.files.planned_rows import PlannedRows
from mixup_cli.plan.files.reading import read_csv
from mixup_cli.plan.files.writing import Recorder
from mixup_cli.plan.plan import Plan, population_of
from mixup_cli.plan.timeline import Timeline
from mixup_cli.plan.views import ViewRules
from mixup_cli.recipe import MethodChoice, Recipe

GRID, CACHED = Grid(8, 6), Grid(12, 10)
KEYS = (*(f"pictures, and more/{number}\n.png" for number in range(9)), "carriage\rreturn.png")
LABELS = Labels(("cat", 'a "dog"'), np.arange(len(KEYS), dtype=np.int32) % 2)
ALL = np.arange(len(KEYS))

Record = dict[str, str]


class Centres:
    """Everything is salient in the middle."""

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> Peaks:
        return np.full((len(samples), 2), 3, np.int32)


class Loudness:
    """Samples that are the louder the larger their number and the later they begin."""

    def of(self, samples: NDArray[np.int64], starts: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        level = samples * 2.0 + (0 if starts is None else starts) - 60
        return np.stack([level, level - 3, 10 ** (level / 20)], axis=1)


def recipe_of(*methods: str, **fields: object) -> Recipe:
    return Recipe(methods=resolve([MethodChoice(name) for name in methods]), **fields)  # type: ignore[arg-type]  # by name


@dataclass(frozen=True)
class Setting:
    """A recipe on the source of this module."""

    recipe: Recipe = field(default_factory=lambda: recipe_of("mixup"))
    keys: tuple[str, ...] = KEYS
    labels: Labels = field(default_factory=lambda: LABELS)
    usable: NDArray[np.int64] = field(default_factory=lambda: ALL)
    grid: Grid = GRID
    timeline: Timeline = field(default_factory=Timeline)

    @property
    def view_rules(self) -> ViewRules | None:
        return ViewRules.of(self.recipe, CACHED if self.recipe.crop_area else self.grid, self.grid)

    @property
    def plan(self) -> Plan:
        finder = Loudness() if any(METHODS[each.name].needs_levels for each in self.recipe.methods) else Centres()
        population = population_of(self.labels, self.usable)
        return Plan(self.recipe, population, self.grid, self.view_rules, finder, self.timeline)

    def recorder(self, methods: MethodSet) -> Recorder:
        moves = any(method.moves_in_time for method in methods.methods)
        columns = PlanColumns(
            methods.parent_count,
            self.recipe.has_views,
            has_span=self.grid.length > 1,
            has_starts=self.timeline.lengths is not None or moves,
            has_gains=any(method.shares_apart for method in methods.methods),
        )
        return Recorder(methods, columns, self.keys, self.labels)

    def tables(self, rows: int) -> tuple[PlanColumns, list[Table]]:
        plan = self.plan
        recorder = self.recorder(plan.methods)
        return recorder.columns, list(recorder.tables(plan, rows))

    def csv(self, rows: int = 20) -> bytes:
        """The first rows of the plan, as a file."""
        columns, tables = self.tables(rows)
        return b"".join(csv_parts(tables, columns.all))

    def checked(self, file: PlanFile) -> PlannedRows:
        methods = MethodSet(self.recipe, self.grid, leaves_unmixed="none" in file.methods)
        return checked(file, self.recorder(methods), self.usable, self.view_rules, self.timeline)


LENGTHS = ALL * 3 + 14
CONTENT = np.stack([ALL % 2, 5 + ALL % 4], axis=1).astype(np.int32)

IN_TIME = {
    "waves": Setting(recipe_of("bc", "snr", "cutmix", "cutout", "mixup"), grid=Grid(1, 1, 40)),
    "parts of waves": Setting(recipe_of("snr", "cutmix"), grid=Grid(1, 1, 16), timeline=Timeline(16, LENGTHS)),
    "parts of spectrograms": Setting(recipe_of("specmix", "cutmix", "mixup"), grid=GRID, timeline=Timeline(6, LENGTHS)),
    "clips": Setting(
        recipe_of("cutmix", "fmix", "erase", "cutout"),
        grid=Grid(8, 6, 5),
        timeline=Timeline(5, np.full(len(KEYS), 15), step=5),
    ),
    "tokens": Setting(recipe_of("ssmix", "cutmix"), grid=Grid(1, 1, 9), timeline=Timeline(content=CONTENT)),
}
"""Samples that go on in time."""


def read(data: bytes) -> PlanFile:
    return read_csv(BytesIO(data), "plan.csv")


def records(data: bytes) -> list[Record]:
    return list(csv.DictReader(StringIO(data.decode(), newline="")))


def written(rows: Iterable[Record]) -> bytes:
    rows = list(rows)
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def without_telling(row: Record) -> Record:
    return {name: cell for name, cell in row.items() if name.split("_")[0] not in ("lam", "label", "key")}


def edited(data: bytes, number: int, **cells: str) -> bytes:
    """A plan with some cells of a row (from 1) changed, and nothing in it that only tells."""
    rows = [without_telling(row) for row in records(data)]
    rows[number - 1] |= cells
    return written(rows)
