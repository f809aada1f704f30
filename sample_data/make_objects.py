"""Make `objects/`: photographs of `photos/` put onto backgrounds of `photos/`, COCO's annotations that say where, and a
class mask of each.

    python -m sample_data.make_objects [FOLDER]

Writes into FOLDER (by default, the folder of this file). The boxes are right because the same numbers place the
photographs. The same version of Pillow writes the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image, ImageOps

PHOTOS = Path(__file__).parent / "photos"

CLASSES = {"cat": 3, "coffee": 7, "rocket": 12}
"""Class to its id in the file: as in COCO, ids have gaps."""

Place = tuple[str, int, int, int, int]
"""A photograph, and the left, top, width and height at which it is pasted; it may stick out."""

SCENES: dict[str, tuple[str, tuple[int, int], list[Place]]] = {
    "brick-wall.png": ("brick/brick-1.jpg", (200, 150), [("cat-1", 20, 30, 80, 60), ("rocket-2", 130, 40, 50, 70)]),
    "gravel.png": ("gravel/gravel-1.jpg", (160, 120), [("coffee-1", 30, 20, 60, 40), ("coffee-2", 70, 50, 50, 50)]),
    "lawn.png": ("grass/grass-1.jpg", (180, 180), [("cat-2", 130, 100, 80, 100)]),
    "lawn-alone.png": ("grass/grass-1.jpg", (120, 160), []),
    "pavement.png": (
        "gravel/gravel-1.jpg",
        (210, 140),
        [("rocket-1", 8, 10, 64, 48), ("coffee-1", 84, 64, 40, 60), ("cat-1", 140, 20, 60, 90)],
    ),
}
"""File to its background, its width and height, and what lies on it, the later above the earlier."""


def opened(path: Path) -> Image.Image:
    """A photograph as it is shown, in colour."""
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def scene(name: str) -> Image.Image:
    """One of the pictures."""
    background, size, places = SCENES[name]
    made = ImageOps.fit(opened(PHOTOS / background), size)
    for photograph, left, top, width, height in places:
        file = PHOTOS / photograph.partition("-")[0] / f"{photograph}.jpg"
        made.paste(ImageOps.fit(opened(file), (width, height)), (left, top))
    return made


def outline(box: list[int], covers: list[Place]) -> list[tuple[int, int]]:
    """The corners of what is seen of a photograph, of which another one may cover the bottom right corner."""
    x1, y1, x2, y2 = box[0], box[1], box[0] + box[2], box[1] + box[3]
    for _, left, top, width, height in covers:
        if x1 < left < x2 <= left + width and y1 < top < y2 <= top + height:
            return [(x1, y1), (x2, y1), (x2, top), (left, top), (left, y2), (x1, y2)]
    return [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]


def mask(name: str) -> Image.Image:
    """The class of each pixel: 0 for the background, then the classes in their order."""
    _, size, places = SCENES[name]
    made = Image.new("P", size)
    made.putpalette([0, 0, 0, 220, 60, 60, 60, 180, 75, 70, 100, 220])
    for photograph, left, top, width, height in places:
        made.paste(1 + [*CLASSES].index(photograph.partition("-")[0]), (left, top, left + width, top + height))
    return made


def content() -> dict[str, object]:
    """What COCO's JSON says of them. A photograph that sticks out has the box of what is seen."""
    images, objects = list[dict[str, object]](), list[dict[str, object]]()
    for number, (name, (_, (wide, high), places)) in enumerate(SCENES.items(), 1):
        images.append({"id": number, "file_name": name, "width": wide, "height": high})
        for place, (photograph, left, top, width, height) in enumerate(places):
            box = [left, top, min(width, wide - left), min(height, high - top)]
            found = {"id": len(objects) + 101, "image_id": number, "category_id": CLASSES[photograph.partition("-")[0]]}
            corners = outline(box, places[place + 1 :])
            turns = zip(corners, corners[1:] + corners[:1], strict=True)
            area = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in turns) // 2
            segmentation = [[each for corner in corners for each in corner]]
            objects.append({**found, "bbox": box, "segmentation": segmentation, "area": area, "iscrowd": 0})
    categories = [{"id": number, "name": name} for name, number in CLASSES.items()]
    return {"images": images, "annotations": objects, "categories": categories}


def main() -> None:
    """Write all."""
    out = (Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent) / "objects"
    for folder, make in (("images", scene), ("masks", mask)):
        (out / folder).mkdir(parents=True, exist_ok=True)
        for name in SCENES:
            make(name).save(out / folder / name, optimize=True)
    (out / "annotations.json").write_text(json.dumps(content(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
