"""Pictures with objects that tests make: rectangles of one colour each on a plain ground, with COCO's annotations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mixup_cli.fields.objects import Keypoints, Objects

CLASSES = {7: "cup", 3: "ball", 90: "kite"}
"""By ids with gaps, in no order, as COCO has them: the classes are ball, cup and kite."""

SIZES = [(60, 44), (48, 64), (52, 52), (33, 40)]


def write_scenes(root: Path, count: int = 12, sizes: Sequence[tuple[int, int]] = SIZES) -> Path:
    """`count` PNG pictures (width, height in turn from `sizes`) in `root/images` and `root/annotations.json`. The
    second has no objects; the third has those around many. Each object has its rectangle as outline."""
    draw = np.random.default_rng(11)
    (root / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count):
        width, height = sizes[number % len(sizes)]
        pixels = np.full((height, width, 3), 40 + 10 * number, np.uint8)
        name = f"{number:03}.png"
        images.append({"id": 1000 - number, "file_name": name, "width": width, "height": height})
        for _ in range(0 if number == 1 else draw.integers(1, 4)):
            x1, y1 = (int(draw.integers(0, side - 12)) for side in (width, height))
            x2, y2 = (int(draw.integers(low + 8, side + 1)) for low, side in ((x1, width), (y1, height)))
            pixels[y1:y2, x1:x2] = draw.integers(0, 256, 3)
            annotations.append(
                {
                    "id": 500 + 3 * len(annotations),
                    "image_id": 1000 - number,
                    "category_id": [*CLASSES][len(annotations) % 3],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
                    "iscrowd": int(number == 2),
                }
            )
        Image.fromarray(pixels).save(root / "images" / name)
    categories = [{"id": number, "name": name} for number, name in CLASSES.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "annotations.json").write_text(json.dumps(content))
    return root


def objects_of(boxes: list[list[tuple[int, int, int, int]]], size: tuple[int, int]) -> Objects:
    """Objects with these boxes, by picture; a keypoint in the middle of each, and one in its top left pixel."""
    flat = np.array([box for picture in boxes for box in picture], np.float64).reshape(-1, 4)
    counts = [len(picture) for picture in boxes]
    middle, corner = (flat[:, :2] + flat[:, 2:]) / 2, flat[:, :2] + 0.5
    points = np.stack([np.insert(each, 2, 2, axis=1) for each in (middle, corner)], axis=1)
    return Objects(
        starts=np.concatenate([[0], np.cumsum(counts)]),
        box=flat,
        classes=np.arange(len(flat), dtype=np.int32),
        ids=100 + np.arange(len(flat)),
        crowd=np.zeros(len(flat), np.uint8),
        extent=np.tile(np.array(size, np.int32), (len(boxes), 1)),
        keypoints=Keypoints(("middle", "corner"), (0, 1)),
        points=points,
    )
