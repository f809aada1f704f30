"""CIFAR as .tar.gz, .tar, binary version, extracted folder and class folders: the same samples, classes and pixels."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data_sets import Columns, columns, digests, manifest
from tests.running import Runner
from tests.unit.sources.cifar.cifar_archives import (
    FOLDERS,
    Form,
    Kind,
    cifar_files,
    names_of,
    tiny_batches,
    write_cifar,
)

VERSIONS: list[tuple[Form, str]] = [
    ("python", "c.tar.gz"),
    ("python", "c.tar"),
    ("python", "extracted"),
    ("binary", "b.tar.gz"),
    ("binary", "b.tar"),
    ("binary", "extracted-binary"),
]


def written(kind: Kind, form: Form, path: Path) -> Path:
    return write_cifar(path, cifar_files(kind, form), FOLDERS[kind, form])


@pytest.mark.parametrize(("kind", "samples"), [("10", 20), ("100", 7)])
def test_every_version_gives_the_same_shards(kind: Kind, samples: int, run_cli: Runner, tmp_path: Path) -> None:
    made = []
    for form, name in VERSIONS:
        source = written(kind, form, tmp_path / name)
        facts = json.loads(run_cli("inspect", source, "--json", cwd=tmp_path).stdout)
        assert facts["samples"] == samples
        out = tmp_path / f"out-{name}"
        assert run_cli("generate", source, "-o", out).returncode == 0
        assert manifest(out)["class_names"] == names_of(kind)
        made.append(digests(out)["shard-00000.h5"])
    assert len(set(made)) == 1


def test_coarse_and_fine_are_of_the_same_pixels(run_cli: Runner, tmp_path: Path) -> None:
    source = written("100", "python", tmp_path / "c.tar.gz")
    for level in ("fine", "coarse"):
        run_cli("generate", source, "--label-level", level, "-o", tmp_path / level)
    fine, coarse = columns(tmp_path / "fine"), columns(tmp_path / "coarse")
    assert (fine["images"] == coarse["images"]).all()
    assert (fine["source_label"] // 5 == coarse["source_label"]).all()


def test_class_folders_hold_the_same_samples(run_cli: Runner, tmp_path: Path) -> None:
    archive = written("10", "python", tmp_path / "c.tar.gz")
    for name in names_of("10"):
        (tmp_path / "folder" / name).mkdir(parents=True)
    for stem, batch in tiny_batches("10").items():
        for row in range(len(batch.fine)) if stem != "test_batch" else ():
            picture = Image.fromarray(batch.pixels[row].reshape(3, 32, 32).transpose(1, 2, 0))
            picture.save(tmp_path / "folder" / names_of("10")[batch.fine[row]] / f"{stem}-{row}.png")
    for source in (archive, tmp_path / "folder"):
        run_cli("generate", source, "--alpha", 0, "-o", tmp_path / f"out-{source.name}", "--keep-originals")
    left, right = (tmp_path / name for name in ("out-c.tar.gz", "out-folder"))
    assert manifest(left)["totals"]["samples"] == manifest(right)["totals"]["samples"] == 40
    assert contents(columns(left), manifest(left)["class_names"]) == contents(
        columns(right), manifest(right)["class_names"]
    )


def contents(there: Columns, names: list[str]) -> Counter[tuple[str, bytes]]:
    """Class name and pixels of every row, in no order."""
    classes = np.argmax(there["labels"], axis=1)
    return Counter((names[number], image.tobytes()) for number, image in zip(classes, there["images"], strict=True))
