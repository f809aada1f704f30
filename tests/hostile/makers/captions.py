"""Images whose captions are missing, are not text or belong to others. Those of a case lie in `set…`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mixup_cli.sources.tables.parquet import require_parquet
from tests.labelled_texts import TOKENIZER
from tests.packed_sources import write_tar, write_zip
from tests.small_captions import CAPTIONS, coco_captions, images, write_captioned, write_coco_captions

LATIN = b"caf\xe9"
FIRST, SECOND = [*CAPTIONS][:2]
OTHERS = [*CAPTIONS.values()][1:]


def _changed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """COCO's captions after a change."""
    content = coco_captions()
    change(content)
    return lambda folder: write_coco_captions(folder / "set", content=json.dumps(content).encode())


def _first(**values: object) -> Callable[[Path], object]:
    return _changed(lambda content: content["annotations"][0].update(values))


def _beside(ending: str, caption: bytes | None) -> Callable[[Path], object]:
    """A tar in which the second image has this caption, or none."""
    members = dict[str, bytes]()
    for name, data in images().items():
        members |= {name: data, name.replace("png", "txt"): CAPTIONS[name].encode()}
    del members[SECOND.replace("png", "txt")]
    if caption is not None:
        members[SECOND.replace("png", ending)] = caption
    return lambda folder: write_tar(folder / "set.tar", members)


def _zipped(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """A zip with images and metadata.csv after a change."""

    def make(folder: Path) -> None:
        plain = write_captioned(folder / "plain")
        members = {path.name: path.read_bytes() for path in sorted(plain.iterdir())}
        write_zip(folder / "set.zip", members | {"metadata.csv": change(members["metadata.csv"])})

    return make


def _table(captions: Callable[[], object]) -> Callable[[Path], object]:
    """Parquet with these captions, the first of which is bad."""

    def make(folder: Path) -> None:
        arrow, parquet = require_parquet()
        made = arrow.table({"image": [*images().values()], "caption": captions()})
        parquet.write_table(made, folder / "set.parquet")

    return make


def _not_text() -> object:
    """Texts that pyarrow takes for UTF-8."""
    arrow, _ = require_parquet()
    encoded = [LATIN, *(text.encode() for text in OTHERS)]
    whole = arrow.array(encoded, arrow.binary())
    return arrow.Array.from_buffers(arrow.string(), len(whole), whole.buffers())


TAKEN = "Remove it, or pass --on-error skip."
BAD: Mapping[str, tuple[Callable[[Path], object], str, str]] = {
    "COCO: a number": (_first(caption=5), "set", f"{FIRST}#9: has no caption (found 5). {TAKEN}"),
    "COCO: none": (_first(caption=None), "set", f"{FIRST}#9: has no caption. {TAKEN}"),
    "COCO: empty": (_first(caption=" \n"), "set", f"{FIRST}#9: has an empty caption. {TAKEN}"),
    "COCO: half a character": (_first(caption="\ud800"), "set", f"{FIRST}#9: holds half a character"),
    "a tar: without one": (_beside("txt", None), "set.tar", f"set.tar/{SECOND}: has no caption. {TAKEN}"),
    "a tar: Latin-1": (_beside("txt", LATIN), "set.tar", f"set.tar/{SECOND}: has a caption that is not UTF-8 text"),
    "a tar: an image": (_beside("txt", images()[FIRST]), "set.tar", f"set.tar/{SECOND}: has a caption that is not"),
    "a tar: JSON without": (_beside("json", b"{}"), "set.tar", f"set.tar/{SECOND}: has no caption. {TAKEN}"),
    "Parquet: none": (
        _table(lambda: [None, *OTHERS]),
        "set.parquet",
        f"00000: has no caption. {TAKEN}",
    ),
}
"""What makes them, the source, and words of the message. One sample is bad, and can be left out."""

REFUSED: Mapping[str, tuple[Callable[[Path], object], str, str]] = {
    "COCO: an unknown image": (_first(image_id=5), "set", "annotations[0]: its image_id is 5, which the file does not"),
    "COCO: an image in words": (_first(image_id="0"), "set", "annotations[0]: its image_id is '0', which"),
    "COCO: an id twice": (_first(id=11), "set", "annotations[1]: its id is 11, expected another"),
    "COCO: a name that leads out": (
        _changed(lambda content: content["images"][0].update(file_name="../../outside/secret")),
        "set",
        "image 0: has the file name '../../outside/secret', expected a path below",
    ),
    "COCO: two of one name": (
        _changed(lambda content: content["images"][1].update(file_name=FIRST)),
        "set",
        f"{FIRST} is the file of several images",
    ),
    "COCO: no captions": (
        _changed(lambda content: content.update(annotations=[])),
        "set/annotations/captions_train2017.json",
        "captions_train2017.json: has no captions (found 0 annotations). Correct the file.",
    ),
    "COCO: no images": (
        _changed(lambda content: content.update(images=[])),
        "set",
        "annotations[0]: its image_id is 0, which the file does not have",
    ),
    "COCO: cut": (
        lambda folder: write_coco_captions(folder / "set", content=json.dumps(coco_captions()).encode()[:-9]),
        "set",
        "captions_train2017.json: is not JSON",
    ),
    "a tar: cut JSON": (_beside("json", b'{"caption": '), "set.tar", "set.tar: 01.json: is not JSON"),
    "a zip: Latin-1": (
        _zipped(lambda data: data.replace(b"spider", LATIN)),
        "set.zip",
        "metadata.csv, line 3: is not UTF-8 text (byte",
    ),
    "Parquet: Latin-1": (_table(_not_text), "set.parquet", "Invalid UTF8 sequence at string index 0). Write it again."),
    "Parquet: numbers": (
        _table(lambda: [*range(len(CAPTIONS))]),
        "set.parquet",
        "set.parquet: has no column of texts, in which captions stand (found: image, caption). Give a table",
    ),
}
"""The same, of what is refused as a whole."""

COMMAND = "generate {source} --task caption --tokenizer tokenizer.json --quiet"


def make(folder: Path, name: str) -> None:
    """The case of this name, and a tokenizer that is right."""
    (folder / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    {**BAD, **REFUSED}[name][0](folder)
