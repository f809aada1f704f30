"""The options that decide a row's bytes. One that is not given is None: defaults live in the recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

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
from mixup_cli.cli import method_text, parse
from mixup_cli.cli.groups import option
from mixup_cli.cli.panels import LABELS, MIXING, OUTPUT, PAIRING, VIEWS
from mixup_cli.recipe import DEFAULT_CROP_AREA, MethodChoice, Recipe

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan_files.reading import PlanFile

READERS: Mapping[str, Callable[[str], Any]] = {
    "size": parse.size,
    "cache_size": parse.cache_size,
    "fill": parse.fill,
    "crop_area": parse.crop_area,
    "value_range": parse.value_range,
    "normalize": parse.normalize,
    "shard_size": parse.byte_count,
}
"""How options that are more than a word or a number are read."""


@dataclass(frozen=True)
class RecipeFlags:
    """What decides the bytes."""

    method: Annotated[
        str | None,
        option(
            "--method",
            metavar="NAME[,NAME…]",
            panel=MIXING,
            help=f"{', '.join(METHOD_NAMES)}. With probabilities, which sum to 1, and options: "
            "mixup:0.5:alpha=0.4,cutmix:0.5. Default: mixup.",
        ),
    ] = None
    alpha: Annotated[
        float | None,
        option(
            "--alpha",
            panel=MIXING,
            help="lam ~ Beta(alpha, alpha), for methods without alpha=… of their own; 0 = unmixed. Default: the "
            "method's: mixup 0.2, cutmix 1.",
        ),
    ] = None
    keep_originals: Annotated[
        bool | None,
        option("--keep-originals/--no-keep-originals", panel=MIXING, help="Put every sample in unmixed, too."),
    ] = None
    seed: Annotated[int | None, option("--seed", min=0, panel=MIXING, help="Default: 0.")] = None
    pair: Annotated[
        Pair | None,
        option(
            "--pair",
            panel=PAIRING,
            help="Who meets whom: anyone; the same class; another class; class-balanced donors; or near labels "
            "(regression). Default: any.",
        ),
    ] = None
    bandwidth: Annotated[
        float | None,
        option(
            "--bandwidth",
            metavar="SD",
            panel=PAIRING,
            help="nearest: width of the kernel, in standard deviations of the labels. Default: 0.1.",
        ),
    ] = None
    balance: Annotated[
        Balance | None,
        option("--balance", panel=PAIRING, help="classes: each is base equally often. Default: none."),
    ] = None
    per_class: Annotated[
        int | None, option("--per-class", min=1, metavar="N", panel=PAIRING, help="Take only N samples of each class.")
    ] = None
    window: Annotated[
        int | None,
        option(
            "--window",
            min=1,
            max=1 << 40,
            metavar="W",
            panel=PAIRING,
            help="Mix only samples that are among the same W consecutive ones of the source.",
        ),
    ] = None
    flip: Annotated[
        float | None, option("--flip", metavar="P", panel=VIEWS, help="Mirror each parent with this probability.")
    ] = None
    crop_pad: Annotated[
        int | None,
        option("--crop-pad", min=0, metavar="PX", panel=VIEWS, help="Pad each parent, and crop it back at random."),
    ] = None
    random_resized_crop: Annotated[
        bool | None,
        option(
            "--random-resized-crop/--no-random-resized-crop",
            panel=VIEWS,
            help="Cut a random part out of each parent, and resize it to the output's size.",
        ),
    ] = None
    crop_area: Annotated[
        str | None,
        option("--crop-area", metavar="LOW,HIGH", panel=VIEWS, help="How much such a part covers. Default: 0.08,1."),
    ] = None
    cache_size: Annotated[
        str | None,
        option(
            "--cache-size",
            metavar="PX|WxH",
            panel=VIEWS,
            help="Size to cut such parts from. Default: the pictures' own if they share one, else 256 for 224.",
        ),
    ] = None
    linear_light: Annotated[
        bool | None,
        option("--linear-light/--no-linear-light", panel=VIEWS, help="Mix light, not the sRGB values that encode it."),
    ] = None
    fill: Annotated[
        str | None,
        option("--fill", metavar="GREY|R,G,B", panel=MIXING, help="Colour of erased boxes and of padding. Default: 0."),
    ] = None
    size: Annotated[
        str | None,
        option(
            "--size", metavar="PX|WxH", panel=OUTPUT, help="Default: the pictures' own if they share one, else 224."
        ),
    ] = None
    resize: Annotated[Resize | None, option("--resize", panel=OUTPUT, help="How to fit a picture. Default: crop.")] = (
        None
    )
    channels: Annotated[
        Channels | None, option("--channels", panel=OUTPUT, help="Default: rgb; arrays as they are.")
    ] = None
    dtype: Annotated[
        Dtype | None, option("--dtype", panel=OUTPUT, help="Default: uint8 for pictures, arrays as they are.")
    ] = None
    value_range: Annotated[
        str | None,
        option(
            "--value-range",
            metavar="LOW,HIGH",
            panel=OUTPUT,
            help="What floats and 16-bit values to turn into 0 … the integer maximum.",
        ),
    ] = None
    normalize: Annotated[
        str | None,
        option("--normalize", metavar="NAME|MEAN/STD", panel=OUTPUT, help="imagenet, cifar10 or numbers. Floats only."),
    ] = None
    layout: Annotated[Layout | None, option("--layout", panel=OUTPUT, help="Default: nhwc; arrays as they are.")] = None
    labels: Annotated[
        LabelColumns | None,
        option("--labels", panel=LABELS, help="Soft labels, or classes with shares. Default: both."),
    ] = None
    label_rule: Annotated[
        LabelRule | None,
        option(
            "--label-rule",
            panel=LABELS,
            help="What a parent counts in the label: its share (soft), more for rare classes (remix), one for each "
            "class (union), all for the largest share (base). Default: soft.",
        ),
    ] = None
    remix_kappa: Annotated[
        float | None,
        option("--remix-kappa", panel=LABELS, help="remix: how many times larger a class must be. Default: 3."),
    ] = None
    remix_tau: Annotated[
        float | None,
        option("--remix-tau", panel=LABELS, help="remix: below which share it leaves the label. Default: 0.5."),
    ] = None
    label_smoothing: Annotated[
        float | None,
        option(
            "--label-smoothing",
            metavar="EPS",
            panel=LABELS,
            help="labels becomes (1 - EPS) * labels + EPS / classes; shares stay. Default: 0.",
        ),
    ] = None
    compression: Annotated[Compression | None, option("--compression", panel=OUTPUT, help="Default: none.")] = None
    samples_per_shard: Annotated[
        int | None, option("--samples-per-shard", min=1, panel=OUTPUT, help="In place of --shard-size.")
    ] = None
    shard_size: Annotated[str | None, option("--shard-size", metavar="SIZE", panel=OUTPUT, help="Default: 64MiB.")] = (
        None
    )

    @property
    def shard_bytes(self) -> int | None:
        """What `--shard-size` says; it becomes samples per shard once the size of a row is known."""
        return None if self.shard_size is None else parse.byte_count(self.shard_size)

    def recipe(self, plan: PlanFile | None = None) -> Recipe:
        """The recipe that was asked for; what was not asked for is the recipe's default. A plan from a file brings its
        own methods, unless others are asked for."""
        from mixup_cli.methods import asked, resolve
        from mixup_cli.methods.effect import check_effect

        given = {name: value for name, value in asdict(self).items() if value is not None}
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
