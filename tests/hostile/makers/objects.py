"""Annotations that lie, are cut short, lead out of their folder or have no end. Those of a case lie in `set`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.small_objects import (
    coco_content,
    labelme_content,
    voc_text,
    write_images,
    write_labelme,
    write_open_images,
    write_voc,
    write_yolo,
)

DEEP = 200_000
HUGE = 10**400
NAMES = b"names: [bird, cat, dog]\n"


def _content(change: Callable[[dict[str, Any]], object]) -> bytes:
    """COCO's annotations after a change."""
    content = coco_content()
    change(content)
    return json.dumps(content).encode()


def _first(table: str, **values: object) -> bytes:
    """COCO's annotations whose first entry of a table has other values."""
    return _content(lambda content: content[table][0].update(values))


def _second(table: str, **values: object) -> bytes:
    return _content(lambda content: content[table][1].update(values))


def _without(table: str, key: str) -> bytes:
    return _content(lambda content: content[table][0].pop(key))


def _keypoints(names: object, **values: object) -> bytes:
    def change(content: dict[str, Any]) -> None:
        for category in content["categories"]:
            category["keypoints"] = names
        content["annotations"][0].update(values)

    return _content(change)


COCO: Mapping[str, bytes] = {
    "nothing": b"",
    "a list": b"[]",
    "cut": _content(lambda content: None)[:400],
    "a NUL": b"\0" * 100,
    "brackets without end": b'{"images": ' + b"[" * DEEP,
    "objects without end": b'{"a":' * DEEP,
    "Latin-1": _first("categories", name="x").replace(b'"x"', b'"caf\xe9"'),
    "UTF-16": _content(lambda content: None).decode().encode("utf-16")[:-1],
    "a number of 10,000 digits": _first("images", id="x").replace(b'"x"', b"9" * 10_000),
    "no categories": _content(lambda content: content.pop("categories")),
    "images is an object": _content(lambda content: content.update(images={})),
    "no images": _content(lambda content: content.update(images=[], annotations=[])),
    "no annotations": _content(lambda content: content.update(annotations=[])),
    "no classes": _content(lambda content: content.update(categories=[])),
    "an image is a number": _content(lambda content: content.update(images=[1])),
    "an image is null": _content(lambda content: content["images"].append(None)),
    "an annotation is a text": _content(lambda content: content["annotations"].append("x")),
    "a category is a list": _content(lambda content: content["categories"].append([])),
    "an image's id is a text": _first("images", id="1"),
    "an image's id is true": _first("images", id=True),
    "an image's id is a fraction": _first("images", id=1.5),
    "two images of one id": _second("images", id=10),
    "two categories of one id": _second("categories", id=7),
    "two categories of one name": _second("categories", name="bird"),
    "a category without a name": _without("categories", "name"),
    "a category's name is a list": _first("categories", name=[]),
    "a category's name is blank": _first("categories", name="  "),
    "two annotations of one id": _second("annotations", id=500),
    "an annotation's id is negative": _first("annotations", id=-1),
    "an annotation's id is huge": _first("annotations", id=1 << 63),
    "an annotation's id is far more": _first("annotations", id=HUGE),
    "an annotation of no image": _first("annotations", image_id=99),
    "an annotation of itself": _first("annotations", image_id=500),
    "an annotation without an image": _without("annotations", "image_id"),
    "an annotation of no category": _first("annotations", category_id=99),
    "an annotation's category is a list": _first("annotations", category_id=[7]),
    "no box": _without("annotations", "bbox"),
    "a box is a text": _first("annotations", bbox="0 0 1 1"),
    "a box of three": _first("annotations", bbox=[0, 0, 1]),
    "a box of texts": _first("annotations", bbox=["0", "0", "1", "1"]),
    "a box of lists": _first("annotations", bbox=[[], [], [], []]),
    "a box of true": _first("annotations", bbox=[True, 0, 1, 1]),
    "a box with NaN": _first("annotations", bbox=[0, float("nan"), 1, 1]),
    "a box without end": _first("annotations", bbox=[0, 0, float("inf"), 1]),
    "a box whose end is beyond all": _first("annotations", bbox=[1.7e308, 0, 1.7e308, 1]),
    "a box of huge numbers": _first("annotations", bbox=[0, 0, HUGE, 1]),
    "a box of negative width": _first("annotations", bbox=[9, 9, -5, 5]),
    "a box without height": _first("annotations", bbox=[9, 9, 5, 0]),
    "a box that leaves the image": _first("annotations", bbox=[1000, 9, 5, 5]),
    "a file that leads out": _first("images", file_name="../../outside/secret"),
    "an absolute file": _first("images", file_name="/etc/passwd"),
    "a file name is a number": _first("images", file_name=7),
    "a file name is blank": _first("images", file_name=""),
    "a file name with a NUL": _first("images", file_name="a\0.png"),
    "a file name is half a letter": _first("images", file_name="\ud800.png"),
    "no file name": _without("images", "file_name"),
    "one file twice": _second("images", file_name="./a.png"),
    "no image is there": _content(lambda content: [each.update(file_name="x.png") for each in content["images"][:1]])
    .replace(b'"b.png"', b'"y.png"')
    .replace(b'"c.png"', b'"z.png"')
    .replace(b'"d.png"', b'"w.png"'),
    "an image is not there": _first("images", file_name="x.png"),
    "another width": _first("images", width=41),
    "a negative width": _first("images", width=-40),
    "a width is a text": _first("images", width="40"),
    "a width is NaN": _first("images", width=float("nan")),
    "keypoints are a number": _keypoints(3),
    "keypoints are lists": _keypoints([[1], [2]]),
    "two keypoints of one name": _keypoints(["a", "a"]),
    "ten thousand keypoints": _keypoints([str(number) for number in range(10_000)]),
    "too few numbers of keypoints": _keypoints(["a", "b"], keypoints=[1, 2, 2]),
    "keypoints of NaN": _keypoints(["a"], keypoints=[float("nan"), 1, 2]),
    "keypoints of texts": _keypoints(["a"], keypoints=["1", "1", "2"]),
    "an unknown visibility": _keypoints(["a"], keypoints=[1, 1, 9]),
    "categories with other keypoints": _content(
        lambda content: [each.update(keypoints=[each["name"]]) for each in content["categories"]]
    ),
}

