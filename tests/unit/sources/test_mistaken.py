"""Folders that can be given for two things: what is in doubt is refused, or a notice names what may be meant."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mixup_cli.errors import UsageError
from mixup_cli.sources import open_source
from tests.packed_sources import images_of, write_tar
from tests.small_objects import write_yolo
from tests.small_sources import write_photos


def with_tar(root: Path) -> None:
    name, data = next(iter(images_of(root).items()))
    write_tar(root / "x.tar", [(f"0{Path(name).suffix}", data)])


def with_parquet(root: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet, table

    parquet.write_table(table({"image": [next(iter(images_of(root).values()))]}), root / "x.parquet")


@pytest.mark.parametrize("write", [with_tar, with_parquet])
def test_class_folders_beside_packed_samples(write: Callable[[Path], None], tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    count = len(open_source([root]))
    write(root)
    (packed,) = root.glob("x.*")
    with pytest.raises(UsageError, match=rf"holds {packed.name}, and images in folders \(") as raised:
        open_source([root])
    assert str(raised.value).endswith("To read the first, name it; to read the images, move it elsewhere.")
    assert len(open_source([packed])) == 1
    packed.rename(tmp_path / packed.name)
    assert len(open_source([root])) == count


def test_other_folders_beside_packed_samples(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    with_tar(root)
    for folder in [each for each in root.iterdir() if each.is_dir()]:
        shutil.rmtree(folder)
    (root / "notes").mkdir()
    (root / "notes/a.txt").write_text("a")
    (root / "circle").symlink_to("circle")
    assert len(open_source([root])) == 1


def test_class_folders_that_a_shell_named(tmp_path: Path) -> None:
    root = write_photos(tmp_path / "photos")
    folders = sorted(root.iterdir())
    said = f"each folder is unlabelled by itself: to read them as classes, give {root}"
    assert said in open_source(folders).notices
    assert said not in open_source(folders[:1]).notices
    assert said not in open_source([root, root]).notices


def test_texts_that_nothing_describes(tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "yolo")
    (root / "data.yaml").rename(root / "mine.yaml")
    said = [each for each in open_source([root]).notices if "data.yaml" in each]
    assert said == [
        "labels/train/a.txt: a data.yaml in the folder reads such texts as YOLO's, if it says train: and names:"
    ]
    (root / "mine.yaml").rename(root / "data.yaml")
    assert open_source([root]).objects is not None
