"""What an unfinished run has written down about itself: recipe.json in the work folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, UsageError
from mixup_cli.recipe import Recipe
from mixup_cli.storage.json_files import read_json
from mixup_cli.storage.manifest import Model

JOB = "recipe.json"


class Begun(Model):
    """What it holds. The last four are absent where an earlier version has begun the data set."""

    recipe: dict[str, Any]
    pixel_fingerprint: str
    versions: dict[str, str]
    rows: int | None = None
    label_kind: LabelKind | None = None
    class_names: list[str] | None = None
    source_fingerprint: str | None = None


def read_begun(work: Path) -> dict[str, Any] | None:
    """The same as plain data; None where there is none. Raises DataError where it is something else."""
    path = work / JOB
    try:
        if not path.exists():
            return None
        begun = read_json(path)
    except FileNotFoundError:  # a run has ended just now
        return None
    try:
        Begun.model_validate(begun)
        Recipe.from_dict(begun["recipe"])
    except (ValidationError, UsageError) as problem:
        what = ".".join(map(str, problem.errors()[0]["loc"])) if isinstance(problem, ValidationError) else problem
        raise DataError(f"{path}: {what}: is not what a run writes there. Start anew with --force.") from None
    return begun
