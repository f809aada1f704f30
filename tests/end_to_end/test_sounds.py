"""Sounds from files to a data set, from the command line: the same bytes whatever happens, levels and ratios as asked
for, checked against arithmetic of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tests.data_sets import columns, manifest
from tests.end_to_end.whatever_happens import check_how, check_killed, check_repaired, make
from tests.picture_folders import pictures
from tests.running import Runner, error_line
from tests.small_sounds import RATE, encoded, put, tone, write_sounds
from tests.unit.plan.test_levels import level_of

ALL = "--method bc,snr,mixup,cutmix,cutout,dirichlet,none --keep-originals"
WHOLE, PARTS = ALL, f"{ALL} --seconds 0.2 --dtype int16 --channels stereo --rate 11025"
SPECTRA = "--features logmel:16:hop=0.02 --seconds 0.4 --method specmix,mixup,cutmix,cutout,erase,dirichlet,fmix,none"
SPECTRA += " --keep-originals"
HUNDREDTH = 0.01


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sounds(tmp_path_factory.mktemp("sounds") / "sounds")


@pytest.fixture(params=[WHOLE, PARTS, SPECTRA], ids=["whole", "parts", "spectra"])
def options(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_same_bytes_however_it_is_carried_out(run_cli: Runner, sounds: Path, options: str, tmp_path: Path) -> None:
    check_how(run_cli, sounds, tmp_path, options)


def test_killed_and_grown_it_is_the_same(run_cli: Runner, sounds: Path, options: str, tmp_path: Path) -> None:
    check_killed(run_cli, sounds, tmp_path, options)


def test_it_is_verified_and_repaired(run_cli: Runner, sounds: Path, options: str, tmp_path: Path) -> None:
    check_repaired(run_cli, sounds, tmp_path, options)


def test_hugging_face_reads_it(run_cli: Runner, sounds: Path, options: str, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = make(run_cli, sounds, tmp_path / "out", options)
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache")).with_format("numpy")
    for name in ("spectrograms", "source_start") if options == SPECTRA else ("waves", "gain"):
        np.testing.assert_array_equal(np.stack([*loaded[name]]), columns(out)[name])


def waves_of(source: Path, out: Path, length: int) -> NDArray[np.float32]:
    """All sounds of a source in the order of a data set's inputs, padded with zeros: (n, length)."""
    keys = [line.split(",")[1] for line in (out / "sources.csv").read_text().splitlines()[1:]]
    made = np.zeros((len(keys), length), np.float32)
    for row, key in zip(made, keys, strict=True):
        wave, _ = soundfile.read(source / key, dtype="float32")
        row[: len(wave)] = wave
    return made


def parents(stored: dict[str, NDArray[Any]], waves: NDArray[np.float32]) -> NDArray[np.float64]:
    """What each row shows of its parents, multiplied by their gains: (m, P, time)."""
    length, start = stored["waves"].shape[1], stored.get("source_start")
    starts = np.zeros_like(stored["source_index"]) if start is None else start
    seen = waves[stored["source_index"][..., None], starts[..., None] + np.arange(length)]
    return np.asarray(seen.astype(np.float64) * stored["gain"][..., None])


@pytest.mark.parametrize("seconds", ["", "--seconds 0.25"])
def test_bc_is_heard_as_its_label_says(run_cli: Runner, sounds: Path, tmp_path: Path, seconds: str) -> None:
    out = make(run_cli, sounds, tmp_path / "out", f"--method bc --passes 8 {seconds}")
    stored, waves = columns(out), waves_of(sounds, tmp_path / "out", round(0.5 * RATE))
    heard, share = parents(stored, waves), stored["share"].astype(np.float64)
    np.testing.assert_allclose(stored["waves"][..., 0], heard.sum(axis=1), atol=1e-6)
    np.testing.assert_array_equal(stored["label_share"], stored["share"])
    assert np.abs(stored["waves"]).max() <= 1
    for (base, donor), (r, rest) in zip(heard, share, strict=True):
        if min(r, rest) > 1e-4:
            difference = level_of(base, RATE) - level_of(donor, RATE)
            assert difference == pytest.approx(20 * np.log10(r / rest), abs=HUNDREDTH)


@pytest.mark.parametrize("seconds", ["", "--seconds 0.25"])
def test_noise_stands_behind_the_base_as_asked_for(run_cli: Runner, sounds: Path, tmp_path: Path, seconds: str) -> None:
    out = make(run_cli, sounds, tmp_path / "out", f"--method snr:low=6:high=6 --passes 4 {seconds}")
    stored, waves = columns(out), waves_of(sounds, tmp_path / "out", round(0.5 * RATE))
    heard = parents(stored, waves)
    np.testing.assert_allclose(stored["waves"][..., 0], heard.sum(axis=1), atol=1e-6)
    power = np.square(heard).mean(axis=2)
    np.testing.assert_allclose(10 * np.log10(power[:, 0] / power[:, 1]), 6, atol=HUNDREDTH)
    assert (stored["share"] == [1, 0]).all()
    assert (stored["labels"].max(axis=1) == 1).all()


