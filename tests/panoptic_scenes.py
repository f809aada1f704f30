"""Pictures with segments that tests make, in COCO's panoptic format. A pixel's grey shows its class: ten times it, and
black where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CATEGORIES = {7: ("cup", 1), 200: ("grass", 0), 3: ("ball", 1), 9: ("sky", 0)}
"""Id to name, and whether it is a thing; the classes in order are ball, cup, sky, grass."""

PLACES = {identity: place for place, identity in enumerate(sorted(CATEGORIES))}

SIZE = (36, 48)
"""Height and width."""


def level(category: int) -> int:
    """The grey of a category's pixels."""
    return 10 * (PLACES[category] + 1)


def write_panoptic(root: Path, count: int = 8, split: str = "train2017") -> dict[str, Any]:
    """Write `root/split`, `root/annotations/panoptic_split` and its JSON; returns what that says. Things lie over
    stuff, and each has a border of no segment. The second picture has no things, the third a crowd."""
    draw, (height, width) = np.random.default_rng(5), SIZE
    pictures, maps = root / split, root / f"annotations/panoptic_{split}"
    pictures.mkdir(parents=True)
    maps.mkdir(parents=True)
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for number in range(count):
        ids, grey, segments = np.zeros(SIZE, np.int64), np.zeros(SIZE, np.uint8), list[dict[str, Any]]()
        horizon = int(draw.integers(8, 20))
        parts = [(200, (0, 0, horizon, width)), (9, (horizon, 0, height, width))]
        for _ in range(0 if number == 1 else 3):
            top, left = (int(draw.integers(1, side - 12)) for side in SIZE)
            parts.append((int(draw.choice([3, 7])), (top, left, top + int(draw.integers(4, 11)), left + 9)))
        for category, (top, left, bottom, right) in parts:
            if CATEGORIES[category][1]:
                ids[top - 1 : bottom + 1, left - 1 : right + 1] = 0
                grey[top - 1 : bottom + 1, left - 1 : right + 1] = 0
            identity = int(draw.integers(1, 1 << 24))
            ids[top:bottom, left:right], grey[top:bottom, left:right] = identity, level(category)
            segments.append({"id": identity, "category_id": category, "iscrowd": int(number == 2)})
        for segment in segments:
            lines, columns = (np.flatnonzero((ids == segment["id"]).any(axis=axis)) for axis in (1, 0))
            box = [columns[0], lines[0], columns[-1] + 1 - columns[0], lines[-1] + 1 - lines[0]] if len(lines) else None
            segment["bbox"] = [0, 0, 1, 1] if box is None else [int(each) for each in box]
            segment["area"] = int((ids == segment["id"]).sum())
        segments = [segment for segment in segments if segment["area"]]
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(pictures / f"{number:03}.png")
        colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)
        Image.fromarray(colours).save(maps / f"{number:03}.png")
        images.append({"id": 900 - number, "file_name": f"{number:03}.png", "width": width, "height": height})
        annotations.append({"image_id": 900 - number, "file_name": f"{number:03}.png", "segments_info": segments})
    categories = [{"id": each, "name": name, "isthing": thing} for each, (name, thing) in CATEGORIES.items()]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / f"annotations/panoptic_{split}.json").write_text(json.dumps(content))
    return content


def classes_shown(pictures: NDArray[np.uint8], void: int = 255) -> NDArray[np.int64]:
    """The class that each pixel of pictures (…, 3) shows by its colour."""
    tenths = pictures[..., 0].astype(np.int64) // 10
    return np.where(tenths > 0, tenths - 1, void)
