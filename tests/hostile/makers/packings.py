"""Packs a folder of samples, good and bad, into what else may hold them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.packed_sources import hugging_face, images_of, write_tar, write_web_dataset, write_zip


@dataclass(frozen=True)
class Packing:
    """`pack` takes the folder, where to write, and what Hugging Face calls such samples. `source` is what is then read,
    and `key` that of a sample, by its path in the folder, its number there and its ending."""

    pack: Callable[[Path, Path, str], object]
    source: str
    key: str


PACKINGS = {
    "a folder": Packing(lambda root, place, feature: root.rename(place / "x"), "x", "{path}"),
    "a tar": Packing(lambda root, place, feature: write_tar(place / "x.tar", images_of(root)), "x.tar", "{path}"),
    "a zip": Packing(lambda root, place, feature: write_zip(place / "x.zip", images_of(root)), "x.zip", "{path}"),
    "WebDataset": Packing(
        lambda root, place, feature: write_web_dataset(place, root, tar_count=1),
        "shard-000000.tar",
        "shard-000000.tar/{number:06d}.{ending}",
    ),
    "Parquet": Packing(
        lambda root, place, feature: hugging_face(root, feature).to_parquet(place / "x.parquet"),
        "x.parquet",
        "{number:05d}",
    ),
}


def packed(root: Path, how: str, feature: str, path: str) -> tuple[str, str]:
    """Packs a folder, beside itself: what is then read, and the key of the sample at a `path` in the folder."""
    packing, number = PACKINGS[how], [*images_of(root)].index(path)
    packing.pack(root, root.parent, feature)
    return packing.source, packing.key.format(path=path, number=number, ending=path.rpartition(".")[2])
