"""Donors of their own, from the command line: noise behind sounds and textures over images, checked against arithmetic
of their own; the same bytes whatever happens."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from PIL import Image

from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.samples import parts_of
from tests.data_sets import columns, digests, manifest
from tests.end_to_end.whatever_happens import check_how, check_killed, check_repaired, make
from tests.running import Runner, error_line
from tests.small_sounds import encoded, noise, put, write_sounds
from tests.small_sources import write_colours

SECONDS = 0.25
NOISE = {"a": 2.0, "deep/b": 0.7, "short": 0.1}
"""How long the recordings last: one is shorter than a row."""

SNR = f"--method snr:low=5:high=15,none --donors-from noise --seconds {SECONDS}"
SPECTRA = f"--method specmix,mixup --label-rule base --features logmel:16 --donors-from noise --seconds {SECONDS}"
TEXTURES = "--method mixup,cutmix,mosaic --label-rule base --donors-from textures --keep-originals --flip 0.5"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve words in `speech`, three recordings in `noise`, images in `colours` and larger ones in `textures`."""
    root = tmp_path_factory.mktemp("donors")
    write_sounds(root / "speech")
    for number, (name, seconds) in enumerate(NOISE.items()):
        put(root / f"noise/{name}.wav", encoded(noise(number, seconds, 0.1 * (number + 1)), subtype="FLOAT"))
    write_colours(root / "colours")
    (root / "textures/deep").mkdir(parents=True)
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 50 + number, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"textures/{'deep/' * (number % 2)}{number}.png")
    return root


