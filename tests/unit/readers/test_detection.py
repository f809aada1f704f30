"""What torchvision's detection models take, from data sets with objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import ConcatDataset, DataLoader, Subset

from mixup_cli.errors import UsageError
from mixup_cli.readers.pytorch import MixedDataset, MixedStream, Target, detection_batch
from mixup_cli.readers.view import View
from mixup_cli.recipe import MethodChoice
from tests.data_sets import columns
from tests.object_sources import write_detection

Batches = Iterable[tuple[list[Tensor], list[Target]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_detection(tmp_path_factory.mktemp("objects"), keypoints=True)


def all_of(batches: Batches) -> tuple[list[Tensor], list[Target]]:
    images, targets = zip(*batches, strict=True)
    return [*chain(*images)], [*chain(*targets)]


def assert_same(found: Target, wanted: Target) -> None:
    assert [*found] == [*wanted]
    assert all(torch.equal(found[name], wanted[name]) for name in found if name != "image_id")
    assert found["image_id"] == wanted["image_id"]


def test_every_value_of_a_target(folder: Path) -> None:
    """Compared with the shards, as h5py reads them."""
    stored = columns(folder)
    loader = DataLoader(
        MixedDataset(folder, sample="objects"), batch_size=3, collate_fn=partial(detection_batch, crowds=True)
    )
    images, targets = all_of(loader)
    for row, (image, target) in enumerate(zip(images, targets, strict=True)):
        count = stored["object_count"][row]
        x1, y1, x2, y2 = box = stored["object_box"][row, :count].T
        wanted = {
            "boxes": box.T,
            "labels": stored["object_class"][row, :count].astype(np.int64) + 1,
            "weights": stored["object_weight"][row, :count],
            "visible": stored["object_visible"][row, :count],
            "ids": stored["object_id"][row, :count],
            "parents": stored["object_parent"][row, :count].astype(np.int64),
            "iscrowd": stored["object_crowd"][row, :count].astype(np.int64),
            "area": (x2 - x1) * (y2 - y1),
            "keypoints": stored["keypoints"][row, :count],
        }
        assert (target.pop("image_id"), [*target]) == (row, [*wanted])
        for name, values in target.items():
            np.testing.assert_array_equal(values.numpy(), wanted[name], strict=True, err_msg=name)
        np.testing.assert_array_equal(image.numpy(), stored["images"][row].transpose(2, 0, 1).astype(np.float32) / 255)
    assert len(targets) == 7
    assert {1, 2} == {int(label) for target in targets for label in target["labels"]}


WAYS: dict[str, Callable[[MixedDataset], Any]] = {
    "workers": lambda data: DataLoader(
        data, 3, num_workers=2, collate_fn=detection_batch, multiprocessing_context="fork"
    ),
    "subset": lambda data: DataLoader(Subset(data, range(7)), 3, collate_fn=detection_batch),
    "concatenated": lambda data: DataLoader(ConcatDataset([data]), 3, collate_fn=detection_batch),
    "a list of samples": lambda data: [detection_batch([data[row] for row in range(7)])],
    "after the loader": lambda data: map(detection_batch, DataLoader(data, 3)),
    "a stream": lambda data: DataLoader(
        MixedStream(data.arrays.folder, 3, shuffle_buffer=0, sample="objects"), None, collate_fn=detection_batch
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_other_ways_give_the_same(way: str, folder: Path) -> None:
    data = MixedDataset(folder, sample="objects")
    images, targets = all_of(WAYS[way](data))
    expected, wanted = detection_batch(data.__getitems__([*range(7)]))
    assert torch.equal(torch.stack(images), torch.stack(expected))
    for found, target in zip(targets, wanted, strict=True):
        assert_same(found, target)


def test_labels_count_from_where_a_model_does(folder: Path) -> None:
    batch = MixedDataset(folder, sample="objects").__getitems__([*range(7)])
    (_, from_one), (_, from_zero) = detection_batch(batch), detection_batch(batch, first_label=0)
    for one, zero in zip(from_one, from_zero, strict=True):
        assert torch.equal(one["labels"], zero["labels"] + 1)


def test_boxes_around_crowds_are_left_out_unless_asked_for(folder: Path) -> None:
    batch = MixedDataset(folder, sample="objects").__getitems__([*range(7)])
    (_, without), (_, with_them) = detection_batch(batch), detection_batch(batch, crowds=True)
    assert sum(int(target["iscrowd"].sum()) for target in with_them) > 0
    for few, all_of_them in zip(without, with_them, strict=True):
        kept = all_of_them["iscrowd"] == 0
        assert torch.equal(few["boxes"], all_of_them["boxes"][kept])
        assert torch.equal(few["keypoints"], all_of_them["keypoints"][kept])


def test_a_picture_without_objects(tmp_path: Path) -> None:
    folder = write_detection(tmp_path, methods=(MethodChoice("none", 1.0, {}),))
    _, targets = detection_batch(MixedDataset(folder, sample="objects").__getitems__([*range(7)]))
    (empty,) = [target for target in targets if not len(target["labels"])]
    assert (empty["boxes"].shape, empty["boxes"].dtype, empty["labels"].dtype) == ((0, 4), torch.float32, torch.int64)
    assert "keypoints" not in empty


def test_a_transform_may_give_images_of_several_sizes(folder: Path) -> None:
    sizes = iter(range(5, 12))
    data = MixedDataset(folder, lambda image: image.float()[:, : next(sizes)] / 510, sample="objects")
    images, targets = next(iter(DataLoader(data, 7, collate_fn=detection_batch)))
    assert [image.shape[1] for image in images] == [*range(5, 12)]
    assert max(float(image.max()) for image in images) <= 0.5, "floats stay as they are"
    assert len(targets) == 7


@pytest.mark.parametrize(("dtype", "most"), [("uint16", 65535), ("float16", 1), ("float32", 1)])
def test_images_of_other_dtypes(dtype: str, most: int) -> None:
    values = np.array([[[[0, most]]]], dtype)
    columns = {name: torch.zeros(1, 1, dtype=torch.int32) for name in ("object_class", "object_parent", "object_crowd")}
    columns |= {name: torch.ones(1, 1) for name in ("object_weight", "object_visible", "object_id")}
    columns |= {"object_box": torch.zeros(1, 1, 4), "object_count": torch.ones(1, dtype=torch.int32)}
    (image,), _ = detection_batch({"images": torch.from_numpy(values), "index": torch.tensor([3]), **columns})
    assert (image.dtype, image.flatten().tolist()) == (torch.float32, [0, 1])


def test_samples_without_objects_are_refused(folder: Path) -> None:
    for choices in ({}, {"sample": ["images", "object_box"]}):
        loader = DataLoader(MixedDataset(folder, **choices), 3, collate_fn=detection_batch)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r'samples have no .*\. Open the data set with sample="objects"'):
            next(iter(loader))


def test_soft_gives_images_alone(folder: Path) -> None:
    view = View(folder)
    (images,) = view.read(view.rows([2, 5]))
    np.testing.assert_array_equal(images, columns(folder)["images"][[2, 5]])
    batch = next(iter(DataLoader(MixedDataset(folder), 4)))
    assert (batch.shape, view.arrays.class_names, view.arrays.has_objects) == ((4, 3, 24, 32), ("cat", "dog"), True)


class Detector(torch.nn.Module):
    """A model with the face of torchvision's: images and targets in, a dictionary of losses out. It predicts a score
    of each class for each cell of a grid, and boxes from the cells in which their centres lie."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, class_count + 1 + 4, 8, stride=8)

    def forward(self, images: Sequence[Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        found = self.layer(torch.stack([*images]))
        scores, boxes = found[:, :-4], found[:, -4:]
        wanted = torch.zeros(scores.shape[0], *scores.shape[2:], dtype=torch.int64)  # 0: background
        regression = torch.zeros(())
        for place, target in enumerate(targets):
            centres = ((target["boxes"][:, :2] + target["boxes"][:, 2:]) / 16).long()
            wanted[place, centres[:, 1], centres[:, 0]] = target["labels"]
            guesses = boxes[place][:, centres[:, 1], centres[:, 0]].T
            each = (guesses - target["boxes"] / 32).abs().sum(dim=1)
            regression = regression + (target["weights"] * each).sum()
        return {"classification": torch.nn.functional.cross_entropy(scores, wanted), "regression": regression}


def test_a_model_learns(folder: Path) -> None:
    torch.manual_seed(0)
    loader = DataLoader(MixedDataset(folder, sample="objects"), 4, collate_fn=detection_batch)
    model, totals = Detector(2), []
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(6):
        total = 0.0
        for images, targets in loader:
            loss = torch.stack([*model(images, targets).values()]).sum()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += loss.item()
        totals.append(total)
    assert totals == sorted(totals, reverse=True)
    assert totals[-1] < 0.8 * totals[0]
