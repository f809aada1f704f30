"""The script that a user writes today for detection: a DataLoader whose workers read photographs with their boxes,
make mosaics or mixup of them with torchvision, and h5py.

objects_torchvision.py FOLDER ANNOTATIONS.json FILE.h5 mosaic|mixup --samples N --workers W

Boxes are torchvision's, resized and clamped by it. Nothing is hashed or synced.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.io import decode_jpeg, read_file
from torchvision.transforms import v2
from torchvision.tv_tensors import BoundingBoxes, Image

SIDE = 640
PLACES = 40
"""Boxes stored for each row, at most."""


class Mixed(Dataset[tuple[Tensor, Tensor]]):
    """Rows of 640 × 640, each with its boxes: x1, y1, x2, y2, class and weight."""

    def __init__(self, folder: Path, annotations: Path, kind: str, count: int) -> None:
        content = json.loads(annotations.read_text())
        self._files = [str(folder / image["file_name"]) for image in content["images"]]
        places = {image["id"]: number for number, image in enumerate(content["images"])}
        self._boxes: list[list[list[float]]] = [[] for _ in self._files]
        for each in content["annotations"]:
            x, y, width, height = each["bbox"]
            self._boxes[places[each["image_id"]]].append([x, y, x + width, y + height, each["category_id"]])
        self._kind, self._count = kind, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        draw = np.random.default_rng(row)
        return self._mosaic(row, draw) if self._kind == "mosaic" else self._mixup(row, draw)

    def _one(self, number: int) -> tuple[Tensor, Tensor]:
        """A picture whose longer side is 640, and its boxes with class and weight."""
        stored = torch.tensor(self._boxes[number % len(self._files)])
        pixels = Image(decode_jpeg(read_file(self._files[number % len(self._files)])))
        boxes = BoundingBoxes(stored[:, :4], format="XYXY", canvas_size=pixels.shape[-2:])
        scale = SIDE / max(pixels.shape[-2:])
        size = [round(side * scale) for side in pixels.shape[-2:]]
        pixels, boxes = v2.functional.resize(pixels, size), v2.functional.resize(boxes, size)
        return pixels, torch.cat([boxes, stored[:, 4:], torch.ones(len(stored), 1)], 1)

    def _mosaic(self, row: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        canvas = torch.full((3, SIDE, SIDE), 114, dtype=torch.uint8)
        y, x = draw.integers(int(0.3 * SIDE), int(0.7 * SIDE), 2).tolist()
        found = []
        for quarter, number in enumerate([row, *draw.integers(0, len(self._files), 3).tolist()]):
            pixels, boxes = self._one(number)
            height, width = pixels.shape[-2:]
            top, left = y if quarter >= 2 else y - height, x if quarter % 2 else x - width
            rows = slice(max(top, 0, y if quarter >= 2 else 0), min(top + height, SIDE if quarter >= 2 else y))
            columns = slice(max(left, 0), min(left + width, SIDE if quarter % 2 else x))
            canvas[:, rows, columns] = pixels[
                :, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
            boxes[:, :4] += torch.tensor([left, top, left, top])
            low = torch.tensor([columns.start, rows.start])
            high = torch.tensor([columns.stop, rows.stop])
            boxes[:, :2], boxes[:, 2:4] = boxes[:, :2].clamp(low, high), boxes[:, 2:4].clamp(low, high)
            found.append(boxes[((boxes[:, 2:4] - boxes[:, :2]) > 1).all(1)])
        return canvas, _padded(torch.cat(found))

    def _mixup(self, row: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        lam, canvas, found = float(draw.beta(1.5, 1.5)), torch.zeros(3, SIDE, SIDE), []
        for number, weight in ((row, lam), (int(draw.integers(len(self._files))), 1 - lam)):
            pixels, boxes = self._one(number)
            canvas[:, : pixels.shape[1], : pixels.shape[2]] += weight * pixels
            boxes[:, 5] = weight
            found.append(boxes)
        return canvas.round().to(torch.uint8), _padded(torch.cat(found))


def _padded(boxes: Tensor) -> Tensor:
    room = torch.zeros(PLACES, 6)
    room[: len(boxes)] = boxes[:PLACES]
    return room


def main() -> None:
    """Write the rows, batch after batch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("kind", choices=("mosaic", "mixup"))
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = Mixed(given.folder, given.annotations, given.kind, given.samples)
    loader: Any = DataLoader(data, 16, num_workers=given.workers)
    with h5py.File(given.file, "w") as file:
        images = file.create_dataset("images", (given.samples, 3, SIDE, SIDE), np.uint8)
        boxes = file.create_dataset("boxes", (given.samples, PLACES, 6), np.float32)
        start = 0
        for pixels, objects in loader:
            images[start : start + len(pixels)], boxes[start : start + len(pixels)] = pixels.numpy(), objects.numpy()
            start += len(pixels)


if __name__ == "__main__":
    main()
