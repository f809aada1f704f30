"""What the columns of a data set mean, in words: for its card, for metadata and for the page of a report."""

from __future__ import annotations

from mixup_cli.fields.objects import BOX_EDGES
from mixup_cli.fields.signal import ATTENTION, FIRST, INPUT_IDS, INSTANCES, MASK, OF_ONE, Signal
from mixup_cli.image_format import ImageFormat
from mixup_cli.storage.manifest import Manifest
from mixup_cli.storage.manifest_records import ColumnRecord

MEANINGS = {
    FIRST: "the mixed sample",
    "labels": "mixed label: one number for each name below",
    "index": "row in the plan",
    "source_index": "parents, base first: rows of `sources.csv`",
    "source_label": "the parents' classes",
    "share": "what part of the sample each parent really has; `share[:, 0]` is lam",
    "label_share": "the weights that the label uses",
    "method": "the mixing method: a position in the manifest's `methods`",
    "view": "what is seen of each parent: top, left, bottom, right in the cached picture, and 1 if mirrored",
    "box": "top, left, bottom, right of the pasted box, half-open; zeros where there is none",
    "span": "the part in time that another parent fills, or that is hidden: start and stop, half-open; else zeros",
    "source_start": "the place in time of each parent that is seen first",
    "gain": "by which each parent is multiplied, outside of the span",
    "weight": "what the method mixes each parent by, in 65536ths",
    "scale": "by which the mixed wave is multiplied",
    "mask_seed": "what the method's mask is drawn from; 0 without one",
    "object_count": "how many objects there are: they stand in the first places of the columns that follow",
    "object_box": f"the part that is seen of each: {BOX_EDGES}",
    "object_class": "its class; -1 in a place without an object",
    "object_weight": "how much it counts in the loss: {weight}",
    "object_visible": "which part of its area is seen",
    "object_parent": "the parent that it comes from: a position in `source_index`; -1 in a place without an object",
    "object_id": "by which the source knows it",
    "object_crowd": "1 if its box stands around many",
    "object_lost": "how many more objects there were, which found no place",
    "keypoints": "x, y and visibility of each: 0 not labelled, 1 hidden, 2 visible",
}

WEIGHTS = {"share": "its parent's weight where it is seen", "one": "1"}
"""What the weight of an object is."""

FURTHER = "the same mix of a further signal"

MAPS = {
    MASK: "the class of each pixel; {void} where it has none",
    INPUT_IDS: "the number of each token in the tokenizer, which the recipe has the hash of",
    ATTENTION: "1 where there is a token, 0 behind the last",
    INSTANCES: "which object each pixel belongs to: its place in the columns of objects plus 1; 0 outside of all",
}
"""What index maps hold."""

CAPTIONS = {
    INPUT_IDS: f"{MAPS[INPUT_IDS]}: the captions of all parents that have a share, one after the other",
    ATTENTION: "1 where there is a token, 0 in the padding",
}
"""What the columns of captions hold."""

OF_EACH_PARENT = ", in the map of each parent"

SOFT = {
    "classes": "shares of the parents' classes, which sum to 1",
    "soft": "the parents' soft labels by share, which sum to 1",
    "multi": "the parents' zeros and ones by share, each class for itself in 0 … 1",
    "real": "the parents' numbers by share",
    "none": "none",
}
"""What labels are under the rule soft, by their kind."""

OF_MASKS = "masks: a class for each pixel"
"""What labels are where samples have class masks."""

RULES = {
    "base": "the label of the parent with the largest share",
    "union": "ones for every class that a parent with a share has",
    "remix": "shares of the parents' classes, rare classes favoured (Remix, kappa {kappa:g}, tau {tau:g})",
}
"""What labels are under the other rules."""

LOSSES = {
    "classes": "`torch.nn.functional.cross_entropy(logits, labels)` takes the soft labels as they are.",
    "soft": "`torch.nn.functional.cross_entropy(logits, labels)` takes the soft labels as they are.",
    "multi": "`torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)` takes the labels as they are.",
    "real": "`torch.nn.functional.mse_loss(predicted, labels)` takes the labels as they are.",
}
"""Which loss goes with which kind of labels."""

LOSS_OF_MASKS = (
    "`torch.nn.functional.cross_entropy(logits, mask.long(), ignore_index={void})` takes the masks as they are."
)
LOSS_OF_ALL_MASKS = (
    "The loss of a row is the sum of those of its parents' masks, each times its `share`. Of one of them: "
)


def meanings(manifest: Manifest) -> dict[str, str]:
    """What the columns hold, by name."""
    found = {**{signal.name: FURTHER for signal in manifest.signals}, **MEANINGS}
    found[manifest.signals[0].name] = MEANINGS[FIRST]
    for signal in manifest.signals:
        if signal.is_index_map:
            of_each = OF_EACH_PARENT if signal.axes in OF_ONE else ""
            found[signal.name] = MAPS[signal.name].format(void=manifest.ignore_index) + of_each
        if signal.kind == "text":
            found[signal.name] = CAPTIONS[signal.name]
    weight = WEIGHTS[manifest.recipe.get("object_weights", "share")]
    return {**found, "object_weight": found["object_weight"].format(weight=weight)}


def label_meaning(manifest: Manifest) -> str:
    """What a row of labels is, in a phrase: its kind, the label rule, and smoothing."""
    if manifest.boxes is not None:
        has_pixels = any(signal.is_index_map for signal in manifest.signals)
        return f"objects: boxes with a class{', and their pixels' * has_pixels}"
    if mask_of(manifest):
        return OF_MASKS
    rule, smoothing = manifest.recipe.get("label_rule", "soft"), manifest.recipe.get("label_smoothing", 0)
    words = {**RULES, "soft": SOFT[manifest.label_kind]}[rule]
    if rule == "remix":
        words = words.format(kappa=manifest.recipe["remix_kappa"], tau=manifest.recipe["remix_tau"])
    return f"{words}, smoothed by {smoothing:g} (the shares are not)" if smoothing else words


def mask_of(manifest: Manifest) -> Signal | None:
    """The class masks of a data set."""
    return next((signal for signal in manifest.signals if signal.name == MASK and signal.is_index_map), None)


def has_captions(manifest: Manifest) -> bool:
    """Whether samples have captions."""
    return any(signal.kind == "text" for signal in manifest.signals)


def loss_hint(manifest: Manifest) -> str:
    """Which loss goes with the labels or masks, a sentence; empty where none is known."""
    mask = mask_of(manifest)
    if mask is None:
        return LOSSES.get(manifest.label_kind, "")
    return LOSS_OF_ALL_MASKS * (mask.axes == "phw") + LOSS_OF_MASKS.format(void=manifest.ignore_index)


def encoding_meaning(column: ColumnRecord) -> str:
    """What a row of an encoded column is, in a phrase, and whether something is lost."""
    image_format = ImageFormat.parse(column.encoding or "")
    kind = f"{image_format.kind} image{f' of quality {image_format.quality}' if image_format.quality else ''}"
    loss = "lossy: its values differ from those that were mixed" if column.lossy else "which loses nothing"
    return f"the bytes of a {kind}, {loss}"
