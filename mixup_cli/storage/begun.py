"""recipe.json in the work folder: what an unfinished run has written down about the data set that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, ValidationError

from mixup_cli.choices import LabelKind
from mixup_cli.errors import DataError, UsageError
from mixup_cli.fields.form import SampleDtype
from mixup_cli.recipe import Recipe
from mixup_cli.storage.json_files import read_json, to_json
from mixup_cli.storage.names import BEGUN
from mixup_cli.storage.shard_records import Model
from mixup_cli.wording import setting


def _recipe_of(given: Any) -> Recipe:
    return given if isinstance(given, Recipe) else Recipe.from_dict(given)


class Begun(Model):
    """What it says. Earlier versions did not write the last five fields. `depth` is the dtype in which samples are
    cached: the deepest among all inputs, which a look at some of them need not show."""

    recipe: Annotated[Recipe, PlainValidator(_recipe_of), PlainSerializer(Recipe.to_dict)]
    pixel_fingerprint: str
    versions: dict[str, str]
    rows: int | None = None
    label_kind: LabelKind | None = None
    class_names: tuple[str, ...] | None = None
    source_fingerprint: str | None = None
    depth: SampleDtype | None = None
    merged: str | None = None
    """Of a merge, which makes no pixels: the hash of the manifest that it will seal."""

    def to_json(self) -> bytes:
        """The bytes of the file."""
        return to_json(self.model_dump(exclude_none=True))


def read_begun(work: Path) -> Begun | None:
    """What a run has written down in the work folder; None if absent. Raises DataError if the file holds something
    else."""
    path = work / BEGUN
    try:
        return Begun.model_validate(read_json(path)) if path.exists() else None
    except FileNotFoundError:  # the run has ended since
        return None
    except (ValidationError, UsageError) as problem:
        what = ".".join(map(str, problem.errors()[0]["loc"])) if isinstance(problem, ValidationError) else problem
        found = f"{path}: {what}: is not what a run writes there."
        raise DataError(found, f"Start over with {setting('force')}.") from None
