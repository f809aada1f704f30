"""COCO: pictures, and one file of JSON with their objects. See https://cocodataset.org/#format-data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import from_extra
from mixup_cli.exporters.exporter import Notes
from mixup_cli.exporters.job import Job
from mixup_cli.exporters.objects import Columns, PicturesWithObjects, flattened, short
from mixup_cli.fields.objects import KEYPOINTS, OBJECT_COLUMNS
from mixup_cli.fields.signal import INSTANCES

ANNOTATIONS = "annotations.json"


class Coco(PicturesWithObjects):
    """`images/000000017.png`, and `annotations.json`. The id of a picture is the number of its row; the other columns
    stand beside it under their own names. Ids of categories and of objects begin with 1: pycocotools takes an object 0
    for none.

    An object has the keys of COCO, and besides `weight`, `visible`, `parent` and `source_id`. `segmentation` are run
    lengths, where the data set has instances.
    """

    pictures: ClassVar[str] = "images"

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        if INSTANCES in job.signals:
            with from_extra("objects", "it", field="to", value=job.options.to):
                import_module("pycocotools.mask")

    def close(self, folder: Path, notes: Sequence[Notes]) -> None:
        """See `Exporter.close`."""
        with (folder / ANNOTATIONS).open("w", encoding="utf-8") as file:
            file.write(f'{{"info": {json.dumps(self.job.facts())},\n"licenses": []')
            tables = {"categories": self._categories(), "images": self._images(), "annotations": self._annotations()}
            for name, entries in tables.items():
                file.write(f',\n"{name}": [')
                file.writelines(f"{',' * (number > 0)}\n{json.dumps(entry)}" for number, entry in enumerate(entries))
                file.write("]")
            file.write("}\n")

    def _categories(self) -> Iterator[dict[str, Any]]:
        keypoints = self.job.keypoints.get("keypoints")
        for number, name in enumerate(self.job.class_names, 1):
            category = {"id": number, "name": name}
            yield {**category, "keypoints": keypoints, "skeleton": []} if keypoints else category

    def _images(self) -> Iterator[dict[str, Any]]:
        height, width, _ = self.size
        others = [part for part in self.job.parts if part.name not in {*self.job.signals, *OBJECT_COLUMNS}]
        for rows in self.all_rows():
            columns = {part.name: part.read(rows) for part in others}
            columns["method"] = np.array(self.job.manifest.methods)[columns["method"]]
            values = {name: short(each) if each.dtype.kind == "f" else each.tolist() for name, each in columns.items()}
            for place, row in enumerate(rows.tolist()):
                known = {"id": row, "file_name": self.file_name(row), "width": width, "height": height}
                yield {**known, **{name: each[place] for name, each in values.items()}}

    def _annotations(self) -> Iterator[dict[str, Any]]:
        identities = count(1)
        maps = self.job.arrays.column(INSTANCES) if INSTANCES in self.job.signals else None
        for rows in self.all_rows():
            for row, objects in self.objects(rows):
                runs = [{}] * len(objects["object_box"]) if maps is None else _runs(maps.take([row])[0], objects)
                for entry, segmentation in zip(_entries(objects), runs, strict=True):
                    yield {"id": next(identities), "image_id": row, **entry, **segmentation}


def _runs(instances: NDArray[Any], objects: Columns) -> list[dict[str, Any]]:
    """The pixels of each object, and how many these are; of one without any, nothing."""
    from pycocotools import mask as coco

    found: list[dict[str, Any]] = []
    for place, slot in enumerate(objects["object_parent"].tolist(), 1):
        seen = (instances if instances.ndim == 2 else instances[slot]) == place
        runs = coco.encode(np.asfortranarray(seen, np.uint8))
        counts = {"size": runs["size"], "counts": runs["counts"].decode("ascii")}
        found.append({"segmentation": counts, "area": int(seen.sum())} if seen.any() else {})
    return found


def _entries(objects: Columns) -> Iterator[dict[str, Any]]:
    """The objects of a picture."""
    box = objects["object_box"].astype(np.float64)
    sides = box[:, 2:] - box[:, :2]
    columns = {
        "category_id": (objects["object_class"] + 1).tolist(),
        "bbox": short(np.concatenate([box[:, :2], sides], axis=1)),
        "area": short(sides.prod(axis=1)),
        "iscrowd": objects["object_crowd"].tolist(),
        "weight": short(objects["object_weight"]),
        "visible": short(objects["object_visible"]),
        "parent": objects["object_parent"].tolist(),
        "source_id": objects["object_id"].tolist(),
    }
    if KEYPOINTS in objects:
        points = objects[KEYPOINTS]
        flat = short(flattened(points))
        columns["keypoints"] = [[int(v) if n % 3 == 2 else v for n, v in enumerate(each)] for each in flat]
        columns["num_keypoints"] = (points[..., 2] > 0).sum(axis=1).tolist()
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
