"""torchvision's detectors train on what `detection_batch` gives them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.readers.pytorch import MixedDataset, detection_batch
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source
from tests.object_scenes import write_scenes
from tests.panoptic_scenes import write_panoptic

torchvision: Any = pytest.importorskip("torchvision")

STEPS = 40
SIDE = 64


def made(source: Path, out: Path, *methods: str, task: Any = None) -> MixedDataset:
    """A data set of such a source, as a detector reads it."""
    recipe = Recipe(methods=tuple(MethodChoice(name, 1.0) for name in methods), size=(SIDE, SIDE))
    generate(open_source([source], SourceOptions(task=task)), recipe, Run(out=out))
    return MixedDataset(out, sample="objects")


def losses_of(model: Any, data: MixedDataset) -> list[float]:
    """The sum of all losses at each step, over the same four rows again and again."""
    import torch

    loader = torch.utils.data.DataLoader(data, batch_size=4, collate_fn=partial(detection_batch, first_label=1))
    images, targets = next(iter(loader))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    found = []
    model.train()
    for _ in range(STEPS):
        losses = model(images, targets)
        total = sum(losses.values())
        assert torch.isfinite(total), losses
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        found.append(total.item())
    return found


def check_learns(losses: list[float]) -> None:
    """The last quarter of the steps is well below the first."""
    quarter = len(losses) // 4
    before, after = sum(losses[:quarter]) / quarter, sum(losses[-quarter:]) / quarter
    assert after < 0.75 * before, losses


def detector(kind: str, classes: int, **more: Any) -> Any:
    """torchvision's model on a backbone of three layers, which begins at random numbers: it takes a core seconds."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    sizes = [(3, 16), (16, 32), (32, 32)]
    backbone = nn.Sequential(*(nn.Sequential(nn.Conv2d(*size, 3, 2, 1), nn.ReLU()) for size in sizes))
    backbone.out_channels = 32  # type: ignore[assignment]  # torchvision reads it there
    models = torchvision.models.detection
    anchors = models.rpn.AnchorGenerator(((8, 16, 32),), ((0.5, 1.0, 2.0),))
    rois = torchvision.ops.MultiScaleRoIAlign(["0"], 5, 2)
    how = {"rpn_anchor_generator": anchors, "box_roi_pool": rois, "min_size": SIDE, "max_size": SIDE}
    fewer = {"rpn_pre_nms_top_n_train": 100, "rpn_post_nms_top_n_train": 50, "box_batch_size_per_image": 24}
    head = models.faster_rcnn.TwoMLPHead(32 * 25, 64)
    predictor = models.faster_rcnn.FastRCNNPredictor(64, 1 + classes)
    made = {"num_classes": None, "box_head": head, "box_predictor": predictor, **how, **fewer, **more}
    return getattr(models, kind)(backbone, **made)


def test_torchvision_s_faster_rcnn_learns_from_boxes(tmp_path: Path) -> None:
    data = made(write_scenes(tmp_path / "scenes"), tmp_path / "out", "mixup", "mosaic", "cutmix", task="detect")
    check_learns(losses_of(detector("FasterRCNN", len(data.class_names)), data))


def test_torchvision_s_mask_rcnn_learns_from_instances(tmp_path: Path) -> None:
    write_panoptic(tmp_path / "segments")
    data = made(tmp_path / "segments", tmp_path / "out", "copypaste", "cutmix")
    mask_rcnn = torchvision.models.detection.mask_rcnn
    more = {
        "mask_roi_pool": torchvision.ops.MultiScaleRoIAlign(["0"], 8, 2),
        "mask_head": mask_rcnn.MaskRCNNHeads(32, (32,), 1),
        "mask_predictor": mask_rcnn.MaskRCNNPredictor(32, 32, 1 + len(data.class_names)),
    }
    check_learns(losses_of(detector("MaskRCNN", len(data.class_names), **more), data))
