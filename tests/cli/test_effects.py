"""No option is accepted that has no effect: what acts only beside another option, a method or a kind of value is
refused without it, and what is accepted changes what is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from PIL import Image

from mixup_cli.cli.options.needs import NEEDS
from mixup_cli.cli.options.provenance import spell
from mixup_cli.recipe import Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from tests.data_sets import columns, manifest
from tests.plain_methods import PLAIN
from tests.running import Runner, error_line

ALONE = {
    "null": "-0",
    "max_errors": "--max-errors 3",
    "cache_folder": "--cache-folder x",
    "cache_limit": "--cache-limit 1GiB",
    "crop_area": "--crop-area 0.5,1",
    "cache_size": "--cache-size 9",
    "label_column": "--label-kind none --label-column kind",
    "label_level": "--label-kind none --label-level fine",
    "label_separator": "--label-separator + --label-kind none",
    "classes": "--label-kind none --classes a,b",
    "bandwidth": "--bandwidth 0.5",
    "ray_address": "--ray-address auto",
    "heldout": "--heldout x.csv",
    "samples_folder": "--samples-folder x",
    "remix_kappa": "--remix-kappa 2",
    "remix_tau": "--remix-tau 0.1",
    "value_range": "--dtype float32 --value-range 0,1",
}


@pytest.mark.parametrize("name", [name for need in NEEDS if not need.command for name in need.names])
@pytest.mark.parametrize("place", ["command line", "environment", "file"])
def test_what_an_option_needs(name: str, place: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    options, need = ALONE[name].split(), next(need for need in NEEDS if name in need.names)
    if len(ALONE[name].split()) > 2 and place != "command line":
        return  # what it goes with would overrule it, as below
    value = options[-1]
    env, config = {}, []
    if place == "environment":
        env = {f"MIXUP_GEN_{name.upper()}": "1" if name == "null" else value}
    elif place == "file":
        (tmp_path / "c.toml").write_text(f"{name} = {'true' if name == 'null' else repr(value)}")
        config = ["--config", tmp_path / "c.toml"]
    given = options if place == "command line" else []
    ended = run_cli("generate", colours, "-o", tmp_path / "o", *given, *config, env=env)
    wheres = {"command line": "", "environment": f" (from MIXUP_GEN_{name.upper()})", "file": " (from c.toml)"}
    message = error_line(ended).replace(f"{tmp_path}/", "")
    assert ended.returncode == 2
    assert message == f"{spell(name)}{wheres[place]}: it goes with {need}. Pass both, or neither."
    assert not (tmp_path / "o").exists()


OPTIONS = ["--pair cross-class", "--fill 9", "--label-rule base", "--linear-light"]


@pytest.mark.parametrize("method", [*PLAIN, "erase:fill=mean", "cutmix:box=minmax"])
def test_an_option_changes_what_is_made_or_is_refused(
    method: str, run_cli: Runner, photos: Path, tmp_path: Path
) -> None:
    command = ["generate", photos, "--size", 16, "--passes", 2, "-q", "--method", method]
    assert run_cli(*command, "-o", tmp_path / "plain").returncode == 0
    plain = columns(tmp_path / "plain")
    for number, option in enumerate(OPTIONS):
        ended = run_cli(*command, *option.split(), "-o", tmp_path / f"{number}")
        if ended.returncode == 2:
            assert error_line(ended).startswith(f"{option.split()[0]}: it has no effect, because no method here (")
            assert (
                method.partition(":")[0] not in error_line(ended).partition("It acts with ")[2].split(",")
                or ":" in method
            )
            continue
        found = columns(tmp_path / f"{number}")
        assert any(not np.array_equal(found[name], values) for name, values in plain.items()), option


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--method mixup:alpha=0.4 --alpha 0.2", "--alpha: each method that takes it has its own (mixup)."),
        ("--method cutout --alpha 0.2", "--alpha: nothing here draws lam from it (--method cutout)."),
        ("--method cutmix:box=minmax:alpha=2", "--method cutmix: alpha has no effect beside box=minmax."),
    ],
)
def test_an_alpha_without_effect(options: str, message: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", colours, *options.split(), cwd=tmp_path)
    assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
    assert error_line(ended).startswith(message)


def test_alpha_is_for_methods_without_one(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "--method", "mixup:alpha=0.4,cutmix,cutout", "--alpha", 0.7, cwd=tmp_path)
    found = [each["options"].get("alpha") for each in manifest(tmp_path / "mixup-out")["recipe"]["methods"]]
    assert found == [0.4, 0.7, None]


@pytest.mark.parametrize(
    ("file", "typed_options", "alphas"),
    [
        ("method = 'mixup:alpha=0.4,cutmix'", "--alpha 0.7", [0.7, 0.7]),
        ("alpha = 0.7", "--method mixup:alpha=0.4", [0.4]),
        ("alpha = 0.7", "--method mixup:alpha=0.4,cutmix", [0.4, 0.7]),
        ("alpha = 0.7", "--method cutout", [None]),
        ("alpha = 0.7", "--alpha 0.1", [0.1]),
    ],
)
def test_the_stronger_alpha_overrules(
    file: str, typed_options: str, alphas: list[float | None], run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text(file)
    ended = run_cli("generate", colours, "--config", "c.toml", *typed_options.split(), cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    found = [each["options"].get("alpha") for each in manifest(tmp_path / "mixup-out")["recipe"]["methods"]]
    assert found == alphas


PLANNED = ["--alpha 0.4", "--seed 1", "--pair same-class", "--window 5", "--per-class 2", "--passes 2", "--samples 3"]


@pytest.mark.parametrize("command", ["generate", "preview"])
@pytest.mark.parametrize("option", PLANNED)
def test_what_a_plan_has_decided(command: str, option: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    if command == "preview" and option.split(maxsplit=1)[0] in ("--passes", "--samples"):
        return
    run_cli("plan", colours, "-q", "-o", "p.csv", cwd=tmp_path)
    ended = run_cli(command, colours, "--plan", "p.csv", *option.split(), "-o", "x.png")
    assert ended.returncode == 2
    assert error_line(ended).startswith(f"{option.split(maxsplit=1)[0]} and --plan: the plan has decided that.")


@pytest.mark.parametrize(
    ("method", "what", "left"),
    [
        ("mixup:alpha=0.4", "alpha of mixup", "mixup"),
        ("cutmix:0.4,jigsaw:0.6:n=3", "how often cutmix occurs", "cutmix,jigsaw:n=3.0"),
        ("erase:area_low=0.1:fill=mean", "area_low of erase", "erase:fill=mean"),
    ],
)
def test_what_a_plan_has_decided_of_methods(
    method: str, what: str, left: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("plan", colours, "-q", "--method", method, "-o", "p.csv", cwd=tmp_path)
    command = ("generate", colours, "--plan", "p.csv", "-q", "-o")
    ended = run_cli(*command, "o", "--method", method)
    assert ended.returncode == 2
    assert error_line(ended) == f"--method and --plan: the plan has decided {what}. Leave it out: --method {left}."
    assert run_cli(*command, "o", "--method", left).returncode == 0
    (tmp_path / "c.toml").write_text(f"method = '{method}'\nalpha = 3\n" if "cut" in method else f"method = '{method}'")
    assert run_cli(*command, "again", "--config", "c.toml").returncode == 0, "a configuration for plan, too"
    assert manifest(tmp_path / "again") == manifest(tmp_path / "o")


def test_a_data_set_from_a_plan_names_no_options_that_it_does_not_know(
    run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("plan", colours, "-q", "--method", "mixup:0.5:alpha=7,jigsaw:0.5:n=3", "-o", "p.csv", cwd=tmp_path)
    assert run_cli("generate", colours, "--plan", "p.csv", "--method", "mixup,jigsaw:n=3", "-q").returncode == 0
    methods = manifest(tmp_path / "mixup-out")["recipe"]["methods"]
    assert [each["options"] for each in methods] == [{}, {"n": 3}]
    assert "| methods | mixup, jigsaw (n 3) |" in (tmp_path / "mixup-out/README.md").read_text()
    assert run_cli("verify", "mixup-out", "--deep", "--plan", "p.csv").returncode == 0


AGAIN = ["--split train", "--label-column x", "--max-pixels 9", "--files-from list.txt"]


@pytest.mark.parametrize(
    ("command", "option", "needed"),
    [
        *(("verify", option, "--deep") for option in [*AGAIN, "--source x", "--plan x"]),
        *(("repair", option, "--source") for option in AGAIN[:3]),
    ],
)
def test_options_for_a_source_that_is_not_read(
    command: str, option: str, needed: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    run_cli("generate", colours, "-q", cwd=tmp_path)
    ended = run_cli(command, *option.split())
    assert ended.returncode == 2
    assert error_line(ended) == f"{option.split(maxsplit=1)[0]}: it goes with {needed}. Pass both, or neither."
    assert run_cli(command, "-q", env={"MIXUP_GEN_SPLIT": "x"}).returncode == 0, (
        "the environment speaks to all commands"
    )


@pytest.mark.parametrize("axes", [(5, 8, 8), (5, 7)])
def test_arrays_that_are_not_resized(axes: tuple[int, ...], run_cli: Runner, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(axes, np.uint8))
    ended = run_cli("generate", "x.npy", "--resize", "pad", cwd=tmp_path)
    assert error_line(ended) == "--resize pad: these samples keep their size. Leave it out."
    assert run_cli("generate", "x.npy", "--resize", "crop", "--dry-run").returncode == 0, "which is the default"
    if len(axes) == 3:
        assert run_cli("generate", "x.npy", "--resize", "pad", "--size", "4x9", "--dry-run").returncode == 0


@pytest.mark.parametrize("command", ["plan", "inspect", "preview"])
def test_a_shard_size_is_read_everywhere(command: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    out = [] if command == "inspect" else ["-o", tmp_path / f"x.{'csv' if command == 'plan' else 'png'}"]
    assert run_cli(command, colours, *out, "--shard-size", "3KiB").returncode == 0
    assert error_line(run_cli(command, colours, *out, "--shard-size", "3x")).startswith("--shard-size: '3x' is not ")
    assert "shards of up to 1" in run_cli("inspect", colours, "--shard-size", "300B").stdout


@pytest.mark.parametrize("command", ["inspect mixup-out", "preview mixup-out -o x.png"])
@pytest.mark.parametrize("option", ["--alpha 1", "--shard-size 1MiB", "--split test"])
def test_a_data_set_is_mixed_already(command: str, option: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    run_cli("generate", colours, "-q", cwd=tmp_path)
    ended = run_cli(*command.split(), *option.split())
    assert ended.returncode == 2
    assert error_line(ended).startswith(f"{option.split(maxsplit=1)[0]}: mixup-out is mixed already. Name ")


def test_a_schema_needs_no_source(run_cli: Runner, colours: Path) -> None:
    assert run_cli("inspect", colours, "--schema").returncode == 2


def twelve_bits(folder: Path, suffix: str) -> Path:
    """A source of two pictures that are a ramp from 0 to 4095."""
    ramp = np.linspace(0, 4095, 1024).reshape(32, 32).astype(np.uint16)
    if suffix == "npy":
        np.save(folder / "x.npy", np.stack([ramp, ramp]))
        return folder / "x.npy"
    (folder / "s").mkdir()
    for number in range(2):
        Image.fromarray(ramp).save(folder / f"s/{number}.{suffix}")
    return folder / "s"


@pytest.mark.parametrize("suffix", ["tif", "png", "npy"])
@pytest.mark.parametrize(("dtype", "full"), [("uint8", 255), ("uint16", 65535)])
def test_a_value_range_of_16_bits_is_applied(
    suffix: str, dtype: str, full: int, run_cli: Runner, tmp_path: Path
) -> None:
    source = twelve_bits(tmp_path, suffix)
    options = ("--method", "none", "--value-range", "0,4095", "--dtype", dtype, "-q", "-o", tmp_path / "o")
    assert run_cli("generate", source, *options).returncode == 0
    images = columns(tmp_path / "o")["images"]
    exact = np.rint(np.linspace(0, 4095, 1024).astype(np.uint16) / 4095 * full)
    assert np.array_equal(images.reshape(2, 1024, -1)[0, :, 0], exact)
    assert run_cli("verify", tmp_path / "o", "--deep").returncode == 0


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("colours", "", "--value-range: these samples have 8 bits, and such values stay as they are. Leave it out."),
        ("arrays", "", "--value-range: these samples have 8 bits, and such values stay as they are. Leave it out."),
        ("floats", "", "--value-range: it turns values into integers, and these samples stay floats."),
        ("colours", "--dtype float32", "--value-range: it goes with --dtype uint8 or uint16."),
    ],
)
def test_a_value_range_without_effect(
    source: str, options: str, message: str, run_cli: Runner, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 8, 8), np.float32))
    place: Any = tmp_path / "x.npy" if source == "floats" else request.getfixturevalue(source)
    ended = run_cli("generate", place, "--value-range", "0,9", *options.split(), "-o", tmp_path / "o")
    assert (ended.returncode, error_line(ended).startswith(message)) == (2, True)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ("mixup:50,cutmix:50", "the probabilities sum to 100, and they must sum to 1. Give mixup:0.5,cutmix:0.5."),
        ("mixup:1,cutmix:2", "Give mixup:0.333333333333,cutmix:0.666666666667."),
        ("mixup:0.5,cutmix", "cutmix has no probability, but others have one."),
        ("mixup:50:alpha=2,cutmix:50:box=inside", "Give mixup:0.5:alpha=2.0,cutmix:0.5:box=inside."),
        ("mixup:0.5", "the probabilities sum to 0.5, and they must sum to 1. Give mixup:1, or add none:0.5."),
        ("mixup:0.3,none:0.3", "the probabilities sum to 0.6, and they must sum to 1. Give mixup:0.5,none:0.5."),
        ("mixup:2", "the probabilities sum to 2, and they must sum to 1. Give mixup:1."),
        ("mixup:-1,cutmix:2", "each must be above 0, and at most 1."),
        ("mixup:nan,cutmix:2", "each must be above 0, and at most 1."),
        ("mixup:1e308,cutmix:1e308", "each must be above 0, and at most 1."),
        ("jigsaw,patchmix", "jigsaw is named twice (patchmix is another name of it)."),
        ("mixup:0.5,mixup:0.5", "mixup is named twice. Name it once"),
        ("mixup:alpha=1:alpha=2", "gives alpha twice. Give it once."),
        ("mixup:1:1", "gives a probability twice. Give it once."),
    ],
)
def test_methods_have_one_rule(methods: str, message: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    for command in ("generate", "plan", "inspect"):
        ended = run_cli(command, colours, "--method", methods, cwd=tmp_path)
        assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
        assert error_line(ended).startswith("--method: ")
        assert message in error_line(ended)
    remedy = error_line(ended).rpartition("and they must sum to 1. Give ")[2].partition(", or")[0].rstrip(".")
    assert not remedy.startswith("mixup") or run_cli("plan", colours, "--method", remedy, "-q").returncode == 0


@pytest.mark.parametrize("recorded", ["50", "0.5", "1.0"])
def test_the_same_probabilities_go_on_with_a_data_set_however_it_recorded_them(
    recorded: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """Earlier versions recorded 50 and 50 as they were given."""
    from mixup_cli import MethodChoice, Recipe, open_source
    from mixup_cli import Run as Settings
    from mixup_cli.runs.generate import generate

    out = tmp_path / "o"
    choices = (MethodChoice("mixup", float(recorded)), MethodChoice("cutmix", float(recorded)))
    generate(open_source([colours]), Recipe(methods=choices), Settings(out=out))
    for methods in ("mixup,cutmix", "mixup:0.5,cutmix:0.5"):
        ended = run_cli("generate", colours, "--method", methods, "-o", out)
        assert (ended.returncode, "nothing to do" in ended.stderr) == (0, True), ended.stderr
    assert run_cli("verify", out, "--deep", "--source", colours).returncode == 0
    assert run_cli("generate", colours, "--method", "mixup:0.25,cutmix:0.75", "-o", out).returncode == 73
    assert run_cli("generate", colours, "--method", "mixup,cutmix", "-o", out, "--passes", 2).returncode == 0
    with h5py.File(out / "shard-00000.h5") as file:
        assert json.loads(file.attrs["recipe"])["methods"][0]["probability"] == float(recorded)


def test_a_data_set_that_recorded_what_its_plan_had_decided_goes_on(
    run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    """Earlier versions recorded the defaults, as if they had been used."""
    from mixup_cli import MethodChoice, Recipe, open_source
    from mixup_cli import Run as Settings
    from mixup_cli.plan.files.reading import read_plan
    from mixup_cli.runs.generate import generate

    run_cli("plan", colours, "-q", "--method", "mixup,cutmix", "-o", "p.csv", cwd=tmp_path)
    plan, out = read_plan(tmp_path / "p.csv"), tmp_path / "o"
    choices = (MethodChoice("mixup", 0.3, {"alpha": 0.2}), MethodChoice("cutmix", 0.7, {"alpha": 1.0}))
    generate(open_source([colours]), Recipe(methods=choices, plan=plan.digest()), Settings(out=out, plan=plan))
    before = manifest(out)
    assert before["recipe"]["methods"][0]["options"] == {"alpha": 0.2}
    ended = run_cli("generate", colours, "--plan", "p.csv", "-o", out)
    assert (ended.returncode, "nothing to do" in ended.stderr) == (0, True), ended.stderr
    assert run_cli("verify", out, "--deep", "--plan", "p.csv", "--source", colours).returncode == 0
    (out / "shard-00000.h5").unlink()
    assert run_cli("generate", colours, "--plan", "p.csv", "-o", out).returncode == 0
    assert manifest(out) == before


def test_a_value_range_that_changes_none_of_many_pictures(run_cli: Runner, tmp_path: Path) -> None:
    """More than the survey looks at: a run and its dry run say the same."""
    for number in range(70):
        (tmp_path / "p" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(tmp_path / "p" / "ab"[number % 2] / f"{number:02}.png")
    command = ("generate", tmp_path / "p", "-o", tmp_path / "o", "--value-range", "0,1000")
    for more in ([], ["--dry-run"]):
        ended = run_cli(*command, *more)
        assert (ended.returncode, error_line(ended)) == (
            2,
            "--value-range: these samples have 8 bits, and such values stay as they are. Leave it out.",
        )
    Image.fromarray(np.full((4, 4), 500, np.uint16)).save(tmp_path / "p" / "a" / "02.png")
    for more in (["--dry-run"], []):
        assert run_cli(*command, *more).returncode == 0
    ended = run_cli("verify", "--deep", tmp_path / "o")
    assert ended.returncode == 0, ended.stderr


def test_what_a_data_set_records_is_not_refused(
    run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was made when an option without effect was accepted is verified with that option."""
    monkeypatch.setattr("mixup_cli.runs.job._without_effect", lambda *_: iter(()))
    source = open_source([colours])
    origin = {"locations": [str(colours)], "options": {}}
    generate(source, Recipe(value_range=(0.0, 1000.0)), Run(out=tmp_path / "o", origin=origin))
    ended = run_cli("verify", "--deep", tmp_path / "o")
    assert ended.returncode == 0, ended.stderr
