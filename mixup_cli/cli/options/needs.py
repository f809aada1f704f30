"""Options that act only beside another one, and options that exclude each other: one table for all commands.

An option without effect is refused. Where the other option comes from a stronger place (the command line before the
environment before a configuration file), it overrules: the weaker one counts as not given.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from mixup_cli.choices import LabelKind
from mixup_cli.cli.options.provenance import spell
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.errors import UsageError

PRECEDENCE = ("COMMANDLINE", "ENVIRONMENT", "DEFAULT_MAP")
"""Where a value can come from, the strongest first; Click calls the config file's values a default map."""


@dataclass(frozen=True)
class Need:
    """`names` act only where one of the options `others` is given, with one of `values` if there are any; `text` says
    so, as it is typed."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    text: str
    values: tuple[object, ...] = ()

    def is_met(self, context: Any) -> bool:
        if self.values:
            return any(context.params[name] in self.values for name in self.others)
        return any(is_given(context, name) for name in self.others)


LABELLED = tuple(kind for kind in get_args(LabelKind) if kind != "none")

NEEDS = (
    Need(("null",), ("files_from",), "--files-from"),
    Need(("max_errors",), ("on_error",), "--on-error skip", ("skip",)),
    Need(("cache_folder", "cache_limit"), ("cache",), "--cache disk", ("disk",)),
    Need(("crop_area", "cache_size"), ("random_resized_crop",), "--random-resized-crop", (True,)),
    Need(
        ("label_column", "label_level", "label_separator", "classes"),
        ("label_kind",),
        "a --label-kind other than none",
        (None, *LABELLED),
    ),
    Need(("bandwidth",), ("pair",), "--pair nearest", ("nearest",)),
    Need(("remix_kappa", "remix_tau"), ("label_rule",), "--label-rule remix", ("remix",)),
    Need(("value_range",), ("dtype",), "--dtype uint8 or uint16", (None, "uint8", "uint16")),
)

OF_SOURCE = tuple(each.name for each in fields(SourceFlags))

TYPED = {
    "verify": (Need((*OF_SOURCE, "source_paths", "plan"), ("deep",), "--deep"),),
    "repair": (Need(OF_SOURCE, ("source_paths", "files_from"), "--source"),),
}
"""Needs of commands that would find most options in run.json: they count where they are typed, since the environment
speaks to all commands."""

EXCLUDE = (
    ("samples", "passes"),
    ("samples_per_shard", "shard_size"),
    ("crop_pad", "random_resized_crop"),
    ("dry_run", "print_config"),
)

DECIDED = tuple("alpha keep_originals seed pair bandwidth balance per_class window samples passes".split())
"""What a plan has decided already."""

OF_RECIPE = tuple(each.name for each in fields(RecipeFlags))


def settle(context: Any) -> None:
    """Apply the table to the options of a command: those that are overruled count as not given from now on. Raises
    UsageError for what has no effect, and for what excludes each other."""
    for first, second in EXCLUDE:
        _exclude(context, first, second)
    if "alpha" in context.params and is_given(context, "plan"):
        _decided(context)
    if is_given(context, "alpha") and is_given(context, "method"):
        _alpha(context)
    for need in NEEDS:
        for name in need.names:
            if is_given(context, name) and all(other in context.params for other in need.others):
                _need(context, name, need)
    for need in TYPED.get(context.info_name, ()):
        for name in need.names:
            if is_typed(context, name) and not need.is_met(context):
                raise UsageError(f"{typed(name)}: it goes with {need.text}. Pass both, or neither.")


def is_given(context: Any, name: str) -> bool:
    """Whether an option of this command is set, and not by default."""
    return _rank(context, name) < len(PRECEDENCE)


def is_typed(context: Any, name: str) -> bool:
    """Whether an option of this command is set on the command line."""
    return _rank(context, name) == 0


def check_asks_for_no_mixing(context: Any, folder: Path) -> None:
    """Raises UsageError where the command line has options that only a source could follow, and not the data set
    `folder`, which is mixed already."""
    for name in (*OF_RECIPE, *OF_SOURCE, "plan"):
        if not is_typed(context, name) or (name in OF_SOURCE and is_given(context, "source_paths")):
            continue
        with_source = name in OF_SOURCE and "source_paths" in context.params
        remedy = (
            "Name its source, too, with --source" if with_source else f"Name {folder / 'manifest.json'} to mix it again"
        )
        raise UsageError(f"{typed(name)}: {folder} is mixed already. {remedy}, or leave it out.")


def typed(name: str) -> str:
    """An option's name as it is typed."""
    return spell(name, None)


def _rank(context: Any, name: str) -> int:
    """How weak the place is that an option comes from. A switch that is off counts as not given, unless it was switched
    off by a name for that."""
    value = context.params.get(name)
    parameter = next((each for each in context.command.params if each.name == name), None)
    if value is None or value == () or (value is False and not (parameter and parameter.secondary_opts)):
        return len(PRECEDENCE)
    origin = context.get_parameter_source(name)
    return PRECEDENCE.index(origin.name) if origin is not None and origin.name in PRECEDENCE else len(PRECEDENCE)


def _drop(context: Any, name: str) -> None:
    context.params[name] = False if context.params[name] is True else None


def _exclude(context: Any, first: str, second: str) -> None:
    ranks = {name: _rank(context, name) for name in (first, second) if context.params.get(name)}
    if len(ranks) < 2:
        return
    if ranks[first] == ranks[second]:
        raise UsageError(f"{typed(first)} and {typed(second)}: both are set. Give one or the other.")
    _drop(context, max(ranks, key=lambda name: ranks[name]))


def _need(context: Any, name: str, need: Need) -> None:
    if need.is_met(context):
        return
    if min(_rank(context, other) for other in need.others) >= _rank(context, name):
        raise UsageError(f"{typed(name)}: it goes with {need.text}. Pass both, or neither.")
    _drop(context, name)


def _alpha(context: Any) -> None:
    """Of an alpha for all and the methods' own, the stronger overrules: a file that was printed has their own."""
    from mixup_cli.cli.options import method_text
    from mixup_cli.methods import of_all, without_alpha

    alpha, method = _rank(context, "alpha"), _rank(context, "method")
    choices = method_text.methods(context.params["method"])
    if alpha < method:
        context.params["method"] = method_text.methods_text(of_all(choices))
    elif alpha > method and not without_alpha(choices):
        _drop(context, "alpha")


def _decided(context: Any) -> None:
    """Leave out what a plan from a stronger place has decided: a file may be meant for `mixup-gen plan`, too."""
    plan = _rank(context, "plan")
    for name in DECIDED:
        if not is_given(context, name):
            continue
        if _rank(context, name) <= plan:
            raise UsageError(f"{typed(name)} and --plan: the plan has decided that. Give one or the other.")
        _drop(context, name)
    if is_given(context, "method"):
        _method_of_plan(context, is_overruled=_rank(context, "method") > plan)


def _method_of_plan(context: Any, is_overruled: bool) -> None:
    from mixup_cli.cli.options import method_text
    from mixup_cli.methods import undecided

    choices = method_text.methods(context.params["method"])
    left = undecided(choices)
    text = method_text.methods_text(left)
    for before, after in () if is_overruled else zip(choices, left, strict=True):
        gone = sorted(before.options.keys() - after.options.keys())
        if gone or before.probability != 1:
            what = f"{gone[0]} of {before.name}" if gone else f"how often {before.name} occurs"
            raise UsageError(f"--method and --plan: the plan has decided {what}. Leave it out: --method {text}.")
    context.params["method"] = text