def test_sines_at_a_ratio_made_by_hand(run_cli: Runner, tmp_path: Path) -> None:
    """Two sines of whole periods, 0.5 and 0.05 high: at 20 dB the donor is as loud as it is, or a hundredth."""
    for name, level in (("a", 0.5), ("b", 0.05)):
        put(tmp_path / "sines" / name / "0.wav", encoded(tone(400, 0.5, level), subtype="FLOAT"))
    out = make(run_cli, tmp_path / "sines", tmp_path / "out", "--method snr:low=20:high=20")
    stored = columns(out)
    for base, gain in zip(stored["source_index"][:, 0].tolist(), stored["gain"].tolist(), strict=True):
        np.testing.assert_allclose(gain, [1, 1] if base == 0 else [1, 0.01], rtol=1e-4)


def test_loud_parents_are_made_quieter_and_never_clipped(run_cli: Runner, tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / "loud" / name / "0.wav", encoded(tone(400, 0.5, 1.0), subtype="FLOAT"))
    stored = columns(make(run_cli, tmp_path / "loud", tmp_path / "out", "--method bc --passes 20 --dtype int16"))
    assert np.abs(stored["waves"].astype(np.int32)).max() >= 32700
    assert stored["gain"].sum(axis=1).max() <= 1
    gain = stored["gain"].astype(np.float64)
    np.testing.assert_allclose(gain[:, 0] / gain.sum(axis=1), stored["share"][:, 0], atol=1e-4)  # equally loud


def test_groups_keep_folds_apart(run_cli: Runner, tmp_path: Path) -> None:
    table = ["filename,fold,target,category,esc10,src_file,take"]
    for number in range(12):
        put(tmp_path / f"esc/audio/{number}.wav", encoded(tone(200 + 50 * number)))
        table.append(f"{number}.wav,{number % 3},{number % 2},{'ab'[number % 2]},True,{number},A")
    put(tmp_path / "esc/meta/esc50.csv", "\n".join(table).encode())
    out = make(run_cli, tmp_path / "esc", tmp_path / "out", "--method bc --passes 5 --group-column fold")
    keys = [line.split(",")[1] for line in (out / "sources.csv").read_text().splitlines()[1:]]
    fold = np.array([int(Path(key).stem) % 3 for key in keys])
    met = fold[columns(out)["source_index"]]
    assert (met[:, 0] == met[:, 1]).all()


def test_the_recipe_says_how_sounds_were_read(run_cli: Runner, sounds: Path, tmp_path: Path) -> None:
    out = make(run_cli, sounds, tmp_path / "out", PARTS)
    recipe = manifest(out)["recipe"]
    assert recipe["reading"] == [["rate", 11025], ["window", 2205], ["short", "pad"]]
    assert (recipe["channels"], recipe["dtype"], recipe["task"]) == ("stereo", "int16", "audio")
    assert manifest(out)["source"]["kind"] == "sounds"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--method fmix", "Use mixup"),
        ("--method mosaic", "Use mixup, cutmix, cutout"),
        ("--channels rgb", "mono and stereo"),
        ("--method specmix", "it does not go with waves. Use mixup"),
        ("--features logmel:40 --method bc", "none; or leave out --features."),
        ("--features logmel:40 --channels stereo", "these samples take mono, the mean of all channels"),
        ("--features logmel:40 --flip 0.5", "for images only"),
        ("--features logmel:40 --dtype int16", "it is for waves"),
        ("--dtype uint8", "waves have a sign, and it has none. Pass --dtype int16"),
        ("--dtype uint16 --value-range=-1,1", "waves have a sign, and it has none. Pass --dtype int16"),
        ("--method cutout --fill 128", "--fill: it is for images; sounds are silent"),
        ("--features logmel:500", "of 500 bands would lie between the frequencies"),
        ("--features mfcc:13", "'mfcc' is not logmel. Give, for example, logmel:80"),
        ("--flip 0.5", "for images only"),
        ("--size 32", "for images only"),
        ("--cache none --window 5 --method bc", "bc looks at samples before rows are planned"),
        ("--label-level fine", "no effect"),
        ("--task detect", "has no annotations"),
    ],
)
def test_what_makes_no_sense_is_refused(
    run_cli: Runner, sounds: Path, tmp_path: Path, options: str, words: str
) -> None:
    ended = run_cli("generate", sounds, "-o", tmp_path / "out", *options.split())
    assert ended.returncode in (2, 66)
    assert words in error_line(ended)


