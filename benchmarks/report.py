"""results.md, and the plots beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.results import Curve, Line, Part

LOGARITHMIC = {"time against N": (True, True), "rate against batch size": (True, True)}
AXES = {
    "time against N": ("samples", "seconds, whole process"),
    "rate against batch size": ("batch size", "thousand samples/s, whole process"),
    "rate against workers": ("workers", "thousand samples/s, whole process"),
}


def write(folder: Path, parts: list[Part], setting: Mapping[str, str], profiles: Mapping[str, str]) -> Path:
    """Write results.md into `folder`, and a picture for each plot. Returns the page's path."""
    why = explanations(folder / "why.md")
    lines = [line for part in parts for line in part.lines]
    page = [
        "# Results",
        "",
        "Made by `make bench` (`benchmarks/run.py`). Each line was measured in one run beside its peers, in turn; "
        "figures are medians, with the least and the largest in brackets. Peers (a), (b) and (c) do not sync what they "
        "write, and hash nothing, as users' scripts do; mixup-gen and (d) do both, unless it says otherwise.",
        "",
        *(f"- {name}: {value}" for name, value in setting.items()),
        "",
        "| work | found | at least | aim | |",
        "|---|---|---|---|---|",
        *(row(line) for line in lines),
        "",
        *missed(lines, why, parts, profiles),
    ]
    for part in parts:
        page += section(part)
        for title, curves in part.plots.items():
            name = f"{title.replace(' ', '-').lower()}.png"
            plot(folder / name, title, curves)
            page += [f"![{title}]({name})", ""]
    path = folder / "results.md"
    path.write_text("\n".join(page))
    return path


def row(line: Line) -> str:
    """A line of the table of targets."""
    places = ".2f" if line.value.median < 10 else ".1f"
    least = f"≤ {line.most}" if line.most is not None else f"{line.least:g}" if line.least is not None else ""
    aim = f"{line.aim:g}" if line.aim is not None else ""
    verdict = line.verdict if least else ""
    return f"| {line.work} | {line.value:{places}} {line.unit} | {least} | {aim} | {verdict} |"


def missed(lines: list[Line], why: Mapping[str, str], parts: list[Part], profiles: Mapping[str, str]) -> list[str]:
    """What was not reached, why, and the profile that shows it."""
    wanting = [line for line in lines if line.verdict == "MISSED"]
    if not wanting:
        return []
    page = ["## Not reached, and why", ""]
    for line in wanting:
        page += [f"**{line.work}**: {why.get(line.key, 'not explained yet (benchmarks/why.md).')}", ""]
    for part in parts:
        if part.title in profiles:
            command = " ".join(Path(word).name if "/" in word else word for word in part.profiled or ())
            page += [f"Profile, {part.title} (`{command}`):", "", "```", profiles[part.title], "```", ""]
    return page


def section(part: Part) -> list[str]:
    """All figures of a case."""
    page = [f"## {part.title}", ""]
    for remark in part.remarks:
        page += [remark, ""]
    if part.figures:
        page += ["| measured | median (least … largest) | runs |", "|---|---|---|"]
        page += [f"| {each.name} | {each.value:.2f} {each.unit} | {each.value.count} |" for each in part.figures]
        page += [""]
    return page


def explanations(path: Path) -> dict[str, str]:
    """why.md: a heading with a line's key, and then why it is as it is."""
    if not path.exists():
        return {}
    sections = path.read_text().split("\n## ")[1:]
    return {key.strip(): " ".join(text.split()) for key, _, text in (each.partition("\n") for each in sections)}


def plot(path: Path, title: str, curves: Mapping[str, Curve]) -> None:
    """Curves with their points, by name."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, curve in curves.items():
        axes.plot(*zip(*sorted(curve), strict=True), marker="o", label=name)
    x_label, y_label = AXES[title]
    in_logs = LOGARITHMIC.get(title, (False, True))
    axes.set(
        title=title,
        xlabel=x_label,
        ylabel=y_label,
        xscale="log" if in_logs[0] else "linear",
        yscale="log" if in_logs[1] else "linear",
    )
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
