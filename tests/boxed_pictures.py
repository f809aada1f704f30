"""Pictures with objects, in COCO's files: rectangles of one colour each, on black, that stand in whole pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (40, 48)
"""Height and width of the pictures."""

CLASSES = ("cup", "dog", "kite")
POINTS = ("left_eye", "right_eye", "nose")


def colour_of(picture: int, class_number: int) -> tuple[int, int, int]:
    """The colour of the object of a class in a picture. No other object has it."""
    return 20 + 5 * picture, 60 + 60 * class_number, 255


def places_of(picture: int) -> list[tuple[int, int, int, int]]:
    """The boxes in a picture, x1, y1, x2, y2, one for each class. They do not touch."""
    draw = np.random.default_rng(picture)
    boxes = []
    for left in (1, 17, 33):
        x, y = left + int(draw.integers(0, 4)), int(draw.integers(0, 24))
        boxes.append((x, y, x + int(draw.integers(4, 11)), y + int(draw.integers(4, 16))))
    return boxes


def write_boxes(root: Path, count: int = 6, keypoints: bool = False) -> Path:
    """A folder with pictures and the file of their annotations: 3, 0, 1 and 2 objects, and so on. The keypoints of each
    are at its top left (`left_eye`), at its top right, and, hidden, at its centre."""
    (root / "train").mkdir(parents=True)
    annotations: list[dict[str, Any]] = []
    for picture in range(count):
        pixels = np.zeros((*SIZE, 3), np.uint8)
        for class_number, (x1, y1, x2, y2) in enumerate(places_of(picture)[: (picture + 3) % 4]):
            pixels[y1:y2, x1:x2] = colour_of(picture, class_number)
            found = {"image_id": picture, "category_id": class_number, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            points = [x1, y1, 2, x2, y1, 2, (x1 + x2) / 2, (y1 + y2) / 2, 1]
            annotations.append(
                {"id": len(annotations), "iscrowd": 0, **found} | ({"keypoints": points} if keypoints else {})
            )
        Image.fromarray(pixels).save(root / "train" / f"{picture:02}.png")
    names = {"keypoints": list(POINTS), "skeleton": []} if keypoints else {}
    content = {
        "images": [
            {"id": number, "file_name": f"{number:02}.png", "height": SIZE[0], "width": SIZE[1]}
            for number in range(count)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name, **names} for number, name in enumerate(CLASSES)],
    }
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_train.json").write_text(json.dumps(content))
    return root
