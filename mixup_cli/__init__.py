"""mixup-gen: precomputed mixup training sets.

    from mixup_cli import Recipe, Run, open_source
    from mixup_cli.runs.generate import generate

    generate(open_source(["photos"]), Recipe(), Run(out=Path("mixup-out")))

`generate` and `verify` are modules named as their functions are. The names below are imported when they are first used,
so that the command line starts at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixup_cli.errors import MixupGenError as MixupGenError
    from mixup_cli.listener import Listener as Listener
    from mixup_cli.readers.numpy import MixedArrays as MixedArrays
    from mixup_cli.recipe import MethodChoice as MethodChoice
    from mixup_cli.recipe import Normalize as Normalize
    from mixup_cli.recipe import Recipe as Recipe
    from mixup_cli.runs.generate import Outcome as Outcome
    from mixup_cli.runs.settings import Run as Run
    from mixup_cli.scan.scan import Tolerance as Tolerance
    from mixup_cli.sources import SourceOptions as SourceOptions
    from mixup_cli.sources import open_source as open_source
    from mixup_cli.storage.manifest import read_manifest as read_manifest

_HOMES = {
    "Listener": "listener",
    "MethodChoice": "recipe",
    "MixedArrays": "readers.numpy",
    "MixupGenError": "errors",
    "Normalize": "recipe",
    "Outcome": "runs.generate",
    "Recipe": "recipe",
    "Run": "runs.settings",
    "SourceOptions": "sources",
    "Tolerance": "scan.scan",
    "open_source": "sources",
    "read_manifest": "storage.manifest",
}

__all__ = list(_HOMES)  # a list of the keys of the table above


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mixup_cli' has no attribute {name!r}")
    return getattr(import_module(f"mixup_cli.{_HOMES[name]}"), name)
