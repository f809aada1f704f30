"""Write the lists beside it again: the versions that are pinned there, and the hashes of all their files on PyPI.

Run it after a change of a version, in the environment that has them: `.venv/bin/python constraints/lock.py`. Hashes are
the index's own, so they hold for every platform; what is installed here decides only what is needed by whom.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, canonicalize_name
from packaging.utils import parse_sdist_filename as parse_sdist
from packaging.utils import parse_wheel_filename as parse_wheel
from packaging.version import Version

HERE = Path(__file__).parent
INDEX = "https://pypi.org/simple"
PROJECT, UNHASHED, BUILDER = "mixup-gen", "torch", "setuptools"
HEADS = {
    "demo.txt": "What mixup-gen needs, but for torch.txt",
    "dev.txt": "What tests and lint need besides",
    "frameworks.txt": "What the tests with TensorFlow, Keras, JAX and exporters' heavy libraries need besides",
}


def pins() -> dict[str, tuple[str, str]]:
    """The version by name, and the list that has it."""
    found = {name: re.findall(r"^([\w.-]+)==([^\s\\]+)", (HERE / name).read_text(), re.MULTILINE) for name in HEADS}
    return {package: (version, name) for name, lines in found.items() for package, version in lines}


def needed(name: str, found: set[str]) -> set[str]:
    """The canonical names of all that `name` needs here, added to those `found`."""
    try:
        wanted = [Requirement(line) for line in requires(name) or ()]
    except PackageNotFoundError:
        return found
    for each in wanted:
        key = canonicalize_name(each.name)
        if key not in found and (each.marker is None or each.marker.evaluate({"extra": ""})):
            found.add(key)
            needed(key, found)
    return found


def hashes(name: str, version: str) -> Iterator[str]:
    """The sha256 of every file of a release, in the order of their names."""
    asked = urllib.request.Request(  # noqa: S310  # INDEX is https
        f"{INDEX}/{canonicalize_name(name)}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
        files = json.load(answer)["files"]
    for file in sorted(files, key=lambda file: str(file["filename"])):
        if version_of(file["filename"]) == Version(version):
            yield file["hashes"]["sha256"]


def version_of(file_name: str) -> Version | None:
    """The version that a file name tells; None for kinds of files that pip does not install any more."""
    try:
        return parse_wheel(file_name)[1] if file_name.endswith(".whl") else parse_sdist(file_name)[1]
    except (InvalidSdistFilename, InvalidWheelFilename):
        return None


def main() -> None:
    """Write all lists. What mixup-gen itself needs moves to demo.txt."""
    pinned = pins()
    runtime = needed(PROJECT, set()) | {BUILDER}
    for file, head in HEADS.items():
        lines = [f"# {head}. Written by lock.py: change a version, and run it.\n"]
        for name, (version, listed) in sorted(pinned.items(), key=lambda pin: pin[0].lower()):
            if file == ("demo.txt" if canonicalize_name(name) in runtime else listed):
                found = [f"    --hash=sha256:{digest}" for digest in hashes(name, version)]
                if not found:
                    raise SystemExit(f"{name}=={version}: {INDEX} has no such release")
                lines.append(" \\\n".join([f"{name}=={version}", *found]) + "\n")
        (HERE / file).write_text("".join(lines))


if __name__ == "__main__":
    main()
