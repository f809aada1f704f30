"""`mixup-gen preview` of texts: rows as lines, with the donor's tokens marked."""

from __future__ import annotations

import html
import re
import shutil
from pathlib import Path

import pytest

from tests.data_sets import columns
from tests.labelled_texts import QUESTIONS, TOKENIZER, words_tokenizer
from tests.running import Runner

TEXTS = {
    "one two three four five six": "a",
    "seven eight nine ten": "b",
    "eleven twelve thirteen fourteen fifteen": "a",
    "north south east west": "b",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Texts of which no two have a word in common, and a tokenizer of whole words."""
    (tmp_path / "t.csv").write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in TEXTS.items()))
    words_tokenizer(tmp_path / "tokenizer.json", ["[PAD]", *" ".join(TEXTS).split()])
    return tmp_path


def shown(out: str) -> list[list[str]]:
    """The lines of each row."""
    return [row.splitlines() for row in re.split(r"^(?=row )", out, flags=re.MULTILINE)[1:]]


def check(row: list[str]) -> None:
    """What is between the marks is the donor's, and all else the base's."""
    head, base, donor, result = row
    base, donor, result = (line.partition(" ")[2].strip() for line in (base.strip(), donor.strip(), result.strip()))
    before, words, behind = re.split(">>|<<", result)
    assert words
    assert words in donor
    kept = base.split()
    assert kept[: len(before.split())] == before.split()
    assert kept[len(kept) - len(behind.split()) :] == behind.split()
    share = 1 - len(words.split()) / len(kept)
    assert f"lam {share:.4g}  label " in head
    assert len(before.split()) + len(words.split()) + len(behind.split()) == len(kept)


OPTIONS = ["--method", "ssmix:part=0.4", "--seed", "3"]


def test_a_source_and_its_data_set_show_the_same(run_cli: Runner, place: Path) -> None:
    given = ["t.csv", "--tokenizer", "tokenizer.json", *OPTIONS]
    before = run_cli("preview", *given, "--rows", 4, cwd=place)
    assert before.returncode == 0, before.stderr
    assert len(shown(before.stdout)) == 4
    for row in shown(before.stdout):
        check(row)
    assert run_cli("generate", *given, "-q", "-o", "out", cwd=place).returncode == 0
    after = run_cli("preview", "out", "--rows", 4, cwd=place)
    assert (after.stdout, after.stderr) == (before.stdout, "")
    last = run_cli("preview", "out", "--start", 3, cwd=place)
    assert shown(last.stdout) == shown(before.stdout)[3:]


def test_averaged_texts_show_shares(run_cli: Runner, place: Path) -> None:
    given = ["t.csv", "--tokenizer", "tokenizer.json", "--method", "mixup,ssmix,none", "--alpha", "1", "--seed", "1"]
    ended = run_cli("preview", *given, "--rows", 12, cwd=place)
    assert ended.returncode == 0, ended.stderr
    for row in shown(ended.stdout):
        method = row[0].split()[2]
        if method == "ssmix":
            check(row)
        elif method == "mixup":
            assert re.fullmatch(r"  result  base [0-9.<>]+ \+ donor [0-9.<>]+, averaged in the network .*", row[3])
        else:
            assert len(row) == 2
    assert {row[0].split()[2] for row in shown(ended.stdout)} == {"mixup", "ssmix", "none"}


def test_what_it_cannot_show(run_cli: Runner, place: Path) -> None:
    given = ["t.csv", "--tokenizer", "tokenizer.json", *OPTIONS]
    ended = run_cli("preview", *given, "-o", "x.png", cwd=place)
    assert (ended.returncode, ended.stderr) == (2, "mixup-gen: error: -o x.png: texts are printed. Leave it out.\n")
    assert run_cli("generate", *given, "-q", "-o", "out", cwd=place).returncode == 0
    ended = run_cli("preview", "out", "--start", 9, cwd=place)
    assert (ended.returncode, "--start 9: out has the rows 0 to 3" in ended.stderr) == (2, True)
    shutil.copy(TOKENIZER, place / "tokenizer.json")
    ended = run_cli("preview", "out", cwd=place)
    assert ended.returncode == 2
    assert "out: its texts and their tokenizer are not where they were, or have changed." in ended.stderr
    (place / "tokenizer.json").unlink()
    ended = run_cli("preview", "out", cwd=place)
    assert ended.returncode == 66
    assert "run.json names it; if it was moved, pass --tokenizer." in ended.stderr


def test_the_report_has_a_command_that_makes_the_same_again(run_cli: Runner, tmp_path: Path) -> None:
    given = ["--tokenizer", TOKENIZER, "--method", "mixup,ssmix", "-o", tmp_path / "out", "-q"]
    assert run_cli("generate", QUESTIONS, *given).returncode == 0
    assert run_cli("report", tmp_path / "out", "-o", tmp_path / "r.html").returncode == 0
    page = (tmp_path / "r.html").read_text()
    (lines,) = re.findall(r"<pre>(row 0 .*?)</pre>", page, re.DOTALL)
    printed = run_cli("preview", tmp_path / "out", "--rows", 24).stdout
    assert html.unescape(lines) + "\n" == printed
    assert run_cli("report", QUESTIONS, *given[:4], "-o", tmp_path / "source.html").returncode == 0
    assert f"<pre>{lines}</pre>" in (tmp_path / "source.html").read_text()
    (command,) = re.findall(r"mixup-gen (generate [^<]*questions\.csv[^<]*) -o", page)
    assert run_cli(*command.split(), "-q", "-o", tmp_path / "again").returncode == 0
    for name, values in columns(tmp_path / "out").items():
        assert (columns(tmp_path / "again")[name] == values).all(), name