TRAIN = b"train: images/train\n"

YAML: Mapping[str, bytes] = {
    "nothing": b"",
    "a list": b"- 1\n",
    "a text": b"train",
    "bytes": bytes(range(256)),
    "Latin-1": TRAIN + b"names: [caf\xe9]\n",
    "an open bracket": TRAIN + b"names: [a\n",
    "brackets without end": TRAIN + b"names: " + b"[" * DEEP,
    "two megabytes": TRAIN + b"names: [" + b"a," * (1 << 20) + b"]\n",
    "an anchor in itself": TRAIN + b"names: &a [*a]\n",
    "anchors that grow": TRAIN
    + b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in b"bcdefgh")
    + b"names: [*h]\n",
    "keys that grow": TRAIN
    + b"a: &a {x: 1}\n"
    + b"".join(b"%c: &%c {<<: [%s]}\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in b"bcdefgh")
    + b"names: *h\n",
    "code": TRAIN + b"names: !!python/object/apply:os.system ['touch IT-RAN']\n",
    "no names": TRAIN,
    "names is a number": TRAIN + b"names: 3\n",
    "names without 0": TRAIN + b"names: {1: a, 2: b}\n",
    "names of negative numbers": TRAIN + b"names: {-1: a}\n",
    "names of 10,000 digits": TRAIN + b"names: {" + b"9" * 1000 + b": a}\n",
    "a name twice": TRAIN + b"names: [a, a]\n",
    "a name is a list": TRAIN + b"names: [[a], b]\n",
    "a million classes": TRAIN + b"nc: 99999999999999999999\n",
    "no such folder": b"train: elsewhere\n" + NAMES,
    "a folder outside": b"train: ../../outside\n" + NAMES,
    "a file that is not a list": b"train: ../../outside/secret\n" + NAMES,
    "train is a mapping": b"train: {a: b}\n" + NAMES,
    "train holds lists": b"train: [[a]]\n" + NAMES,
    "a path that is a list": b"path: [a]\n" + TRAIN + NAMES,
    "a name too long for the system": b"train: " + b"a" * 5000 + b"\n" + NAMES,
    "kpt_shape is a word": TRAIN + NAMES + b"kpt_shape: many\n",
    "kpt_shape is negative": TRAIN + NAMES + b"kpt_shape: [-3, 3]\n",
    "kpt_shape is huge": TRAIN + NAMES + b"kpt_shape: [999999999, 3]\n",
    "flip_idx is of others": TRAIN + NAMES + b"kpt_shape: [2, 3]\nflip_idx: [0, 5]\n",
    "flip_idx repeats one": TRAIN + NAMES + b"kpt_shape: [2, 3]\nflip_idx: [1, 1]\n",
    "other keypoints than there are": TRAIN + NAMES + b"kpt_shape: [2, 3]\n",
}

