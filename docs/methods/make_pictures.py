"""Draws the pictures of README.md and docs/methods.md, in a second or two each: `python docs/methods/make_pictures.py`
from anywhere.

Each is what `mixup-gen preview` draws, with its colours in a palette, which makes it a third of the size.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
PHOTOS = HERE.parents[1] / "sample_data" / "photos"
OBJECTS = HERE.parents[1] / "sample_data" / "objects"
SOUNDS = HERE.parents[1] / "sample_data" / "sounds"
SOURCES = {
    "classmix": OBJECTS,
    "copypaste": OBJECTS / "annotations.json",
    **dict.fromkeys(("bc", "snr", "specmix"), SOUNDS),
}
"""What is mixed, where it is not the sample photographs."""

TEXTS = HERE.parents[1] / "sample_data" / "texts"
CAPTIONS = (
    *("--task", "caption", "--tokenizer", str(TEXTS / "tokenizer.json")),
    *("--labels-from", str(TEXTS / "captions.csv")),
)

PROGRAM = Path(sys.executable).with_name("mixup-gen")

COMMON = ("--seed", "346", "--rows", "3")
SIZE = ("--size", "128")
"""This seed's first rows are of different classes, and their lam are neither all large nor all small."""

PICTURES = {
    "at-a-glance": ("--method", "mixup,cutmix,fmix", "--size", "150", "--seed", "631"),
    "mixup": ("--method", "mixup", "--alpha", "1"),
    "cutmix": ("--method", "cutmix"),
    "cutout": ("--method", "cutout"),
    "erase": ("--method", "erase:fill=noise"),
    "resizemix": ("--method", "resizemix"),
    "fmix": ("--method", "fmix"),
    "gridmix": ("--method", "gridmix"),
    "smoothmix": ("--method", "smoothmix"),
    "saliencymix": ("--method", "saliencymix"),
    "mosaic": ("--method", "mosaic"),
    "dirichlet": ("--method", "dirichlet:alpha=1"),
    "zetamix": ("--method", "zetamix"),
    "jigsaw": ("--method", "jigsaw"),
    "classmix": ("--method", "classmix", "--task", "segment"),
    "copypaste": ("--method", "copypaste", "--task", "segment", "--size", "112"),
    "bc": ("--method", "bc"),
    "snr": ("--method", "snr:low=5:high=10"),
    "specmix": ("--method", "specmix", "--features", "logmel:64:window=0.05:hop=0.0125"),
    "mixgen": ("--method", "mixgen", *CAPTIONS),
    "views": ("--method", "cutmix", "--random-resized-crop", "--flip", "0.5"),
    "linear-light": ("--method", "mixup", "--alpha", "1", "--linear-light"),
}

LARGEST_BYTES = 120_000
COLOURS = (256, 192, 128, 96, 64)
"""As many as keep a picture below that."""


def main() -> None:
    """Draw them all."""
    with TemporaryDirectory() as scratch:
        for name in PICTURES:
            (HERE / f"{name}.png").write_bytes(with_palette(drawn(name, Path(scratch))))


def drawn(name: str, folder: Path) -> Path:
    """A picture as `mixup-gen preview` draws it, in a folder."""
    path = folder / f"{name}.png"
    source = SOURCES.get(name, PHOTOS)
    size = () if source == SOUNDS else SIZE
    command = [PROGRAM, "preview", source, "--quiet", *COMMON, *size, *PICTURES[name], "-o", path]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  # our own program
    return path


def with_palette(path: Path) -> bytes:
    """A picture as a PNG of few colours, of which the first is the page's white."""
    with Image.open(path) as picture:
        is_page = (np.asarray(picture) == 255).all(axis=2)
        for colours in COLOURS:
            palette = picture.quantize(colours - 1, Image.Quantize.MAXCOVERAGE, kmeans=1)
            chosen = picture.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            page = Image.fromarray(np.where(is_page, 0, np.asarray(chosen) + 1).astype(np.uint8))
            page.putpalette([255, 255, 255, *(palette.getpalette() or [])][:768])
            file = io.BytesIO()
            page.save(file, "PNG", optimize=True)
            if file.tell() < LARGEST_BYTES:
                break
    return file.getvalue()


if __name__ == "__main__":
    main()
