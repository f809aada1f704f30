"""`mixup-gen repair`: what comes back is, byte for byte, what was sealed; what cannot come back is said, and left."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mixup_cli.checks import rebuild
from mixup_cli.recipe import Recipe
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.folder import DataSetFolder
from mixup_cli.storage.json_files import to_json
from tests.damage import add_surplus_shard, edit, flip, leave_a_sidecar, truncate
from tests.data_sets import digests, identities
from tests.running import Runner, error_line, interrupted_at_the_end
from tests.small_sources import write_colours


@pytest.fixture
def data_set(run_cli: Runner, colours: Path, tmp_path: Path) -> Path:
    """Twelve rows in three shards of five, five and two."""
    run_cli("generate", colours, "--alpha", 1, "--samples-per-shard", 5, "-o", tmp_path / "out", cwd=tmp_path)
    return tmp_path / "out"


def remove(*paths: Path) -> None:
    for path in paths:
        path.unlink()


DAMAGES: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "flipped": (lambda folder: flip(folder / "shard-00001.h5"), {"shard-00001.h5"}),
    "flipped metadata": (lambda folder: flip(folder / "shard-00001.h5", 9), {"shard-00001.h5"}),
    "cut": (lambda folder: truncate(folder / "shard-00002.h5"), {"shard-00002.h5"}),
    "lost": (lambda folder: (folder / "shard-00000.h5").unlink(), {"shard-00000.h5"}),
    "all lost": (
        lambda folder: remove(*folder.glob("shard-*")),
        {"shard-00000.h5", "shard-00001.h5", "shard-00002.h5"},
    ),
    "surplus": (add_surplus_shard, {"shard-00007.h5"}),
    "sources.csv": (lambda folder: edit(folder / "sources.csv", "red/0", "red/5"), {"sources.csv"}),
    "sources.csv lost": (lambda folder: (folder / "sources.csv").unlink(), {"sources.csv"}),
    "README.md": (lambda folder: edit(folder / "README.md", "samples", "simples"), {"README.md"}),
    "croissant.json": (lambda folder: (folder / "croissant.json").unlink(), {"croissant.json"}),
    "SHA256SUMS": (lambda folder: edit(folder / "SHA256SUMS", "shard-00001", "shard-00009"), {"SHA256SUMS"}),
    "SHA256SUMS lost": (lambda folder: (folder / "SHA256SUMS").unlink(), {"SHA256SUMS"}),
    "hash of the manifest": (lambda folder: flip(folder / "SHA256SUMS", -20), {"SHA256SUMS"}),
    "manifest lost": (lambda folder: (folder / "manifest.json").unlink(), {"manifest.json"}),
    "manifest cut": (lambda folder: truncate(folder / "manifest.json"), {"manifest.json"}),
    "manifest edited": (lambda folder: edit(folder / "manifest.json", '"pictures"', '"cifar"'), {"manifest.json"}),
    "manifest spaced": (lambda folder: edit(folder / "manifest.json", "{", "{ "), {"manifest.json"}),
    "work folder": (leave_a_sidecar, {".mixup-gen"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_sealed_comes_back(damage: str, run_cli: Runner, data_set: Path) -> None:
    harm, files = DAMAGES[damage]
    before, kept = digests(data_set), identities(data_set)
    harm(data_set)
    ended = run_cli("repair", data_set)
    assert ended.returncode == 0, ended.stderr
    assert {line.split(":")[0] for line in ended.stdout.splitlines()} == files
    assert ended.stderr.endswith(
        f"{len(files)} file{'s' * (len(files) > 1)} repaired; 12 samples in 3 shards, intact: all checksums match\n"
    )
    assert digests(data_set) == before
    assert run_cli("verify", data_set).returncode == 0
    untouched = {name: kept[name] for name in kept.keys() - files}
    assert untouched == {name: identities(data_set)[name] for name in untouched}, "the rest is left alone"


def test_several_damages_at_once(run_cli: Runner, data_set: Path) -> None:
    before = digests(data_set)
    for damage in ("flipped", "surplus", "lost", "sources.csv", "README.md", "SHA256SUMS lost"):
        DAMAGES[damage][0](data_set)
    events = [json.loads(line) for line in run_cli("repair", data_set, "--json", "-q").stdout.splitlines()]
    assert [event["event"] for event in events] == ["repaired"] * 6 + ["whole"]
    assert {event["file"] for event in events[:-1]} == {
        *("shard-00000.h5", "shard-00001.h5", "shard-00007.h5", "sources.csv", "README.md", "SHA256SUMS")
    }
    assert digests(data_set) == before


def test_a_sound_one_is_left_alone(run_cli: Runner, data_set: Path) -> None:
    before = identities(data_set)
    ended = run_cli("repair", data_set / "manifest.json")
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "nothing to repair; 12 samples in 3 shards" in ended.stderr
    assert identities(data_set) == before


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("harm", ["shard", "manifest"])
def test_compressed_ones_too(compression: str, harm: str, run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    run_cli("generate", photos, "--compression", compression, "--size", 16, "--samples-per-shard", 3, cwd=tmp_path)
    out = tmp_path / "mixup-out"
    before = digests(out)
    (out / "manifest.json").unlink() if harm == "manifest" else truncate(out / "shard-00001.h5")
    assert run_cli("repair").returncode == 0
    assert digests(out) == before


RECIPES: list[list[object]] = [
    ["--labels", "dense"],
    ["--labels", "sparse", "--keep-originals"],
    ["--method", "mixup:0.5,cutmix:0.5", "--passes", 3],
    ["--label-rule", "union"],
    ["--layout", "nchw", "--dtype", "float32", "--flip", 0.5, "--label-smoothing", 0.1],
    ["--label-kind", "none"],
    ["--channels", "grey", "--pair", "balanced"],
]


@pytest.mark.parametrize("options", RECIPES, ids=lambda options: " ".join(map(str, options)))
def test_a_lost_manifest_of_any_recipe_is_rebuilt(
    options: list[object], run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    made = run_cli("generate", colours, *options, "--samples-per-shard", 5, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    out = tmp_path / "mixup-out"
    before = digests(out)
    (out / "manifest.json").unlink()
    (out / "run.json").unlink()  # nobody knows the source: it is not needed
    ended = run_cli("repair")
    assert ended.returncode == 0, ended.stderr
    assert digests(out) == before


@pytest.mark.parametrize("shape", [(5,), (6, 7), (4, 4, 4, 2), (8, 8, 1)])
def test_a_lost_manifest_of_arrays_is_rebuilt(shape: tuple[int, ...], run_cli: Runner, tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    np.savez(tmp_path / "a.npz", x=draw.random((9, *shape), np.float32), y=np.arange(9) % 2)
    made = run_cli("generate", tmp_path / "a.npz", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    before = digests(tmp_path / "mixup-out")
    (tmp_path / "mixup-out/manifest.json").unlink()
    assert run_cli("repair").returncode == 0
    assert digests(tmp_path / "mixup-out") == before


def test_a_lost_manifest_of_a_source_with_groups_and_skipped_inputs_is_rebuilt(run_cli: Runner, tmp_path: Path) -> None:
    source = write_colours(tmp_path / "colours")
    (source / 'red/bad, "odd".png').write_bytes(b"no picture")
    assert run_cli("generate", source, "--on-error", "skip", cwd=tmp_path).returncode == 0
    before = digests(tmp_path / "mixup-out")
    (tmp_path / "mixup-out/manifest.json").unlink()
    assert run_cli("repair").returncode == 0
    assert digests(tmp_path / "mixup-out") == before
    flip(tmp_path / "mixup-out/shard-00000.h5")
    assert run_cli("repair").returncode == 0, "the same inputs are left out again"
    assert digests(tmp_path / "mixup-out") == before


SMALL = {"manifest.json", "SHA256SUMS", "README.md", "croissant.json"}


@pytest.mark.parametrize("left", [["README.md", "croissant.json"], ["croissant.json"]])
@pytest.mark.parametrize("source", ["colours", "cifar"])
def test_without_its_hash_the_manifest_is_the_one_that_other_files_follow_from(
    left: list[str], source: str, run_cli: Runner, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The metadata have the hashes of the shards; the card, or else the source, says of what kind it is."""
    run_cli("generate", request.getfixturevalue(source), "--samples-per-shard", 5, cwd=tmp_path)
    out = tmp_path / "mixup-out"
    before = digests(out)
    remove(*(out / name for name in SMALL - set(left)))
    assert run_cli("repair").returncode == 0
    assert digests(out) == before
    remove(*(out / name for name in SMALL - set(left)), out / "run.json")
    ended = run_cli("repair")
    assert ended.returncode == (0 if "README.md" in left else 65)
    if ended.returncode:
        assert "the kind of the source is needed" in error_line(ended)
        assert "Name the source with --source" in error_line(ended)
        assert not (out / ".mixup-gen").exists()


