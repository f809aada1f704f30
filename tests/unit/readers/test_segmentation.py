"""What networks for segmentation take, from data sets with masks or instances."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mixup_cli.errors import UsageError
from mixup_cli.readers.pytorch import MixedDataset, MixedStream, detection_batch, segmentation_batch
from tests.data_sets import columns
from tests.mask_scenes import VOID
from tests.mask_sources import ROWS, SIDE, write_masked

MASKS: dict[str, Any] = {"sample": ["images", "mask", "share"]}
KINDS: tuple[Literal["mask", "instances"], ...] = ("mask", "instances")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Data sets of masks and of instances, with one map a row and with one for each parent."""
    pytest.importorskip("pycocotools")
    return {
        f"{kind}-{masks}": write_masked(
            tmp_path_factory.mktemp(kind),
            kind,
            "mixup",
            masks=masks,
            **({"min_visible": 0.0} if kind == "instances" else {}),
        )
        for kind in KINDS
        for masks in ("heavier", "both")
    }


def loaded(batches: Any) -> list[tuple[Any, ...]]:
    return [tuple(batch) for batch in batches]


def test_masks_as_they_are_stored(made: dict[str, Path]) -> None:
    stored = columns(made["mask-heavier"])
    loader = DataLoader(MixedDataset(made["mask-heavier"], **MASKS), 5, collate_fn=segmentation_batch)
    images, masks = map(torch.cat, zip(*loaded(loader), strict=True))
    np.testing.assert_array_equal(masks.numpy(), stored["mask"].astype(np.int64), strict=True)
    np.testing.assert_array_equal(images.numpy(), stored["images"].transpose(0, 3, 1, 2).astype(np.float32) / 255)
    assert (masks == VOID).any()


def test_instances_become_classes(made: dict[str, Path]) -> None:
    """The class of the object in whose place a pixel is; the background counts from 0."""
    stored = columns(made["instances-heavier"])
    samples = MixedDataset(made["instances-heavier"], sample="objects").__getitems__([*range(ROWS)])
    for first in (1, 7):
        masks = segmentation_batch(samples, first_label=first)[1]
        assert masks.dtype == torch.int64
        for row, mask in enumerate(masks.numpy()):
            known = np.concatenate([[0], stored["object_class"][row] + first])
            np.testing.assert_array_equal(mask, known[stored["instances"][row]])
        assert {0, first} < {*np.unique(masks.numpy()).tolist()}


@pytest.mark.parametrize("kind", ["mask", "instances"])
def test_the_masks_of_both_parents_come_with_their_shares(made: dict[str, Path], kind: str) -> None:
    """The loss over them is that of each parent's own mask by its share, and never NaN, even without any class."""
    folder = made[f"{kind}-both"]
    stored, choices = columns(folder), MASKS if kind == "mask" else {"sample": "objects"}
    stream = MixedStream(folder, 4, shuffle_buffer=0, **choices)
    batches = loaded(DataLoader(stream, None, collate_fn=segmentation_batch))
    _, masks, shares = map(torch.cat, zip(*batches, strict=True))
    np.testing.assert_array_equal(shares.numpy(), stored["share"], strict=True)
    assert masks.shape == (ROWS, 2, SIDE, SIDE)
    if kind == "mask":
        np.testing.assert_array_equal(masks.numpy(), stored["mask"].astype(np.int64))
    logits = torch.zeros(ROWS, 5, SIDE, SIDE)
    losses = [
        torch.nn.functional.cross_entropy(logits, each, ignore_index=VOID, reduction="none").mean(dim=(1, 2))
        for each in masks.unbind(1)
    ]
    loss = (shares * torch.stack(losses, 1)).sum(1)
    expected = ((masks != VOID).float().mean(dim=(2, 3)) * shares).sum(1) * np.log(5)
    torch.testing.assert_close(loss, expected, check_dtype=False)


@pytest.mark.parametrize("masks", ["heavier", "both"])
@pytest.mark.parametrize("crowds", [False, True])
def test_each_object_has_its_mask(made: dict[str, Path], masks: str, crowds: bool) -> None:
    """Those of torchvision's Mask R-CNN: as many as boxes, which are the tightest around them."""
    folder = made[f"instances-{masks}"]
    stored, count = columns(folder), 0
    _, targets = detection_batch(MixedDataset(folder, sample="objects").__getitems__([*range(ROWS)]), crowds=crowds)
    for row, target in enumerate(targets):
        kept = np.arange(stored["object_count"][row])
        kept = kept if crowds else kept[stored["object_crowd"][row, kept] == 0]
        found = target["masks"].numpy()
        assert (found.shape, found.dtype) == ((len(kept), SIDE, SIDE), np.uint8)
        assert target["area"].tolist() == found.sum(axis=(1, 2)).tolist()
        for mask, place, box in zip(found, kept, target["boxes"].tolist(), strict=True):
            own = stored["instances"][row]
            own = own if masks == "heavier" else own[stored["object_parent"][row, place]]
            np.testing.assert_array_equal(mask, own == place + 1)
            ys, xs = np.nonzero(mask)
            assert box == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
            count += 1
    assert count >= ROWS


def test_samples_without_masks_are_refused(made: dict[str, Path]) -> None:
    for kind, sample, found in (
        ("mask-heavier", ["images", "share"], "no images with masks"),
        ("mask-heavier", "soft", "no images with masks"),
        ("instances-heavier", ["images", "instances"], "instances without classes"),
        ("mask-both", ["images", "mask"], "all parents without their shares"),
    ):
        data = MixedDataset(made[kind], sample=sample)
        with pytest.raises(UsageError, match=rf"samples have .*{found}\. Open the data set with sample="):
            segmentation_batch(data.__getitems__([0, 1]))


def test_a_network_learns_both(made: dict[str, Path]) -> None:
    """Colours show classes, so that one layer learns them."""
    torch.manual_seed(0)
    loader = DataLoader(MixedDataset(made["mask-heavier"], **MASKS), 6, collate_fn=segmentation_batch)
    network, losses = torch.nn.Conv2d(3, 5, 1), []
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(12):
        for images, masks in loader:
            loss = torch.nn.functional.cross_entropy(network(images), masks, ignore_index=VOID)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]
