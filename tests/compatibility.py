"""The tables of docs/compatibility.md: which reader and which exporter is tested with which versions.

They follow from the code, pyproject.toml and constraints/*.txt: `python -m tests.compatibility` draws them again, and
`tests/docs/test_compatibility.py` compares them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from mixup_cli.exporters.exporter import FORMATS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
BEGIN, END = "<!-- versions: begin -->\n", "<!-- versions: end -->\n"

EXTRAS = {"numpy": "", "pytorch": "", "tensorflow": "tensorflow", "keras": "keras", "jax": "jax"}
"""The readers of frameworks, and the extra of each; "" for what every installation has."""
ALWAYS = {
    "numpy": ["numpy", "h5py"],
    "pytorch": ["torch"],
    "npz": ["numpy"],
    **{name: ["pillow"] for name in ("imagefolder", "coco", "yolo", "voc")},
}
"""The libraries of what needs no extra."""
INSTALLED_AS = {"tensorflow": "tensorflow-cpu"}
"""What provides a library here, where that has another name."""

COMMANDS = {
    **dict.fromkeys(("demo", "dev", "torch"), "make test"),
    "requirements-torchvision": "make test-torchvision",
}
"""What tests with the versions of a list; with those of others, `make test-frameworks`."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins() -> dict[str, tuple[str, str]]:
    """The pinned version of each library, and the command that tests with it."""
    found = {}
    for path in (ROOT / "tests/frameworks/requirements-torchvision.txt", *(ROOT / "constraints").glob("*.txt")):
        command = COMMANDS.get(path.stem, "make test-frameworks")
        for name, version in re.findall(r"^([\w.-]+)==([^\s\\]+)", path.read_text(), re.MULTILINE):
            found[name.lower()] = version, command
    return found


def readers() -> Sequence[str]:
    """The readers of frameworks that exist."""
    return [name for name in EXTRAS if (ROOT / "mixup_cli/readers" / f"{name}.py").exists()]


def test_of_reader(name: str) -> Path:
    """The file that tests a reader."""
    return next((ROOT / "tests").rglob(f"test_{name}.py"))


def test_of_format(name: str) -> Path:
    """The file with the class that inherits the exporters' contract for a format."""
    inherits = re.compile(rf'^    to(: ClassVar\[ExportFormat\])? = "{name}"$', re.MULTILINE)
    return next(path for path in (ROOT / "tests").rglob("test_*.py") if inherits.search(path.read_text()))


def table(first: str, rows: Sequence[tuple[str, str, Path]]) -> Iterator[str]:
    """The lines of a table: of each row its name, its extra and its test."""
    yield f"| {first} | extra | takes | tested with | in | test |"
    yield "|---|---|---|---|---|---|"
    pinned = pins()
    for name, extra, test in rows:
        libraries = requirements(name, extra)
        tested = [pinned[INSTALLED_AS.get(library, library)] for library in libraries]
        where = max((command for _, command in tested), key=len)  # the longer the name, the more it has
        versions = ", ".join(f"{library} {version}" for library, (version, _) in zip(libraries, tested, strict=True))
        needs = f"`{extra}`" if extra else "–"
        takes = ", ".join(f"{library} {bound}" for library, bound in libraries.items())
        path = test.relative_to(ROOT / "tests").as_posix()
        yield f"| `{name}` | {needs} | {takes} | {versions} | `{where}` | `{path}` |"


def requirements(name: str, extra: str) -> dict[str, str]:
    """The libraries that a reader or exporter needs beside what all need, and the versions that the package takes."""
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    found = dict(re.findall(r"^([\w.-]+)(?:\[.*\])?(.*)$", "\n".join(lines), re.MULTILINE))
    return found if extra else {library: found[library] for library in ALWAYS[name]}


def tables() -> str:
    """Both tables, in Markdown."""
    of_readers = [(name, EXTRAS[name], test_of_reader(name)) for name in readers()]
    of_formats = [(name, extra, test_of_format(name)) for name, (_, extra) in FORMATS.items()]
    return "\n".join([*table("reader", of_readers), "", *table("export to", of_formats), ""])


def main() -> None:
    """Put the tables into docs/compatibility.md."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + tables() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