@pytest.mark.parametrize("left", [["README.md"], []])
def test_without_any_hashes_nobody_knows_which_shards_there_were(
    left: list[str], run_cli: Runner, data_set: Path, colours: Path
) -> None:
    """Shards could be missing at the end, and each of them could have changed."""
    remove(*(data_set / name for name in SMALL - set(left)), data_set / "shard-00002.h5")
    before = digests(data_set)
    refused = run_cli("repair", data_set, "--source", colours)
    assert refused.returncode == 65
    assert "SHA256SUMS and croissant.json, which have the hashes of the shards, are lost" in error_line(refused)
    assert "in another folder (-o)" in error_line(refused)
    assert digests(data_set) == before


def test_a_list_of_hashes_that_was_cut_short_lists_nothing(run_cli: Runner, data_set: Path) -> None:
    """As by a copy that was interrupted: what it lacks is not surplus."""
    before = digests(data_set)
    remove(data_set / "manifest.json")
    lines = (data_set / "SHA256SUMS").read_text().splitlines(keepends=True)
    (data_set / "SHA256SUMS").write_text("".join(lines[:2]))
    assert run_cli("repair", data_set).returncode == 0
    assert digests(data_set) == before
    remove(data_set / "manifest.json", data_set / "shard-00002.h5")
    (data_set / "SHA256SUMS").write_text("".join(lines[:2]))
    assert run_cli("repair", data_set).returncode == 65
    assert not (data_set / "manifest.json").exists()


