"""Data sets that somebody has changed: readers and commands keep to the folder, to plain data, and to one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mixup_cli.errors import MixupGenError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset
from tests.hostile.cell import Cell
from tests.hostile.conftest import check_harmless, error_of
from tests.hostile.makers import data_sets, texts
from tests.running import Runner
from tests.small_sources import write_arrays

SOURCE = "source.npz"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data sets of one shard, by compression. Copied before they are changed."""
    import subprocess

    from tests.running import PROGRAM, clean_environment

    root = tmp_path_factory.mktemp("finished")
    write_arrays(root / SOURCE)
    made = {}
    for kind in ("none", "gzip"):
        command: list[str | Path] = [PROGRAM, "generate", SOURCE, "-o", kind, "--compression", kind, "--quiet"]
        subprocess.run(command, cwd=root, env=clean_environment(), check=True, capture_output=True)
        made[kind] = root / kind
    return made


def changed(finished: dict[str, Path], place: Path, kind: str, change: Callable[[Path], object]) -> Path:
    shutil.copy(finished[kind].parent / SOURCE, place)
    out = place / "out"
    shutil.copytree(finished[kind], out)
    change(out)
    return out


COMMANDS = [
    "verify out",
    "inspect out",
    "preview out -o grid.png",
    "generate out -o again",
    f"generate {SOURCE} -o out",
]


