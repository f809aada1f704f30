"""Data sets of images with captions: the same bytes whatever happens, and every token at its place."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.data_sets import columns, manifest
from tests.end_to_end.whatever_happens import check_how, check_killed, check_repaired, make
from tests.labelled_texts import TOKENIZER
from tests.running import Runner
from tests.small_captions import CAPTIONS, READ, images, write_captioned

ALL = f"{READ} --method mixgen,mixup,cutmix,mosaic,cutout,none --keep-originals --length 24"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captioned(tmp_path_factory.mktemp("captions") / "pictures")


def test_the_same_bytes_however_it_is_carried_out(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    check_how(run_cli, pictures, tmp_path, ALL)


def test_killed_and_grown_it_is_the_same(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    check_killed(run_cli, pictures, tmp_path, ALL)


def test_it_is_verified_and_repaired(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    check_repaired(run_cli, pictures, tmp_path, f"{ALL} --passes 2")


def by_hand(text: str, length: int) -> tuple[list[int], list[int]]:
    """The tokens of a text, cut before the last special one and padded, and where there are any."""
    ids = Tokenizer.from_file(str(TOKENIZER)).encode(text).ids
    ids = ids if len(ids) <= length else [*ids[: length - 1], ids[-1]]
    return ids + [0] * (length - len(ids)), [1] * len(ids) + [0] * (length - len(ids))


def test_every_token_is_at_its_place(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    """As the tokenizer takes apart the captions with a space between them: of all parents that are seen, and of no
    other."""
    stored = columns(make(run_cli, pictures, tmp_path / "out", ALL, "--passes 4"))
    texts, seen = [*CAPTIONS.values()], set()
    for row, (parents, share) in enumerate(zip(stored["source_index"], stored["share"], strict=True)):
        used = [parent for parent, part in zip(parents.tolist(), share.tolist(), strict=True) if part > 0]
        ids, mask = by_hand(" ".join(texts[each] for each in used), 24)
        assert stored["input_ids"][row].tolist() == ids
        assert stored["attention_mask"][row].tolist() == mask
        seen.add((len(used), sum(mask)))
    assert {count for count, _ in seen} >= {1, 2, 4}
    assert max(tokens for _, tokens in seen) == 24  # some are cut
    assert stored["input_ids"].dtype == np.int32
    assert stored["attention_mask"].dtype == np.uint8


def test_mixgen_averages_two_images(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    out = make(run_cli, pictures, tmp_path / "out", f"{READ} --method mixgen --passes 2")
    stored, originals = columns(out), columns(make(run_cli, pictures, tmp_path / "none", f"{READ} --method none"))
    order = np.argsort(originals["source_index"][:, 0])
    base, donor = originals["images"][order].astype(int)[stored["source_index"].T]
    np.testing.assert_array_equal(stored["images"], (base + donor + 1) // 2)
    assert (stored["share"] == 0.5).all()
    assert (stored["source_index"][:, 0] != stored["source_index"][:, 1]).all()
    lengths = [sum(by_hand(text, 99)[1]) - 2 for text in CAPTIONS.values()]
    assert stored["input_ids"].shape[1] == 2 * max(lengths) + 2  # nothing is cut
    card = (out / "README.md").read_text()
    assert "Each row is a mix of source samples, with the caption that belongs to it." in card
    assert "the captions of all parents that have a share, one after the other |" in card
    third = columns(make(run_cli, pictures, tmp_path / "third", f"{READ} --method mixgen:lam=0.25"))
    assert (third["share"] == [0.25, 0.75]).all()


def test_a_hash_knows_the_caption(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    """Written again from docs/format.md, section 19."""
    out = make(run_cli, pictures, tmp_path / "out", READ)
    ids = Tokenizer.from_file(str(TOKENIZER)).encode("a spider", add_special_tokens=False).ids
    of_caption = hashlib.sha256(b"a spider\0" + np.array(ids, "<i4").tobytes()).digest()
    expected = hashlib.sha256(hashlib.sha256(images()["01.png"]).digest() + of_caption).hexdigest()
    with (out / "sources.csv").open(newline="") as file:
        assert next(row for row in csv.DictReader(file) if row["key"] == "01.png")["sha256"] == expected


def test_kept_samples_do_not_keep_captions(run_cli: Runner, tmp_path: Path) -> None:
    folder, how = write_captioned(tmp_path / "pictures"), f"{READ} --length 20 --cache disk"
    before = manifest(make(run_cli, folder, tmp_path / "a", how))["source"]["fingerprint"]
    write_captioned(folder, {**CAPTIONS, "03.png": "another"})
    after = manifest(make(run_cli, folder, tmp_path / "b", how))["source"]["fingerprint"]
    assert before != after
    assert after == manifest(make(run_cli, folder, tmp_path / "c", f"{READ} --length 20"))["source"]["fingerprint"]


def test_captions_that_cannot_be_used_are_refused_or_left_out(run_cli: Runner, tmp_path: Path) -> None:
    bad = {"01.png": "", "02.png": "  ", "05.png": "\u200b" * 3, "07.png": "so " * 9000}
    folder = write_captioned(tmp_path / "pictures", {**CAPTIONS, **bad})
    given = ["generate", folder, "-q", *READ.split(), "--length", 30, "-o", tmp_path / "out"]
    ended = run_cli(*given)
    assert ended.returncode == 65
    assert "01.png: has an empty caption. Remove it, or pass --on-error skip." in ended.stderr
    assert run_cli(*given, "--on-error", "skip").returncode == 0
    skipped = {each["key"]: each["reason"] for each in manifest(tmp_path / "out")["source"]["skipped"]}
    assert skipped.pop("05.png", "has a caption without tokens").startswith("has a caption without tokens")
    assert skipped == dict.fromkeys(("01.png", "02.png"), "has an empty caption")
    (folder / "metadata.csv").write_bytes(b"file_name,text\n00.png,caf\xe9\n")
    ended = run_cli(*given[:-1], tmp_path / "other")
    assert ended.returncode == 65
    assert "metadata.csv, line 2: is not UTF-8 text (byte 11 is 0xe9" in ended.stderr


@pytest.mark.parametrize(
    ("options", "code", "found"),
    [
        ("--task caption", 2, "--task caption needs a tokenizer, which makes numbers of captions. Pass --tokenizer "),
        ("--method mixgen", 2, "these are not read. Pass --task caption and --tokenizer tok"),
        (f"--tokenizer {TOKENIZER}", 2, "Pass --task caption for images, or --task text."),
        (f"--task classify --tokenizer {TOKENIZER}", 2, "images with metadata, where --tokenizer has no effect"),
        (f"{READ} --method ssmix", 2, "it does not go with images with captions. Use mixup, cutmix"),
        (f"{READ} --encode png", 2, "input_ids stands beside them"),
        (f"{READ} --length 2", 2, "--length 2: the tokenizer adds 2 special tokens"),
        (f"{READ} --text-column nix", 2, "has no such column (found: text)"),
        (f"{READ}.no", 66, "no such file"),
    ],
)
def test_what_does_not_fit_is_refused(
    run_cli: Runner, pictures: Path, tmp_path: Path, options: str, code: int, found: str
) -> None:
    ended = run_cli("generate", pictures, "-o", tmp_path / "out", *options.split())
    assert ended.returncode == code, ended.stderr
    assert found in ended.stderr
    assert not (tmp_path / "out").exists()


def test_joined_captions_are_not_mixed_again(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    out = make(run_cli, pictures, tmp_path / "out", READ)
    ended = run_cli("generate", out / "manifest.json", "-o", tmp_path / "again")
    assert ended.returncode == 65
    assert "its samples have captions, which cannot be mixed again" in ended.stderr


def test_hugging_face_and_pytorch_read_it(run_cli: Runner, pictures: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    from torch.utils.data import DataLoader

    from mixup_cli.readers.pytorch import MixedDataset

    out = make(run_cli, pictures, tmp_path / "out", f"{READ} --method mixgen")
    stored = columns(out)
    loaded = datasets.load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache")).with_format("numpy")
    (shown, ids, mask), *_ = DataLoader(MixedDataset(out), batch_size=12)
    assert shown.shape == (12, 3, 6, 8)
    for name, batch in (("input_ids", ids), ("attention_mask", mask)):
        np.testing.assert_array_equal(np.stack([*loaded[name]]), stored[name])
        np.testing.assert_array_equal(batch.numpy(), stored[name])
