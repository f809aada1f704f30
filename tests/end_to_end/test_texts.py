"""Data sets of labelled texts, from the command line: the same bytes whatever happens, and every token a parent's."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.data_sets import Columns, columns, manifest
from tests.end_to_end.format_methods import below, lam_of, words
from tests.end_to_end.whatever_happens import check_how, check_killed, check_repaired, make
from tests.labelled_texts import QUESTIONS, TOKENIZER
from tests.running import Runner

READ = f"--tokenizer {TOKENIZER}"
PLACED = f"{READ} --method ssmix,cutmix,cutout,none --keep-originals"
KEPT = f"{READ} --method mixup,ssmix,dirichlet,none"
COUNT = 12


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The header and a dozen of the questions."""
    path = tmp_path_factory.mktemp("texts") / "questions.csv"
    path.write_text("".join(QUESTIONS.read_text().splitlines(keepends=True)[: COUNT + 1]))
    return path


def encoded(path: Path) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.int64]], list[int]]:
    """The tokens of each text, padded, and how many there are, by the library alone."""
    rows = [line.rpartition(",")[0] for line in path.read_text().splitlines()[1:]]
    found = [each.ids for each in Tokenizer.from_file(str(TOKENIZER)).encode_batch(rows)]
    length = max(map(len, found))
    return np.array([each + [0] * (length - len(each)) for each in found]), [*map(len, found)]


@pytest.mark.parametrize("options", [PLACED, f"{KEPT} --keep-originals"])
def test_the_same_bytes_however_it_is_carried_out(run_cli: Runner, texts: Path, tmp_path: Path, options: str) -> None:
    check_how(run_cli, texts, tmp_path, options)


def test_killed_and_grown_it_is_the_same(run_cli: Runner, texts: Path, tmp_path: Path) -> None:
    check_killed(run_cli, texts, tmp_path, PLACED)


@pytest.mark.parametrize("options", [PLACED, KEPT])
def test_it_is_verified_and_repaired(run_cli: Runner, texts: Path, tmp_path: Path, options: str) -> None:
    check_repaired(run_cli, texts, tmp_path, f"{options} --passes 2")


