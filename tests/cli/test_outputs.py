"""No command writes over what it reads, nor, without --force, over what it did not make."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.running import Runner, error_line
from tests.small_sources import write_colours


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Colours with labels of their own, a list, and a folder that is linked to."""
    source = write_colours(tmp_path / "source")
    rows = [path.relative_to(source).as_posix() for path in sorted(source.glob("*/*.png"))]
    (source / "metadata.csv").write_text("file_name,label\n" + "".join(f"{row},{row[0]}\n" for row in rows))
    (source / "notes.csv").write_text("whatever else lies there\n")
    (tmp_path / "list.csv").write_text("".join(f"source/{row}\n" for row in rows))
    (tmp_path / "options.csv").write_text("alpha = 0.3\n")
    (tmp_path / "linked").symlink_to(source)
    return source


def at(name: str) -> Callable[[Path], Path]:
    return lambda place: place / name


def symbolic_link(place: Path) -> Path:
    (place / "link.csv").symlink_to("source/metadata.csv")
    return place / "link.csv"


def hard_link(place: Path) -> Path:
    os.link(place / "source/metadata.csv", place / "link.csv")
    return place / "link.csv"


def linked_picture(place: Path) -> Path:
    """A picture of the source that lies elsewhere."""
    shutil.move(place / "source/red/0.png", place / "elsewhere.png")
    (place / "source/red/0.png").symlink_to(place / "elsewhere.png")
    return place / "elsewhere.png"


def plan_of_a_preview(place: Path) -> Path:
    """By a name that a sheet could have."""
    os.link(place / "plan.csv", place / "plan.png")
    return place / "plan.png"


INPUTS: dict[str, tuple[tuple[str, ...], Callable[[Path], Path]]] = {
    "metadata": (("plan", "source"), at("source/metadata.csv")),
    "metadata, the folder by a link": (("plan", "source"), at("linked/metadata.csv")),
    "metadata, by a symbolic link": (("plan", "source"), symbolic_link),
    "metadata, by a hard link": (("plan", "source"), hard_link),
    "what else lies in the source": (("plan", "source"), at("source/notes.csv")),
    "a list": (("plan", "--files-from", "list.csv"), at("list.csv")),
    "a configuration": (("plan", "source", "--config", "options.csv"), at("options.csv")),
    "a picture that a link in the source names": (("preview", "source"), linked_picture),
    "a picture that a list names": (("preview", "--files-from", "list.csv"), at("source/blue/1.png")),
    "a picture": (("preview", "source"), at("source/blue/1.png")),
    "a plan": (("preview", "source", "--plan", "plan.csv"), plan_of_a_preview),
}


@pytest.mark.parametrize("force", [[], ["--force"]], ids=["", "--force"])
@pytest.mark.parametrize("name", INPUTS)
def test_what_is_read_is_never_written_over(
    name: str, force: list[str], source: Path, run_cli: Runner, tmp_path: Path
) -> None:
    command, place = INPUTS[name]
    run_cli("plan", source, "-o", tmp_path / "plan.csv", cwd=tmp_path)
    out = place(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    refused = run_cli(*command, *force, "-o", out)
    assert refused.returncode == 2
    assert error_line(refused).startswith(f"-o {out}: ")
    assert "Use another" in refused.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["plan x.csv", "plan x.parquet", "preview x.png"])
def test_what_somebody_else_made_is_replaced_with_force_alone(
    command: str, source: Path, run_cli: Runner, tmp_path: Path
) -> None:
    name, file = command.split()
    out = tmp_path / file
    for content in (b"", b"index\n", b"of the user's"):
        out.write_bytes(content)
        refused = run_cli(name, source, "-o", out, cwd=tmp_path)
        assert refused.returncode == 73
        assert error_line(refused) == f"{out}: already exists. Use another -o, or --force to replace it."
        assert out.read_bytes() == content
    assert run_cli(name, source, "-o", out, "--force").returncode == 0
    assert out.read_bytes() != content
    assert run_cli(name, source, "-o", out, env={"MIXUP_GEN_FORCE": "1"}).returncode == 0


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_same_plan_is_written_again_and_another_one_is_kept(
    suffix: str, source: Path, run_cli: Runner, tmp_path: Path
) -> None:
    """So that make may run it again, and edits are not lost."""
    out = tmp_path / f"plan.{suffix}"
    command = ("plan", source, "-o", out)
    assert run_cli(*command, cwd=tmp_path).returncode == 0
    before = out.read_bytes()
    os.utime(out, (1e9, 1e9))
    assert run_cli(*command).returncode == 0
    assert out.stat().st_mtime > 1e9
    assert out.read_bytes() == before
    refused = run_cli(*command, "--seed", 1)
    assert refused.returncode == 73
    assert "already exists, and differs. Use another -o, or --force to replace it." in error_line(refused)
    assert out.read_bytes() == before
    assert run_cli(*command, "--seed", 1, "--force").returncode == 0
    assert out.read_bytes() != before
    assert not list(tmp_path.glob(".mixup-gen*"))


