"""Which label rule goes with which labels, and what labels come out."""

from __future__ import annotations

from collections.abc import Mapping

from mixup_cli.choices import LabelKind, LabelRule
from mixup_cli.errors import UsageError
from mixup_cli.methods import parent_count
from mixup_cli.recipe import Recipe
from mixup_cli.wording import setting

REMIX_KAPPA = 3.0
REMIX_TAU = 0.5
"""What the paper uses for CIFAR and iNaturalist."""

TAKES: Mapping[LabelRule, tuple[LabelKind, ...]] = {
    "soft": ("classes", "soft", "multi", "real", "none"),
    "base": ("classes", "soft", "multi", "real"),
    "union": ("classes", "multi"),
    "remix": ("classes",),
}
"""The kinds of labels that each rule can be used on."""

KINDS: Mapping[LabelKind, str] = {
    "classes": "one class a sample",
    "soft": "soft labels",
    "multi": "any number of classes a sample",
    "real": "real numbers",
    "none": "no labels",
}
"""What messages call the kinds."""


def with_label_rule(recipe: Recipe, kind: LabelKind) -> Recipe:
    """The recipe with what its label rule needs filled in. Raises UsageError if rule, labels and methods do not fit.

    `kind` is that of the source's labels.
    """
    rule = recipe.label_rule
    if kind not in TAKES[rule]:
        others = ", ".join(each for each, kinds in TAKES.items() if kind in kinds)
        found = f"the source has {KINDS[kind]}, which take {others}."
        raise UsageError(found, "Pass one of these.", field="label_rule", value=rule)
    if recipe.label_smoothing and (kind not in ("classes", "soft") or rule == "union"):
        union = f"{setting('label_rule', 'union')} makes several ones a row"
        found = union if rule == "union" else f"the source has {KINDS[kind]}"
        raise UsageError(f"it is for rows that sum to 1, and {found}. Leave it out.", field="label_smoothing")
    if rule != "remix":
        return recipe
    if (parents := parent_count(recipe.methods)) > 2:
        found = f"it weighs two classes, and a method mixes {parents} samples."
        raise UsageError(found, "Pass soft.", field="label_rule", value="remix")
    kappa = REMIX_KAPPA if recipe.remix_kappa is None else float(recipe.remix_kappa)
    tau = REMIX_TAU if recipe.remix_tau is None else float(recipe.remix_tau)
    return recipe.with_(remix_kappa=kappa, remix_tau=tau)


def mixed_kind(recipe: Recipe, kind: LabelKind) -> LabelKind:
    """The kind of the mixed labels: that of the source's, except that a union of classes is of several."""
    return "multi" if recipe.label_rule == "union" else kind
