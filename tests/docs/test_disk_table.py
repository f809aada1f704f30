"""The cookbook's table of disk space is what the columns of such data sets come to, and README quotes it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import Signal
from mixup_cli.methods import parent_count, resolve
from mixup_cli.mixing.columns import columns_of
from mixup_cli.recipe import MethodChoice, Recipe

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cookbook.md").read_text()
ROW = re.compile(
    r"^\| .*: ([\d,]+) samples of (\d+) × (\d+), ([\d,]+) classes "
    r"\| ([\d,]+) bytes \| ([\d,.]+) GB \| ([\d,.]+) GB \|$",
    re.MULTILINE,
)


def row_bytes(height: int, width: int, class_count: int) -> int:
    recipe = Recipe(methods=resolve([MethodChoice("mixup")]), dtype="uint8")
    labels = Labels(tuple(map(str, range(class_count))), np.zeros(1, np.int32))
    images = Signal("images", "uint8", (height, width, 3), "hwc")
    columns = columns_of(recipe, [images], labels, parent_count(recipe.methods))
    return sum(column.row_bytes for column in columns)


def test_the_table_of_disk_space() -> None:
    found = [[cell.replace(",", "") for cell in row] for row in ROW.findall(PAGE)]
    assert [int(row[0]) for row in found] == [50_000, 1_281_167]
    for samples, height, width, classes, each, one, ten in found:
        wanted = row_bytes(int(height), int(width), int(classes))
        assert int(each) == wanted
        for passes, shown in ((1, one), (10, ten)):
            digits = len(shown.partition(".")[2])
            assert shown == f"{passes * int(samples) * wanted / 1e9:.{digits}f}"


def test_readme_quotes_the_table() -> None:
    text = " ".join((ROOT / "README.md").read_text().split())
    (*_, cifar, _), (*_, imagenet, _) = ROW.findall(PAGE)
    assert f"takes {cifar} GB for CIFAR-10, and {imagenet} GB for ImageNet-1k at 224 × 224" in text
