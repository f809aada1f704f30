"""The options that decide a row's bytes. One that is not given is None: defaults live in the recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from mixup_cli.choices import (
    METHOD_NAMES,
    Balance,
    Channels,
    Compression,
    Dtype,
    LabelColumns,
    LabelRule,
    Layout,
    Pair,
    Resize,
)
from mixup_cli.cli.options import method_text, parse
from mixup_cli.cli.options.groups import Group, flag
from mixup_cli.cli.options.panels import LABELS, MIXING, OUTPUT, PAIRING, VIEWS
from mixup_cli.recipe import DEFAULT_CROP_AREA, MethodChoice, Recipe

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan.files.reading import PlanFile

READERS: Mapping[str, Callable[[str], Any]] = {
    "size": parse.size,
    "cache_size": partial(parse.size, option="--cache-size"),
    "fill": parse.fill,
    "crop_area": partial(parse.low_high, option="--crop-area"),
    "value_range": partial(parse.low_high, option="--value-range"),
    "normalize": parse.normalize,
    "shard_size": parse.byte_count,
}
"""How options that are more than a word or a number are read."""


@dataclass(frozen=True)
class RecipeFlags(Group):
    """What decides the bytes."""

    method: str | None = flag(
        MIXING,
        f"{', '.join(METHOD_NAMES)}. With probabilities, which sum to 1, and options: "
        "mixup:0.5:alpha=0.4,cutmix:0.5. Default: mixup.",
        metavar="NAME[,NAME…]",
    )
    alpha: float | None = flag(
        MIXING,
        "lam ~ Beta(alpha, alpha), for methods without alpha=… of their own; 0 = unmixed. Default: the "
        "method's: mixup 0.2, cutmix 1.",
    )
    keep_originals: bool | None = flag(MIXING, "Put every sample in unmixed, too.")
    seed: int | None = flag(MIXING, "Default: 0.", min=0)
    pair: Pair | None = flag(
        PAIRING,
        "Who meets whom: anyone; the same class; another class; class-balanced donors; or near labels "
        "(regression). Default: any.",
    )
    bandwidth: float | None = flag(
        PAIRING, "nearest: width of the kernel, in standard deviations of the labels. Default: 0.1.", metavar="SD"
    )
    balance: Balance | None = flag(PAIRING, "classes: each is base equally often. Default: none.")
    per_class: int | None = flag(PAIRING, "Take only N samples of each class.", min=1, metavar="N")
    window: int | None = flag(
        PAIRING,
        "Mix only samples that are among the same W consecutive ones of the source.",
        min=1,
        max=1 << 40,
        metavar="W",
    )
    flip: float | None = flag(VIEWS, "Mirror each parent with this probability.", metavar="P")
    crop_pad: int | None = flag(VIEWS, "Pad each parent, and crop it back at random.", min=0, metavar="PX")
    random_resized_crop: bool | None = flag(
        VIEWS, "Cut a random part out of each parent, and resize it to the output's size."
    )
    crop_area: str | None = flag(VIEWS, "How much such a part covers. Default: 0.08,1.", metavar="LOW,HIGH")
    cache_size: str | None = flag(
        VIEWS,
        "Size to cut such parts from. Default: the pictures' own if they share one, else 256 for 224.",
        metavar="PX|WxH",
    )
    linear_light: bool | None = flag(VIEWS, "Mix light, not the sRGB values that encode it.")
    fill: str | None = flag(MIXING, "Colour of erased boxes and of padding. Default: 0.", metavar="GREY|R,G,B")
    size: str | None = flag(OUTPUT, "Default: the pictures' own if they share one, else 224.", metavar="PX|WxH")
    resize: Resize | None = flag(OUTPUT, "How to fit a picture. Default: crop.")
    channels: Channels | None = flag(OUTPUT, "Default: rgb; arrays as they are.")
    dtype: Dtype | None = flag(OUTPUT, "Default: uint8 for pictures, arrays as they are.")
    value_range: str | None = flag(
        OUTPUT, "What floats and 16-bit values to turn into 0 … the integer maximum.", metavar="LOW,HIGH"
    )
    normalize: str | None = flag(OUTPUT, "imagenet, cifar10 or numbers. Floats only.", metavar="NAME|MEAN/STD")
    layout: Layout | None = flag(OUTPUT, "Default: nhwc; arrays as they are.")
    labels: LabelColumns | None = flag(LABELS, "Soft labels, or classes with shares. Default: both.")
    label_rule: LabelRule | None = flag(
        LABELS,
        "What a parent counts in the label: its share (soft), more for rare classes (remix), one for each "
        "class (union), all for the largest share (base). Default: soft.",
    )
    remix_kappa: float | None = flag(LABELS, "remix: how many times larger a class must be. Default: 3.")
    remix_tau: float | None = flag(LABELS, "remix: below which share it leaves the label. Default: 0.5.")
    label_smoothing: float | None = flag(
        LABELS, "labels becomes (1 - EPS) * labels + EPS / classes; shares stay. Default: 0.", metavar="EPS"
    )
    compression: Compression | None = flag(OUTPUT, "Default: none.")
    samples_per_shard: int | None = flag(OUTPUT, "In place of --shard-size.", min=1)
    shard_size: str | None = flag(OUTPUT, "Default: 64MiB.", metavar="SIZE")

    @property
    def shard_bytes(self) -> int | None:
        """What `--shard-size` says; it becomes samples per shard once the size of a row is known."""
        return None if self.shard_size is None else parse.byte_count(self.shard_size)

    def recipe(self, plan: PlanFile | None = None) -> Recipe:
        """The recipe that was asked for; what was not asked for is the recipe's default. A plan from a file brings its
        own methods, unless others are asked for."""
        from mixup_cli.methods import asked, resolve
        from mixup_cli.methods.effect import check_effect

        given = self.given()
        alpha = given.pop("alpha", None)
        chosen = Recipe().methods if plan is None else tuple(MethodChoice(name) for name in plan.method_names)
        if "method" in given:
            chosen = method_text.methods(given.pop("method"))
        for name, read in READERS.items():
            if name in given:
                given[name] = read(given[name])
        given.pop("shard_size", None)
        if given.pop("random_resized_crop", False):
            given.setdefault("crop_area", DEFAULT_CROP_AREA)
        if plan is not None:
            given["plan"] = plan.digest()
        recipe = Recipe(methods=resolve(asked(chosen, alpha), is_planned=plan is not None), **given)
        check_effect(recipe)
        return recipe