@pytest.mark.parametrize("name", data_sets.MANIFESTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_manifest_that_lies_is_refused(
    name: str, command: str, cell: Cell, place: Path, finished: dict[str, Path]
) -> None:
    changed(finished, place, "none", data_sets.MANIFESTS[name])
    ended = cell.run(command.split(), place, {})
    check_harmless(ended, place)
    assert ended.code == 65, ended.err
    assert "manifest.json" in error_of(ended)


@pytest.mark.parametrize("name", data_sets.MANIFESTS)
def test_readers_refuse_a_manifest_that_lies(name: str, place: Path, finished: dict[str, Path]) -> None:
    out = changed(finished, place, "none", data_sets.MANIFESTS[name])
    for reader in (MixedArrays, MixedDataset):
        with pytest.raises(MixupGenError, match=r"manifest\.json"):
            reader(out)


@pytest.mark.parametrize("name", data_sets.SHARDS)
def test_a_shard_of_other_than_plain_data_is_a_finding(
    name: str, cell: Cell, place: Path, finished: dict[str, Path]
) -> None:
    changed(finished, place, "gzip", data_sets.SHARDS[name])
    ended = cell.run(["verify", "out"], place, {})
    check_harmless(ended, place)
    assert ended.code == 65, ended.err
    findings = ended.out.splitlines()
    assert findings
    assert all(line.isprintable() for line in findings)
    assert any(line.startswith(data_sets.SHARD) for line in findings)


@pytest.mark.parametrize("name", data_sets.SHARDS)
def test_readers_refuse_a_shard_of_other_than_plain_data(
    name: str, place: Path, finished: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    out = changed(finished, place, "gzip", data_sets.SHARDS[name])
    for reader in (MixedArrays, lambda folder: MixedDataset(folder).arrays):
        with pytest.raises(MixupGenError, match="shard-00000"):
            reader(out).column("share").take(np.arange(3))
        with pytest.raises(MixupGenError, match="shard-00000"):
            _ = reader(out).column("share")[1:4]


@pytest.mark.parametrize("name", ["a link out of the folder", "a link to itself", "a pipe", "a folder", "nothing"])
@pytest.mark.parametrize("command", COMMANDS[2:4])
def test_a_mapped_shard_stays_in_the_folder(
    name: str, command: str, cell: Cell, place: Path, finished: dict[str, Path]
) -> None:
    out = changed(finished, place, "none", data_sets.SHARDS[name])
    ended = cell.run(command.split(), place, {})
    check_harmless(ended, place)
    assert ended.code == 65, ended.err
    assert data_sets.SHARD in error_of(ended)
    with pytest.raises(MixupGenError, match="shard-00000"):
        MixedArrays(out).images([0])


@pytest.mark.slow
@pytest.mark.parametrize("name", data_sets.SHARDS)
@pytest.mark.parametrize("command", COMMANDS[2:4])
def test_commands_that_read_shards(name: str, command: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    changed(finished, place, "gzip", data_sets.SHARDS[name])
    ended = cell.run(command.split(), place, {})
    check_harmless(ended, place)
    assert ended.code in (0, 65), ended.err  # `again` mixes images and labels, and has no use for shares


@pytest.mark.parametrize("column", ["method", "source_index", "source_label"])
def test_numbers_that_lead_beyond_are_refused(column: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    changed(finished, place, "gzip", data_sets.values(column, 127))
    for command in ("verify out", "preview out -o grid.png"):
        ended = cell.run(command.split(), place, {})
        check_harmless(ended, place)
        assert ended.code == 65, ended.err


FILES = ["manifest.json", "run.json", "sources.csv", ".mixup-gen/recipe.json", ".mixup-gen/done/00000.json"]


def broken_file(name: str, content: bytes) -> Callable[[Path], None]:
    """An unfinished data set (but for its manifest) with one file of its own broken."""

    def make(out: Path) -> None:
        shard = json.loads((out / "manifest.json").read_text())["shards"][0]
        recipe = json.loads((out / "manifest.json").read_text())["recipe"]
        run = json.loads((out / "run.json").read_text())
        if name.startswith(".mixup-gen"):
            (out / ".mixup-gen/done").mkdir(parents=True)
            begun = {"recipe": recipe, "pixel_fingerprint": run["pixel_fingerprint"], "versions": run["versions"]}
            (out / ".mixup-gen/recipe.json").write_text(json.dumps(begun))
            (out / ".mixup-gen/done/00000.json").write_text(json.dumps(shard))
            (out / "manifest.json").unlink()
        (out / name).write_bytes(content)

    return make


def wrong_types(name: str) -> list[str]:
    """Every wrong value of every field of a file that holds JSON."""
    fields = {
        "manifest.json": "recipe recipe_id source class_names label_kind axes methods columns totals shards",
        "run.json": "source pixel_fingerprint versions",
        ".mixup-gen/recipe.json": "recipe pixel_fingerprint versions",
        ".mixup-gen/done/00000.json": "file bytes sha256 start stop columns",
    }[name]
    return [text for _, text in texts.every_wrong_type(dict.fromkeys(fields.split(), None))]


@pytest.mark.parametrize("content", texts.NO_JSON)
@pytest.mark.parametrize("name", FILES)
def test_files_of_the_data_set_that_are_none(
    name: str, content: str, cell: Cell, place: Path, finished: dict[str, Path]
) -> None:
    changed(finished, place, "none", broken_file(name, texts.NO_JSON[content]))
    commands = [f"generate {SOURCE} -o out", "verify out --deep"]
    for command in commands[:1] if name.startswith(".mixup-gen") else commands:
        ended = cell.run(command.split(), place, {})
        check_harmless(ended, place)
        assert ended.code in (0, 65, 73), ended.err
    # a sidecar that is none vouches for nothing: the shard is made again
    assert ended.code != 0 or name == ".mixup-gen/done/00000.json"


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FILES if name != "sources.csv"])
def test_json_of_every_wrong_type(name: str, run_cli: Runner, place: Path, finished: dict[str, Path]) -> None:
    out = changed(finished, place, "none", broken_file(name, b"{}"))
    kept = place / "kept"
    shutil.copytree(out, kept)
    for text in wrong_types(name):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        (out / name).write_text(text)
        for command in ([f"generate {SOURCE} -o out"], ["verify out --deep"])[name == "run.json"]:
            ended = run_cli(*command.split(), cwd=place)
            assert "Traceback" not in ended.stderr
            assert ended.returncode in (0, 65, 73), (text, ended.stderr)
            if name != ".mixup-gen/done/00000.json":
                assert ended.returncode != 0, text


@pytest.mark.parametrize("name", [".mixup-gen", ".mixup-gen/done", ".mixup-gen/shard-00000.h5.part", ".mixup-gen/x"])
def test_links_in_the_work_folder_lead_nowhere(name: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    """Else `--force` would empty somebody's folder, and a run would write over somebody's file."""
    out = changed(finished, place, "none", lambda out: None)
    (out / name).parent.mkdir(exist_ok=True)
    target = place.parent / "outside"
    (out / name).symlink_to(target if name in (".mixup-gen", ".mixup-gen/done") else target / "secret")
    for options in ("--seed 5 --force", "--passes 2"):
        ended = cell.run(["generate", SOURCE, "-o", "out", *options.split()], place, {})
        check_harmless(ended, place)
        assert ended.code == 65, ended.err
        assert "is a link" in error_of(ended)
    assert os.listdir(target) == ["secret"]
