"""Packs the images of class folders into whatever else can hold them."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def images_of(root: Path) -> dict[str, bytes]:
    """The files below a folder, by their paths in it, sorted."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def classes_of(root: Path) -> list[str]:
    return sorted({name.split("/")[0] for name in images_of(root)})


def write_tar(path: Path, members: Mapping[str, bytes] | Sequence[tuple[str, bytes]], mtime: float = 0) -> Path:
    """A tar of files. A time with a fraction gives each an extended header, as `webdataset` writes them."""
    pairs = members.items() if isinstance(members, Mapping) else members
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in pairs:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), mtime
            archive.addfile(info, io.BytesIO(data))
    return path


def write_zip(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_web_dataset(folder: Path, root: Path, tar_count: int = 3, label: str = "cls") -> Path:
    """Tars in which each image has its class's number beside it, and the names of the classes beside the tars."""
    images, classes = images_of(root), classes_of(root)
    for number in range(tar_count):
        members = []
        for index, (name, data) in list(enumerate(images.items()))[number::tar_count]:
            key, class_name = f"{index:06d}", name.split("/")[0]
            members += [(f"{key}.{name.rpartition('.')[2]}", data)]
            members += [(f"{key}.{label}", f"{classes.index(class_name)}\n".encode())]
        write_tar(folder / f"shard-{number:06d}.tar", members, mtime=1.5)
    (folder / "classes.txt").write_text("\n".join(classes))
    return folder


def hugging_face(root: Path, feature: str = "Image") -> Any:
    """The same as a `datasets.Dataset`, or sounds or videos in a column with this feature."""
    import datasets

    datasets.disable_progress_bars()
    classes = classes_of(root)
    column, kind = feature.lower(), getattr(datasets, feature)
    features = datasets.Features({column: kind(), "label": datasets.ClassLabel(names=classes)})
    rows = [
        {column: {"bytes": data, "path": None}, "label": classes.index(name.split("/")[0])}
        for name, data in images_of(root).items()
    ]
    return hugging_face_of(rows, features)


def hugging_face_of(rows: Sequence[Mapping[str, Any]], features: Any) -> Any:
    """Rows as they are stored. `Dataset.from_list` wants a library of its own that encodes sounds."""
    import datasets
    import pyarrow as pa

    return datasets.Dataset(datasets.table.InMemoryTable(pa.Table.from_pylist(rows, schema=features.arrow_schema)))


def put_in_memory(local: Path, name: str) -> str:
    """The URL of a copy in fsspec's store in memory, which all of this process share."""
    import fsspec

    store = fsspec.filesystem("memory")
    for path in [local] if local.is_file() else [each for each in sorted(local.rglob("*")) if each.is_file()]:
        store.pipe_file(f"/{name}/{path.relative_to(local).as_posix()}".removesuffix("/."), path.read_bytes())
    return f"memory://{name}"
