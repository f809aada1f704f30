"""What the user mistypes is shown, with the word that may be meant; bounds and choices come with the value found."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mixup_cli.wording import counted, did_you_mean, plural, printable
from tests.forking.client import program_folder
from tests.running import Runner, clean_environment, error_line, shell

MISTAKES = {
    "genrate": "unknown command 'genrate'; did you mean generate? See mixup-gen --help.",
    "mix": "unknown command 'mix'. See mixup-gen --help.",
    "--versio": "unknown option --versio; did you mean --version? See mixup-gen --help.",
    "generate --aplha 2": "unknown option --aplha; did you mean --alpha? See mixup-gen generate --help",
    "generate --Pair any": "unknown option --Pair; did you mean --pair?",
    "generate --keep_originals": "unknown option --keep_originals; did you mean --keep-originals?",
    "verify -x": "unknown option -x. See mixup-gen verify --help",
    "verify --depe": "unknown option --depe; did you mean --deep?",
    "generate --pair same": "--pair: 'same' is not one of any, same-class, cross-class, balanced, nearest; did you "
    "mean same-class? See mixup-gen generate --help",
    "generate --pair Nearest": "--pair: 'Nearest' is not one of any, same-class, cross-class, balanced, nearest; did "
    "you mean nearest?",
    "generate --resize fit": "--resize: 'fit' is not one of crop, pad, stretch, canvas. See mixup-gen",
    "generate --labels a.csv": "is not one of dense, sparse, both. A table of labels goes with --labels-from.",
    "generate --dtype float": "; did you mean float16?",
    "generate --alpha x": "--alpha: 'x' is not a number. See mixup-gen",
    "generate --alpha -1": "--alpha: -1.0 is not a number from 0 to 1000.",
    "generate --seconds 1e9": "--seconds: '1e9' is not a time above 0 s, of at most 86,400 s. Give seconds: 1, or 0.5.",
    "generate --seed 1.5": "--seed: '1.5' is not a whole number.",
    "generate --workers 0": "--workers: 0 is less than 1.",
    "generate --workers 5000": "--workers: 5000 is more than 4096.",
    "generate --on-error": "--on-error: it takes a value, and none is given.",
    "generate --quiet=1": "--quiet: it takes no value.",
    "generate --part 0/4": "--part: 0/4 is not a part: the parts of N are 1/N … N/N, and N is at most 100,000.",
    "generate --part 5/4": "--part: 5/4 is not a part: the parts of N are 1/N … N/N",
    "generate --part 1": "--part: '1' is not K/N.",
    "generate --method mixpu": "--method: unknown method 'mixpu'; did you mean mixup? The methods are mixup, cutmix, ",
    "generate --method patchmixx": "unknown method 'patchmixx'; did you mean patchmix?",
    "generate --method CutMix": "unknown method 'CutMix'; did you mean cutmix?",
    "generate --method cutmix:bx=inside": "--method cutmix: unknown option 'bx'; did you mean box? Its options are ",
    "generate --method cutmix:box=insde": "box=insde is not one of paper, inside, minmax; did you mean inside?",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_on_the_command_line(command: str, run_cli: Runner, colours: Path, tmp_path: Path) -> None:
    program, *options = command.split()
    sources = [colours] if program == "generate" else []
    ended = run_cli(program, *sources, *options, cwd=tmp_path)
    assert (ended.returncode, list(tmp_path.iterdir())) == (2, [])
    assert MISTAKES[command] in error_line(ended)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("batch_sise = 3", "unknown option 'batch_sise'; did you mean batch-size?"),
        ("keep-original = true", "unknown option 'keep-original'; did you mean keep-originals?"),
        ("Alpha = 1", "unknown option 'Alpha'; did you mean alpha?"),
        ("zzz = 1", "unknown option 'zzz'. Give one of alpha, balance, bandwidth, batch-size, "),
    ],
)
def test_a_mistake_in_a_file(line: str, message: str, run_cli: Runner, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(line)
    told = error_line(run_cli("generate", "--config", "c.toml", cwd=tmp_path))
    assert told.startswith(f"c.toml: {message}")
    assert "_" not in told.partition("Give one of")[2], "as --print-config writes them"


def test_a_mistake_in_the_environment(run_cli: Runner, tmp_path: Path) -> None:
    told = error_line(run_cli("generate", cwd=tmp_path, env={"MIXUP_GEN_PAIR": "Any", "MIXUP_GEN_SEED": "1"}))
    assert told.startswith("--pair (from MIXUP_GEN_PAIR): 'Any' is not one of any, same-class, ")


def test_words_about_numbers() -> None:
    assert [counted(count, "class") for count in (0, 1, 2, 2000)] == [
        "0 classes",
        "1 class",
        "2 classes",
        "2,000 classes",
    ]
    assert plural(1, "shard") == "shard"
    assert did_you_mean("", ["any"]) == "."
    assert printable("a\x1b[2Jé\n") == "a\\x1b[2Jé\\n"


@pytest.mark.parametrize("command", ["--help", "generate --help", "--version", "doctor"])
def test_stdout_that_cannot_be_written(command: str, tmp_path: Path) -> None:
    ended = shell(f"mixup-gen {command} > /dev/full", tmp_path)
    assert ended.returncode == 74
    assert ended.stderr.splitlines()[-1].startswith("mixup-gen: error: stdout: No space left on device. ")
    assert "Traceback" not in ended.stderr


def test_permissions_are_for_the_system_to_judge(
    run_cli: Runner, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be read is an input, an output or a disk's error, never one of the command line."""
    (tmp_path / "o").mkdir()
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert run_cli("generate", colours, "-o", tmp_path / "o", "-q").returncode == 0
    assert run_cli("verify", tmp_path / "o", "-q").returncode == 0
    assert run_cli("preview", colours, "-q", "-o", tmp_path / "x.png").returncode == 0


def test_a_plan_on_a_terminal_shows_names_escaped(colours: Path, tmp_path: Path) -> None:
    """In a file or a pipe they are what they are: the plan must be carried out."""
    import shutil

    shutil.copytree(colours, tmp_path / "c")
    (tmp_path / "c/red/0.png").rename(tmp_path / "c/red/\x1b[2J.png")
    command = [f"{program_folder()}/mixup-gen", "plan", "c", "-q"]
    piped = subprocess.run(command, cwd=tmp_path, env=clean_environment(), capture_output=True, check=True).stdout
    assert b"\x1b[2J" in piped
    ours, theirs = os.openpty()
    with subprocess.Popen(command, cwd=tmp_path, env=clean_environment(), stdout=theirs) as running:
        os.close(theirs)
        shown = b""
        while data := _read(ours):
            shown += data
        assert running.wait() == 0
    os.close(ours)
    assert shown.replace(b"\r\n", b"\n") == piped.replace(b"\x1b", b"\\x1b")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # Linux says so at the end
        return b""
