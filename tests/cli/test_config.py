"""Where an option's value comes from: flag, environment, file, default, in this order. And back into a file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.data_sets import manifest
from tests.running import Runner, error_line

FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG = {"seed": 1}, {"MIXUP_GEN_SEED": "2"}, ["--seed", "3"]


@pytest.mark.parametrize(
    ("file", "environment", "flag", "seed"),
    [
        (False, False, False, 0),
        (True, False, False, 1),
        (True, True, False, 2),
        (True, True, True, 3),
        (False, True, True, 3),
        (True, False, True, 3),
    ],
)
def test_flag_before_environment_before_file_before_default(
    file: bool, environment: bool, flag: bool, seed: int, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text("seed = 1\n")
    options = [*(["--config", "c.toml"] if file else []), *(FROM_FLAG if flag else [])]
    ended = run_cli(
        "generate", colours, "--print-config", *options, cwd=tmp_path, env=FROM_ENVIRONMENT if environment else {}
    )
    assert tomllib.loads(ended.stdout)["seed"] == seed


def test_the_file_may_be_named_by_the_environment(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("seed = 1\n")
    ended = run_cli("generate", colours, "--print-config", cwd=tmp_path, env={"MIXUP_GEN_CONFIG": "c.toml"})
    assert tomllib.loads(ended.stdout)["seed"] == 1


def test_a_file_sets_options_of_every_kind(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    lines = ['method = "cutmix:0.5,mixup:0.5"', "alpha = 0.7", "keep-originals = true", "samples_per_shard = 5"]
    (tmp_path / "c.toml").write_text("\n".join([*lines, 'out = "named"', "passes = 2", "quiet = true", "json = true"]))
    ended = run_cli("generate", colours, "--config", "c.toml", cwd=tmp_path)
    assert json.loads(ended.stdout)["samples"] == 36
    recipe = manifest(tmp_path / "named")["recipe"]
    assert [choice["options"] for choice in recipe["methods"]] == [{"alpha": 0.7}] * 2
    assert (recipe["keep_originals"], recipe["samples_per_shard"]) == (True, 5)


RECIPES = [
    "",
    "--alpha 0 --seed 9223372036854775807",
    "--method mixup:0.3:alpha=0.123456789,cutmix:0.7 --keep-originals",
    "--method cutout:side=0.3 --fill 1,2,3 --size 9x5 --resize stretch --labels sparse --compression gzip",
    "--dtype float32 --normalize imagenet --layout nchw --shard-size 3KiB",
    "--dtype float16 --normalize 0.1/0.3 --channels grey",
    "--label-rule remix --remix-kappa 2.5 --remix-tau 0.25 --label-smoothing 0.1",
    "--label-rule union --labels sparse",
]


@pytest.mark.parametrize("options", RECIPES)
def test_a_printed_config_gives_the_same_recipe(options: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    printed = run_cli("generate", colours, *options.split(), "--print-config", cwd=tmp_path)
    assert not (tmp_path / "mixup-out").exists()
    (tmp_path / "c.toml").write_text(printed.stdout)
    for out, given in (("direct", options.split()), ("again", ["--config", "c.toml"])):
        ended = run_cli("generate", colours, "-o", out, *given)
        assert ended.returncode == 0, ended.stderr
    assert manifest(tmp_path / "direct") == manifest(tmp_path / "again")


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ("sede = 1", 2, "c.toml: unknown option 'sede'; did you mean seed?"),
        ("config = 'd.toml'", 2, "c.toml: unknown option 'config'. Give one of alpha, "),
        ("seed = ", 2, "c.toml: not TOML ("),
        ("method = ['mixup']", 2, "c.toml: method is a list. Write it as on the command line"),
        (None, 66, "c.toml: cannot be read (No such file or directory)"),
    ],
)
def test_a_bad_file_is_refused(
    content: str | None, code: int, told: str, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "c.toml").write_text(content)
    refused = run_cli("generate", colours, "--config", "c.toml", cwd=tmp_path)
    assert refused.returncode == code
    assert error_line(refused).startswith(told)


@pytest.mark.parametrize("content", ["seed = 'many'", "seed = -1", "layout = 'hwc'"])
def test_a_bad_value_in_a_file_is_a_usage_error(content: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(content)
    refused = run_cli("generate", colours, "--config", "c.toml", cwd=tmp_path)
    assert refused.returncode == 2
    assert f"--{content.split(maxsplit=1)[0]}" in refused.stderr


def test_of_two_options_that_exclude_each_other_the_stronger_wins(
    run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text('passes = 2\nshard_size = "1MiB"\n')
    options = ["--config", tmp_path / "c.toml", "--samples", 5, "--samples-per-shard", 4, "--json"]
    ended = run_cli("generate", colours, "-o", tmp_path / "a", *options)
    made = json.loads(ended.stdout)
    assert (made["samples"], made["shards"]) == (5, 2)
    ended = run_cli("generate", colours, "-o", tmp_path / "b", *options[:2], "--json", env={"MIXUP_GEN_SAMPLES": "7"})
    assert json.loads(ended.stdout)["samples"] == 7


def test_two_options_that_exclude_each_other_are_refused_side_by_side(
    run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    ended = run_cli("generate", colours, "-o", tmp_path / "o", "--shard-size", "1MiB", "--samples-per-shard", 4)
    assert (ended.returncode, "--samples-per-shard and --shard-size" in error_line(ended)) == (2, True)


def test_a_variable_that_no_option_reads_is_told(run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", colours, "--dry-run", cwd=tmp_path, env={"MIXUP_GEN_SEDE": "1", "MIXUP_GEN_SEED": "2"})
    told = [line for line in ended.stderr.splitlines() if "MIXUP_GEN" in line]
    assert told == ["mixup-gen: MIXUP_GEN_SEDE is set, and no option reads it. Did you mean MIXUP_GEN_SEED?"]
    assert ended.returncode == 0
    assert "MIXUP_GEN" not in run_cli("generate", colours, "--dry-run", "--quiet").stderr


@pytest.mark.parametrize("command", ["generate --sede 1", "generate --seed x", "generate -o", "mix"])
def test_a_wrong_command_line_is_told_in_one_line(command: str, run_cli: Runner, tmp_path: Path) -> None:
    ended = run_cli(*command.split(), cwd=tmp_path)
    assert ended.returncode == 2
    assert error_line(ended).endswith((" --help-all.", "See mixup-gen --help."))
