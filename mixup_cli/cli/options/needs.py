"""Options that act only beside another one, and options that exclude each other: tables for all commands.

An option without effect is refused. Where the other option comes from a stronger place (the command line before the
environment before a configuration file), it overrules: the weaker one counts as not given.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args

import click
from click.core import ParameterSource

from mixup_cli.choices import LabelKind
from mixup_cli.cli.options.provenance import spell
from mixup_cli.cli.options.recipe import RecipeFlags
from mixup_cli.cli.options.source import SourceFlags
from mixup_cli.errors import UsageError

PRECEDENCE = (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT_MAP)
"""Where a value can come from, the strongest first; Click calls the config file's values a default map."""

NOT_GIVEN = len(PRECEDENCE)


@dataclass(frozen=True)
class Need:
    """`names` act only where the option `other` is set, to one of `values` if there are any; `text` says so where these
    are several. With `command` only that command needs it, and only for what is typed: its other options are in
    run.json, and the environment speaks to all commands."""

    names: tuple[str, ...]
    other: str
    values: tuple[object, ...] = ()
    text: str = ""
    command: str = ""
    instead: str = ""

    def is_met(self, context: click.Context) -> bool:
        """Whether the other option is as it must be."""
        if self.values:
            return context.params[self.other] in self.values
        return any(is_given(context, each) for each in (self.other, self.instead) if each)

    def __str__(self) -> str:
        value = self.values[0] if self.values else True
        return self.text or spell(self.other, None if value is True else str(value))


LABELLED = (None, *(kind for kind in get_args(LabelKind) if kind != "none"))
LABEL_OPTIONS = ("label_column", "label_level", "label_separator", "classes")
OF_SOURCE = tuple(each.name for each in fields(SourceFlags))
BESIDE_PATHS = tuple(name for name in OF_SOURCE if name != "donors_from")
"""Those that say nothing of where samples are: donors may have moved, and the source not."""

OF_RECIPE = tuple(each.name for each in fields(RecipeFlags))

NEEDS = (
    Need(("null",), "files_from"),
    Need(("max_errors",), "on_error", ("skip",)),
    Need(("ray_address",), "engine", ("ray",)),
    Need(("cache_folder", "cache_limit"), "cache", ("disk",)),
    Need(("crop_area", "cache_size"), "random_resized_crop", (True,)),
    Need(LABEL_OPTIONS, "label_kind", LABELLED, "a --label-kind other than none"),
    Need(("samples_folder",), "store", ("plan",)),
    Need(("heldout",), "per_class"),
    Need(("bandwidth",), "pair", ("nearest",)),
    Need(("remix_kappa", "remix_tau"), "label_rule", ("remix",)),
    Need(("value_range",), "dtype", (None, "uint8", "uint16"), "--dtype uint8 or uint16"),
    Need((*OF_SOURCE, "source_paths", "plan"), "deep", command="verify"),
    Need(BESIDE_PATHS, "source_paths", command="repair", instead="files_from"),
    Need(("force",), "out", command="preview"),
)

EXCLUDE = (
    ("samples", "passes"),
    ("samples_per_shard", "shard_size"),
    ("crop_pad", "random_resized_crop"),
    ("dry_run", "print_config"),
)

DECIDED = tuple("alpha keep_originals seed pair bandwidth balance per_class window samples passes".split())
"""What a plan has decided already."""


def settle(context: click.Context) -> None:
    """Apply the tables to the options of a command: those that are overruled count as not given from now on. Raises
    UsageError for what has no effect, and for what excludes each other."""
    for pair in EXCLUDE:
        _exclude(context, pair)
    if "alpha" in context.params and is_given(context, "plan"):
        _decided(context)
    if is_given(context, "alpha") and is_given(context, "method"):
        _alpha(context)
    for need in NEEDS:
        if need.other in context.params and need.command in ("", context.info_name):
            for name in need.names:
                _need(context, name, need)


