"""`mixup-gen verify`: damage of every kind is found, and all of it is listed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from mixup_cli.recipe import Recipe
from mixup_cli.storage.manifest import Manifest, read_manifest
from tests.damage import add_surplus_shard, edit, flip, leave_a_sidecar, truncate
from tests.data_sets import manifest
from tests.running import Runner, error_line
from tests.small_sources import write_colours

COLUMNS = ("images", "labels", "index", "source_index", "source_label", "share", "label_share", "method", "box")


@pytest.fixture
def data_set(run_cli: Runner, colours: Path, tmp_path: Path) -> Path:
    """Twelve rows in three shards of five, five and two."""
    run_cli("generate", colours, "--alpha", 1, "--samples-per-shard", 5, "-o", tmp_path / "out", cwd=tmp_path)
    return tmp_path / "out"


def findings(run_cli: Runner, *args: object) -> list[str]:
    """What verify prints of a damaged data set."""
    ended = run_cli("verify", *args)
    assert ended.returncode == 65
    assert "Traceback" not in ended.stderr
    found = ended.stdout.splitlines()
    assert f"{len(found)} finding" in ended.stderr.splitlines()[-1]
    return found


def test_a_sound_one_passes(run_cli: Runner, data_set: Path) -> None:
    for options in ([], ["--deep"]):
        ended = run_cli("verify", data_set, *options)
        assert (ended.returncode, ended.stdout) == (0, "")
        assert "12 samples in 3 shard" in ended.stderr
    assert json.loads(run_cli("verify", data_set, "--json", "-q").stdout)["event"] == "verified"


@pytest.mark.parametrize("column", COLUMNS)
def test_a_flipped_bit_in_any_column_is_found(column: str, run_cli: Runner, data_set: Path) -> None:
    shard = manifest(data_set)["shards"][1]
    flip(data_set / shard["file"], shard["columns"][column]["offset"] + 1)
    found = findings(run_cli, data_set)
    assert any(line.startswith("shard-00001.h5: its sha256 is ") for line in found)
    assert {line.split(":")[0] for line in found} == {"shard-00001.h5"}


def test_a_flipped_bit_in_the_metadata_is_found(run_cli: Runner, data_set: Path) -> None:
    path = data_set / "shard-00000.h5"
    size = min(column["offset"] for column in manifest(data_set)["shards"][0]["columns"].values())
    whole = path.read_bytes()
    for offset in [0, 8, 40, 96, *range(100, size, 997)]:
        flip(path, offset)
        assert findings(run_cli, data_set, "-q"), offset
        path.write_bytes(whole)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_damage_in_compressed_shards_is_found(compression: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--compression", compression, cwd=tmp_path)
    path = tmp_path / "mixup-out/shard-00000.h5"
    with h5py.File(path) as file:
        flip(path, file["images"].id.get_chunk_info(0).byte_offset + 9)
    assert len(findings(run_cli, tmp_path / "mixup-out")) >= 1


def swap(folder: Path) -> None:
    (folder / "shard-00000.h5").rename(folder / "x")
    (folder / "shard-00001.h5").rename(folder / "shard-00000.h5")
    (folder / "x").rename(folder / "shard-00001.h5")


DAMAGES: list[tuple[Callable[[Path], object], list[str]]] = [
    (lambda folder: truncate(folder / "shard-00000.h5"), ["shard-00000.h5: has "]),
    (lambda folder: (folder / "shard-00001.h5").unlink(), ["shard-00001.h5: is missing"]),
    (add_surplus_shard, ["shard-00007.h5: is not in"]),
    (swap, ["shard-00000.h5: its sha256 is that of shard-00001", "shard-00001.h5: its sha256 is that of shard-00000"]),
    (lambda folder: edit(folder / "manifest.json", '"blue"', '"navy"'), ["manifest.json: its sha256 is "]),
    (lambda folder: edit(folder / "sources.csv", "red/0", "red/5"), ["sources.csv: its sha256 is "]),
    (lambda folder: edit(folder / "README.md", "samples", "simples"), ["README.md: its sha256 is "]),
    (lambda folder: edit(folder / "SHA256SUMS", "shard-00001.h5", "shard-00009.h5"), ["SHA256SUMS: "]),
    (lambda folder: (folder / "SHA256SUMS").unlink(), ["SHA256SUMS: cannot be read"]),
    (lambda folder: (folder / "croissant.json").unlink(), ["croissant.json: cannot be read"]),
    (leave_a_sidecar, [".mixup-gen: holds 1 sidecar"]),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES, ids=[told[0] for _, told in DAMAGES])
def test_damage_to_the_files_is_found(
    damage: Callable[[Path], object], told: list[str], run_cli: Runner, data_set: Path
) -> None:
    damage(data_set)
    found = findings(run_cli, data_set)
    assert [text for text in told if not any(line.startswith(text) for line in found)] == []


def test_all_damage_is_listed_and_not_the_first_alone(run_cli: Runner, data_set: Path) -> None:
    flip(data_set / "shard-00000.h5", manifest(data_set)["shards"][0]["columns"]["images"]["offset"])
    (data_set / "shard-00001.h5").unlink()
    edit(data_set / "sources.csv", "red/0", "red/5")
    found = findings(run_cli, data_set, "--json")
    assert [json.loads(line)["file"] for line in found] == ["shard-00000.h5", "shard-00001.h5", "sources.csv"]


def test_the_manifest_names_its_data_set(run_cli: Runner, data_set: Path) -> None:
    ended = run_cli("verify", data_set / "manifest.json")
    assert ended.returncode == 0
    assert ended.stderr == f"mixup-gen: {data_set}: 12 samples in 3 shards, intact: all checksums match\n"
    (data_set / "shard-00001.h5").unlink()
    assert findings(run_cli, data_set / "manifest.json") == ["shard-00001.h5: is missing"]


def test_the_manifest_is_read_once(run_cli: Runner, data_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def counted(folder: Path) -> Manifest:
        read.append(folder)
        return read_manifest(folder)

    monkeypatch.setattr("mixup_cli.storage.opened.read_manifest", counted)
    assert run_cli("verify", data_set).returncode == 0
    assert read == [data_set]


def test_without_checksums_the_sources_are_still_held_against_the_manifest(run_cli: Runner, data_set: Path) -> None:
    (data_set / "SHA256SUMS").unlink()
    edit(data_set / "sources.csv", "red/0", "red/5")
    assert [line.split(":")[0] for line in findings(run_cli, data_set)] == ["SHA256SUMS", "sources.csv"]


def test_a_manifest_that_is_none_is_refused(run_cli: Runner, data_set: Path) -> None:
    edit(data_set / "manifest.json", '"totals"', '"sums"')
    refused = run_cli("verify", data_set)
    assert refused.returncode == 65
    assert "manifest.json: " in error_line(refused)


def seal_again(folder: Path) -> None:
    """Make all hashes fit what is there now, as somebody would who tampers with a data set."""
    plain = manifest(folder)
    for shard in plain["shards"]:
        shard["sha256"] = hashlib.sha256((folder / shard["file"]).read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(plain))
    names = [line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(sums))


@pytest.mark.parametrize("column", ["images", "share"])
def test_deep_finds_what_was_changed_and_sealed_again(column: str, run_cli: Runner, data_set: Path) -> None:
    with h5py.File(data_set / "shard-00001.h5", "r+") as file:
        values = file[column][:]
        values[2] = values[2][..., ::-1]
        assert (values[2] != file[column][2]).any()
        file[column][2] = values[2]
    seal_again(data_set)
    assert run_cli("verify", data_set).returncode == 0
    found = findings(run_cli, data_set, "--deep")
    assert found == [f"shard-00001.h5: {column} of row 7 is not what the source gives"]


def test_deep_finds_a_recipe_that_was_changed_and_sealed_again(run_cli: Runner, data_set: Path) -> None:
    plain = manifest(data_set)
    plain["recipe"]["seed"] = 1
    plain["recipe_id"] = Recipe.from_dict(plain["recipe"]).recipe_id
    (data_set / "manifest.json").write_text(json.dumps(plain))
    seal_again(data_set)
    assert findings(run_cli, data_set, "--deep")


@pytest.mark.parametrize("name", ["format_version", "recipe", "class_names"])
def test_an_attribute_that_was_changed_and_sealed_again_is_found(name: str, run_cli: Runner, data_set: Path) -> None:
    with h5py.File(data_set / "shard-00001.h5", "r+") as file:
        file.attrs[name] = file.attrs[name].replace("1", "7").replace("red", "der")
    seal_again(data_set)
    assert findings(run_cli, data_set) == [f"shard-00001.h5: its attribute {name} is not the manifest's"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("axes", "chw"),
        ("methods", ["none", "mixup"]),
        ("source", {"samples": 99}),
        ("source", {"skipped": [{"source_index": 1, "key": "a", "reason": "b"}]}),
    ],
)
def test_deep_finds_a_manifest_that_was_changed_and_sealed_again(
    name: str, value: Any, run_cli: Runner, data_set: Path
) -> None:
    plain = manifest(data_set)
    plain[name] = plain[name] | value if isinstance(value, dict) else value
    (data_set / "manifest.json").write_text(json.dumps(plain))
    seal_again(data_set)
    assert run_cli("verify", data_set).returncode == 0
    (found,) = findings(run_cli, data_set, "--deep")
    assert found.startswith(f"manifest.json: {name} is ")


def test_deep_finds_that_the_source_has_changed(run_cli: Runner, tmp_path: Path) -> None:
    source = write_colours(tmp_path / "colours")
    run_cli("generate", source, cwd=tmp_path)
    shutil.copy(source / "red/0.png", source / "green/1.png")
    refused = run_cli("verify", "--deep")
    assert refused.returncode == 65
    assert "green/1.png has other content" in refused.stderr + refused.stdout
    assert run_cli("verify").returncode == 0, "which is not the data set's fault"


def test_deep_takes_the_source_from_where_it_is_now(run_cli: Runner, tmp_path: Path) -> None:
    source = write_colours(tmp_path / "colours")
    run_cli("generate", source, cwd=tmp_path)
    source.rename(tmp_path / "moved")
    gone = run_cli("verify", "--deep")
    assert gone.returncode == 66
    assert error_line(gone).startswith(f"{source}: ")
    assert run_cli("verify", "--deep", "--source", "moved").returncode == 0


def test_options_that_run_json_records_are_kept_where_the_source_is_named(run_cli: Runner, tmp_path: Path) -> None:
    """Another place is no other way of reading; an option on the command line wins."""
    source = write_colours(tmp_path / "colours")
    rows = [path.relative_to(source).as_posix() for path in sorted(source.glob("*/*.png"))]
    lines = [f"{row},{row[0]},{row[-5]},{int(row[-5]) % 2}" for row in rows]
    (source / "metadata.csv").write_text("file_name,first,number,fold\n" + "\n".join(lines) + "\n")
    run_cli("generate", source, "--label-column", "number", "--group-column", "fold", cwd=tmp_path)
    moved = source.rename(tmp_path / "moved")
    assert run_cli("verify", "--deep", "--source", moved).returncode == 0
    (tmp_path / "mixup-out/shard-00000.h5").unlink()
    assert run_cli("repair", "--source", moved).returncode == 0
    other = run_cli("verify", "--deep", "--source", moved, "--label-column", "first")
    assert other.returncode == 65
    assert "blue/0.png was of class '0' and is of 'b'" in error_line(other)


def test_a_list_from_another_folder_is_told_as_it_is(mixup_gen: Runner, tmp_path: Path) -> None:
    """From stdin its paths begin in the current folder; a recorded one is read as it was."""
    source = write_colours(tmp_path / "colours")
    rows = "".join(f"{path.relative_to(tmp_path)}\n" for path in source.glob("*/*.png"))
    (tmp_path / "list").write_text(rows)
    (tmp_path / "elsewhere").mkdir()
    for name in ("-", "list"):
        out = tmp_path / f"out{name}"
        assert mixup_gen("generate", "--files-from", name, "-o", out, cwd=tmp_path, stdin=rows).returncode == 0
        (out / "shard-00000.h5").unlink()
        gone = mixup_gen("repair", out, "--files-from", "-", cwd=tmp_path / "elsewhere", stdin=rows)
        assert gone.returncode == 65
        again = mixup_gen("generate", "--files-from", "-", "-o", out, cwd=tmp_path / "elsewhere", stdin=rows)
        for told in map(error_line, (gone, again)):
            assert told.startswith("colours/blue/0.png: cannot read (No such file or directory). None of ")
            assert f"Paths in the list start from {tmp_path / 'elsewhere'}. Run this in their folder" in told
    assert mixup_gen("repair", tmp_path / "outlist", cwd=tmp_path / "elsewhere").returncode == 0
    assert mixup_gen("verify", tmp_path / "outlist", "--deep", cwd=Path("/")).returncode == 0


def test_label_sums_are_held_to_a_millionth(run_cli: Runner, data_set: Path) -> None:
    with h5py.File(data_set / "shard-00000.h5", "r+") as file:
        file["labels"][0, 0] += np.float32(3e-6)
    seal_again(data_set)
    found = findings(run_cli, data_set)
    assert [line.split(" within ")[0] for line in found] == [
        "shard-00000.h5: a row of labels sums to 1 only",
        "shard-00000.h5: labels of row 0 do not follow from source_label and label_share",
    ]


@pytest.mark.parametrize("name", ["/dev/zero", "../outside.txt", "run.json", "README.md", ""])
def test_other_names_among_the_checksums_are_findings_and_not_read(
    name: str, run_cli: Runner, data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mixup_cli.checks.verify.READ_BYTES", 0)  # read /dev/zero, and be done
    (data_set.parent / "outside.txt").write_text("secret")
    with (data_set / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  {name}\n")
    found = findings(run_cli, data_set)
    assert f"SHA256SUMS: line 8 names {name!r}, which was not expected" in found


OUTSIDE: list[tuple[str, object, str]] = [
    ("method", 1, "method goes from 0 to 1, and there are 1 methods"),
    ("source_index", -1, "source_index goes from -1 to "),
    ("source_index", 12, "source_index goes from "),
    ("source_label", 3, "source_label goes from "),
    ("source_label", -1, "source_label goes from -1 to "),
    ("box", [0, 0, 9, 6], "box of row 7 is [0, 0, 9, 6], and the image is 6 high and 8 wide"),
    ("box", [3, 0, 2, 6], "box of row 7 is [3, 0, 2, 6]"),
    ("box", [0, -1, 2, 6], "box of row 7 is "),
    ("labels", [0.25, 0.25, 0.5], "labels of row 7 do not follow from source_label and label_share"),
]


@pytest.mark.parametrize(("column", "value", "told"), OUTSIDE)
def test_values_that_cannot_be_are_found(
    column: str, value: object, told: str, run_cli: Runner, data_set: Path
) -> None:
    with h5py.File(data_set / "shard-00001.h5", "r+") as file:
        file[column][2] = value
    seal_again(data_set)
    (line,) = findings(run_cli, data_set)
    assert line.startswith(f"shard-00001.h5: {told}")


@pytest.mark.parametrize("options", [[], ["--deep"]])
def test_a_link_out_of_a_shard_is_a_finding(options: list[str], run_cli: Runner, data_set: Path) -> None:
    (data_set / "shard-00001.h5").rename(data_set.parent / "secret.h5")
    with h5py.File(data_set.parent / "secret.h5") as secret, h5py.File(data_set / "shard-00001.h5", "w") as file:
        for name in secret:
            file[name] = h5py.ExternalLink("../secret.h5", name)
    seal_again(data_set)
    assert any("is a ExternalLink and is not followed" in line for line in findings(run_cli, data_set, *options))


ODD_RUNS: list[tuple[str | None, str]] = [
    (None, "is missing, and it names the source. Pass --source"),
    ("{}", "source: "),
    ('{"source": {}}', "source.locations: Field required. Pass --source"),
    ('{"source": []}', "source: "),
    ('{"source": {"locations": [1], "options": {}}}', "source.locations.0: "),
    ('{"source": {"locations": [], "options": {}}}', "names no source. Pass --source"),
    ('{"source": {"locations": ["x"], "options": {"label_level": "x"}}}', "source.options.label_level: "),
    ('{"source": {"locations": ["x\\u0000"], "options": {}}}', "is neither a file nor a folder. Pass --source"),
    ('{"source": {"locations": ["pipe"], "options": {}}}', "'pipe' is neither a file nor a folder."),
    ('{"source": {"locations": ["x"], "options": {"files_from": "pipe"}}}', "'pipe' is neither a file nor a folder."),
    ('{"source": {"locations": ["x"], "options": {"files_from": "/dev/zero"}}}', "'/dev/zero' is neither a file"),
    ('{"source": {"locations": ["x"], "options": {"files_from": "-"}}}', "came from stdin. Pass --files-from"),
]


@pytest.mark.parametrize(("text", "told"), ODD_RUNS)
def test_deep_needs_to_be_told_the_source_where_run_json_does_not(
    text: str | None, told: str, run_cli: Runner, data_set: Path, colours: Path
) -> None:
    if text is None:
        (data_set / "run.json").unlink()
    else:
        (data_set / "run.json").write_text(text)
    os.mkfifo(data_set.parent / "pipe")
    refused = run_cli("verify", data_set, "--deep", cwd=data_set.parent)
    assert refused.returncode == 65
    assert told in error_line(refused)
    assert run_cli("verify", data_set, "--deep", "--source", colours).returncode == 0


def test_deep_finds_depths_that_the_survey_did_not_see(
    run_cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_colours(tmp_path / "colours")
    Image.fromarray(np.full((6, 8), 40_000, np.uint16)).save(source / "red/9.png")
    monkeypatch.setattr("mixup_cli.runs.job.SURVEY_SAMPLES", 1)
    assert run_cli("generate", source, "--dtype", "uint16", cwd=tmp_path).returncode == 0
    assert run_cli("verify", "--deep").returncode == 0


def test_what_was_moved_is_named_with_its_option(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    """run.json names the source and its table of labels: a message about these says how to name them anew."""
    shutil.copytree(colours, tmp_path / "old")
    rows = [path.relative_to(colours).as_posix() for path in sorted(colours.glob("*/*.png"))]
    (tmp_path / "k.csv").write_text("file,kind\n" + "".join(f"{row},{row[0]}\n" for row in rows))
    table = ["--labels-from", tmp_path / "k.csv", "--file-column", "file", "--label-column", "kind"]
    assert run_cli("generate", tmp_path / "old", "-o", tmp_path / "o", *table).returncode == 0
    for name, option, given in (("old", "--source", []), ("k.csv", "--labels-from", ["--source", tmp_path / "new"])):
        (tmp_path / name).rename(tmp_path / name.replace("old", "new").replace("k.", "l."))
        ended = run_cli("verify", "--deep", tmp_path / "o", *given)
        assert ended.returncode == 66
        message = error_line(ended)
        assert message.startswith(f"{tmp_path / name}: ")
        assert message.endswith(f"run.json names it; if it was moved, pass {option}.")
    given = ["--source", tmp_path / "new", "--labels-from", tmp_path / "l.csv"]
    assert run_cli("verify", "--deep", tmp_path / "o", *given).returncode == 0
