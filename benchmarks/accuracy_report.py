"""The tables and the plot of docs/accuracy.md, from the runs in `benchmarks/accuracy/*.csv`.

python -m benchmarks.accuracy_report
"""

from __future__ import annotations

import csv
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy_configurations import CONFIGURATIONS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "accuracy"
PAGE = ROOT / "docs" / "accuracy.md"
PLOT = PAGE.with_name("accuracy-of-pools.png")
MODEL = "small"
POOL = re.compile(r"mixup, (\d+) pass(?:es)?")
TABLE = re.compile(r"(<!-- (\w+), compared with ([^>]+?)(?:: ([^>]+?))? -->\n).*?(<!-- end -->)", re.DOTALL)
"""Where a table goes: the question, the configuration that others are compared with, and which others, if not all."""
MOST = 0.9
"""The part of the gain online that a pool is asked for."""


@dataclass(frozen=True)
class Mean:
    """The mean of some values, in points of a hundred, and their standard deviation: 0 of a single one."""

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Of one value at least."""
        points = [100 * value for value in values]
        return cls(statistics.mean(points), statistics.stdev(points) if len(points) > 1 else 0.0, len(points))

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return float(self.deviation / self.count**0.5)

    def spread(self, form: str = ".2f") -> str:
        """With the standard deviation."""
        return f"{self.mean:{form}}" + (f" ± {self.deviation:{form}}" if self.count > 1 else "")

    def estimate(self) -> str:
        """As a difference, with its standard error."""
        return f"{self.mean:+.2f}" + (f" ± {self.error:.2f}" if self.count > 1 else "")


Runs = dict[str, dict[str, dict[str, str]]]
"""Of a question: by configuration, by seed."""


def read_runs(question: str) -> Runs:
    """The runs of all configurations that have some, in the order of the configurations."""
    with (RESULTS / f"{question}.csv").open(newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["model"] == MODEL]
    names = [each.name for each in CONFIGURATIONS if each.question == question]
    names = names or [*dict.fromkeys(line["configuration"] for line in lines)]
    found = {name: {line["seed"]: line for line in lines if line["configuration"] == name} for name in names}
    return {name: by_seed for name, by_seed in found.items() if by_seed}


def values(runs: Runs, name: str, column: str = "accuracy") -> Mean:
    """Of all seeds of a configuration."""
    return Mean.of([float(run[column]) for run in runs[name].values()])


def gain(runs: Runs, name: str, over: str, less: float = 0, of: str = "") -> Mean:
    """What a configuration gains over another, less a part of what a third gains. All within each seed."""

    def at(each: str, seed: str) -> float:
        return float(runs[each][seed]["accuracy"])

    seeds = set.intersection(*(set(runs[each]) for each in (name, over, of or over)))
    return Mean.of(
        [at(name, seed) - at(over, seed) - less * (at(of or over, seed) - at(over, seed)) for seed in sorted(seeds)]
    )


def table(runs: Runs, reference: str, names: Sequence[str]) -> list[str]:
    """A line for each configuration: accuracy, gain over the reference, calibration; of pools, their gain less a part
    of that online."""
    pools = [name for name in names if POOL.fullmatch(name)]
    heads = ["trained on", "seeds", "accuracy, %", "calibration error, %", "gain, points"]
    heads += [f"gain less {MOST} of that online"] * bool(pools)
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in names:
        accuracy, calibration = values(runs, name), values(runs, name, "calibration_error")
        cells = [name, f"{accuracy.count}", accuracy.spread(), calibration.spread(".1f")]
        cells += ["" if name == reference else gain(runs, name, reference).estimate()]
        if pools:
            cells += [gain(runs, name, reference, MOST, "mixup online").estimate() if name in pools else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def written(page: str) -> str:
    """The page with its tables made again."""

    def made(found: re.Match[str]) -> str:
        runs = read_runs(found[2])
        names = [name.strip() for name in found[4].split(";")] if found[4] else [*runs]
        return "".join([found[1], *(f"{line}\n" for line in table(runs, found[3], names)), found[5]])

    return TABLE.sub(made, page)


def plot() -> None:
    """Accuracy against the size of the pool, with what mixing online and not at all give."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    runs = read_runs("tenth")
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, colour in (("mixup online", "tab:green"), ("none", "tab:gray")):
        level = values(runs, name)
        axes.axhspan(level.mean - level.error, level.mean + level.error, color=colour, alpha=0.2, linewidth=0)
        axes.axhline(level.mean, color=colour, label=name)
    pools = {int(found[1]): values(runs, name) for name in runs if (found := POOL.fullmatch(name))}
    means, errors = ([getattr(each, part) for each in pools.values()] for part in ("mean", "error"))
    axes.errorbar([*pools], means, errors, marker="o", capsize=3, color="tab:blue", label="mixup from a pool")
    axes.set(xscale="log", xlabel="passes in the pool", ylabel="accuracy on the test split, %")
    axes.set_xticks([*pools], [str(count) for count in pools])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(PLOT, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Write the page again, and the plot."""
    PAGE.write_text(written(PAGE.read_text()))
    plot()


if __name__ == "__main__":
    main()