def test_an_edited_manifest_without_its_hash_is_not_believed(run_cli: Runner, data_set: Path) -> None:
    before = digests(data_set)
    plain = json.loads((data_set / "manifest.json").read_text())
    plain["class_names"][:2] = reversed(plain["class_names"][:2])
    (data_set / "manifest.json").write_bytes(to_json(plain))
    remove(data_set / "SHA256SUMS")
    ended = run_cli("repair", data_set)
    assert ended.returncode == 0, ended.stderr
    assert "manifest.json: " in ended.stdout
    assert digests(data_set) == before


@pytest.mark.parametrize("name", ["shard-00003-mine.h5", "shard-000003.h5", "shard-mine.h5"])
def test_a_copy_of_a_shard_under_a_name_that_generate_never_makes_is_left_alone(
    name: str, run_cli: Runner, data_set: Path
) -> None:
    shutil.copy(data_set / "shard-00000.h5", data_set / name)
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert f"{name}: is not in the manifest" in refused.stdout
    assert (data_set / name).exists()


def test_zstd_is_read_in_a_process_that_never_wrote_any(
    real_mixup_gen: Runner, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("generate", colours, "--compression", "zstd", "--samples-per-shard", 5, cwd=tmp_path)
    before = digests(tmp_path / "mixup-out")
    sound = real_mixup_gen("repair", cwd=tmp_path)
    assert "nothing to repair" in sound.stderr
    remove(tmp_path / "mixup-out/manifest.json")
    assert real_mixup_gen("repair", cwd=tmp_path).stdout.startswith("manifest.json: is missing: rebuilt")
    assert digests(tmp_path / "mixup-out") == before


def test_an_extension_that_begins_while_repair_looks_is_left_alone(
    run_cli: Runner, data_set: Path, colours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is cut off before repair has the lock: there is no manifest then, by design."""
    flip(data_set / "shard-00001.h5")
    locked = DataSetFolder.locked

    @contextmanager
    def begun_before(folder: DataSetFolder) -> Iterator[None]:
        (folder.path / "manifest.json").unlink()
        (folder.work / "done").mkdir(parents=True)
        recipe = {"recipe": Recipe.from_dict(manifest["recipe"]).to_dict(), "pixel_fingerprint": "", "versions": {}}
        (folder.work / "recipe.json").write_text(json.dumps(recipe))
        with locked(folder):
            yield

    manifest = json.loads((data_set / "manifest.json").read_text())
    monkeypatch.setattr(DataSetFolder, "locked", begun_before)
    refused = run_cli("repair", data_set)
    assert refused.returncode == 66
    assert "unfinished: run its command again" in error_line(refused)
    assert not (data_set / "manifest.json").exists()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("class_names", "5"), ("class_names", "[1]"), ("recipe", "[" * 9000), ("recipe", '{"seed": "x"}')],
)
def test_shards_that_tell_nonsense_give_no_manifest(
    attribute: str, value: str, run_cli: Runner, data_set: Path
) -> None:
    with h5py.File(data_set / "shard-00000.h5", "r+") as file:
        file.attrs[attribute] = value
    remove(data_set / "manifest.json", data_set / "SHA256SUMS")
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert "shard-00000.h5: cannot be read (" in error_line(refused)


def test_no_shards_at_all_give_no_manifest(run_cli: Runner, data_set: Path) -> None:
    remove(*data_set.glob("shard-*"), data_set / "manifest.json", data_set / "SHA256SUMS")
    (data_set / "shard-x.h5").write_bytes(b"")
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert "has neither shards nor a manifest" in error_line(refused)


def test_shards_that_contradict_each_other_give_no_manifest(
    run_cli: Runner, data_set: Path, colours: Path, tmp_path: Path
) -> None:
    run_cli("generate", colours, "--alpha", 1, "--seed", 1, "--samples-per-shard", 5, "-o", tmp_path / "other")
    shutil.copy(tmp_path / "other/shard-00001.h5", data_set)
    for name in ("manifest.json", "SHA256SUMS"):
        (data_set / name).unlink()
    before = digests(data_set)
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert "shard-00001.h5: its recipe is " in error_line(refused)
    assert digests(data_set) == before


@pytest.mark.parametrize("harm", ["shard-00001.h5", "sources.csv"])
@pytest.mark.parametrize("how", [Path.unlink, flip])
def test_without_a_manifest_nothing_else_may_be_damaged(
    harm: str, how: Callable[[Path], object], run_cli: Runner, data_set: Path
) -> None:
    (data_set / "manifest.json").unlink()
    how(data_set / harm)
    before = digests(data_set)
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert f"{harm}: " in error_line(refused)
    assert "generate, in another folder (-o)" in error_line(refused)
    assert digests(data_set) == before


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("how", [pipe, endless])
def test_without_a_manifest_what_is_no_shard_is_not_read(
    how: Callable[[Path], None], run_cli: Runner, data_set: Path
) -> None:
    (data_set / "manifest.json").unlink()
    how(data_set / "shard-00001.h5")
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert "shard-00001.h5: " in error_line(refused)


def test_a_name_that_writes_on_the_terminal_is_shown_escaped(run_cli: Runner, data_set: Path) -> None:
    shutil.copy(data_set / "shard-00000.h5", data_set / "shard-\x1b[31m.h5")
    told = run_cli("repair", data_set)
    assert "\x1b" not in told.stdout + told.stderr
    assert "shard-\\x1b[31m.h5" in told.stdout


def test_small_files_need_no_source(run_cli: Runner, tmp_path: Path) -> None:
    source = write_colours(tmp_path / "colours")
    run_cli("generate", source, cwd=tmp_path)
    before = digests(tmp_path / "mixup-out")
    source.rename(tmp_path / "moved")
    (tmp_path / "mixup-out/README.md").unlink()
    (tmp_path / "mixup-out/manifest.json").unlink()
    assert run_cli("repair").returncode == 0
    assert digests(tmp_path / "mixup-out") == before
    flip(tmp_path / "mixup-out/shard-00000.h5")
    gone = run_cli("repair")
    assert gone.returncode == 66
    assert error_line(gone).startswith(f"{source}: ")
    assert run_cli("repair", "--source", "moved").returncode == 0
    assert digests(tmp_path / "mixup-out") == before


def test_another_source_is_refused_and_nothing_changed(run_cli: Runner, tmp_path: Path) -> None:
    source = write_colours(tmp_path / "colours")
    run_cli("generate", source, "--samples-per-shard", 5, cwd=tmp_path)
    out = tmp_path / "mixup-out"
    shutil.copy(source / "red/0.png", source / "green/1.png")
    flip(out / "shard-00001.h5")
    before = digests(out)
    refused = run_cli("repair")
    assert refused.returncode == 65
    assert "green/1.png has other content than before" in error_line(refused)
    assert digests(out) == before
    (out / "sources.csv").unlink()
    refused = run_cli("repair")
    assert refused.returncode == 65
    assert "was made from another source (the hash of its list is " in error_line(refused)


def test_other_pixels_are_refused_and_nothing_changed(
    run_cli: Runner, data_set: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with another version of the decoder or of zlib, or a manifest that somebody edited and sealed again."""
    flip(data_set / "shard-00001.h5")
    (data_set / "shard-00002.h5").unlink()
    before = digests(data_set)
    monkeypatch.setattr("mixup_cli.methods.method_set.shares", lambda weights, grid: np.full((1, 1), 0.5))
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert "made again, its sha256 is " in error_line(refused)
    assert "Nothing was changed" in error_line(refused)
    assert digests(data_set) == before
    monkeypatch.undo()
    run = json.loads((data_set / "run.json").read_text())
    run["versions"]["pillow"], run["pixel_fingerprint"] = "1.0", "0" * 64
    (data_set / "run.json").write_text(json.dumps(run))
    assert run_cli("repair", data_set).returncode == 0, "versions are told where the bytes differ, and only there"


def test_a_surplus_shard_of_somebody_else_is_left_alone(run_cli: Runner, data_set: Path) -> None:
    with h5py.File(data_set / "shard-00009.h5", "w") as file:
        file["x"] = 1
    flip(data_set / "shard-00001.h5")
    before = digests(data_set)
    refused = run_cli("repair", data_set)
    assert refused.returncode == 65
    assert "shard-00009.h5: is not in the manifest" in refused.stdout
    assert "1 file could not be repaired" in refused.stderr
    assert digests(data_set)["shard-00009.h5"] == before["shard-00009.h5"]
    assert len(run_cli("verify", data_set).stdout.splitlines()) == 1, "the rest was repaired"


def test_unfinished_ones_and_none_at_all(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    for place in (tmp_path / "none", tmp_path):
        refused = run_cli("repair", place)
        assert refused.returncode == 66
        assert "is not a data set" in error_line(refused)
    with interrupted_at_the_end():
        run_cli("generate", colours, cwd=tmp_path)
    refused = run_cli("repair")
    assert refused.returncode == 66
    assert "unfinished: run its command again" in error_line(refused)


def test_a_plan_is_asked_for(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("plan", colours, "-o", "plan.csv", cwd=tmp_path)
    run_cli("generate", colours, "--plan", "plan.csv")
    before = digests(tmp_path / "mixup-out")
    flip(tmp_path / "mixup-out/shard-00000.h5")
    refused = run_cli("repair")
    assert refused.returncode == 65
    assert "Pass --plan as generate had it" in error_line(refused)
    assert run_cli("repair", "--plan", "plan.csv").returncode == 0
    assert digests(tmp_path / "mixup-out") == before


def test_every_kind_of_source_can_be_guessed() -> None:
    def kinds(source: Any) -> set[str]:
        own = {source.kind} if "kind" in vars(source) else set()
        return own.union(*map(kinds, source.__subclasses__()))

    import mixup_cli.sources.arrays.data_set
    import mixup_cli.sources.arrays.files  # each module adds its own
    import mixup_cli.sources.arrays.idx
    import mixup_cli.sources.cifar.source
    import mixup_cli.sources.combined
    import mixup_cli.sources.packed.hugging_face
    import mixup_cli.sources.packed.web_dataset
    import mixup_cli.sources.pictures.source  # noqa: F401

    parts = {"chosen", "renumbered"}  # of a combined source, or some of a source: no manifest names them
    assert kinds(Source) - parts <= set(rebuild.KINDS)
