"""Folders with pictures and their masks: `images` and `masks`, and the layouts of well-known data sets.

| layout | pictures | masks |
|---|---|---|
| plain | `images/a.jpg` | `masks/a.png`, `masks/a_mask.png` |
| ADE20K | `images/training/a.jpg` | `annotations/training/a.png` |
| Pascal VOC | `JPEGImages/a.jpg` | `SegmentationClass/a.png`; `ImageSets/Segmentation/train.txt` (see `instances`) |
| Cityscapes | `leftImg8bit/train/b/a_leftImg8bit.png` | `gtFine/train/b/a_gtFine_labelTrainIds.png`, `…_labelIds.png` |
| CamVid | `train/a.png` | `trainannot/a.png`, `train_labels/a_L.png` |
| splits outside | `train/images/a.jpg` | `train/masks/a.png` |
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixup_cli.errors import DataError, NoInputError, UsageError
from mixup_cli.fields.labels import Labels
from mixup_cli.fields.signal import MASK
from mixup_cli.sources.annotations.beside import listed, split_folders
from mixup_cli.sources.annotations.opening import annotated_above
from mixup_cli.sources.annotations.panoptic import panoptic_in
from mixup_cli.sources.masks.files import MaskFiles, MaskRules
from mixup_cli.sources.masks.instances import instances_of
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.pictures.walk import walk
from mixup_cli.sources.reading.base import SourceOptions
from mixup_cli.sources.reading.names import escape_name, names_of
from mixup_cli.sources.reading.splits import of_one_split, one_split, split_kind
from mixup_cli.sources.tables.matching import without_ending
from mixup_cli.wording import counted, setting

READ_AS = "images with masks"

PICTURES = ("images", "image", "imgs", "img", "jpegimages", "leftimg8bit")
MASKS = ("masks", "mask", "annotations", "labels", "segmentationclass", "segmentations", "gtfine")
"""How folders are called, in lower case …"""

SPLIT_MASKS = ("annot", "_annot", "_labels", "_masks", "_mask")
"""… and what is added to the name of a split's folder for that of its masks."""

PICTURE_ENDINGS = ("", "_leftImg8bit", "_image", "_img")
MASK_ENDINGS = (
    "",
    "_gtFine_labelTrainIds",
    "_gtFine_labelIds",
    "_mask",
    "_masks",
    "_seg",
    "_label",
    "_labels",
    "_gt",
    "_L",
)
"""What follows the part of a file's name that picture and mask share; of several masks the first counts."""

PARTIAL, LISTS = "jpegimages", "ImageSets/Segmentation"
"""In VOC's folder, only some pictures have masks, and files list the splits."""


@dataclass(frozen=True)
class Halves:
    """A folder of pictures, and one of masks."""

    pictures: Path
    masks: Path


def open_pairs(path: Path, options: SourceOptions) -> PictureSource | None:
    """The pictures of a folder with the mask of each; None for a folder without. Raises DataError for pictures without
    a mask, unless these may be left out, UsageError for an unknown split, NoInputError without any pair."""
    if not path.is_dir() or options.task not in (None, "segment"):
        return None
    notices, where = list[str](), escape_name(str(path))
    if options.labels_from is None:
        found = halves_of(path)
    else:
        folder = Path(options.labels_from)
        found = {"": Halves(path, folder)} if folder.is_dir() and not folder.samefile(path) else {}
    if not found:
        return None
    if "" not in found:
        chosen, notices = one_split({name: name for name in found}, options.split, where)
        found = {chosen: found[chosen]}
    name, halves = next(iter(found.items()))
    masks = _listing(halves.masks, options.exclude)
    pictures = _listing(halves.pictures, (*options.exclude, halves.masks))
    if not masks:
        remedy = next((f"{each}." for each in annotated_above(path)), "Give another folder.")
        raise NoInputError(f"{escape_name(str(halves.masks))}: has no masks.", remedy)
    names = pictures if name else _of_split(where, halves, pictures, options, notices)
    by_name = _by_shared_part(masks)
    pairs = {each: by_name.get(shared) for each in names for shared in [_shared(each, by_name)]}
    return _opened(path, halves, pairs, notices, options)


def halves_of(path: Path) -> dict[str, Halves]:
    """The halves in a folder, by the split that their names say, "" if none."""
    if (own := _halves_in(path)) is not None:
        return {"": own}
    splits = split_folders(path)
    inside = {each.name: halves for each in splits if (halves := _halves_in(each)) is not None}
    return inside or {
        each.name: Halves(each, masks)
        for each in splits
        for ending in SPLIT_MASKS
        if (masks := path / f"{each.name}{ending}").is_dir()
    }


