"""`mixup-gen plan`, and `--plan` of generate and verify."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest

from tests.data_sets import columns, manifest
from tests.running import Runner, error_line, run_process


def plan_of(run_cli: Runner, *options: object, cwd: Path | None = None) -> str:
    ended = run_cli("plan", "-q", *options, cwd=cwd)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_a_row_for_each_sample_that_generate_would_make(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    text = plan_of(run_cli, colours, "--passes", 3, "--keep-originals", "--method", "mixup,cutmix")
    rows = list(csv.DictReader(io.StringIO(text)))
    run_cli("generate", colours, "--passes", 3, "--keep-originals", "--method", "mixup,cutmix", "-o", tmp_path / "o")
    made, names = columns(tmp_path / "o"), manifest(tmp_path / "o")["methods"]
    keys = [row["key"] for row in csv.DictReader(io.StringIO((tmp_path / "o" / "sources.csv").read_text()))]
    assert len(rows) == len(made["index"]) == 48
    for row, index, method, parents, classes, share, box in zip(
        rows,
        *(made[name].tolist() for name in ("index", "method", "source_index", "source_label", "share", "box")),
        strict=True,
    ):
        assert (int(row["index"]), row["method"]) == (index, names[method])
        assert int(row["parent_0"]) == parents[0]
        assert row["key_0"] == keys[parents[0]]
        assert row["label_0"] == ["blue", "green", "red"][classes[0]]
        assert row["lam"] == f"{share[0]:.6f}"
        assert [int(row[name] or 0) for name in ("top", "left", "bottom", "right")] == box
        assert (row["parent_1"] == "") == (row["method"] == "none")


def test_stdout_and_a_file_hold_the_same(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    text = plan_of(run_cli, colours, "-o", "-")
    ended = run_cli("plan", colours, "-o", tmp_path / "plan.csv")
    assert ended.stdout == f"{tmp_path}/plan.csv\n"
    assert "12 rows" in ended.stderr
    assert (tmp_path / "plan.csv").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["plan.csv"], "nothing else stays behind"


def test_nothing_is_written_where_one_stands(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    tmp_path.chmod(0o555)
    try:
        assert plan_of(run_cli, colours, "--samples", 1, cwd=tmp_path).count("\n") == 2
        assert list(tmp_path.iterdir()) == []
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("out", "code", "found"),
    [
        ("plan.txt", 2, "does not end in .csv or .parquet"),
        ("plan", 2, "does not end in .csv or .parquet"),
        ("folder.csv", 73, "folder.csv: is a folder, and -o names a file."),
        ("nowhere/plan.csv", 66, "nowhere: no such folder. Make it, or use another -o."),
        ("/proc/plan.csv", 74, "cannot write there"),
    ],
)
def test_where_no_plan_can_go(out: str, code: int, found: str, colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    (tmp_path / "folder.csv").mkdir()
    ended = run_cli("plan", colours, "-q", "-o", out, cwd=tmp_path)
    assert ended.returncode == code
    assert found in error_line(ended)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]


def test_what_generate_refuses_plan_refuses(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    assert error_line(run_cli("plan", colours, "--method", "nix")).startswith("--method: unknown method 'nix'")
    assert run_cli("plan", tmp_path / "nothing").returncode == 66


@pytest.fixture
def plan(colours: Path, tmp_path: Path, run_cli: Runner) -> Path:
    path = tmp_path / "plan.csv"
    path.write_text(plan_of(run_cli, colours))
    return path


def test_generate_twice(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    command = ("generate", colours, "--plan", plan, "-o", tmp_path / "o")
    assert "12 samples" in run_cli(*command).stderr
    assert "nothing to do: 12 samples" in run_cli(*command).stderr
    (tmp_path / "o" / "shard-00000.h5").unlink()
    assert "resumed: 1 made now" in run_cli(*command).stderr


def test_another_plan_is_another_data_set(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o")
    plan.write_text("".join(plan.read_text().splitlines(keepends=True)[:-1]))
    ended = run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o")
    assert ended.returncode == 73
    assert "plan" in error_line(ended)
    assert run_cli("generate", colours, "-o", tmp_path / "o").returncode == 73, "nor is it one without a plan"
    assert run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o", "--force").returncode == 0


def test_verify_deep_takes_the_plan(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o")
    assert run_cli("verify", tmp_path / "o").returncode == 0
    assert run_cli("verify", tmp_path / "o", "--deep", "--plan", plan).returncode == 0
    assert "Pass --plan" in error_line(run_cli("verify", tmp_path / "o", "--deep"))
    assert run_cli("plan", colours, "-q", "--seed", 1, "--force", "-o", plan).returncode == 0
    ended = run_cli("verify", tmp_path / "o", "--deep", "--plan", plan)
    assert ended.returncode == 65
    assert "from another one" in error_line(ended)


@pytest.mark.parametrize("option", ["--seed 1", "--samples 3", "--passes 2", "--keep-originals", "--pair same-class"])
def test_what_the_plan_has_decided(option: str, colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    ended = run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o", *option.split())
    assert ended.returncode == 2
    assert error_line(ended).startswith(f"{option.split(maxsplit=1)[0]} and --plan: ")


def test_a_row_that_cannot_be_made(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    lines = plan.read_text().splitlines()
    lines[3] = lines[3].replace("mixup", "mixdown")
    plan.write_text("\n".join(lines))
    ended = run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o")
    assert ended.returncode == 65
    assert error_line(ended).startswith(f"{plan}, row 3: method is 'mixdown'")
    assert not (tmp_path / "o").exists()


def test_a_broken_input_that_was_left_out(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    source = tmp_path / "source"
    for path in colours.rglob("*.png"):
        (source / path.parent.name).mkdir(parents=True, exist_ok=True)
        (source / path.parent.name / path.name).write_bytes(path.read_bytes())
    run_cli("plan", source, "-q", "-o", tmp_path / "whole.csv")
    (source / "green" / "2.png").write_bytes(b"no picture")
    run_cli("plan", source, "-q", "--on-error", "skip", "-o", tmp_path / "rest.csv")
    out = ("-o", tmp_path / "o")
    ended = run_cli("generate", source, "--plan", tmp_path / "whole.csv", "--on-error", "skip", "-q", *out)
    assert ended.returncode == 65
    assert "and this one was left out" in error_line(ended)
    ended = run_cli("generate", source, "--plan", tmp_path / "rest.csv", "--on-error", "skip", "-q", *out)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert 6 not in columns(tmp_path / "o")["source_index"]


def test_the_plan_from_the_environment_and_from_a_file(
    colours: Path, plan: Path, tmp_path: Path, run_cli: Runner
) -> None:
    ended = run_cli("generate", colours, "-o", tmp_path / "o", env={"MIXUP_GEN_PLAN": str(plan)})
    assert ended.returncode == 0
    assert manifest(tmp_path / "o")["recipe"]["plan"]


def test_a_configuration_may_name_the_plan(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    (tmp_path / "c.toml").write_text(f'plan = "{plan}"\n')
    assert run_cli("generate", colours, "-o", tmp_path / "o", "--config", tmp_path / "c.toml").returncode == 0
    assert manifest(tmp_path / "o")["recipe"]["plan"]


def test_a_configuration_for_plan_and_generate(colours: Path, tmp_path: Path, run_cli: Runner) -> None:
    config = tmp_path / "c.toml"
    config.write_text('method = "cutmix"\nseed = 5\nsamples = 7\npair = "same-class"\n')
    run_cli("plan", colours, "-q", "--config", config, "-o", tmp_path / "plan.csv")
    out = ("--config", config, "-o", tmp_path / "o")
    assert run_cli("generate", colours, "--plan", tmp_path / "plan.csv", *out).returncode == 0
    assert manifest(tmp_path / "o")["totals"]["samples"] == 7
    ended = run_cli("generate", colours, "--seed", 1, *out, env={"MIXUP_GEN_PLAN": str(tmp_path / "plan.csv")})
    assert error_line(ended).startswith("--seed and --plan (from MIXUP_GEN_PLAN): ")


def test_a_dry_run_checks_the_plan(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    command = ("generate", colours, "--plan", plan, "--dry-run", "-o", tmp_path / "o")
    assert "12 samples in 1 shard" in run_cli(*command).stdout
    with plan.open("a") as file:
        file.write(plan.read_text().splitlines()[1].replace("mixup", "none"))
    assert error_line(run_cli(*command)).startswith(f"{plan}, row 13 (none): ")
    assert not (tmp_path / "o").exists()


def test_a_dry_run_of_more_samples_than_it_loads(cifar: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("plan", cifar, "-q", "-o", tmp_path / "plan.csv")
    assert run_cli("generate", cifar, "--plan", tmp_path / "plan.csv", "--dry-run").returncode == 0


def test_the_configuration_names_the_plan(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    printed = run_cli("generate", colours, "--plan", plan, "--print-config")
    assert printed.returncode == 0
    assert f'plan = "{plan}"' in printed.stdout.splitlines()
    assert "seed" not in printed.stdout
    (tmp_path / "c.toml").write_text(printed.stdout)
    run_cli("generate", colours, "--config", tmp_path / "c.toml", "-o", tmp_path / "again")
    run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "o")
    assert manifest(tmp_path / "again") == manifest(tmp_path / "o")


def test_the_configuration_cannot_name_stdin(colours: Path, plan: Path) -> None:
    printed = run_process("generate", colours, "--plan", "-", "--print-config", stdin=plan.read_text())
    assert printed.stdout.startswith("# --plan came from stdin: pass it again\n")
    assert "\nplan =" not in printed.stdout


def test_stdin_is_read_once(colours: Path) -> None:
    ended = run_process("generate", "--plan", "-", "--files-from", "-", cwd=colours)
    assert ended.returncode == 2
    assert "stdin can be read once" in error_line(ended)


def test_an_empty_stdin(colours: Path, tmp_path: Path) -> None:
    ended = run_process("generate", colours, "--plan", "-", "-o", tmp_path / "o")
    assert ended.returncode == 66
    assert error_line(ended).startswith("stdin: is empty")


def test_parquet_from_the_command_line(colours: Path, plan: Path, tmp_path: Path, run_cli: Runner) -> None:
    run_cli("plan", colours, "-q", "-o", tmp_path / "plan.parquet")
    run_cli("generate", colours, "--plan", tmp_path / "plan.parquet", "-o", tmp_path / "stored")
    run_cli("generate", colours, "--plan", plan, "-o", tmp_path / "plain")
    stored, plain = manifest(tmp_path / "stored"), manifest(tmp_path / "plain")
    assert stored == plain
    np.testing.assert_array_equal(columns(tmp_path / "stored")["images"], columns(tmp_path / "plain")["images"])


@pytest.mark.parametrize(
    "command", [("generate", "-o", "o"), ("generate", "--dry-run"), ("preview", "-o", "sheet.png")]
)
def test_columns_that_decide_nothing_are_compared(
    command: tuple[str, ...], colours: Path, plan: Path, tmp_path: Path, run_cli: Runner
) -> None:
    lines = plan.read_text().splitlines()
    lines[2] = re.sub(r"[^,]*$", "elsewhere.png", lines[2])
    plan.write_text("\n".join(lines))
    name, *options = command
    ended = run_cli(name, colours, "--plan", plan, *options, cwd=tmp_path)
    assert ended.returncode == 0
    (notice,) = (line for line in ended.stderr.splitlines() if "plan.csv" in line)
    assert "plan.csv: 1 row with values of key_1 that this source and these settings do not give" in notice
    assert "(in row 2, key_1 would be '" in notice
    assert notice.endswith("the plan is for another source, --size or --method.")
