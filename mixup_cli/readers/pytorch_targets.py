"""What models for detection and segmentation take, made of a batch: `collate_fn`s for a `DataLoader`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from mixup_cli.errors import UsageError
from mixup_cli.fields.objects import KEYPOINTS, OBJECT_COLUMNS
from mixup_cli.fields.signal import FIRST, INSTANCES, MASK
from mixup_cli.readers.pytorch_batch import ReadBatch

Target: TypeAlias = dict[str, Any]

SHARE = "share"

HOW_TO_OPEN = 'Open the data set with sample=["images", "mask", "share"], or with sample="objects" if it has instances.'


def detection_batch(
    batch: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, first_label: int = 1, crowds: bool = False
) -> tuple[list[Tensor], list[Target]]:
    """What torchvision's detection models take: images, and a target for each. A `collate_fn` for a `DataLoader` over a
    `MixedDataset` or a `MixedStream` with `sample="objects"`; it also takes what such a data set gives by itself.

    An image is float32 (C, H, W), integers scaled to 0 … 1. A target has, for its n objects:

    - `boxes` float32 (n, 4): x1, y1, x2, y2 in pixels; `area` float32 (n), theirs in square pixels, or how many pixels
      the masks have
    - `labels` int64 (n): `first_label` is the first class. torchvision's models keep 0 for the background; other
      libraries count from 0
    - `weights` and `visible`, float32 (n) in 0 … 1: the shares of the parents that objects come from, and the parts of
      them that are seen, for a loss of yours
    - `parents` int64 (n), 0 for the base; `ids` int64 (n), by which the source knows them; `iscrowd` int64 (n)
    - `keypoints` float32 (n, J, 3), if there are any: x, y and COCO's visibility
    - `masks` uint8 (n, H, W), if the samples have instances: 1 where an object is seen
    - `image_id`, an int: the number of the row

    Boxes around crowds are left out unless `crowds` asks for them: models would learn them as single objects, and
    torchvision's own references leave them out too. Raises UsageError for samples without objects.
    """
    columns = _by_name(batch)
    needed = {FIRST, "index", *OBJECT_COLUMNS} - {KEYPOINTS}
    if missing := sorted(needed - columns.keys()):
        raise UsageError(f"samples have no {missing[0]}.", 'Open the data set with sample="objects".', field="batch")
    images = [_as_floats(image) for image in columns[FIRST]]
    objects, target_of = _objects_of(columns, first_label), zip(columns["index"], columns["object_count"], strict=True)
    targets = []
    for place, (row, count) in enumerate(target_of):
        target = {name: values[place, :count] for name, values in objects.items()}
        if INSTANCES in columns:
            masks = _masks(columns[INSTANCES][place], int(count))
            target |= {"masks": masks, "area": masks.sum(dim=(1, 2), dtype=torch.float32)}
        if not crowds and target["iscrowd"].any():
            target = {name: values[target["iscrowd"] == 0] for name, values in target.items()}
        targets.append({**target, "image_id": int(row)})
    return images, targets


def segmentation_batch(
    batch: Sequence[Mapping[str, Any]] | Mapping[str, Any], *, first_label: int = 1
) -> tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Tensor]:
    """What networks for semantic segmentation take: images float32 (B, C, H, W), integers scaled to 0 … 1, and the
    class of each pixel, int64 (B, H, W). A `collate_fn` for a `DataLoader` over a `MixedDataset` or a `MixedStream`
    with `sample=["images", "mask", "share"]`; it also takes what such a data set gives by itself.

    A mask has the data set's `ignore_index` (255) where a pixel has no class: losses take it by that name. Of a data
    set with instances, opened with `sample="objects"`, a pixel has the class of its object, of which the first is
    `first_label`, and 0, the background, where it has none.

    Of a data set with the masks of all parents (`--masks both`) masks are int64 (B, P, H, W), and the parents' shares,
    float32 (B, P), come third, for the loss Σ share · loss(mask). Raises UsageError for samples without masks, or
    without the shares of several.
    """
    columns = _by_name(batch)
    if FIRST not in columns or not columns.keys() & {MASK, INSTANCES}:
        raise UsageError("samples have no images with masks.", HOW_TO_OPEN, field="batch")
    if INSTANCES in columns and "object_class" not in columns:
        raise UsageError("samples have instances without classes.", HOW_TO_OPEN, field="batch")
    images = torch.stack([_as_floats(image) for image in columns[FIRST]])
    masks = columns[MASK].long() if MASK in columns else _classes_of(columns, first_label)
    if masks.ndim == images.ndim - 1:
        return images, masks
    if SHARE not in columns:
        raise UsageError("samples have the masks of all parents without their shares.", HOW_TO_OPEN, field="batch")
    return images, masks, columns[SHARE]


def _classes_of(columns: Mapping[str, Tensor], first_label: int) -> Tensor:
    """The class of each pixel by its object, 0 of one without: int64, in the shape of the instances."""
    instances = columns[INSTANCES].long()
    classes = columns["object_class"].long() + first_label
    known = torch.nn.functional.pad(classes, (1, 0))
    return known.gather(1, instances.flatten(1)).reshape(instances.shape)


def _masks(instances: Tensor, count: int) -> Tensor:
    """The pixels of each of some objects: uint8 (count, H, W), from a map (H, W), or from those of parents (P, H, W),
    of which each has its own objects."""
    places = torch.arange(1, count + 1).reshape(-1, *[1] * instances.ndim)
    seen = instances.long() == places
    return (seen if seen.ndim == 3 else seen.any(dim=1)).to(torch.uint8)


def _by_name(batch: Sequence[Mapping[str, Any]] | Mapping[str, Any]) -> Mapping[str, Any]:
    """The parts of all samples by name, the images perhaps as a list."""
    if isinstance(batch, Mapping):
        return batch
    if isinstance(batch, ReadBatch):
        return dict(zip(batch.names or (), batch.parts, strict=False))
    if not all(isinstance(sample, Mapping) for sample in batch):
        return {}
    together = {name: [sample[name] for sample in batch] for name in batch[0]}
    return {name: values if name == FIRST else torch.stack(values) for name, values in together.items()}


def _objects_of(columns: Mapping[str, Tensor], first_label: int) -> dict[str, Tensor]:
    """The parts of targets for all places for objects (m, O, …), empty ones too."""
    boxes = columns["object_box"]
    objects = {
        "boxes": boxes,
        "labels": columns["object_class"].long() + first_label,
        "weights": columns["object_weight"],
        "visible": columns["object_visible"],
        "ids": columns["object_id"],
        "parents": columns["object_parent"].long(),
        "iscrowd": columns["object_crowd"].long(),
        "area": (boxes[..., 2:] - boxes[..., :2]).prod(dim=-1),
    }
    return {**objects, KEYPOINTS: columns[KEYPOINTS]} if KEYPOINTS in columns else objects


def _as_floats(image: Tensor) -> Tensor:
    """float32, integers scaled to 0 … 1; floats are as the data set or a transform made them."""
    return image.float() if image.is_floating_point() else image.float() / torch.iinfo(image.dtype).max