@pytest.fixture(params=[SNR, SPECTRA, TEXTURES], ids=["snr", "spectra", "textures"])
def wanted(request: pytest.FixtureRequest, place: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A source and options; donors are named by their path here."""
    options = str(request.param).replace("--donors-from ", f"--donors-from {place}/")
    return place / ("colours" if request.param == TEXTURES else "speech"), options


def test_the_same_bytes_however_it_is_carried_out(run_cli: Runner, wanted: tuple[Path, str], tmp_path: Path) -> None:
    source, options = wanted
    if source.name == "speech":
        check_how(run_cli, source, tmp_path, f"{options} --keep-originals".replace(" --keep-originals" * 2, ""))
        return
    expected = digests(make(run_cli, source, tmp_path / "one", options, "--workers 1 --passes 3"))
    for number, how in enumerate(("--workers 2 --batch-size 3", "--engine processes --workers 2", "--cache disk")):
        made = make(run_cli, source, tmp_path / str(number), options, how, "--passes 3")
        assert digests(made) == expected, how


def test_killed_and_grown_it_is_the_same(run_cli: Runner, wanted: tuple[Path, str], tmp_path: Path) -> None:
    check_killed(run_cli, wanted[0], tmp_path, wanted[1])


def test_it_is_verified_and_repaired(run_cli: Runner, wanted: tuple[Path, str], tmp_path: Path) -> None:
    check_repaired(run_cli, wanted[0], tmp_path, wanted[1])


def test_it_is_looked_at_before_and_after(run_cli: Runner, wanted: tuple[Path, str], tmp_path: Path) -> None:
    out = make(run_cli, wanted[0], tmp_path / "out", wanted[1])
    for source, given in ((wanted[0], wanted[1].split()), (out, [])):
        ended = run_cli("inspect", source, *given, "--json")
        assert ended.returncode == 0, ended.stderr
        for command, name in (("preview", "sheet.png"), ("report", "page.html")):
            ended = run_cli(command, source, *given, "-o", tmp_path / name, "--force")
            assert ended.returncode == 0, ended.stderr
            assert "without parents" not in ended.stderr
    page = (tmp_path / "page.html").read_text()
    assert "--donors-from" in page


def keys_of(out: Path) -> list[str]:
    return [line.split(",")[1] for line in (out / "sources.csv").read_text().splitlines()[1:]]


def labels_of(out: Path) -> list[str]:
    return [line.split(",")[2] for line in (out / "sources.csv").read_text().splitlines()[1:]]


def waves_of(place: Path, out: Path) -> NDArray[np.float32]:
    """All sounds in the order of a data set's inputs, padded with zeros: (n, time)."""
    made = np.zeros((len(keys_of(out)), 16000), np.float32)
    for row, key in zip(made, keys_of(out), strict=True):
        number, _, name = key.partition(":")
        wave, _ = soundfile.read(place / ("speech", "noise")[int(number)] / name, dtype="float32")
        row[: len(wave)] = wave
    return made


def test_noise_stands_behind_the_base_as_asked_for(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    """Ratios, windows and turns, by an arithmetic of its own from the files."""
    options = f"--method snr:low=4:high=9 --donors-from {place / 'noise'} --seconds {SECONDS} --passes 30"
    out = make(run_cli, place / "speech", tmp_path / "out", options)
    stored, waves, length = columns(out), waves_of(place, out), round(SECONDS * 8000)
    index, start = stored["source_index"], stored["source_start"]
    seen = waves[index[..., None], start[..., None] + np.arange(length)] * stored["gain"][..., None].astype(np.float64)
    np.testing.assert_allclose(stored["waves"][..., 0], seen.sum(axis=1), atol=1e-6)
    power = np.square(seen).mean(axis=2)
    ratio = 10 * np.log10(power[:, 0] / power[:, 1])
    assert ratio.min() >= 4 - 0.01
    assert ratio.max() <= 9 + 0.01
    assert ratio.std() == pytest.approx(5 / np.sqrt(12), rel=0.15)
    for number in range(30):
        assert sorted(index[12 * number : 12 * (number + 1), 0].tolist()) == list(range(12))
    assert Counter(index[:, 1].tolist()) == {12: 120, 13: 120, 14: 120}
    for donor, seconds in enumerate((2.0, 0.7), 12):
        found = start[index[:, 1] == donor, 1]
        last = round(seconds * 8000) - length
        assert 0 <= found.min() < last / 10
        assert last * 0.9 < found.max() <= last
    assert not start[index[:, 1] == 14, 1].any()


def test_labels_are_the_bases(run_cli: Runner, wanted: tuple[Path, str], tmp_path: Path) -> None:
    out = make(run_cli, wanted[0], tmp_path / "out", wanted[1], "--passes 3 --labels both")
    stored, source = columns(out), manifest(out)["source"]
    names, labels = manifest(out)["class_names"], labels_of(out)
    first = source["samples"] - source["donors"]
    assert labels[first:] == [""] * source["donors"]
    assert all(key.startswith("1:") for key in keys_of(out)[first:])
    classes = np.array([names.index(label) if label else -1 for label in labels])
    np.testing.assert_array_equal(stored["source_label"], classes[stored["source_index"]])
    np.testing.assert_array_equal(stored["labels"], np.eye(len(names))[stored["source_label"][:, 0]])
    assert (stored["label_share"] == np.eye(stored["share"].shape[1])[0]).all()
    assert (stored["source_index"][:, 0] < first).all()
    is_donor = stored["source_index"] >= first
    assert (is_donor | (stored["source_index"] == stored["source_index"][:, :1])).all()
    assert {*stored["source_index"][is_donor].tolist()} == {*range(first, source["samples"])}
    assert manifest(out)["recipe"]["separate_donors"] is True


def test_readers_know_passes_and_classes(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    options = f"{SNR.replace('noise', str(place / 'noise'))} --passes 2 --keep-originals"
    data = MixedArrays(make(run_cli, place / "speech", tmp_path / "both", options))
    assert data.passes.members == (range(12, 36, 12),)
    first, second, lam = [
        part for part in parts_of(data, {"sample": "pair"}, None) if part.name in ("y_a", "y_b", "lam")
    ]
    rows = np.arange(36)
    np.testing.assert_array_equal(first.read(rows), second.read(rows))
    assert (lam.read(rows) == 1).all()
    sparse = MixedArrays(make(run_cli, place / "speech", tmp_path / "sparse", options, "--labels sparse"))
    np.testing.assert_array_equal(np.asarray(sparse.labels(rows)), np.asarray(data.labels(rows)))
    assert run_cli("verify", tmp_path / "sparse").returncode == 0
    even = f"{options} --balance classes --per-class 2"
    data = MixedArrays(make(run_cli, place / "speech", tmp_path / "even", even))
    assert data.passes.members == (range(6, 18, 6),)


def test_donors_in_a_base_s_place_are_damage(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    """Shards whose numbers were changed, with the hashes made again."""
    from mixup_cli.checks.row_values import value_problems
    from mixup_cli.storage.manifest import read_manifest

    out = make(run_cli, place / "speech", tmp_path / "out", SNR.replace("noise", str(place / "noise")))
    stored: dict[str, Any] = columns(out)
    made = read_manifest(out)
    small = {name: values for name, values in stored.items() if name != "waves"}
    assert not [*value_problems(small, made, (), 0)]
    for name, row, slot, value in (("source_index", 3, 0, 13), ("source_index", 4, 1, 2), ("source_label", 5, 0, -1)):
        changed = {**small, name: small[name].copy()}
        changed[name][row, slot] = value
        (found,) = value_problems(changed, made, (), 0)
        assert found.startswith(f"source_index of row {row} is")


def test_merged_data_sets_keep_their_donors(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    options = f"--seconds {SECONDS} --samples-per-shard 6"
    make(run_cli, place / "speech", tmp_path / "a", SNR.replace("noise", str(place / "noise")), options)
    make(run_cli, place / "speech", tmp_path / "b", "--method snr,none", options, "--seed 2")
    assert run_cli("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "both").returncode == 0
    found = manifest(tmp_path / "both")
    assert [member["source"].get("donors") for member in found["members"]] == [3, None]
    assert "donors" not in found["source"]
    assert run_cli("verify", "--deep", tmp_path / "both").returncode == 0
    assert run_cli("report", tmp_path / "both", "-o", tmp_path / "page.html").returncode == 0


def test_a_dry_run_counts_each_sound_as_long_as_it_is(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    """A recording of two seconds makes no two seconds of each word."""
    given = ["--method", "snr", "--donors-from", place / "noise", "--seconds", SECONDS, "--dry-run", "--json"]
    ended = run_cli("generate", place / "speech", *given, "-o", tmp_path / "out")
    facts = json.loads(ended.stdout.splitlines()[-1])
    seconds = [0.3 + 0.2 * number / 3 for number in range(4)] * 3 + [max(SECONDS, each) for each in NOISE.values()]
    assert facts["cache_bytes"] == pytest.approx(sum(seconds) * 8000 * 4, rel=1e-3)
    assert facts["samples"] == 12
    assert not (tmp_path / "out").exists()


def test_other_noise_is_another_source(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    put(tmp_path / "noise/a.wav", (place / "noise/a.wav").read_bytes())
    put(tmp_path / "noise/b.wav", (place / "noise/short.wav").read_bytes())
    given = ["--method", "snr", "--seconds", SECONDS, "-o", tmp_path / "out"]
    assert run_cli("generate", place / "speech", *given, "--donors-from", tmp_path / "noise").returncode == 0
    ended = run_cli("generate", place / "speech", *given, "--passes", 2, "--donors-from", place / "noise")
    assert ended.returncode == 73
    assert "1:b.wav is gone" in error_line(ended)
    ended = run_cli("generate", place / "speech", *given, "--passes", 2)
    assert ended.returncode == 73
    assert "separate_donors was True and is False" in error_line(ended)
    (tmp_path / "noise").rename(tmp_path / "moved")
    ended = run_cli("verify", "--deep", tmp_path / "out")
    assert ended.returncode == 66
    assert "if it was moved, pass --donors-from" in error_line(ended)
    before = digests(tmp_path / "out")
    (tmp_path / "out/shard-00000.h5").write_bytes(b"damaged")
    assert run_cli("repair", tmp_path / "out", "--donors-from", tmp_path / "moved").returncode == 0
    assert digests(tmp_path / "out") == before


def test_broken_noise_is_left_out_or_refused(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    put(tmp_path / "noise/a.wav", (place / "noise/a.wav").read_bytes())
    put(tmp_path / "noise/b.wav", (place / "noise/a.wav").read_bytes()[:-100])
    given = ["--method", "snr", "--seconds", SECONDS, "-o", tmp_path / "out", "--donors-from", tmp_path / "noise"]
    ended = run_cli("generate", place / "speech", *given)
    assert ended.returncode == 65
    assert "1:b.wav" in error_line(ended)
    assert run_cli("generate", place / "speech", *given, "--on-error", "skip", "--passes", 2).returncode == 0
    assert {*columns(tmp_path / "out")["source_index"][:, 1].tolist()} == {12}
    assert MixedArrays(tmp_path / "out").passes.members == (range(0, 24, 12),)
    assert run_cli("verify", "--deep", tmp_path / "out").returncode == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--method none", "--donors-from: it has no effect, because no method here (none) mixes several samples"),
        ("--method cutout", "--donors-from: it has no effect"),
        ("--method mixup", "--method and --donors-from: mixup gives donors a part of the label, and those in a folder"),
        ("--method snr,bc", "Pass --label-rule base, or use snr."),
        ("--method snr --label-rule union", "--label-rule and --donors-from: donors in a folder of their own have no"),
        ("--method snr --pair same-class", "--pair and --donors-from: donors in a folder of their own come in turn"),
        ("--method snr --pair balanced", "--pair and --donors-from"),
        ("--method snr --window 5", "--window and --donors-from"),
    ],
)
def test_what_makes_no_sense_is_refused(run_cli: Runner, place: Path, tmp_path: Path, options: str, words: str) -> None:
    given = ["--donors-from", place / "noise", "-o", tmp_path / "out", *options.split()]
    ended = run_cli("generate", place / "speech", *given)
    assert ended.returncode == 2
    assert words in error_line(ended)


def test_no_plan_is_stored_written_or_read(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    given = ["--label-rule", "base", "--donors-from", place / "textures"]
    assert run_cli("plan", place / "colours", "-o", tmp_path / "plan.csv").returncode == 0
    for command, *options in (["plan"], ["generate", "--store", "plan"], ["generate", "--plan", tmp_path / "plan.csv"]):
        ended = run_cli(command, place / "colours", *given, *options, "-o", tmp_path / "out.csv")
        assert ended.returncode == 2
        assert "--donors-from: plans have the samples of the source alone" in error_line(ended)
        assert not (tmp_path / "out.csv").exists()


def test_the_output_is_no_folder_of_donors(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    put(tmp_path / "noise/a.wav", (place / "noise/a.wav").read_bytes())
    given = ["generate", place / "speech", "--method", "snr", "--donors-from", tmp_path / "noise"]
    ended = run_cli(*given, "-o", tmp_path / "noise")
    assert ended.returncode == 2
    assert "belongs to the source" in error_line(ended)
    ended = run_cli(*given, "-o", tmp_path)
    assert ended.returncode == 2
    ended = run_cli("preview", *given[1:], "-o", tmp_path / "noise/a.png")
    assert ended.returncode == 0, ended.stderr


def test_a_data_set_with_donors_is_a_source_and_is_exported(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    options = f"--method mixup --label-rule base --donors-from {place / 'textures'} --labels sparse"
    out = make(run_cli, place / "colours", tmp_path / "out", options)
    again = make(run_cli, out / "manifest.json", tmp_path / "again", "--method none")
    stored = columns(out)
    expected = np.eye(len(manifest(out)["class_names"]))[stored["source_label"][:, 0]]
    np.testing.assert_array_equal(columns(again)["labels"], expected[columns(again)["source_index"][:, 0]])
    for kind in ("arrow", "imagefolder", "webdataset"):
        ended = run_cli("export", out, "--to", kind, "-o", tmp_path / kind)
        assert ended.returncode == 0, ended.stderr


def test_sources_without_labels_take_any_method(run_cli: Runner, place: Path, tmp_path: Path) -> None:
    options = f"--label-kind none --method mixup --donors-from {place / 'textures'}"
    out = make(run_cli, place / "colours", tmp_path / "out", options)
    assert manifest(out)["label_kind"] == "none"
    assert {"labels", "source_label"}.isdisjoint(columns(out))
    assert (columns(out)["source_index"][:, 1] >= manifest(out)["source"]["samples"] - 5).all()
    assert run_cli("verify", "--deep", out).returncode == 0