def test_hugging_face_reads_it(run_cli: Runner, texts: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    out = make(run_cli, texts, tmp_path / "out", KEPT)
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache")).with_format("numpy")
    for name in ("input_ids", "attention_mask", "span", "source_start"):
        np.testing.assert_array_equal(np.stack([*loaded[name]]), columns(out)[name])


def check_rows(stored: Columns, whole: np.ndarray[tuple[int, ...], np.dtype[np.int64]], lengths: list[int]) -> None:
    """Each token is that of the parent that the row says, at its place; and shares count tokens of the base."""
    for row, (base, donor) in enumerate(stored["source_index"].tolist()):
        (start, stop), (_, moved) = stored["span"][row].tolist(), stored["source_start"][row].tolist()
        expected = whole[base].copy()
        expected[start:stop] = whole[donor][start + moved : stop + moved]
        np.testing.assert_array_equal(stored["input_ids"][row], expected)
        np.testing.assert_array_equal(stored["attention_mask"][row], np.arange(whole.shape[1]) < lengths[base])
        content = lengths[base] - 2
        assert stored["share"][row, 0] == pytest.approx(1 - (stop - start) / content, abs=2.0**-24)
        assert 1 <= start <= stop <= content + 1
        assert 1 <= start + moved <= stop + moved <= lengths[donor] - 1 or start == stop


@pytest.mark.parametrize("method", ["ssmix", "ssmix:part=0.5", "ssmix:alpha=1", "cutmix"])
def test_every_token_is_a_parents_at_its_place(run_cli: Runner, texts: Path, tmp_path: Path, method: str) -> None:
    stored = columns(make(run_cli, texts, tmp_path / "out", f"{READ} --method {method} --passes 20"))
    if method == "cutmix":
        stored["source_start"] = np.zeros((len(stored["span"]), 2), np.int64)
    assert stored["input_ids"].dtype == np.int32
    assert stored["attention_mask"].dtype == np.uint8
    check_rows(stored, *encoded(texts))
    assert len(np.unique(stored["span"], axis=0)) > 20


@pytest.mark.parametrize("options", ["", ":part=0.35", ":alpha=0.5"])
def test_ssmix_is_what_the_format_says(run_cli: Runner, texts: Path, tmp_path: Path, options: str) -> None:
    """Written again from docs/format.md, section 18."""
    given = f"{READ} --method ssmix{options} --passes 5 --seed 7"
    stored, lengths = columns(make(run_cli, texts, tmp_path / "out", given)), encoded(texts)[1]
    for row, (base, donor) in enumerate(stored["source_index"].tolist()):
        word = words(7, 2, 0, 8 * row, 8)
        n1, n2 = lengths[base] - 2, lengths[donor] - 2
        if "alpha" in options:
            lam = lam_of(0.5, 0.5, word[1])
            wanted = 0 if lam == 65536 else max(1, (2 * n1 * (65536 - lam) + 65536) // 131072)
        else:
            wanted = max(1, math.floor((0.35 if options else 0.1) * n1 + 0.5))
        length = min(wanted, n1, n2)
        start, theirs = 1 + below(word[3], n1 - length + 1), 1 + below(word[2], n2 - length + 1)
        assert stored["span"][row].tolist() == [start, start + length]
        assert stored["source_start"][row].tolist() == [0, theirs - start]


def test_mixup_keeps_the_tokens_of_all_parents(run_cli: Runner, texts: Path, tmp_path: Path) -> None:
    stored = columns(make(run_cli, texts, tmp_path / "out", f"{READ} --method mixup --alpha 1 --passes 4"))
    whole, lengths = encoded(texts)
    np.testing.assert_array_equal(stored["input_ids"], whole[stored["source_index"]])
    mask = np.arange(whole.shape[1]) < np.array(lengths)[stored["source_index"]][..., None]
    np.testing.assert_array_equal(stored["attention_mask"], mask)
    assert len(np.unique(stored["share"][:, 0])) > 20


def test_the_recipe_knows_the_tokenizer(run_cli: Runner, texts: Path, tmp_path: Path) -> None:
    out = make(run_cli, texts, tmp_path / "out", f"{READ} --method ssmix")
    assert [name for name, _ in manifest(out)["recipe"]["reading"]] == ["tokenizer", "length", "padding"]
    other = tmp_path / "other.json"
    other.write_text(json.dumps(json.loads(TOKENIZER.read_text()), indent=3))
    ended = run_cli("generate", texts, "-o", out, "--tokenizer", other, "--method", "ssmix")
    assert ended.returncode == 73
    assert "(reading.tokenizer was '" not in ended.stderr
    assert "(reading.tokenizer was 094b2450c6f5… and is " in ended.stderr


def test_texts_that_cannot_be_used_are_refused_or_left_out(run_cli: Runner, texts: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(texts.read_text() + ",person\n" + "who lives here?,\n")
    given = ["--tokenizer", TOKENIZER, "--method", "ssmix", "-o", tmp_path / "out"]
    ended = run_cli("generate", path, *given)
    assert ended.returncode == 65
    assert f"{path}, line 15: column label has no usable label (found: ''" in ended.stderr
    path.write_text(texts.read_text() + ",person\n")
    ended = run_cli("generate", path, *given)
    assert ended.returncode == 65
    assert f"{path}, line 14: has an empty text. Remove it, or pass --on-error skip." in ended.stderr
    path.write_text(texts.read_text() + ",person\n" + "who lives here?,\n")
    ended = run_cli("generate", path, *given, "--on-error", "skip")
    assert ended.returncode == 0
    assert f"left out 1 row without a label ({path}, line 15)" in ended.stderr
    skipped = manifest(tmp_path / "out")["source"]["skipped"]
    assert [(each["key"], each["reason"]) for each in skipped] == [("00014", "has an empty text")]


@pytest.mark.parametrize(
    ("options", "code", "found"),
    [
        ("--method fmix", 2, "Use mixup"),
        ("--method resizemix", 2, "it does not go with texts. Use mixup, cutmix"),
        ("--method ssmix --size 8", 2, "--size"),
        ("--method ssmix --flip 0.5", 2, "--flip"),
        ("--method ssmix --length 2", 2, "--length 2: the tokenizer adds 2 special tokens"),
        ("--method ssmix --labels-from x.csv", 2, "--labels-from"),
        ("--method ssmix --part 0.5", 2, "--part"),
        ("--method ssmix --encoding latin1", 2, "did you mean latin-1?"),
        ("--method ssmix --text-column answer", 2, "has no such column (found: question, label)"),
        ("--method ssmix --tokenizer no.json", 66, "no.json: no such file"),
    ],
)
def test_what_does_not_fit_is_refused(
    run_cli: Runner, texts: Path, tmp_path: Path, options: str, code: int, found: str
) -> None:
    ended = run_cli("generate", texts, "-o", tmp_path / "out", *READ.split(), *options.split())
    assert ended.returncode == code, ended.stderr
    assert found in ended.stderr
    assert not (tmp_path / "out").exists()


def test_ssmix_goes_with_texts_alone(run_cli: Runner, photos: Path, tmp_path: Path) -> None:
    ended = run_cli("generate", photos, "-o", tmp_path / "out", "--method", "ssmix")
    assert ended.returncode == 2
    assert "it does not go with images. Use mixup, cutmix" in ended.stderr
