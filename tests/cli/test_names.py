"""Folders and files whose names are not UTF-8, in every place where a command takes one, and other locales."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data_sets import digests
from tests.running import Runner
from tests.small_sources import write_colours

CAFE = os.fsdecode(b"caf\xe9")
"""A name as an old system or a Latin-1 disk left it."""

SHOWN = r"caf\xe9"

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="its file systems have names in UTF-8 alone")


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder of such a name, with colours in `source`, a list of them, a plan and a configuration."""
    odd = tmp_path / CAFE
    write_colours(odd / "source")
    (odd / CAFE).mkdir()
    return odd


def as_list(source: Path, path: Path) -> Path:
    path.write_bytes(b"".join(os.fsencode(each) + b"\n" for each in sorted(source.glob("*/*.png"))))
    return path


def test_a_source_and_an_output_of_such_names_are_found_again(mixup_gen: Runner, odd: Path, tmp_path: Path) -> None:
    """By run.json, from whichever folder."""
    made = mixup_gen("generate", odd / "source", "-o", odd / "out", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stdout == f"{tmp_path}/{SHOWN}/out/manifest.json\n"
    recorded = json.loads((odd / "out/run.json").read_bytes().decode("utf-8"))
    assert recorded["source"]["locations"] == [f"{tmp_path}/{SHOWN}/source"]
    assert mixup_gen("verify", odd / "out", "--deep").returncode == 0
    (odd / "out/shard-00000.h5").unlink()
    mended = mixup_gen("repair", odd / "out")
    assert mended.returncode == 0, mended.stderr
    assert f"{SHOWN}/out: 1 file repaired" in mended.stderr
    assert mixup_gen("generate", odd / "source", "-o", odd / "out", cwd=tmp_path).stderr.startswith(
        "mixup-gen: nothing to do"
    )


def test_the_current_folder_of_such_a_name(run_cli: Runner, odd: Path, tmp_path: Path) -> None:
    assert run_cli("generate", "source", "-o", "out", cwd=odd).returncode == 0
    assert run_cli("verify", odd / "out", "--deep", cwd=tmp_path).returncode == 0
    assert run_cli("generate", "-o", "../other", "--json", cwd=odd / "source").returncode == 0
    assert digests(odd / "other") == digests(odd / "out")


Command = Callable[[Path], list[object]]

PLACES: dict[str, Command] = {
    "--cache-folder": lambda odd: ["generate", odd / "source", "--cache", "disk", "--cache-folder", odd / "kept"],
    "--cache disk beside the output": lambda odd: ["generate", odd / "source", "--cache", "disk", "-o", odd / "disk"],
    "--engine processes": lambda odd: ["generate", odd / "source", "--engine", "processes", "-o", odd / "processes"],
    "gzip": lambda odd: ["generate", odd / "source", "--compression", "gzip", "-o", odd / "gzip"],
    "two sources": lambda odd: ["generate", odd / "source", odd / "source", "-o", odd / "two"],
    "--files-from": lambda odd: ["generate", "--files-from", as_list(odd / "source", odd / "list")],
    "--dry-run": lambda odd: ["generate", odd / "source", "--dry-run", "--json"],
    "--print-config": lambda odd: ["generate", odd / "source", "--print-config"],
    "plan": lambda odd: ["plan", odd / "source", "-o", odd / "plan.csv"],
    "plan of Parquet": lambda odd: ["plan", odd / "source", "-o", odd / "plan.parquet"],
    "plan to stdout": lambda odd: ["plan", odd / "source"],
    "preview": lambda odd: ["preview", odd / "source", "-o", odd / CAFE / "grid.png"],
    "inspect": lambda odd: ["inspect", odd / "source", "--json"],
    "doctor": lambda odd: ["doctor"],
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_takes_such_a_name(place: str, run_cli: Runner, odd: Path, tmp_path: Path) -> None:
    ended = run_cli(*PLACES[place](odd), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    (ended.stdout + ended.stderr).encode("utf-8")
    if "--json" in PLACES[place](odd):
        json.loads(ended.stdout)


def test_a_plan_and_a_configuration_of_such_names(run_cli: Runner, odd: Path, tmp_path: Path) -> None:
    run_cli("plan", odd / "source", "-o", odd / "plan.csv", "-q", cwd=tmp_path)
    (odd / "options.toml").write_text("alpha = 0.3\n")
    plain = run_cli("generate", odd / "source", "--plan", odd / "plan.csv", "-o", odd / "out")
    assert plain.returncode == 0, plain.stderr
    assert run_cli("verify", odd / "out", "--deep", "--plan", odd / "plan.csv").returncode == 0
    printed = run_cli("generate", odd / "source", "--plan", odd / "plan.csv", "--print-config")
    assert f"# plan is {odd.parent}/{SHOWN}/plan.csv, which is not UTF-8: pass it again with --plan\n" in printed.stdout
    assert "plan" not in tomllib.loads(printed.stdout)
    configured = run_cli("generate", odd / "source", "--config", odd / "options.toml", "-o", odd / "configured")
    assert configured.returncode == 0, configured.stderr
    wrong = odd / "wrong.toml"
    wrong.write_text("alpha = -1\n")
    assert f"{SHOWN}/wrong.toml" in run_cli("generate", odd / "source", "--config", wrong, "-o", odd / "x").stderr


def test_a_list_of_such_names_in_such_a_list(run_cli: Runner, odd: Path, tmp_path: Path) -> None:
    listed = as_list(odd / "source", odd / "list")
    assert run_cli("generate", "--files-from", listed, "-o", odd / "out", cwd=tmp_path).returncode == 0
    assert run_cli("verify", odd / "out", "--deep", cwd=Path("/")).returncode == 0
    assert f"{SHOWN}/source/red/0.png" in (odd / "out/sources.csv").read_text()


def test_a_finished_data_set_of_such_a_name_is_a_source(run_cli: Runner, odd: Path, tmp_path: Path) -> None:
    run_cli("generate", odd / "source", "-o", odd / "out", cwd=tmp_path)
    again = run_cli("generate", odd / "out", "-o", odd / "again")
    assert again.returncode == 0, again.stderr
    assert run_cli("verify", odd / "again", "--deep").returncode == 0
    assert run_cli("preview", odd / "out", "-o", odd / "grid.png").returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ("generate", "missing"),
        ("generate", "source", "-o", "source/red/0.png"),
        ("generate", "--files-from", "missing"),
        ("generate", "source", "--plan", "missing.csv"),
        ("generate", "source", "--config", "missing.toml"),
        ("plan", "source", "-o", "missing/plan.csv"),
        ("preview", "source", "-o", "missing/grid.png"),
        ("inspect", "missing"),
        ("verify", "missing"),
        ("repair", "missing"),
    ],
    ids=" ".join,
)
def test_messages_show_such_names_as_keys_do(command: tuple[str, ...], mixup_gen: Runner, odd: Path) -> None:
    refused = mixup_gen(*(odd / word if "/" in word or word.startswith(("mi", "so")) else word for word in command))
    assert refused.returncode in (65, 66, 73, 2)
    assert SHOWN in refused.stderr
    assert "Traceback" not in refused.stderr


LOCALES = {
    "C": {"LANG": "C", "LC_ALL": "C"},
    "C, without UTF-8 mode": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"},
    "POSIX, not coerced": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


@pytest.mark.parametrize("locale", LOCALES)
def test_names_mean_the_same_in_every_locale(locale: str, mixup_gen: Runner, real_mixup_gen: Runner, odd: Path) -> None:
    """Bytes of names, names in UTF-8 files, and what run.json says."""
    source = odd / "source"
    (source / "red").rename(source / "röd")
    rows = [path.relative_to(source).as_posix() for path in sorted(source.glob("*/*.png"))]
    (source / "metadata.csv").write_text("file_name,label\n" + "".join(f"{row},{row[:3]}\n" for row in rows))
    shutil.copytree(source, odd / "quelle-ä")
    options = ["generate", odd / "quelle-ä", "-o"]
    assert mixup_gen(*options, odd / "here").returncode == 0
    ended = real_mixup_gen(*options, odd / "there", env=LOCALES[locale])
    assert ended.returncode == 0, ended.stderr
    assert digests(odd / "there") == digests(odd / "here")
    checked = real_mixup_gen("verify", odd / "here", "--deep", env=LOCALES[locale])
    assert checked.returncode == 0, checked.stderr