YOLO: Mapping[str, bytes] = {
    "words": b"cat dog\n",
    "a class beyond all": b"3 0.5 0.5 0.5 0.5\n",
    "a class of 5,000 digits": b"9" * 5000 + b" 0.5 0.5 0.5 0.5\n",
    "a negative class": b"-1 0.5 0.5 0.5 0.5\n",
    "NaN": b"0 nan 0.5 0.5 0.5\n",
    "infinity": b"0 0.5 0.5 inf 0.5\n",
    "1e999": b"0 0.5 0.5 1e999 0.5\n",
    "pixels": b"0 100 100 50 50\n",
    "a negative size": b"0 0.5 0.5 -0.2 0.5\n",
    "an outline of odd count": b"0 0.1 0.1 0.2 0.2 0.3 0.3 0.4\n",
    "an outline of two points": b"0 0.1 0.1\n",
    "an outline without area": b"0 0.1 0.1 0.2 0.1 0.3 0.1\n",
    "a picture's bytes": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "UTF-16": "0 0.5 0.5 0.5 0.5\n".encode("utf-16"),
}

BOMB = "".join(f'<!ENTITY {chr(n)} "{f"&{chr(n - 1)};" * 10}">' for n in range(ord("b"), ord("k")))

VOC: Mapping[str, bytes] = {
    "nothing": b"",
    "cut": voc_text("b").encode()[:100],
    "another root": b"<html><annotation/></html>",
    "a document type": b"<!DOCTYPE annotation><annotation/>",
    "an entity of a file": b'<!DOCTYPE a [<!ENTITY x SYSTEM "../../../outside/secret">]><annotation>&x;</annotation>',
    "a billion laughs": f'<!DOCTYPE a [<!ENTITY a "ha">{BOMB}]><annotation>&j;</annotation>'.encode(),
    "a billion laughs in UTF-16": f'<!DOCTYPE a [<!ENTITY a "ha">{BOMB}]><annotation>&j;</annotation>'.encode("utf-16"),
    "an unknown entity": b"<annotation>&x;</annotation>",
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?><annotation/>',
    "Latin-1": voc_text("b").replace("cat", "café").encode("latin-1"),
    "a NUL": b"<annotation>\0</annotation>",
    "elements without end": b"<annotation>" + b"<a>" * DEEP,
    "no box": b"<annotation><object><name>cat</name></object></annotation>",
    "a box of words": voc_text("b").replace("<xmin>5", "<xmin>left").encode(),
    "a box with NaN": voc_text("b").replace("<xmin>5", "<xmin>nan").encode(),
    "a box without end": voc_text("b").replace("<xmax>15", "<xmax>1e999").encode(),
    "a box the wrong way round": voc_text("b").replace("<xmax>15", "<xmax>1").encode(),
    "a box that leaves the image": voc_text("b")
    .replace("<xmin>5", "<xmin>500")
    .replace("<xmax>15", "<xmax>600")
    .encode(),
    "no name": voc_text("b").replace("<name>cat</name>", "").encode(),
    "another size": voc_text("b").replace("<width>25", "<width>26").encode(),
    "a size of words": voc_text("b").replace("<width>25", "<width>wide").encode(),
}


def _shape(**values: object) -> bytes:
    content = labelme_content("b")
    content["shapes"][0].update(values)
    return json.dumps(content).encode()


LABELME: Mapping[str, bytes] = {
    "nothing": b"",
    "cut": _shape()[:60],
    "a list": b"[]",
    "brackets without end": b"[" * DEEP,
    "Latin-1": _shape(label="x").replace(b'"x"', b'"caf\xe9"'),
    "no shapes": b'{"imagePath": "b.png"}',
    "shapes is a number": b'{"shapes": 3, "imagePath": "b.png"}',
    "a shape is null": b'{"shapes": [null], "imagePath": "b.png"}',
    "no label": _shape(label=None),
    "a label is a list": _shape(label=["cat"]),
    "points are a number": _shape(points=3),
    "points of one number": _shape(points=[[1], [2]]),
    "points of texts": _shape(points=[["1", "2"], ["3", "4"]]),
    "one point": _shape(points=[[1, 2]]),
    "an outline of two points": _shape(points=[[1, 2], [3, 4]], shape_type="polygon"),
    "points of NaN": _shape(points=[[float("nan"), 2], [3, 4]]),
    "points beyond all": _shape(points=[[0, 0], [HUGE, 1]]),
    "a circle without a radius": _shape(points=[[5, 5], [5, 5]], shape_type="circle"),
    "a circle beyond all": _shape(points=[[-1e300, 0], [1e300, 0]], shape_type="circle"),
    "a box outside": _shape(points=[[500, 2], [600, 4]]),
    "another width": json.dumps(labelme_content("b") | {"imageWidth": 26}).encode(),
}

TABLE: Mapping[str, bytes] = {
    "nothing": b"",
    "other columns": b"ImageID,Label\na,cat\n",
    "no such images": b"ImageID,LabelName,XMin,XMax,YMin,YMax\nz,cat,0,1,0,1\n",
    "words": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,left,1,0,1\n",
    "NaN": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,nan,1,0,1\n",
    "pixels": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,0,40,0,30\n",
    "the wrong way round": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,1,0,0,1\n",
    "no label": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,,0,1,0,1\n",
    "a short row": b"ImageID,LabelName,XMin,XMax,YMin,YMax\na,cat,0\n",
}

