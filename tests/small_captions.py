"""Small images with captions, in every layout that is read, and a tokenizer for them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.labelled_texts import TOKENIZER
from tests.packed_sources import write_tar, write_zip
from tests.small_sounds import put

READ = f"--task caption --tokenizer {TOKENIZER}"

CAPTIONS = {
    f"{number:02}.png": text
    for number, text in enumerate(
        (
            "the river, in winter",
            "a spider",
            "how deep the ocean is under the boat of the emperor of China",
            "the first woman to fly",
            "penguins and oranges",
            "a white whale and the oldest tree in the world",
            "the sun sets",
            "a horse runs fast along the railway",
            "a violin with four strings",
            "an egg, boiled",
            "the ceiling of the chapel",
            "paper",
        )
    )
}
"""Each image's; one holds a comma."""


def images() -> dict[str, bytes]:
    """An image of 8 × 6 pixels for each caption."""
    draw, found = np.random.default_rng(3), {}
    for name in CAPTIONS:
        file = io.BytesIO()
        Image.fromarray(draw.integers(0, 256, (6, 8, 3), dtype=np.uint8)).save(file, "PNG")
        found[name] = file.getvalue()
    return found


def write_captioned(folder: Path, captions: Mapping[str, str] = CAPTIONS, column: str = "text") -> Path:
    """Hugging Face's `imagefolder`, with metadata.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in images().items():
        (folder / name).write_bytes(data)
    with (folder / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", column), *captions.items()])
    return folder


def _json_lines(folder: Path) -> Path:
    write_captioned(folder)
    (folder / "metadata.csv").unlink()
    rows = ({"file_name": name, "likes": 3, "Caption": text} for name, text in CAPTIONS.items())
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _zipped(folder: Path) -> Path:
    plain = write_captioned(folder.with_name("plain"))
    return write_zip(folder.with_suffix(".zip"), {path.name: path.read_bytes() for path in sorted(plain.iterdir())})


def _tar(ending: str, content: Callable[[str], str]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        members = {}
        for name, data in images().items():
            members[name] = data
            members[name.replace("png", ending)] = content(CAPTIONS[name]).encode()
        return write_tar(folder.with_suffix(".tar"), members)

    return write


def _parquet(folder: Path) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    cells = [{"bytes": data, "path": None} for data in images().values()]
    path = folder.with_suffix(".parquet")
    parquet.write_table(pa.table({"image": cells, "caption": [*CAPTIONS.values()], "url": ["x"] * len(cells)}), path)
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "metadata.csv": write_captioned,
    "metadata.jsonl": _json_lines,
    "zip": _zipped,
    "txt in a tar": _tar("txt", lambda text: f"{text}\n"),
    "json in a tar": _tar("json", lambda text: json.dumps({"url": "x", "caption": text})),
    "parquet": _parquet,
}
"""What writes the images and their captions into or beside a folder."""


def coco_captions() -> dict[str, Any]:
    """COCO's JSON with five captions for each image but the last; ids have gaps, and annotations no order."""
    names, texts = [*images()], [*CAPTIONS.values()]
    pairs = [(number, turn) for turn in range(5) for number in range(len(names) - 1)]
    return {
        "info": {"year": 2017},
        "images": [{"id": 7 * number, "file_name": name, "height": 6} for number, name in enumerate(names)],
        "annotations": [
            {"id": 9 + 2 * place, "image_id": 7 * number, "caption": texts[(number + turn) % len(texts)] + "\n" * turn}
            for place, (number, turn) in enumerate(pairs)
        ],
    }


def write_coco_captions(folder: Path, split: str = "train2017", content: bytes | None = None) -> Path:
    """The layout of COCO, with these captions."""
    for name, data in images().items():
        put(folder / split / name, data)
    put(folder / f"annotations/captions_{split}.json", content or json.dumps(coco_captions()).encode())
    return folder
