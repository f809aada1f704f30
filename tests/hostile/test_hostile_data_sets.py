"""Data sets that somebody has changed: readers and commands keep to the folder, to plain data, and to one line."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli.errors import MixupGenError
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset
from tests.data_sets import digests
from tests.hostile.cell import Cell
from tests.hostile.conftest import check_harmless, check_remedy, error_of
from tests.hostile.makers import data_sets, texts
from tests.running import run_process
from tests.small_sources import write_arrays

SOURCE = "source.npz"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data sets of one shard, by compression, and one of two passes. Copied before they are changed."""
    root = tmp_path_factory.mktemp("finished")
    write_arrays(root / SOURCE)
    made = {}
    for kind, options in {"none": [], "gzip": ["--compression", "gzip"], "two": ["--passes", "2"]}.items():
        assert run_process("generate", SOURCE, "-o", kind, "-q", *options, cwd=root).returncode == 0
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


WHOLE_FILES = {"a link out of the folder", "a link to itself", "a pipe", "a folder", "not HDF5", "nothing"}
"""These have no shard to read. In the others one column has changed, and the rest has not."""

READING = ["inspect out", "preview out -o grid.png", "generate out -o again"]


@pytest.mark.parametrize("name", data_sets.SHARDS)
def test_commands_that_read_shards(name: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    """Each refuses what it reads, and names the shard; inspect reads the manifest alone, and `again` no shares."""
    changed(finished, place, "gzip", data_sets.SHARDS[name])
    for command, is_refused in zip(READING, (False, True, name in WHOLE_FILES), strict=True):
        ended = cell.run(command.split(), place, {})
        check_harmless(ended, place)
        assert ended.code == (65 if is_refused else 0), (command, ended.err)
        if is_refused:
            assert data_sets.SHARD in error_of(ended)
            check_remedy(error_of(ended))


@pytest.mark.parametrize("name", data_sets.SHARDS)
def test_repair_of_a_shard_of_other_than_plain_data(
    name: str, cell: Cell, place: Path, finished: dict[str, Path]
) -> None:
    """It makes the shard again where the manifest still describes it, and a file can replace it; else it
    changes nothing."""
    out = changed(finished, place, "gzip", data_sets.SHARDS[name])
    ended = cell.run(["repair", "out"], place, {})
    check_harmless(ended, place)
    if name in WHOLE_FILES - {"a folder"}:
        assert ended.code == 0, ended.err
        assert not (out / data_sets.SHARD).is_symlink()
        assert digests(out) == digests(finished["gzip"])
    else:
        assert ended.code == (74 if name == "a folder" else 65), ended.err
        assert ended.changed == []


@pytest.mark.parametrize("name", data_sets.MANIFESTS)
def test_repair_of_a_manifest_that_lies(name: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    """SHA256SUMS has the hash of the lie, so nothing that can be put together is what was sealed."""
    changed(finished, place, "none", data_sets.MANIFESTS[name])
    ended = cell.run(["repair", "out"], place, {})
    check_harmless(ended, place)
    assert ended.code == 65, ended.err
    check_remedy(error_of(ended))
    assert ended.changed == []


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


def content_of_run(name: str, finished: Path) -> dict[str, Any]:
    """What a run writes into a file that holds JSON, from the data set that it has finished."""
    manifest, run = (json.loads((finished / file).read_text()) for file in ("manifest.json", "run.json"))
    begun = {
        "recipe": manifest["recipe"],
        "pixel_fingerprint": run["pixel_fingerprint"],
        "versions": run["versions"],
        "rows": manifest["totals"]["samples"],
        "label_kind": manifest["label_kind"],
        "class_names": manifest["class_names"],
    }
    of_file = {"manifest.json": manifest, "run.json": run, FILES[3]: begun, FILES[4]: manifest["shards"][0]}
    return dict(of_file[name])


TAKEN: dict[str, tuple[set[str], str]] = {
    "manifest.json format_version": ({"1", "true"}, "it is 1, and true is what Python takes for 1; verify tells"),
    ".mixup-gen/recipe.json versions": ({"{}"}, "they stand in messages alone"),
    ".mixup-gen/recipe.json rows": (
        {"null", "true", "1"},
        "a run of its own may change its mind; once there were none",
    ),
    ".mixup-gen/recipe.json label_kind": ({"null"}, "an earlier version wrote none"),
    **{
        f"run.json {field}": (set(texts.WRONG), "it tells how the data set was made, and decides nothing")
        for field in "batch_size began device engine host platform seconds versions workers".split()
    },
    **{
        f".mixup-gen/done/00000.json {field}": (set(texts.WRONG), "it vouches for nothing: the shard is made again")
        for field in "bytes columns file sha256 start stop".split()
    },
}
"""Fields of which a wrong value harms nothing: which values, and why. What comes out is as if they were right."""

TOLD_OTHERWISE = {
    "manifest.json class_names []": "columns: labels is",
    ".mixup-gen/recipe.json recipe {}": "was made with different settings",
    '.mixup-gen/recipe.json pixel_fingerprint "text"': "decode to other pixels",
    ".mixup-gen/recipe.json class_names null": "was made from other labels",
    ".mixup-gen/recipe.json class_names []": "was made from other labels",
    **{f"run.json pixel_fingerprint {value}": "decode to other pixels" for value in texts.WRONG},
    "manifest.json shards []": "totals: are",
}
"""What is said of a field, where its name is not in the message."""


def command_that_reads(name: str, field: str) -> str:
    if name == "run.json":
        return "verify out --deep" if field == "source" else f"generate {SOURCE} -o out --passes 2"
    return f"generate {SOURCE} -o out"


def check_wrong_value(name: str, wrong: texts.WrongValue, cell: Cell, place: Path, finished: Path) -> None:
    """Refused over this very field, or, where a reason for that is known, taken and without effect."""
    shutil.rmtree(place)
    place.mkdir()
    changed({"none": finished}, place, "none", broken_file(name, wrong.text.encode()))
    ended = cell.run(command_that_reads(name, wrong.field).split(), place, {})
    check_harmless(ended, place)
    if wrong.value in TAKEN.get(f"{name} {wrong.field}", (set(), ""))[0]:
        assert ended.code == 0, (wrong, ended.err)
        made = digests(place / "out")
        kept = digests(finished if "--passes" not in command_that_reads(name, wrong.field) else finished.parent / "two")
        assert {file for file in kept if made.get(file) != kept[file]} <= {name} & {"manifest.json"}, wrong
        return
    assert ended.code in (65, 73), (wrong, ended.err)
    message = error_of(ended)
    told = TOLD_OTHERWISE.get(f"{name} {wrong.field} {wrong.value}", f"{name}: {wrong.field}")
    assert told in message, wrong
    check_remedy(message)
    locks = [f"{place.name}/out/.mixup-gen/lock"]  # which an unfinished data set may have
    assert ended.changed in ([], locks), wrong


@pytest.mark.parametrize("name", [name for name in FILES if name != "sources.csv"])
def test_a_field_of_the_wrong_type(name: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    """Each field once, with one type after the other."""
    every = texts.every_wrong_type(content_of_run(name, finished["none"]))
    for number, start in enumerate(range(0, len(every), len(texts.WRONG))):
        check_wrong_value(name, every[start + number % len(texts.WRONG)], cell, place, finished["none"])


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [name for name in FILES if name != "sources.csv"])
def test_json_of_every_wrong_type(name: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    for wrong in texts.every_wrong_type(content_of_run(name, finished["none"])):
        check_wrong_value(name, wrong, cell, place, finished["none"])


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


@pytest.mark.parametrize("content", texts.NO_JSON)
def test_a_larger_data_set_that_is_none(content: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    """Its manifest would say that its files are to take the place of others."""
    out = changed(finished, place, "none", lambda out: None)
    before = digests(out)
    (out / ".mixup-gen/next").mkdir(parents=True)
    (out / ".mixup-gen/next/manifest.json").write_bytes(texts.NO_JSON[content])
    (out / ".mixup-gen/next/shard-00000.h5").write_bytes(b"no shard")
    for command in (f"generate {SOURCE} -o out", "repair out", "verify out"):
        ended = cell.run(command.split(), place, {})
        check_harmless(ended, place)
        assert ended.code == 65, (command, ended.err)
        assert {name: digest for name, digest in digests(out).items() if not name.startswith(".mixup-gen")} == before
    ended = cell.run(["generate", SOURCE, "-o", "out", "--force"], place, {})
    assert ended.code == 0, ended.err


LINKS = ["", "/done", "/next", "/next/manifest.json", "/next/shard-00000.h5", "/shard-00000.h5.part", "/x"]
FOLDERS = ["", "/done", "/next"]


@pytest.mark.parametrize("name", [f".mixup-gen{name}" for name in LINKS])
def test_links_in_the_work_folder_lead_nowhere(name: str, cell: Cell, place: Path, finished: dict[str, Path]) -> None:
    """Else `--force` would empty somebody's folder, and a run would write over somebody's file."""
    out = changed(finished, place, "none", lambda out: None)
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    target = place.parent / "outside"
    (out / name).symlink_to(target if name.removeprefix(".mixup-gen") in FOLDERS else target / "secret")
    for options in ("--seed 5 --force", "--passes 2"):
        ended = cell.run(["generate", SOURCE, "-o", "out", *options.split()], place, {})
        check_harmless(ended, place)
        assert ended.code == 65, ended.err
        assert "is a link" in error_of(ended)
    assert os.listdir(target) == ["secret"]
