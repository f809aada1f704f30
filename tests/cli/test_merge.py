"""`mixup-gen merge`, and what every other command does with a merged data set."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.storage.finish import beside
from mixup_cli.storage.manifest import read_manifest
from mixup_cli.storage.manifest_records import MemberRecord
from mixup_cli.storage.members import derived
from tests.damage import edit, flip, truncate
from tests.data_sets import columns, digests, identities, manifest
from tests.running import Runner, error_line

SHARDS = ("--samples-per-shard", 5, "--workers", 1)


@pytest.fixture(scope="session")
def made(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `a` and `b`, two seeds of one source; `c`, of other pictures of the same classes; and `ab`, `abc`,
    which were merged from them. Sources are `colours` and `less`."""
    from click.testing import CliRunner

    from mixup_cli.cli.app import app

    place = tmp_path_factory.mktemp("merge")
    shutil.copytree(colours, place / "colours")
    shutil.copytree(colours, place / "less", ignore=shutil.ignore_patterns("3.png"))
    commands = [
        *(
            ("generate", place / "colours", "--seed", seed, "-o", place / name, *SHARDS)
            for seed, name in ((0, "a"), (1, "b"))
        ),
        ("generate", place / "less", "-o", place / "c", *SHARDS),
        ("merge", place / "a", place / "b", "-o", place / "ab"),
        ("merge", place / "a", place / "b", place / "c", "-o", place / "abc"),
    ]
    for command in commands:
        assert CliRunner().invoke(app, [*map(str, command)], catch_exceptions=False).exit_code == 0
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the current one."""
    shutil.copytree(made, tmp_path / "here")
    for path in (tmp_path / "here").glob("*/run.json"):
        path.write_text(path.read_text().replace(str(made), str(tmp_path / "here")))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_shards_are_hard_links(run_cli: Runner, place: Path) -> None:
    done = run_cli("merge", "a", "b", "-o", "out")
    assert (done.returncode, done.stdout) == (0, "out/manifest.json\n")
    assert "24 samples in 6 shards" in done.stderr
    assert "merged from 2 data sets (no shard copied: all are hard links)" in done.stderr
    assert (place / "out/shard-00003.h5").samefile(place / "b/shard-00000.h5")
    assert not (place / "out/.mixup-gen").exists()
    assert digests(place / "out") == digests(place / "ab")


@pytest.mark.parametrize("problem", [errno.EXDEV, errno.EMLINK])
def test_shards_are_copied_where_they_cannot_be_linked(
    problem: int, run_cli: Runner, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(problem, os.strerror(problem))

    monkeypatch.setattr(os, "link", refuse)
    done = run_cli("merge", "a", "b", "-o", "out", "--json")
    told = json.loads(done.stdout)
    assert (told["event"], told["linked"], told["shards"], told["data_sets"]) == ("merged", 0, 6, 2)
    assert (place / "out/shard-00003.h5").stat().st_nlink == 1
    assert digests(place / "out") == digests(place / "ab")
    flip(place / "b/shard-00001.h5")
    refused = run_cli("merge", "a", "b", "-o", "other")
    assert refused.returncode == 65
    assert "b/shard-00001.h5: its sha256 is " in error_line(refused)
    assert error_line(refused).endswith(f"Run mixup-gen repair {place / 'b'}.")
    assert [path.name for path in sorted((place / "other").glob("[!.]*"))] == [
        *(f"shard-{number:05}.h5" for number in range(4)),
        "sources.csv",
    ]
    assert run_cli("repair", "b").returncode == 0
    again = run_cli("merge", "a", "b", "-o", "other", "-q")
    assert (again.returncode, again.stderr) == (0, "")
    assert digests(place / "other") == digests(place / "ab")


def test_the_same_command_again_changes_nothing(run_cli: Runner, place: Path) -> None:
    before = identities(place / "ab")
    again = run_cli("merge", "a", "b/manifest.json", "-o", "ab")
    assert "nothing to do: 24 samples in 6 shards, already complete" in again.stderr
    assert json.loads(run_cli("merge", "a", "b", "-o", "ab", "--json").stdout)["event"] == "unchanged"
    assert identities(place / "ab") == before


def test_lost_shards_come_back(run_cli: Runner, place: Path) -> None:
    expected = digests(place / "ab")
    (place / "ab/shard-00002.h5").unlink()
    truncate(place / "ab/shard-00004.h5")
    assert run_cli("merge", "a", "b", "-o", "ab").returncode == 0
    assert digests(place / "ab") == expected


REFUSED = {
    "merge a b": (2, "-o: names the data set to make", "-o merged."),
    "merge a -o out": (2, "two data sets or more, and a is named", "Name another."),
    "merge -o out": (2, "two data sets or more, and none is named", "Name another."),
    "merge a b -o b": (2, "-o b: b is to be merged, and would be changed", "Use another -o."),
    "merge a b -o a/x": (2, "-o a/x: a is to be merged", "Use another -o."),
    "merge a a -o out": (65, "a: has the same mixed rows as a", "with another --seed."),
    "merge a cut -o out": (65, "cut: has the same mixed rows as a", "with another --seed."),
    "merge ab b -o out": (65, "b: has the same mixed rows as ab", "with another --seed."),
    "merge a nowhere -o out": (66, "nowhere: no such folder", "Name the folder of a data set."),
    "merge a colours -o out": (66, "colours: has no manifest.json", "Name the folder of a data set."),
    "merge a half -o out": (66, "half: has no manifest.json", "It is unfinished: run its command again."),
    "merge a edited -o out": (65, "edited/manifest.json: totals: are ", "make the data set again with --force."),
    "merge a short -o out": (65, "short/shard-00002.h5: has ", "Run mixup-gen repair short."),
    "merge a less-shards -o out": (65, "less-shards/shard-00001.h5: is missing", "Run mixup-gen repair less-shards."),
    "merge a listless -o out": (65, "listless/sources.csv: is missing", "Run mixup-gen repair listless."),
    "merge a relisted -o out": (65, "relisted/sources.csv: its sha256 is ", "Run mixup-gen repair relisted."),
    "merge a large -o out": (65, "large: column images: uint8 (9, 9, 3) here, uint8 (6, 8, 3) in a", "same settings."),
    "merge a two -o out": (65, "two: class 0: 'green' here, 'blue' in a", "Generate both with the same --classes."),
    "merge a packed -o out": (65, "packed: compression: gzip here, none in a", "the same settings."),
    "merge a smooth -o out": (65, "smooth: label_smoothing: 0.1 here, none in a", "the same settings."),
    "merge a b -o c": (73, "c: holds another data set.", "--force to replace it."),
    "merge a b -o half": (73, "half: holds another data set, which is unfinished.", "--force to replace it."),
    "merge a b -o foreign": (73, "foreign: holds 'x'", "leaves such files alone)."),
    "generate colours -o ab": (73, "ab: was merged from other data sets", "--force to replace it."),
    "generate colours -o ab --dry-run": (73, "ab: was merged from other data sets", "--force to replace it."),
    "verify --deep abc --source colours": (2, "--source: abc was merged from the data sets of 2 sources", "or none."),
    "verify --deep abc --source less --source colours": (65, "abc: was made from another source (", "with --source."),
}


@pytest.fixture
def odd(run_cli: Runner, place: Path) -> Path:
    """With data sets that cannot be merged."""
    others: dict[str, tuple[object, ...]] = {
        "cut": ("colours", "--samples-per-shard", 4, "--keep-originals"),
        "large": ("colours", "--size", 9),
        "two": ("two-classes",),
        "packed": ("colours", "--compression", "gzip"),
        "smooth": ("colours", "--label-smoothing", 0.1),
    }
    shutil.copytree("colours", "two-classes", ignore=shutil.ignore_patterns("blue"))
    for name, command in others.items():
        assert run_cli("generate", *command, "-o", name).returncode == 0
    for name in ("half", "edited", "short", "less-shards", "listless", "relisted"):
        shutil.copytree("b", name)
    (place / "half/.mixup-gen").mkdir()
    shutil.copy("b/manifest.json", "half/.mixup-gen/recipe.json")
    begun = {"recipe": manifest(place / "b")["recipe"], "pixel_fingerprint": "", "versions": {}}
    (place / "half/.mixup-gen/recipe.json").write_text(json.dumps(begun))
    (place / "half/manifest.json").unlink()
    edit(place / "edited/manifest.json", '"samples": 12,\n  "shards"', '"samples": 13,\n  "shards"')
    truncate(place / "short/shard-00002.h5")
    (place / "less-shards/shard-00001.h5").unlink()
    (place / "listless/sources.csv").unlink()
    edit(place / "relisted/sources.csv", "blue/1", "blue/5")
    (place / "foreign").mkdir()
    (place / "foreign/x").write_text("mine")
    return place


def test_what_is_refused(run_cli: Runner, odd: Path) -> None:
    for command, (code, found, remedy) in REFUSED.items():
        before = digests(odd)
        refused = run_cli(*command.split())
        assert refused.returncode == code, f"{command}: {refused.stderr}"
        assert found in error_line(refused)
        assert error_line(refused).endswith(remedy), command
        assert digests(odd) == before, command


def test_force_replaces_what_is_there(run_cli: Runner, place: Path) -> None:
    (place / "c/notes.txt").write_text("mine")
    assert run_cli("merge", "a", "b", "-o", "c", "--force").returncode == 0
    assert digests(place / "c") == {**digests(place / "ab"), "notes.txt": digests(place / "c")["notes.txt"]}
    replaced = run_cli("generate", "less", "-o", "c", "--force", *SHARDS)
    assert replaced.returncode == 0
    assert "members" not in manifest(place / "c")


def test_verify_computes_every_member_again(run_cli: Runner, place: Path) -> None:
    assert "33 samples in 8 shards, intact" in run_cli("verify", "abc").stderr
    for options in ([], ["--source", "colours", "--source", "less"]):
        deep = run_cli("verify", "--deep", "abc", *options)
        assert "33 samples in 8 shards, every row is as computed from the source" in deep.stderr
    assert run_cli("verify", "--deep", "ab", "--source", "colours").returncode == 0
    shutil.copy("less/blue/0.png", "less/red/0.png")
    changed = run_cli("verify", "--deep", "abc")
    assert (changed.returncode, "red/0.png has other content than before" in changed.stderr) == (65, True)


def test_verify_finds_members_that_changed_places(run_cli: Runner, place: Path) -> None:
    """Such a manifest agrees with itself, and with the files that follow from it; its shards know better."""
    told = manifest(place / "ab")
    recipes = [{name: member[name] for name in ("recipe", "recipe_id")} for member in told["members"]]
    for member, recipe in zip(told["members"], reversed(recipes), strict=True):
        member.update(recipe)
    told["recipe_id"] = derived([MemberRecord.model_validate(member) for member in told["members"]])["recipe_id"]
    (place / "ab/manifest.json").write_text(json.dumps(told, sort_keys=True, indent=1, ensure_ascii=False) + "\n")
    sealed = read_manifest(place / "ab")
    for name, content in beside(sealed, sealed.to_json(), (place / "ab/sources.csv").stat().st_size).items():
        (place / "ab" / name).write_bytes(content)
    for options in ([], ["--deep", "--source", "colours"]):
        found = run_cli("verify", "ab", *options)
        assert (found.returncode, "its attribute recipe is not the manifest's" in found.stdout) == (65, True)


def test_repair_takes_each_shard_from_its_members_source(run_cli: Runner, place: Path) -> None:
    expected = digests(place / "abc")
    flip(place / "abc/shard-00001.h5")
    (place / "abc/shard-00004.h5").unlink()
    truncate(place / "abc/shard-00007.h5")
    edit(place / "abc/sources.csv", "red/0", "red/5")
    (place / "abc/README.md").unlink()
    assert len(run_cli("verify", "abc").stdout.splitlines()) >= 5
    done = run_cli("repair", "abc")
    assert (done.returncode, "5 files repaired" in done.stderr) == (0, True), done.stderr
    assert digests(place / "abc") == expected


def test_repair_takes_a_lost_manifest_from_the_members(run_cli: Runner, place: Path) -> None:
    expected = digests(place / "abc")
    (place / "abc/manifest.json").unlink()
    assert run_cli("repair", "abc").returncode == 0
    edit(place / "abc/manifest.json", '"seed": 1', '"seed": 7')
    assert run_cli("repair", "abc").returncode == 0
    edit(place / "abc/SHA256SUMS", "0", "1")
    edit(place / "abc/SHA256SUMS", expected["manifest.json"], expected["sources.csv"])
    assert run_cli("repair", "abc").returncode == 0
    assert digests(place / "abc") == expected
    (place / "abc/manifest.json").unlink()
    (place / "b").rename("moved")
    refused = run_cli("repair", "abc")
    assert refused.returncode == 65
    assert "the data sets that were merged do not give it" in error_line(refused)
    assert error_line(refused).endswith(f"mixup-gen merge {place / 'a'} {place / 'b'} {place / 'c'} -o OTHER.")


def test_repair_keeps_a_shard_that_no_generate_would_make(run_cli: Runner, place: Path) -> None:
    shutil.copy("ab/shard-00000.h5", "ab/shard-00006.h5")
    assert run_cli("repair", "ab").returncode == 65
    assert (place / "ab/shard-00006.h5").exists()


def test_preview_shows_parents_from_each_source(run_cli: Runner, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("mixup_cli.report.sheet.sheet", lambda lines: bytes(map(bool, map(shown.append, lines))))
    assert run_cli("preview", "abc", "-o", "sheet.png", "--start", 22, "--rows", 4).stderr == ""
    assert [line.number for line in shown] == [22, 23, 24, 25]
    names = [line.split(",")[1] for line in (place / "abc/sources.csv").read_text().splitlines()[1:]]
    parents = columns(place / "abc")["source_index"]
    for line in shown:
        first = 12 if line.number >= 24 else 0
        assert [tile.key for tile in line.parents] == [names[first + each] for each in parents[line.number]]
    shutil.rmtree("less")
    told = run_cli("preview", "abc", "-o", "other.png", "--start", 22, "--rows", 4).stderr
    assert "less: no such file or folder" in told
    assert [len(line.parents) for line in shown[4:]] == [2, 2, 0, 0]


def test_inspect_describes_a_merge(run_cli: Runner, place: Path) -> None:
    shown = run_cli("inspect", "abc").stdout
    assert "mixup-gen data set, format 1, merged from 3 data sets" in shown
    assert "\nseed          0, 1\n" in shown
    told = json.loads(run_cli("inspect", "abc", "--json").stdout)
    assert [member["recipe"]["seed"] for member in told["members"]] == [0, 1, 0]
    assert "seed" not in told["recipe"]
    card = (place / "abc/README.md").read_text()
    assert "It was merged from 3 data sets." in card
    for row in ("| 0 | 0 | 0 | `", "| 12 | 0 | 1 | `", "| 24 | 12 | 0 | `"):
        assert f"\n{row}" in card


def test_a_merged_data_set_is_mixed_again(run_cli: Runner, place: Path) -> None:
    assert run_cli("generate", "abc", "-o", "again").returncode == 0
    assert run_cli("verify", "--deep", "again").returncode == 0
    assert manifest(place / "again")["source"]["samples"] == 33
