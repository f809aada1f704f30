"""Writes small folders of pictures, and opens them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from mixup_cli.sources.pictures.folder import open_folder
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.base import SourceOptions


def pictures(root: Path, *names: str, size: tuple[int, int] = (2, 3)) -> None:
    """Write one-colour pictures of `size` (width, height); the n-th has level n."""
    for level, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (level, level, level)).save(path, "PNG")


def classes(source: PictureSource) -> list[str]:
    assert source.labels.classes is not None
    return [source.labels.class_names[index] for index in source.labels.classes]


def open_it(root: Path, split: str | None = None, label_column: str | None = None) -> PictureSource:
    return open_folder(root, SourceOptions(split=split, label_column=label_column))
