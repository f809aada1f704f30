"""Writes small sources with objects: pictures of noise, and COCO's annotations of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source

CATEGORIES = (3, 7)
"""The ids of the categories, which have a gap."""

NAMES = ("cat", "dog")

COUNTS = (2, 0, 3, 1, 4, 2, 1)
"""How many objects each picture has."""

SIZE = (24, 32)
"""Height and width of the pictures."""

POINTS = ("nose", "left_ear", "right_ear")


def write_coco(folder: Path, keypoints: bool = False, names: Sequence[str] = NAMES) -> dict[str, Any]:
    """Write pictures and `annotations.json`; returns what that says. The last object of the third one is a crowd."""
    draw, (height, width) = np.random.default_rng(11), SIZE
    (folder / "images").mkdir(parents=True)
    images, annotations = list[dict[str, Any]](), list[dict[str, Any]]()
    for number, count in enumerate(COUNTS):
        picture = draw.integers(0, 256, (height, width, 3), np.uint8)
        name = f"{number}.png"
        Image.fromarray(picture).save(folder / "images" / name)
        images.append({"id": 100 + number, "file_name": name, "width": width, "height": height})
        for _ in range(count):
            low, sides = draw.uniform(0, 12, 2).round(2), draw.uniform(3, 11, 2).round(2)
            box = [*low.tolist(), *sides.tolist()]
            (x, y), (u, v) = (low + draw.uniform(0, 1, (2, 2)) * sides).tolist()
            entry = {"image_id": 100 + number, "category_id": CATEGORIES[len(annotations) % 2], "bbox": box}
            entry |= {"id": 50 + len(annotations), "iscrowd": int(len(annotations) == 4), "area": box[2] * box[3]}
            annotations.append(entry | ({"keypoints": [x, y, 2, u, v, 1, 0, 0, 0]} if keypoints else {}))
    more = {"keypoints": POINTS} if keypoints else {}
    categories = [{"id": number, "name": name, **more} for number, name in zip(CATEGORIES, names, strict=True)]
    known = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(known))
    return known


def write_detection(folder: Path, keypoints: bool = False, names: Sequence[str] = NAMES, **recipe: Any) -> Path:
    """A data set of seven rows a pass in shards of three, mixed of such a source in `folder`."""
    write_coco(folder / "source", keypoints, names)
    known = {"methods": (MethodChoice("mixup", 1.0, {"alpha": 1.5}),), "samples_per_shard": 3}
    source = open_source([folder / "source"])
    generate(source, Recipe(**{**known, **recipe}), Run(out=folder / "mixed", workers=1))
    return folder / "mixed"
