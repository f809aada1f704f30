"""The words that options take, each list once, for the recipe, the sources, the kernels and the command line."""

from __future__ import annotations

from typing import Literal, TypeAlias

METHOD_NAMES = (
    "mixup",
    "cutmix",
    "cutout",
    "erase",
    "resizemix",
    "fmix",
    "gridmix",
    "smoothmix",
    "saliencymix",
    "mosaic",
    "dirichlet",
    "zetamix",
    "jigsaw",
    "classmix",
    "copypaste",
    "bc",
    "snr",
    "ssmix",
    "specmix",
    "mixgen",
    "none",
)
"""The names of methods; `methods.METHODS` has their code, which takes longer to import."""

METHOD_ALIASES = {"patchmix": "jigsaw", "copy-paste": "copypaste", "videomix": "cutmix"}
"""Other names that people know a method by; recipes hold the first."""

Pair: TypeAlias = Literal["any", "same-class", "cross-class", "balanced", "nearest"]
Balance: TypeAlias = Literal["none", "classes"]
LabelRule: TypeAlias = Literal["soft", "remix", "union", "base"]
Resize: TypeAlias = Literal["crop", "pad", "stretch", "canvas"]
Task: TypeAlias = Literal["classify", "detect", "pose", "segment", "audio", "video", "text", "caption"]
"""What labels say of an image: its class; boxes around objects; the same with keypoints; the class or the object that
each pixel belongs to. Or the class of a sound, of a video or of a text; or the caption of an image."""

PLACED_TASKS: tuple[Task, ...] = ("detect", "pose", "segment")
"""Those whose labels have a place in the image …"""

TIMED_TASKS: tuple[Task, ...] = ("audio", "video", "text")
"""… and those whose samples are not images: they go on in time."""

TextEncoding: TypeAlias = Literal[
    "utf-8",
    "latin-1",
    "windows-1252",
    "windows-1251",
    "iso-8859-2",
    "iso-8859-15",
    "koi8-r",
    "gb18030",
    "big5",
    "euc-kr",
]
"""Of files with texts. In all of them a line ends with the byte 10."""

MapRule: TypeAlias = Literal["heavier", "both"]
"""What is stored of index maps where parents are averaged: that of the heavier parent, or those of all."""

ObjectWeights: TypeAlias = Literal["share", "one"]
Channels: TypeAlias = Literal["rgb", "grey", "mono", "stereo"]
"""Colours of images, and channels of sounds."""

Short: TypeAlias = Literal["pad", "loop"]
"""What is done about sounds that are too short: silence behind them, or the same again."""

Dtype: TypeAlias = Literal["uint8", "uint16", "int16", "float16", "float32", "source"]
Layout: TypeAlias = Literal["nhwc", "nchw"]
LabelColumns: TypeAlias = Literal["dense", "sparse", "both"]
Compression: TypeAlias = Literal["none", "gzip", "zstd"]
StoreKind: TypeAlias = Literal["rows", "plan"]
"""What shards hold: mixed samples, or the plan alone, by which readers mix them."""

LabelKind: TypeAlias = Literal["classes", "soft", "multi", "real", "none"]
"""One class a sample; shares of classes that sum to 1; any number of classes; real numbers to predict; nothing."""

LabelLevel: TypeAlias = Literal["fine", "coarse"]
OnError: TypeAlias = Literal["fail", "skip"]
CacheKind: TypeAlias = Literal["auto", "memory", "disk", "none"]
EngineKind: TypeAlias = Literal["threads", "processes", "ray"]
Device: TypeAlias = Literal["cpu", "cpu-torch", "cuda", "mps", "auto"]
"""`cpu` is numba, or NumPy for small runs; `cpu-torch` runs on the CPU what `cuda` and `mps` run; `auto` takes a GPU if
there is one."""
ExportFormat: TypeAlias = Literal[
    "webdataset", "imagefolder", "npz", "parquet", "arrow", "zarr", "tfrecord", "mds", "litdata", "coco", "yolo", "voc"
]
ImageEncoding: TypeAlias = Literal["png", "jpeg", "webp"]


def reads_texts(task: Task | None, tokenizer: object) -> bool:
    """Whether a source is read as texts: a table alone can hold anything."""
    return task == "text" or (task is None and tokenizer is not None)
