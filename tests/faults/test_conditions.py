"""Conditions that change: between a run and the one that continues it, and while a run is under way."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mixup_cli import Listener, Recipe, Run, SourceOptions, open_source
from mixup_cli.checks.verify import verify
from mixup_cli.errors import DataError
from mixup_cli.fields.target import Survey
from mixup_cli.runs.generate import generate
from mixup_cli.sources.pictures import source as pictures
from mixup_cli.sources.reading import stored_files
from tests.data_sets import digests
from tests.running import Runner, error_line, interrupted_at_the_end
from tests.small_sources import write_arrays, write_colours
from tests.unit.sources.cifar.cifar_archives import Batch, binary_batch, write_cifar

Interrupted = Callable[..., Path]


@pytest.fixture
def interrupted(run_cli: Runner, tmp_path: Path) -> Interrupted:
    """Makes an unfinished data set that lacks its manifest alone."""

    def run(*command: object) -> Path:
        with interrupted_at_the_end():
            ended = run_cli("generate", *command, "-o", tmp_path / "out", cwd=tmp_path)
        assert ended.returncode == 130, ended.stderr
        return tmp_path / "out"

    return run


def without_shards(out: Path) -> Path:
    """The same unfinished data set, with all of its rows still to be made."""
    shutil.rmtree(out / ".mixup-gen/done")
    return out


def add(root: Path) -> None:
    shutil.copy(root / "red/0.png", root / "red/9.png")


def remove(root: Path) -> None:
    (root / "green/3.png").unlink()


def rename(root: Path) -> None:
    (root / "red").rename(root / "rot")


def change_one_bit(root: Path) -> None:
    data = bytearray((root / "blue/2.png").read_bytes())
    data[-1] ^= 1
    (root / "blue/2.png").write_bytes(data)


CHANGES = [
    (add, "red/9.png is new"),
    (remove, "green/3.png is gone"),
    (rename, "red/0.png is gone"),
    (change_one_bit, "blue/2.png has other content"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
@pytest.mark.parametrize("part", [[], ["--part", "2/2"]], ids=["resumed", "by another part"])
def test_a_changed_source_is_refused_by_its_first_difference(
    change: Callable[[Path], None],
    told: str,
    part: list[str],
    interrupted: Interrupted,
    run_cli: Runner,
    tmp_path: Path,
) -> None:
    source = write_colours(tmp_path / "colours")
    out = without_shards(interrupted(source))
    before = digests(out)
    change(source)
    refused = run_cli("generate", source, "--on-error", "skip", *part, "-o", out)
    assert refused.returncode == 73
    message = error_line(refused)
    assert f"was made from another source ({told}" in message
    assert digests(out) == before


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_no_missing_row_needs_is_compared_by_name_and_size_alone(
    change: Callable[[Path], None], told: str, interrupted: Interrupted, run_cli: Runner, tmp_path: Path
) -> None:
    source = write_colours(tmp_path / "colours")
    out = interrupted(source)
    change(source)
    ended = run_cli("generate", source, "-o", out)
    assert (ended.returncode, f"was made from another source ({told}" in ended.stderr) == (
        (0, False) if change is change_one_bit else (73, True)
    )
    if change is change_one_bit:
        assert run_cli("verify", out).returncode == 0


@pytest.mark.parametrize("is_finished", [False, True])
def test_another_decoder_is_refused_with_both_versions(
    is_finished: bool, interrupted: Interrupted, run_cli: Runner, colours: Path, tmp_path: Path
) -> None:
    if is_finished:
        run_cli("generate", colours, "-o", tmp_path / "out")
    out = tmp_path / "out" if is_finished else interrupted(colours)
    written = out / ("run.json" if is_finished else ".mixup-gen/recipe.json")
    plain = json.loads(written.read_bytes())
    now = plain["versions"]["pillow"]
    plain["versions"]["pillow"], plain["pixel_fingerprint"] = "9.0.0", "0" * 64
    written.write_text(json.dumps(plain))
    before = digests(out, but=())
    refused = run_cli("generate", colours, "--passes", 2, "-o", out)
    assert refused.returncode == 73
    assert f"was begun where images decode to other pixels (pillow 9.0.0 then, {now} now)" in error_line(refused)
    assert digests(out, but=()) == before
    assert run_cli("generate", colours, "--passes", 2, "-o", out, "--force").returncode == 0


@pytest.mark.parametrize("part", [[], ["--part", "1/2"]], ids=["resumed", "by another part"])
def test_the_same_numbers_as_another_kind_of_label_are_refused(
    part: list[str], interrupted: Interrupted, run_cli: Runner, tmp_path: Path
) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((8, 4, 4, 3), np.uint8), y=np.eye(2, dtype=np.float32)[np.arange(8) % 2])
    out = interrupted(tmp_path / "a.npz", "--label-kind", "multi")
    refused = run_cli("generate", tmp_path / "a.npz", "--label-kind", "real", *part, "-o", out)
    assert refused.returncode == 73
    assert "was made from other labels (multi (" in error_line(refused)
    assert ") then, real (" in error_line(refused)
    assert run_cli("generate", tmp_path / "a.npz", "--label-kind", "multi", "-o", out).returncode == 0


def test_what_an_earlier_version_has_begun_is_continued(
    interrupted: Interrupted, run_cli: Runner, colours: Path
) -> None:
    """Its recipe.json does not hold rows and labels."""
    out = interrupted(colours)
    written = out / ".mixup-gen/recipe.json"
    plain = json.loads(written.read_bytes())
    for name in ("rows", "label_kind", "class_names"):
        del plain[name]
    written.write_text(json.dumps(plain))
    ended = run_cli("generate", colours, "-o", out)
    assert ended.returncode == 0, ended.stderr
    assert "(resumed: 0 made now)" in ended.stderr


def test_a_picture_that_changes_while_it_is_read_ends_the_run(
    run_cli: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_colours(tmp_path / "colours")
    whole, place = stored_files._whole, source / "green" / "2.png"

    def slowly(file: int, size_bytes: int) -> bytes:
        data = whole(file, size_bytes)
        if os.fstat(file).st_ino == place.stat().st_ino:
            with place.open("ab") as writer:
                writer.write(b"more")
        return data

    monkeypatch.setattr(
        pictures.PictureSource, "survey", lambda *_: Survey(Counter({(6, 8): 12}), Counter({"uint8": 12}))
    )
    monkeypatch.setattr(stored_files, "_whole", slowly)
    refused = run_cli("generate", source, "--on-error", "skip", cwd=tmp_path)
    assert refused.returncode == 65
    assert error_line(refused).startswith("green/2.png: changed while it was read. Stop what writes to it")
    assert not (tmp_path / "mixup-out").exists()


@pytest.mark.parametrize("suffix", ["npy", "h5"])
def test_an_array_file_that_changes_before_it_is_scanned_ends_the_run(suffix: str, tmp_path: Path) -> None:
    """Its labels were read before, its samples would be read after the change."""
    path = tmp_path / f"x.{suffix}"
    values = np.zeros((8, 4, 4, 3), np.uint8)
    if suffix == "npy":
        np.save(path, values)
    else:
        import h5py

        with h5py.File(path, "w") as file:
            file["x"] = values
    source = open_source([path], SourceOptions(label_kind="none"))
    with path.open("r+b") as writer:
        writer.seek(-1, os.SEEK_END)
        writer.write(b"\x07")
    with pytest.raises(DataError, match=rf"x\.{suffix}: changed while it was read"):
        generate(source, Recipe(), Run(out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


class Meddler(Listener):
    """Changes a file once mixing has begun, and keeps the notices."""

    def __init__(self, change: Callable[[], object]) -> None:
        self.told: list[str] = []
        self._change = change

    def notice(self, text: str) -> None:
        self.told.append(text)

    def begin(self, stage: str, total: int, unit: str, done: int = 0) -> None:
        if stage == "mix":
            self._change()


@pytest.mark.parametrize(("change", "name"), [(change_one_bit, "blue/2.png"), (remove, "green/3.png")])
@pytest.mark.parametrize(("sources", "prefix"), [(1, ""), (2, "1:")])
def test_a_source_that_changes_after_it_was_read_is_told(
    sources: int, prefix: str, change: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    """What was made is what was read, and sources.csv says so."""
    whole = write_colours(tmp_path / "whole")
    roots = [write_colours(tmp_path / f"source-{number}") for number in range(sources)]
    listener = Meddler(lambda: change(roots[-1]))
    generate(open_source(roots), Recipe(), Run(out=tmp_path / "out"), listener)
    (told,) = [text for text in listener.told if "has changed since it was read" in text]
    assert told.startswith(f"{prefix}{name} has changed")
    generate(open_source([whole] * sources), Recipe(), Run(out=tmp_path / "expected"))
    assert digests(tmp_path / "out") == digests(tmp_path / "expected")


def test_an_array_file_that_changes_after_it_was_read_is_told(tmp_path: Path) -> None:
    path = write_arrays(tmp_path / "a.npz")
    listener = Meddler(lambda: path.write_bytes(b"else"))
    generate(open_source([path]), Recipe(), Run(out=tmp_path / "out"), listener)
    assert any(text.startswith(f"{path} has changed since it was read") for text in listener.told)


def test_a_source_that_stays_as_it_is_is_no_news(colours: Path, tmp_path: Path) -> None:
    listener = Meddler(lambda: None)
    generate(open_source([colours]), Recipe(), Run(out=tmp_path / "out"), listener)
    assert not [text for text in listener.told if "has changed" in text]


Change = Callable[[Path], object]


@dataclass(frozen=True)
class Kind:
    """A kind of source: `make` writes it and returns its path, `change` makes it another one, and `told` is what the
    refusal then names."""

    make: Callable[[Path], Path]
    change: Change
    told: str


def arrays_npz(root: Path) -> Path:
    return write_arrays(root / "a.npz")


def brighter(path: Path) -> None:
    """Another value in sample 7, in a file of the same size."""
    with np.load(path) as stored:
        x, y = stored["x"], stored["y"]
    x[7] ^= 1
    np.savez(path, x=x, y=y)


def relabelled(path: Path) -> None:
    with np.load(path) as stored:
        x, y = stored["x"], stored["y"]
    y[3] = (y[3] + 1) % 4
    np.savez(path, x=x, y=y)


def longer(path: Path) -> None:
    write_arrays(path, count=44)


def cifar(root: Path, value: int = 7) -> Path:
    """CIFAR-10 as a tar, of two samples; `value` is of the second's first pixel."""
    pixels = np.zeros((2, 3072), np.uint8)
    pixels[1, 0] = value
    files = {"data_batch_1.bin": binary_batch("10", Batch(pixels, [0, 1], []))}
    return write_cifar(root / "cifar.tar", files, "cifar-10-batches-bin")


