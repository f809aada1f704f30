"""The options that decide a row's bytes. One that is not given is None: defaults live in the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mixup_cli.choices import (
    METHOD_NAMES,
    Balance,
    Channels,
    Compression,
    Dtype,
    LabelColumns,
    LabelRule,
    Layout,
    MapRule,
    ObjectWeights,
    Pair,
    Resize,
    StoreKind,
)
from mixup_cli.cli.options.groups import LABELS, MIXING, OUTPUT, PAIRING, VIEWS, Group, flag, switch
from mixup_cli.cli.options.method_text import METHODS
from mixup_cli.cli.options.parse import BYTES, ENCODE, FILL, NORMALIZE, NUMBER, SIZE, low_high, whole, word
from mixup_cli.recipe import DEFAULT_CROP_AREA, MethodChoice, Normalize, Recipe

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan.files.reading import PlanFile


def samples_per_shard_flag() -> Any:
    """`--samples-per-shard`, for any command."""
    return flag(OUTPUT, "Samples in a shard, instead of --shard-size.", whole(1))


def shard_size_flag() -> Any:
    """`--shard-size`, for any command."""
    return flag(OUTPUT, "Bytes in a shard.", BYTES, otherwise="64MiB")


@dataclass(frozen=True)
class RecipeFlags(Group):
    """What decides the bytes. A field that the recipe has under the same name goes there as it is."""

    defaults: ClassVar[object] = Recipe

    method: tuple[MethodChoice, ...] | None = flag(
        MIXING,
        f"{', '.join(METHOD_NAMES)}. Several, with options: mixup:0.5:alpha=0.4,cutmix:0.5.",
        METHODS,
        otherwise=",".join(choice.name for choice in Recipe.methods),
        everyday=True,
    )
    alpha: float | None = flag(
        MIXING,
        "Draw lam from Beta(alpha, alpha), in methods without an alpha=… above; 0 leaves images unmixed.",
        NUMBER,
        otherwise="the method's, such as 0.2 for mixup and 1 for cutmix",
        everyday=True,
    )
    keep_originals: bool | None = switch(MIXING, "Also include each original, unmixed.", default=None, everyday=True)
    seed: int | None = flag(MIXING, "Seed of all random numbers.", whole(), everyday=True)
    pair: Pair | None = flag(
        PAIRING,
        "How partners are chosen: any other sample, the same class, another class, classes equally often "
        "(balanced), or similar labels (nearest, for regression).",
        word(Pair),
    )
    bandwidth: float | None = flag(
        PAIRING,
        "With --pair nearest: width of the kernel, in standard deviations of the labels.",
        NUMBER,
        metavar="SD",
        otherwise=0.1,
    )
    balance: Balance | None = flag(PAIRING, "classes: mix samples of every class equally often.", word(Balance))
    per_class: int | None = flag(PAIRING, "Use only N samples of each class.", whole(1))
    window: int | None = flag(
        PAIRING, "Mix only samples within the same W consecutive ones.", whole(1, 1 << 40), metavar="W"
    )
    flip: float | None = flag(VIEWS, "Mirror each image with this probability.", NUMBER, metavar="P")
    crop_pad: int | None = flag(
        VIEWS, "Pad each image by PX on all sides, and crop it back at random.", whole(), metavar="PX"
    )
    random_resized_crop: bool | None = switch(
        VIEWS, "Cut a random part out of each image, and resize it to the output size.", default=None
    )
    crop_area: tuple[float, float] | None = flag(
        VIEWS, "Smallest and largest area of that part.", low_high("0.08,1"), otherwise=DEFAULT_CROP_AREA
    )
    cache_size: tuple[int, int] | None = flag(
        VIEWS,
        "Image size to cut that part from.",
        SIZE,
        otherwise="the images' own if all are equal, else 256 for 224",
    )
    linear_light: bool | None = switch(VIEWS, "Mix linear light instead of sRGB values.", default=None)
    fill: tuple[int, ...] | None = flag(
        MIXING,
        "Colour of erased boxes, and around images that --crop-pad moves, that have objects, or that lie on a canvas "
        "(--resize canvas). Around others it is black.",
        FILL,
    )
    size: tuple[int, int] | None = flag(
        OUTPUT, "Image size.", SIZE, otherwise="the images' own if all are equal, else 224", everyday=True
    )
    resize: Resize | None = flag(
        OUTPUT, "How to fit images to that size.", word(Resize), otherwise="crop; pad where images have objects"
    )
    channels: Channels | None = flag(
        OUTPUT, "Images in colour or grey; channels of sounds.", word(Channels), otherwise="rgb; arrays keep theirs"
    )
    dtype: Dtype | None = flag(
        OUTPUT,
        "Type of stored values.",
        word(Dtype),
        otherwise="uint8 for images; arrays keep theirs",
    )
    value_range: tuple[float, float] | None = flag(
        OUTPUT, "For float or 16-bit sources: values that become 0 and the largest integer.", low_high("0,1")
    )
    normalize: Normalize | None = flag(
        OUTPUT, "Subtract a mean and divide by a deviation: imagenet, cifar10 or numbers. For floats.", NORMALIZE
    )
    layout: Layout | None = flag(OUTPUT, "Order of axes.", word(Layout), otherwise="nhwc; arrays keep theirs")
    labels: LabelColumns | None = flag(
        LABELS,
        "Store soft labels (dense), classes with their shares (sparse), or both.",
        word(LabelColumns, remedy="A table of labels goes with --labels-from."),
    )
    label_rule: LabelRule | None = flag(
        LABELS,
        "Weight of a parent's label: its share of the image (soft), more for rare classes (remix), 1 for each "
        "class (union), all for the largest share (base).",
        word(LabelRule),
    )
    remix_kappa: float | None = flag(
        LABELS, "With remix: act if one class has at least X times the samples of the other.", NUMBER, otherwise=3.0
    )
    remix_tau: float | None = flag(
        LABELS, "With remix: drop the larger class if its share is below X.", NUMBER, otherwise=0.5
    )
    label_smoothing: float | None = flag(
        LABELS, "Store (1 - EPS) * label + EPS / classes; shares stay as they are.", NUMBER, metavar="EPS"
    )
    object_weights: ObjectWeights | None = flag(
        LABELS, "Weight of an object: its parent's in the blend (share), or 1 (one).", word(ObjectWeights)
    )
    min_visible: float | None = flag(
        LABELS, "Leave out objects of which less than this part is seen.", NUMBER, metavar="PART"
    )
    masks: MapRule | None = flag(
        LABELS,
        "Masks and instances where images are averaged: those of the heavier parent, or of both.",
        word(MapRule),
    )
    max_objects: int | None = flag(
        LABELS,
        "Store no more than N objects of a row, those of which the most is seen.",
        whole(1),
        otherwise="as many as rows can have",
    )
    compression: Compression | None = flag(OUTPUT, "How to compress shards.", word(Compression))
    store: StoreKind | None = flag(
        OUTPUT,
        "What shards hold: mixed samples (rows), or the plan alone (plan), which takes almost no room: mixup-gen's "
        "readers then mix when they read.",
        word(StoreKind),
    )
    encode: str | None = flag(
        OUTPUT, "Store each image encoded by itself, with quality Q in 1 … 100.", ENCODE, otherwise="raw values"
    )
    samples_per_shard: int | None = samples_per_shard_flag()
    shard_size: int | None = shard_size_flag()

    def recipe(self, plan: PlanFile | None = None) -> Recipe:
        """The recipe that was asked for; what was not asked for is the recipe's default. A plan from a file brings its
        own methods, unless others are asked for."""
        from mixup_cli.methods import asked

        given: dict[str, Any] = self.given()
        planned = None if plan is None else tuple(MethodChoice(name) for name in plan.method_names)
        methods = asked(given.pop("method", planned or Recipe().methods), given.pop("alpha", None))
        given.pop("shard_size", None)  # becomes samples per shard once the size of a row is known
        if given.pop("random_resized_crop", False):
            given.setdefault("crop_area", DEFAULT_CROP_AREA)
        if plan is not None:
            given["plan"] = plan.digest()
        return Recipe(methods=methods, **given)