def _halves_in(folder: Path) -> Halves | None:
    """Its folder of pictures and that of masks, if it has one of the first and one of the second with images in it.
    Most folders have none by these names, and nothing in them is walked."""
    with os.scandir(folder) as entries:  # a folder may have millions of files
        inside = [Path(each.path) for each in entries if each.name.lower() in (*PICTURES, *MASKS) and each.is_dir()]
    pictures, masks = ([each for each in inside if each.name.lower() in names] for names in (PICTURES, MASKS))
    masks = [each for each in masks if len(pictures) == 1 and not panoptic_in(each) and walk(str(each)).samples]
    return Halves(pictures[0], masks[0]) if len(pictures) == len(masks) == 1 else None


def _listing(folder: Path, exclude: Sequence[Path]) -> list[str]:
    if not folder.is_dir():
        raise NoInputError(f"{escape_name(str(folder))}: no such folder. Check the path.")
    return sorted(walk(str(folder), exclude).samples)


def _of_split(where: str, halves: Halves, pictures: list[str], options: SourceOptions, notices: list[str]) -> list[str]:
    """The pictures of the wanted split: as lists beside them say, or folders in theirs."""
    if (names := listed(halves.pictures.parent, LISTS, options.split, notices)) is not None:
        wanted = set(names)
        return [each for each in pictures if without_ending(each) in wanted]
    heads = {each: each.partition("/")[0] if "/" in each else "" for each in pictures}
    if not all(map(split_kind, heads.values())):
        if options.split is not None:
            raise UsageError(f"{where} has no folders of splits. Leave it out.", field="split", value=options.split)
        return pictures
    chosen, said = of_one_split({head: head for head in sorted({*heads.values()})}, options.split, where)
    notices += said
    return [each for each in pictures if heads[each] in chosen]


def _by_shared_part(masks: Iterable[str]) -> dict[str, str]:
    """Masks by the part of their names that they share with their pictures."""
    found: dict[str, str] = {}
    stems = {mask: without_ending(mask) for mask in masks}
    for ending in MASK_ENDINGS:
        for mask, stem in stems.items():
            if stem.endswith(ending):
                found.setdefault(stem.removesuffix(ending), mask)
    return found


def _shared(picture: str, masks: Iterable[str]) -> str:
    stem = without_ending(picture)
    return next((part for end in PICTURE_ENDINGS if (part := stem.removesuffix(end)) in masks), stem)


def _opened(
    path: Path, halves: Halves, pairs: dict[str, str | None], notices: list[str], options: SourceOptions
) -> PictureSource:
    where, without = escape_name(str(path)), sorted(each for each, mask in pairs.items() if mask is None)
    found = {each: mask for each, mask in pairs.items() if mask is not None}
    if not found:
        raise NoInputError(f"{where}: no image has a mask of its name in {escape_name(str(halves.masks))}.")
    if without and halves.pictures.name.lower() != PARTIAL and options.on_error == "fail":
        others = f" ({counted(len(without) - 1, 'other image')} neither)" * (len(without) > 1)
        problem = f"{escape_name(str(halves.pictures / without[0]))}: has no mask{others}."
        raise DataError(problem, f"Add it, or pass {setting('on_error', 'skip')}.")
    if without:
        notices.append(f"left out {counted(len(without), 'image')} without a mask ({names_of(without, 1)})")
    before = "" if halves.pictures == path else f"{halves.pictures.relative_to(path)}/"
    order = sorted(found, key=lambda each: escape_name(before + each))
    paths, names = [before + each for each in order], [found[each] for each in order]
    instances = instances_of(halves.masks, names)
    source: PictureSource | None = None if instances is None else instances.source_of(str(path), paths, options)
    if source is None:
        labels = Labels(class_names=options.classes or ())
        source = PictureSource(str(path), paths, labels, max_pixels=options.max_pixels)
    rules = MaskRules(options.ignore_index, len(options.classes) if options.classes else None)
    masks = MaskFiles(str(halves.masks), names, rules, source.extent, options.max_pixels)
    source.beside, source.task, source.read_as = {MASK: masks, **source.beside}, "segment", READ_AS
    source.notices = (_said(source, halves, options), *source.notices, *notices, *masks.doubts())
    return source


def _said(source: PictureSource, halves: Halves, options: SourceOptions) -> str:
    said = f"read as {READ_AS}: {counted(len(source), 'image')}, masks in {escape_name(halves.masks.name)}"
    if options.task is not None or options.labels_from is not None:
        return said
    return f"{said} ({setting('task', 'classify')} reads the folders as classes)"