def test_ours_may_be_replaced_where_the_source_is(run_cli: Runner, source: Path) -> None:
    """In a folder of class folders, with no other argument."""
    (source / "metadata.csv").unlink()
    for command in (("plan", "-o", "plan.csv"), ("preview", "-o", "grid.png")):
        assert run_cli(*command, cwd=source).returncode == 0
        assert run_cli(*command, "--seed", 1, "--force").returncode == 0


def test_what_is_beside_the_output_stays(run_cli: Runner, source: Path, tmp_path: Path) -> None:
    for name in ("plan.csv.part", "grid.png.part"):
        (tmp_path / name).write_text("somebody's download")
    run_cli("plan", source, "-o", "plan.csv", cwd=tmp_path)
    run_cli("preview", source, "-o", "grid.png")
    assert {(tmp_path / name).read_text() for name in ("plan.csv.part", "grid.png.part")} == {"somebody's download"}


def test_a_finished_data_set_is_a_source_that_is_kept(run_cli: Runner, source: Path, tmp_path: Path) -> None:
    run_cli("generate", source, "-o", "out", cwd=tmp_path)
    before = digests(tmp_path / "out")
    assert run_cli("plan", "out", "-o", "out/sources.csv", "--force").returncode == 2
    assert digests(tmp_path / "out") == before


def test_the_source_of_a_data_set_is_kept(run_cli: Runner, source: Path, tmp_path: Path) -> None:
    """Which preview reads, too."""
    assert run_cli("generate", source, "-o", "out", cwd=tmp_path).returncode == 0
    picture = source / "red/1.png"
    before = picture.read_bytes()
    refused = run_cli("preview", "out", "-o", picture, "--force")
    assert refused.returncode == 2
    assert error_line(refused).startswith(f"-o {picture}: is {picture}, which belongs to the input.")
    assert picture.read_bytes() == before


@pytest.mark.parametrize("option", ["--plan", "--config", "--files-from"])
def test_generate_does_not_begin_over_what_it_reads(option: str, source: Path, run_cli: Runner, tmp_path: Path) -> None:
    """Under a name that it writes; --force removes no others."""
    run_cli("plan", source, "-o", "plan.csv", cwd=tmp_path)
    (tmp_path / "out").mkdir()
    read = tmp_path / "out/sources.csv"
    shutil.copy({"--plan": "plan.csv", "--config": "options.csv", "--files-from": "list.csv"}[option], read)
    before = read.read_bytes()
    for place in ("out/sources.csv", "link"):
        if place == "link":
            (tmp_path / "link").symlink_to("out/sources.csv")
        sources = [] if option == "--files-from" else [source]
        refused = run_cli("generate", *sources, option, place, "-o", "out", "--force")
        assert refused.returncode == 2
        assert error_line(refused) == f"-o out: would overwrite the input {place}. Use another -o."
        assert read.read_bytes() == before


@pytest.mark.parametrize("out", ["source/red", "linked/red", "source/red/..", "file://{}/source/red"])
@pytest.mark.parametrize("more", [[], ["--force"], ["--force", "--dry-run"]])
def test_a_class_folder_is_no_output(
    out: str, more: list[str], run_cli: Runner, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --force the class would be left out of the source, silently."""
    monkeypatch.chdir(tmp_path)
    before, out = digests(tmp_path), out.format(tmp_path)
    ended = run_cli("generate", "source", "-o", out, *more)
    assert (ended.returncode, error_line(ended).partition(": ")[0]) == (2, f"-o {out.removeprefix('file://')}")
    assert digests(tmp_path) == before


@pytest.mark.parametrize("out", ["link.csv", "link.png"])
def test_a_link_to_nothing_is_found_before_the_work(out: str, run_cli: Runner, source: Path, tmp_path: Path) -> None:
    (tmp_path / out).symlink_to("nowhere")
    ended = run_cli("plan" if out.endswith("csv") else "preview", source, "-o", tmp_path / out)
    message = f"{tmp_path / out}: is a link to a missing file. Use another -o."
    assert (ended.returncode, error_line(ended)) == (73, message)