BESIDE: Mapping[str, bytes] = {
    "leads out": b"../../outside/secret.png",
    "is absolute": b"/etc/passwd.png",
    "has a NUL": b"a\\u0000.png",
    "is not an image": b"secret",
}


def _outline(segmentation: object) -> bytes:
    return _first("annotations", segmentation=segmentation)


def _runs(counts: object, size: object = (20, 64)) -> bytes:
    """Run lengths, by default of the size that the image has."""
    return _outline({"size": list(size) if isinstance(size, tuple) else size, "counts": counts})


ZIGZAG = [64 * (number % 4 == 2) + (number % 2) for number in range(200_000)]

OUTLINES: Mapping[str, bytes] = {
    "is a text": _outline("polygon"),
    "is a number": _outline(3),
    "is true": _outline(True),
    "a polygon of a point": _outline([[1, 2]]),
    "a polygon of two points": _outline([[1, 2, 3, 4]]),
    "a polygon of seven numbers": _outline([[1, 2, 3, 4, 5, 6, 7]]),
    "a polygon of texts": _outline([["a"] * 6]),
    "a polygon with null": _outline([[1, 2, 3, None, 5, 6]]),
    "a polygon of lists": _outline([[[1, 2], [3, 4], [5, 6]]]),
    "an empty polygon": _outline([[]]),
    "a polygon that is not finite": _outline([[1, 2, 3, float("inf"), 5, 6]]),
    "a polygon of no numbers": _outline([[1, 2, float("nan"), 4, 5, 6]]),
    "a polygon far outside": _outline([[1, 2, 3, 1e9, 5, 6]]),
    "a polygon of wild numbers": _outline([[1, 2, 3, 1e308, -1e308, 6]]),
    "a polygon of huge integers": _outline([[1, 2, 3, HUGE, 5, 6]]),
    "a polygon without end": _outline([ZIGZAG]),
    "run lengths of another size": _runs([1280], (20, 65)),
    "run lengths without a size": _outline({"counts": [1280]}),
    "run lengths of a huge size": _runs([1280], (10**6, 10**6)),
    "run lengths of a wild size": _runs([1280], "20x64"),
    "run lengths without counts": _outline({"size": [20, 64]}),
    "run lengths that are too short": _runs([1279]),
    "run lengths that are too long": _runs([640, 641]),
    "negative run lengths": _runs([1380, -100]),
    "run lengths of texts": _runs(["a"]),
    "run lengths of fractions": _runs([640.5, 639.5]),
    "huge run lengths": _runs([HUGE, 1280]),
    "run lengths as an object": _runs({}),
    "run lengths as text that is not": _runs("~~~~~~"),
    "run lengths as text with letters beyond": _runs("\u00e9\u00e9"),
    "run lengths as text that is cut": _runs("`"),
    "run lengths as text of another picture": _runs("PPPPPP0" * 40),
}


def coco(folder: Path, name: str) -> None:
    """Images, and annotations of that name."""
    write_images(folder / "set/images")
    (folder / "set/x.json").write_bytes(COCO[name])


def outlined(folder: Path, name: str) -> None:
    """Images, and annotations of which an object has that outline."""
    write_images(folder / "set/images")
    (folder / "set/x.json").write_bytes(OUTLINES[name])


def yaml(folder: Path, name: str) -> None:
    """A set of YOLO with that data.yaml."""
    (write_yolo(folder / "set") / "data.yaml").write_bytes(YAML[name])


def yolo(folder: Path, name: str) -> None:
    """A set of YOLO with that text."""
    (write_yolo(folder / "set") / "labels/train/b.txt").write_bytes(YOLO[name])


def voc(folder: Path, name: str) -> None:
    """A set of Pascal VOC with that XML."""
    (write_voc(folder / "set") / "Annotations/b.xml").write_bytes(VOC[name])


def labelme(folder: Path, name: str) -> None:
    """A set of labelme with that JSON."""
    (write_labelme(folder / "set") / "b.json").write_bytes(LABELME[name])


def alone(folder: Path, name: str) -> None:
    """A set of labelme with a JSON beside no image, which names one so."""
    root = write_labelme(folder / "set")
    (root / "x.json").write_bytes(b'{"shapes": [], "imagePath": "%s"}' % BESIDE[name])


def table(folder: Path, name: str) -> None:
    """Images, and a table of boxes."""
    write_open_images(folder / "set")
    (folder / "set/boxes.csv").write_bytes(TABLE[name])