def test_spectrograms_hold_what_is_heard(run_cli: Runner, tmp_path: Path) -> None:
    """A short tone of 1 kHz: in its band for as long as it lasts, then silence, or the same again."""
    put(tmp_path / "tones" / "a" / "0.wav", encoded(np.stack([tone(1000, 0.4)] * 2, axis=1), subtype="FLOAT"))
    put(tmp_path / "tones" / "b" / "0.wav", encoded(tone(1000, 1.0), subtype="FLOAT"))
    for short, last in (("pad", 0.4), ("loop", 1.0)):
        out = make(
            run_cli, tmp_path / "tones", tmp_path / short, "--method none --features logmel:30", f"--short {short}"
        )
        spectra = columns(out)["spectrograms"]
        assert (spectra.dtype.name, spectra.shape) == ("float32", (2, 30, 101))
        (first,) = spectra[columns(out)["source_index"][:, 0] == 0]
        heard = first[:, 2 : round(last * 100) - 2]
        assert len({*heard.argmax(axis=0).tolist()}) == 1
        assert heard.max(axis=0).min() > 90
        assert not first[:, round(last * 100) + 2 :].any()


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 255), ("uint16", 65535)])
def test_spectrograms_become_integers_as_asked_for(
    run_cli: Runner, sounds: Path, tmp_path: Path, dtype: str, most: int
) -> None:
    given = "--method none --features logmel:12 --seconds 0.25"
    decibels = columns(make(run_cli, sounds, tmp_path / "floats", given))["spectrograms"]
    out = make(run_cli, sounds, tmp_path / dtype, f"{given} --dtype {dtype} --value-range -20,130")
    found = columns(out)["spectrograms"].astype(np.float64)
    expected = np.clip((decibels.astype(np.float64) + 20) / 150, 0, 1) * most
    assert np.abs(found - expected).max() <= 0.51
    assert found.min() > 0.13 * most > 0


def test_a_data_set_for_another_task_is_named_as_that(run_cli: Runner, sounds: Path, tmp_path: Path) -> None:
    out = make(run_cli, sounds, tmp_path / "out", PARTS)
    pictures(tmp_path / "photos", "a/0.png")
    for source in (sounds, tmp_path / "photos"):
        given = ["--features", "logmel:12"] * (source == sounds)
        ended = run_cli("generate", source, "-o", out, "--method", "none", *given)
        assert ended.returncode == 73
        found = "reading.features was None" if source == sounds else "(task was audio and is classify)"
        assert found in error_line(ended)


def test_the_recipe_says_how_spectrograms_were_computed(run_cli: Runner, sounds: Path, tmp_path: Path) -> None:
    given = "--features logmel:12 --dtype float32 --normalize 60/20"
    recipe = manifest(make(run_cli, sounds, tmp_path / "out", given))["recipe"]
    assert recipe["reading"][2:] == [["short", "pad"], ["features", "logmel:12:window=0.025:hop=0.01"]]
    assert (recipe["channels"], recipe["dtype"], recipe["task"]) == ("mono", "float32", "audio")


@pytest.mark.parametrize("method", ["bc", "snr", "specmix"])
def test_images_have_no_levels_or_frequencies(run_cli: Runner, photos: Path, tmp_path: Path, method: str) -> None:
    ended = run_cli("generate", photos, "-o", tmp_path / "out", "--method", method)
    assert ended.returncode == 2
    assert f"--method {method}: it does not go with images. Use mixup" in error_line(ended)
    assert error_line(ended).endswith("zetamix, jigsaw, none."), "no method that pastes what masks show"


def test_options_of_sounds_are_refused_with_images(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    for options in (
        "--rate 8000",
        "--seconds 1",
        "--short loop",
        "--channels mono",
        "--dtype int16",
        "--features logmel",
    ):
        ended = run_cli("generate", photos, "-o", tmp_path / "out", *options.split())
        assert ended.returncode == 2, options
        assert options.split()[0] in error_line(ended)


def test_windows_of_the_source_need_no_cache(run_cli: Runner, sounds: Path, tmp_path: Path) -> None:
    wanted = "--method mixup,cutmix --window 5 --passes 2"
    cached = columns(make(run_cli, sounds, tmp_path / "cached", wanted))
    without = columns(make(run_cli, sounds, tmp_path / "without", wanted, "--cache none"))
    np.testing.assert_array_equal(without["waves"], cached["waves"])


@pytest.mark.parametrize("options", [PARTS, SPECTRA], ids=["parts", "spectra"], indirect=True)
def test_it_is_looked_at_before_and_after(run_cli: Runner, sounds: Path, tmp_path: Path, options: str) -> None:
    out = make(run_cli, sounds, tmp_path / "out", options)
    for place in (sounds, out):
        ended = run_cli("inspect", place, "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout.splitlines()[0])
        given = [] if place == out else options.split()
        for command, name in (("preview", "sheet.png"), ("report", "page.html")):
            ended = run_cli(command, place, *given, "-o", tmp_path / name, "--force")
            assert ended.returncode == 0, ended.stderr


def test_a_mean_is_not_subtracted_where_the_sum_is_scaled(run_cli: Runner, sounds: Path, tmp_path: Path) -> None:
    for method in ("bc", "snr"):
        command = ["generate", sounds, "--method", method, "--dtype", "float32", "-o", tmp_path / method]
        ended = run_cli(*command, "--normalize", "0.5/0.25")
        assert (ended.returncode, "Pass a mean of 0" in error_line(ended)) == (2, True), ended.stderr
        assert run_cli(*command, "--normalize", "0/0.25").returncode == 0
