"""What cases hand to the report."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.measure import Spread


@dataclass(frozen=True)
class Line:
    """A figure that has a target. `key` finds its explanation in why.md and its profile."""

    key: str
    work: str
    value: Spread
    unit: str = "x"
    least: float | None = None
    aim: float | None = None
    most: float | None = None
    """In place of `least`, where less is better."""

    @property
    def verdict(self) -> str:
        """How the median stands to the target."""
        if self.most is not None:
            return "reached" if self.value.median <= self.most else "MISSED"
        if self.aim is not None and self.value.median >= self.aim:
            return "aim reached"
        return "reached" if self.least is None or self.value.median >= self.least else "MISSED"


@dataclass(frozen=True)
class Figure:
    """A figure without a target, for the tables: what was measured, and the spread of it in a unit."""

    name: str
    value: Spread
    unit: str


Curve = list[tuple[float, float]]


@dataclass
class Part:
    """A case's results. `plots` are curves by name, by plot. `profiled` is the
    command that shows where time goes; a case whose command needs what it then removes takes the `profile` itself."""

    title: str
    lines: list[Line] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    plots: dict[str, dict[str, Curve]] = field(default_factory=dict)
    profiled: list[str] | None = None
    profile: str = ""

    @property
    def misses(self) -> bool:
        """Whether a target was not reached."""
        return any(line.verdict == "MISSED" for line in self.lines)

    def figure(self, name: str, values: list[float], unit: str) -> None:
        """Note the spread of some values, if there are any."""
        if values:
            self.figures.append(Figure(name, Spread.of(values), unit))

    def fail(self, failures: dict[str, str]) -> None:
        """Note what could not be measured."""
        self.remarks += [f"**Not measured:** {name}: {why}" for name, why in failures.items()]