def is_given(context: click.Context, name: str) -> bool:
    """Whether an option of this command is set, and not by default."""
    return _rank(context, name) < NOT_GIVEN


def is_typed(context: click.Context, name: str) -> bool:
    """Whether an option of this command is set on the command line."""
    return _rank(context, name) == 0


def check_asks_for_no_mixing(folder: Path) -> None:
    """Raises UsageError where the command line has options that only a source could follow, and not the data set
    `folder`, which is mixed already."""
    context = click.get_current_context()
    for name in (*OF_RECIPE, *OF_SOURCE, "plan"):
        if not is_typed(context, name) or (name in OF_SOURCE and is_given(context, "source_paths")):
            continue
        remedy = f"Name {folder / 'manifest.json'} to mix it again, or leave it out."
        if name in OF_SOURCE and "source_paths" in context.params:
            remedy = "Name its source, too, with --source, or leave it out."
        raise UsageError(f"{folder} is mixed already.", remedy, field=name)


def _rank(context: click.Context, name: str) -> int:
    """How weak the place is that an option comes from. A switch that is off counts as not given, unless it was switched
    off by a name for that."""
    value, origin = context.params.get(name), context.get_parameter_source(name)
    can_be_off = any(each.name == name and each.secondary_opts for each in context.command.params)
    if value is None or value == () or (value is False and not can_be_off) or origin not in PRECEDENCE:
        return NOT_GIVEN
    return PRECEDENCE.index(origin)


def _drop(context: click.Context, name: str) -> None:
    context.params[name] = False if context.params[name] is True else None


def _exclude(context: click.Context, pair: tuple[str, str]) -> None:
    weak, strong = sorted(pair, key=lambda name: -_rank(context, name))
    if not (context.params.get(weak) and context.params.get(strong)):
        return
    if _rank(context, weak) == _rank(context, strong):
        raise UsageError("both are set.", "Give one or the other.", field=pair)
    _drop(context, weak)


def _need(context: click.Context, name: str, need: Need) -> None:
    counts = is_typed if need.command else is_given
    if not counts(context, name) or need.is_met(context):
        return
    if _rank(context, need.other) >= _rank(context, name):
        raise UsageError(f"it goes with {need}.", "Pass both, or neither.", field=name)
    _drop(context, name)


def _alpha(context: click.Context) -> None:
    """Of an alpha for all and the methods' own, the stronger overrules: a file that was printed has their own."""
    from mixup_cli.methods import of_all, without_alpha

    alpha, method = _rank(context, "alpha"), _rank(context, "method")
    if alpha < method:
        context.params["method"] = of_all(context.params["method"])
    elif alpha > method and not without_alpha(context.params["method"]):
        _drop(context, "alpha")


def _decided(context: click.Context) -> None:
    """Leave out what a plan from a stronger place has decided: a file may be meant for `mixup-gen plan`, too."""
    plan = _rank(context, "plan")
    for name in filter(lambda name: is_given(context, name), DECIDED):
        if _rank(context, name) <= plan:
            raise UsageError("the plan has decided that.", "Give one or the other.", field=(name, "plan"))
        _drop(context, name)
    if is_given(context, "method"):
        _method_of_plan(context, is_overruled=_rank(context, "method") > plan)


def _method_of_plan(context: click.Context, is_overruled: bool) -> None:
    from mixup_cli.cli.options.method_text import methods_text
    from mixup_cli.methods import undecided

    choices = context.params["method"]
    left = undecided(choices)
    for before, after in () if is_overruled else zip(choices, left, strict=True):
        gone = sorted(before.options.keys() - after.options.keys())
        if gone or before.probability != 1:
            what = f"{gone[0]} of {before.name}" if gone else f"how often {before.name} occurs"
            remedy = f"Leave it out: {spell('methods', methods_text(left))}."
            raise UsageError(f"the plan has decided {what}.", remedy, field=("methods", "plan"))
    context.params["method"] = left
