"""MIXUP_GEN_* variables that no option reads: most likely misspelt, and else ignored without a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mixup_cli.cli.options.groups import ENVIRONMENT_PREFIX, VARIABLES


def unread(environment: Mapping[str, str]) -> Iterator[str]:
    """What to say about each variable that looks like ours and sets nothing."""
    for name in sorted(environment):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in VARIABLES:
            continue
        from difflib import get_close_matches  # takes a while to import, and is seldom needed

        near = get_close_matches(name, VARIABLES, n=1)
        hint = f"Was {near[0]} meant?" if near else "mixup-gen COMMAND --help lists the options."
        yield f"{name} is set, and no option reads it. {hint}"
