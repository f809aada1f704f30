"""Commands that meet a fault, and what must hold afterwards, whichever step it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.damage import add_surplus_shard, edit, flip
from tests.data_sets import digests
from tests.faults.attempts import Attempt, attempts
from tests.running import Runner

FRESH = ("--samples-per-shard", "7", "--workers", "1")


@dataclass(frozen=True)
class Case:
    """A `generate` that meets a fault, and what it finds: the output of the runs `before` it, and a stranger's files in
    its folder."""

    options: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    strangers: bool = False


LARGE = ("--size", "48")
"""Then the last shard, of five rows, and the one of seven that takes its place differ in length and offsets."""

GZIP = ("--compression", "gzip")
"""Here the two have one size, since HDF5 puts each piece at a multiple of 4096 bytes."""

HALF = ("--passes", "2", "--part", "1/2")

CASES = {
    "fresh": Case(),
    "extended": Case((*LARGE, "--passes", "2"), before=(LARGE,)),
    "forced": Case(("--force",), before=(("--seed", "1"),), strangers=True),
    "compressed": Case(GZIP),
    "cached": Case(("--cache", "disk", "--size", "9")),
    "part": Case(("--part", "2/2"), before=(("--part", "1/2"),)),
    "extended, compressed": Case((*GZIP, "--passes", "2"), before=(GZIP,)),
    "extended by parts": Case((*LARGE, *HALF, "--part", "2/2"), before=(LARGE, (*LARGE, *HALF))),
    "forced while extended": Case(("--force",), before=(LARGE, (*LARGE, *HALF))),
    "planned": Case(("--plan", "../../plan.csv")),
    "views": Case(("--method", "cutmix", "--crop-pad", "2", "--dtype", "float16")),
}


def harm_much(out: Path) -> None:
    """What needs the source, and what does not."""
    flip(out / "shard-00000.h5")
    (out / "shard-00002.h5").unlink()
    add_surplus_shard(out)
    edit(out / "sources.csv", "red/0", "red/5")
    edit(out / "README.md", "samples", "simples")
    (out / "SHA256SUMS").unlink()


def lose_manifest(out: Path) -> None:
    """Without one, shards and sources.csv must be whole."""
    (out / "manifest.json").unlink()
    edit(out / "README.md", "samples", "simples")
    add_surplus_shard(out)


DAMAGES: dict[str, Callable[[Path], None]] = {"much": harm_much, "manifest": lose_manifest}
"""What `repair` finds."""

STRANGERS = ["notes.txt", "notes-00000.h5", "shard-00000.h5.bak", "sub/shard-00000.h5", "sub/manifest.json"]
"""Other files in a data set's folder, which only their owner may touch."""


@dataclass(frozen=True)
class Fallen:
    """What attempts left, the command that goes on, and what is to come of it."""

    command: list[object]
    attempts: list[Attempt]
    expected: dict[str, str]


def complete(run_cli: Runner, place: Path, *command: object) -> dict[str, str]:
    """The files' hashes after the command has run to its end and verify has found nothing."""
    ended = run_cli(*command, cwd=place)
    assert ended.returncode == 0, ended.stderr
    checked = run_cli("verify")
    assert checked.returncode == 0, checked.stdout
    return digests(place)


def fall(
    case: Case, fault: str, run_cli: Runner, colours: Path, tmp_path: Path, *, of_each: int | None = None
) -> Fallen:
    """Let a command meet a fault at each step, or at some of each name, and an uninterrupted one come through."""
    folder = tmp_path / "attempts"
    run_cli("plan", colours, "-q", "-o", tmp_path / "plan.csv")
    for place in (folder / "0", tmp_path / "x/whole"):
        place.mkdir(parents=True)
        for options in case.before:
            assert run_cli("generate", colours, *FRESH, *options, cwd=place).returncode == 0
        for name in STRANGERS if case.strangers else ():
            (place / "mixup-out" / name).parent.mkdir(exist_ok=True)
            (place / "mixup-out" / name).write_text(f"mine: {name}")
    command = ["generate", colours, *FRESH, *case.options]
    expected = complete(run_cli, tmp_path / "x/whole", *command)
    fallen = attempts(folder, fault, *command, "-q", of_each=of_each)
    return Fallen(command, fallen, expected)


def fall_repairing(
    name: str, fault: str, run_cli: Runner, colours: Path, tmp_path: Path, *, of_each: int | None = None
) -> tuple[Fallen, set[str]]:
    """Let `repair` meet a fault, in a data set that is damaged in the way of that name. Returns the damaged files,
    too: those that verify finds once there is a manifest."""
    place = tmp_path / "attempts/0"
    place.mkdir(parents=True)
    expected = complete(run_cli, place, "generate", colours, *FRESH, "--passes", 2)
    DAMAGES[name](place / "mixup-out")
    command = ["repair", "--workers", 1]
    fallen = Fallen(command, attempts(place.parent, fault, *command, of_each=of_each), expected)
    shutil.copytree(place, tmp_path / "damaged")
    if name == "manifest":
        shutil.copy(tmp_path / "attempts/-1/mixup-out/manifest.json", tmp_path / "damaged/mixup-out")
    return fallen, told_by_verify(run_cli, tmp_path / "damaged/mixup-out")


def told_by_verify(run_cli: Runner, out: Path) -> set[str]:
    """The files that verify reports; none without a data set."""
    return {line.split(":")[0] for line in run_cli("verify", out).stdout.splitlines()}


def check_what_is_left(left: Attempt, run_cli: Runner, *, strangers: bool = False) -> None:
    """A manifest and damage never stand together, and nothing that is not ours was touched."""
    out = left.place / "mixup-out"
    assert told_by_verify(run_cli, out) <= {".mixup-gen"}, f"a manifest and damage, after {left}"
    if strangers:
        assert [(out / name).read_text() for name in STRANGERS] == [f"mine: {name}" for name in STRANGERS], left


def check_completed(fallen: Fallen, left: Attempt, run_cli: Runner) -> None:
    """The same command makes the same bytes, and leaves no file besides."""
    found = complete(run_cli, left.place, *fallen.command)
    unequal = {name for name in found.keys() | fallen.expected if found.get(name) != fallen.expected.get(name)}
    assert all(name.startswith(".mixup-gen-cache/") for name in unequal), left  # its names hold inodes and times
    assert not list(left.place.rglob("*.part")), left
