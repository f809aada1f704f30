"""Writes one small set of images with objects in every format of annotations, as each tool would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZES = {"a": (40, 30), "b": (25, 50), "c": (64, 20), "d": (32, 32)}
"""Name to width and height."""

Box = tuple[float, float, float, float]

OBJECTS: Mapping[str, list[tuple[str, Box]]] = {
    "a": [("dog", (4, 6, 20, 18)), ("cat", (0, 0, 40, 30))],
    "b": [("cat", (5, 10, 15, 45))],
    "c": [("dog", (32, 5, 64, 15)), ("dog", (8, 0, 24, 20)), ("bird", (16, 5, 48, 10))],
    "d": [],
}
"""Image to its objects, x1, y1, x2, y2: whole numbers, which all formats in pixels hold exactly."""

CLASSES = ("bird", "cat", "dog")


def write_images(folder: Path, suffix: str = ".png") -> list[Path]:
    """The images, as noise."""
    folder.mkdir(parents=True, exist_ok=True)
    draw, made = np.random.default_rng(3), []
    for name, (width, height) in SIZES.items():
        made.append(folder / f"{name}{suffix}")
        Image.fromarray(draw.integers(0, 256, (height, width, 3), np.uint8)).save(made[-1])
    return made


def coco_content(prefix: str = "") -> dict[str, Any]:
    """COCO's annotations of them; ids have gaps, and objects stand in another order than images."""
    numbers = {name: 10 * (position + 1) for position, name in enumerate(SIZES)}
    found = [(name, label, box) for name, objects in reversed([*OBJECTS.items()]) for label, box in objects]
    return {
        "images": [
            {"id": numbers[name], "file_name": f"{prefix}{name}.png", "width": width, "height": height}
            for name, (width, height) in SIZES.items()
        ],
        "annotations": [
            {
                "id": 500 + number,
                "image_id": numbers[name],
                "category_id": 7 * (CLASSES.index(label) + 1),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "iscrowd": 0,
            }
            for number, (name, label, (x1, y1, x2, y2)) in enumerate(found)
        ],
        "categories": [{"id": 7 * (number + 1), "name": name} for number, name in enumerate(CLASSES)],
    }


def write_coco(root: Path) -> Path:
    """A file of annotations beside the folder of images."""
    write_images(root / "images")
    (root / "annotations.json").write_text(json.dumps(coco_content()))
    return root


def voc_text(name: str, origin: int = 0) -> str:
    """The XML of one image."""
    width, height = SIZES[name]
    objects = "".join(
        f"<object><name>{label}</name><difficult>1</difficult><bndbox><xmin>{x1 + origin}</xmin>"
        f"<ymin>{y1 + origin}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for label, (x1, y1, x2, y2) in OBJECTS[name]
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation><filename>{name}.png</filename>{size}{objects}</annotation>"


def write_voc(root: Path, origin: int = 0) -> Path:
    """As the development kit has it; the image without objects has no XML."""
    write_images(root / "JPEGImages")
    (root / "Annotations").mkdir()
    for name in SIZES:
        if OBJECTS[name]:
            (root / f"Annotations/{name}.xml").write_text(voc_text(name, origin))
    return root


def labelme_content(name: str) -> dict[str, Any]:
    """The JSON of one image: a rectangle from any corner, a polygon and so on."""
    width, height = SIZES[name]
    shapes = []
    for number, (label, (x1, y1, x2, y2)) in enumerate(OBJECTS[name]):
        corners = [[x2, y1], [x1, y2]]
        outline = [[x1, (y1 + y2) / 2], [(x1 + x2) / 2, y1], [x2, y2]]
        kind = "polygon" if number % 2 else "rectangle"
        shapes.append({"label": label, "points": outline if number % 2 else corners, "shape_type": kind})
    return {"version": "5", "shapes": shapes, "imagePath": f"{name}.png", "imageWidth": width, "imageHeight": height}


def write_labelme(root: Path) -> Path:
    """A file beside each image but the one without objects."""
    write_images(root)
    for name in SIZES:
        if OBJECTS[name]:
            (root / f"{name}.json").write_text(json.dumps(labelme_content(name)))
    return root


def yolo_lines(name: str) -> str:
    """The text of one image: boxes, and every other one as an outline."""
    width, height = SIZES[name]
    lines = []
    for number, (label, (x1, y1, x2, y2)) in enumerate(OBJECTS[name]):
        if number % 2:
            corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
            numbers = [value for x, y in corners for value in (x / width, y / height)]
        else:
            middle = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height)
            numbers = [*middle, (x2 - x1) / width, (y2 - y1) / height]
        lines.append(" ".join(map(str, [CLASSES.index(label), *numbers])))
    return "\n".join(lines) + "\n"


def write_yolo(root: Path) -> Path:
    """As Ultralytics has it; the image without objects has no text."""
    write_images(root / "images/train")
    (root / "labels/train").mkdir(parents=True)
    for name in SIZES:
        if OBJECTS[name]:
            (root / f"labels/train/{name}.txt").write_text(yolo_lines(name))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    (root / "data.yaml").write_text(f"path: .\ntrain: images/train\nnames:\n{names}")
    return root


def write_open_images(root: Path) -> Path:
    """The folder of images; the table is `boxes.csv` in it, with a row about an image that is not there."""
    write_images(root)
    rows = ["ImageID,Source,LabelName,XMin,XMax,YMin,YMax,IsGroupOf", "zzz,x,cat,0,1,0,1,0"]
    for name, objects in OBJECTS.items():
        width, height = SIZES[name]
        rows += [
            f"{name},x,{label},{x1 / width},{x2 / width},{y1 / height},{y2 / height},0"
            for label, (x1, y1, x2, y2) in objects
        ]
    (root / "boxes.csv").write_text("\n".join(rows))
    return root


WRITERS: Mapping[str, tuple[Callable[[Path], Path], dict[str, Any]]] = {
    "coco": (write_coco, {}),
    "voc": (write_voc, {"box_origin": 0}),
    "labelme": (write_labelme, {}),
    "yolo": (write_yolo, {}),
    "open-images": (write_open_images, {"task": "detect"}),
}
"""What writes each format, and the options that read it (Open Images: with `labels_from` as well)."""