def idx(root: Path) -> Path:
    values = np.random.default_rng(3).integers(0, 256, (6, 5, 5), np.uint8)
    path = root / "train-images-idx3-ubyte"
    path.write_bytes(struct.pack(">HBB3I", 0, 8, 3, *values.shape) + values.tobytes())
    (root / "train-labels-idx1-ubyte").write_bytes(struct.pack(">HBBI", 0, 8, 1, 6) + bytes([0, 1, 0, 1, 0, 1]))
    return path


def last_byte_changed(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


def with_metadata(root: Path) -> Path:
    source = write_colours(root / "colours")
    rows = [path.relative_to(source).as_posix() for path in sorted(source.glob("*/*.png"))]
    (source / "metadata.csv").write_text("file_name,label\n" + "".join(f"{name},{name[0]}\n" for name in rows))
    return source


def other_label(source: Path) -> None:
    path = source / "metadata.csv"
    path.write_text(path.read_text().replace("green/2.png,g", "green/2.png,b"))


def one_row_less(source: Path) -> None:
    path = source / "metadata.csv"
    path.write_text(path.read_text().replace("green/2.png,g\n", ""))


def finished_one(root: Path, seed: int = 0) -> Path:
    generate(open_source([write_arrays(root / "b.npz")]), Recipe(seed=seed), Run(out=root / "mixed"))
    return root / "mixed"


def made_anew(source: Path) -> None:
    shutil.rmtree(source)
    finished_one(source.parent, seed=1)


KINDS = {
    "npz, pixels": Kind(arrays_npz, brighter, "00007 has other content than before"),
    "npz, labels": Kind(arrays_npz, relabelled, "00003 was of class '3' and is of '0'"),
    "npz, longer": Kind(arrays_npz, longer, "00040 is new"),
    "CIFAR tar": Kind(cifar, lambda path: cifar(path.parent, 8), "data_batch_1/00001 has other content than before"),
    "IDX, pixels": Kind(idx, last_byte_changed, "00005 has other content than before"),
    "IDX, labels": Kind(
        idx, lambda path: last_byte_changed(path.parent / "train-labels-idx1-ubyte"), "00005 was of class '1' and is of"
    ),
    "metadata.csv, a label": Kind(with_metadata, other_label, "green/2.png was of class 'g' and is of 'b'"),
    "metadata.csv, a row less": Kind(with_metadata, one_row_less, "green/2.png is gone"),
    "a finished data set": Kind(finished_one, made_anew, "00000 has "),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_that_changes_before_a_resume_is_refused(
    kind: str, interrupted: Interrupted, run_cli: Runner, tmp_path: Path
) -> None:
    source = KINDS[kind].make(tmp_path)
    out = without_shards(interrupted(source))
    before = digests(out)
    KINDS[kind].change(source)
    refused = run_cli("generate", source, "-o", out)
    assert refused.returncode == 73
    assert f"was made from another source ({KINDS[kind].told}" in error_line(refused)
    assert digests(out) == before


@pytest.mark.parametrize("make", [arrays_npz, cifar, idx])
def test_an_archive_or_array_file_that_changes_while_it_is_read(
    make: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in memory by then (an archive, whose sum was checked) is what was there, and the change is told at the
    end; what is read where it lies ends the run, since nobody knows of what time it is."""
    path = make(tmp_path)
    source = open_source([path])
    load = type(source).load

    def slowly(self: Any, *rest: Any) -> Any:
        last_byte_changed(path)
        return load(self, *rest)

    monkeypatch.setattr(type(source), "load", slowly)
    listener = Meddler(lambda: None)
    if make is cifar:
        generate(source, Recipe(), Run(out=tmp_path / "out"), listener)
        assert any(text.startswith(f"{path} has changed since it was read") for text in listener.told)
        assert verify(tmp_path / "out") == []
    else:
        with pytest.raises(DataError, match=rf"{path.name}: changed while it was read\. Stop what writes to it"):
            generate(source, Recipe(), Run(out=tmp_path / "out"), listener)
        assert not (tmp_path / "out").exists()
