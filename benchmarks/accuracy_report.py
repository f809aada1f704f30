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
POOLS = (1, 2, 5, 10, 20)
TABLE = re.compile(r"(<!-- compared with ([^>]+?): ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)
"""Where a table goes: the configuration that others are compared with; then questions, and names of configurations."""
MOST = 0.9
"""The part of the gain online that a pool is asked for."""


@dataclass(frozen=True)
class Mean:
    """The mean of some values, in points of a hundred, and their standard deviation."""

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Mean:
        """Of two values at least."""
        points = [100 * value for value in values]
        return cls(statistics.mean(points), statistics.stdev(points), len(points))

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return float(self.deviation / self.count**0.5)


Runs = dict[str, dict[str, dict[str, str]]]
"""By configuration, by seed."""


def read_runs() -> Runs:
    """All runs of configurations with two seeds at least."""
    found: Runs = {}
    for path in sorted(RESULTS.glob("*.csv")):
        with path.open(newline="") as file:
            for run in csv.DictReader(file):
                if run["model"] == MODEL:
                    found.setdefault(run["configuration"], {})[run["seed"]] = run
    return {name: by_seed for name, by_seed in found.items() if len(by_seed) > 1}


def values(runs: Runs, name: str, column: str = "accuracy") -> Mean:
    """Of all seeds of a configuration."""
    return Mean.of([float(run[column]) for run in runs[name].values()])


def gains(runs: Runs, name: str, reference: str) -> dict[str, float]:
    """What a configuration gains over another, by seed."""
    seeds = sorted(runs[name].keys() & runs[reference].keys())
    return {seed: float(runs[name][seed]["accuracy"]) - float(runs[reference][seed]["accuracy"]) for seed in seeds}


def less_online(runs: Runs, name: str) -> Mean:
    """The gain of a pool, less what is asked for of the gain online."""
    pool, online = gains(runs, name, "none"), gains(runs, "mixup online", "none")
    return Mean.of([pool[seed] - MOST * online[seed] for seed in pool.keys() & online.keys()])


def table(runs: Runs, reference: str, names: Sequence[str]) -> list[str]:
    """A line for each configuration: accuracy, gain over the reference, calibration; for pools, their gain online."""
    heads = ["trained on", "seeds", "accuracy, %", "gain, points", "calibration error, %"]
    heads += [f"gain less {MOST} of that online"] * ("mixup online" in names)
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in names:
        accuracy, calibration = values(runs, name), values(runs, name, "calibration_error")
        cells = [name, f"{accuracy.count}", f"{accuracy.mean:.2f} ± {accuracy.deviation:.2f}"]
        cells += ["" if name == reference else signed(Mean.of([*gains(runs, name, reference).values()]))]
        cells += [f"{calibration.mean:.1f} ± {calibration.deviation:.1f}"]
        if "mixup online" in names:
            cells += [signed(less_online(runs, name)) if "pass" in name else ""]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def signed(mean: Mean) -> str:
    """A difference with its standard error."""
    return f"{mean.mean:+.2f} ± {mean.error:.2f}"


def written(page: str, runs: Runs) -> str:
    """The page with its tables made again."""

    def made(found: re.Match[str]) -> str:
        wanted = [each.strip() for each in found[3].split(";")]
        asked = [of for each in wanted for of in CONFIGURATIONS if each in (of.name, of.question)]
        names = [of.name for of in asked if of.name in runs]
        return "".join([found[1], *(f"{line}\n" for line in table(runs, found[2], names)), found[4]])

    return TABLE.sub(made, page)


def plot(runs: Runs) -> None:
    """Accuracy against the size of the pool, with what mixing online and not at all give."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, colour in (("mixup online", "tab:green"), ("none", "tab:gray")):
        level = values(runs, name)
        axes.axhspan(level.mean - level.error, level.mean + level.error, color=colour, alpha=0.2, linewidth=0)
        axes.axhline(level.mean, color=colour, label=name)
    pools = [values(runs, of.name) for of in CONFIGURATIONS if of.question == "pools" and "passes" in of.generate]
    means, errors = [each.mean for each in pools], [each.error for each in pools]
    axes.errorbar(POOLS, means, errors, marker="o", capsize=3, color="tab:blue", label="mixup from a pool of passes")
    axes.set(xscale="log", xlabel="passes in the pool", ylabel="accuracy on the test split, %")
    axes.set_xticks(POOLS, [str(count) for count in POOLS])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(PLOT, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    """Write the page again, and the plot."""
    runs = read_runs()
    PAGE.write_text(written(PAGE.read_text(), runs))
    plot(runs)


if __name__ == "__main__":
    main()
