"""The options, in the groups that commands share, and what each group means to the library.

An option that is not given is None: defaults live in the recipe and in `Run`, and are only told here.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

from mixup_cli.choices import (
    Channels,
    Compression,
    Device,
    Dtype,
    LabelColumns,
    LabelLevel,
    Layout,
    OnError,
    Resize,
)
from mixup_cli.cli import parse
from mixup_cli.cli.groups import option
from mixup_cli.errors import NoInputError, UsageError
from mixup_cli.recipe import Recipe

if TYPE_CHECKING:  # these bring NumPy, and --help needs none of it
    from mixup_cli.generate import Run
    from mixup_cli.sources import Source, SourceOptions

SOURCE, MIXING, OUTPUT, RUNNING = "Source", "Mixing", "Output", "Running"

Quiet = Annotated[bool, option("--quiet", "-q", panel=RUNNING, help="No notices and no progress bar.")]


@dataclass(frozen=True)
class SourceFlags:
    """What to read, and how."""

    files_from: Annotated[
        str | None,
        option("--files-from", metavar="FILE|-", panel=SOURCE, help="Read picture paths from a list, one a line."),
    ] = None
    null: Annotated[bool, option("-0", "--null", panel=SOURCE, help="Paths in the list end with NUL, not newline.")] = (
        False
    )
    split: Annotated[
        str | None,
        option("--split", metavar="NAME", panel=SOURCE, help="Which split to take. Default: the training split."),
    ] = None
    label_level: Annotated[
        LabelLevel | None, option("--label-level", panel=SOURCE, help="CIFAR-100: which labels. Default: fine.")
    ] = None
    label_column: Annotated[
        str | None,
        option("--label-column", metavar="NAME", panel=SOURCE, help="Column of metadata.csv with the labels."),
    ] = None
    data_key: Annotated[
        str | None, option("--data-key", metavar="NAME", panel=SOURCE, help="Array of an .npz or .h5 with the samples.")
    ] = None
    label_key: Annotated[
        str | None,
        option("--label-key", metavar="NAME", panel=SOURCE, help="Array with the labels; for .npy, a file's path."),
    ] = None
    max_pixels: Annotated[
        int | None,
        option("--max-pixels", min=1, panel=SOURCE, help="Largest picture that is decoded. Default: 100 million."),
    ] = None

    def given(self) -> dict[str, Any]:
        """What was asked for, in plain values."""
        return {name: value for name, value in asdict(self).items() if value not in (None, False)}

    def options(self, out: Path) -> SourceOptions:
        """As the library takes them."""
        from mixup_cli.sources import SourceOptions

        given = {name: value for name, value in self.given().items() if name not in ("files_from", "null")}
        return SourceOptions(exclude=(out.absolute(),), **given)

    def open(self, locations: list[Path], out: Path) -> Source:
        """The source that the command line names; the current folder if it names none."""
        from mixup_cli.sources import open_source
        from mixup_cli.sources.file_list import open_file_list, split_nul

        for location in locations or [Path()]:
            if location.resolve().is_relative_to(out.resolve()):
                raise UsageError(f"-o {out}: the source {location} is there. Use another -o.")
        if self.files_from is None:
            if self.null:
                raise UsageError("-0: it says how the list of --files-from is separated. Pass both, or neither.")
            return open_source(locations or [Path()], self.options(out))
        if locations:
            raise UsageError(f"--files-from and {locations[0]}: give one or the other.")
        with _list_stream(self.files_from) as stream:
            lines = split_nul(stream) if self.null else stream
            return open_file_list(lines, self.files_from, self.options(out))

    def origin(self, locations: list[Path]) -> dict[str, Any]:
        """What run.json says of the source, so that `verify --deep` finds it again."""
        options = self.given()
        if options.get("files_from", "-") != "-":
            options["files_from"] = str(Path(options["files_from"]).absolute())
        return {"locations": [str(path.absolute()) for path in locations or [Path()]], "options": options}


def _list_stream(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        if sys.stdin is None:
            raise UsageError("--files-from -: stdin is closed. Pipe a list of paths in.")
        return nullcontext(sys.stdin.buffer)

    try:
        return Path(name).open("rb")
    except OSError as problem:
        raise NoInputError(
            f"{name}: cannot be read ({problem.strerror}). --files-from takes a file, or - for stdin."
        ) from None


@dataclass(frozen=True)
class RecipeFlags:
    """What decides the bytes."""

    method: Annotated[
        str | None,
        option(
            "--method",
            metavar="NAME[,NAME…]",
            panel=MIXING,
            help="mixup, cutmix, cutout or none; with probabilities: mixup:0.5,cutmix:0.5. Default: mixup.",
        ),
    ] = None
    alpha: Annotated[
        float | None,
        option(
            "--alpha", min=0, panel=MIXING, help="lam ~ Beta(alpha, alpha); 0 = unmixed. Default: mixup 0.2, cutmix 1."
        ),
    ] = None
    keep_originals: Annotated[
        bool | None,
        option("--keep-originals/--no-keep-originals", panel=MIXING, help="Put every sample in unmixed, too."),
    ] = None
    seed: Annotated[int | None, option("--seed", min=0, panel=MIXING, help="Default: 0.")] = None
    fill: Annotated[
        str | None, option("--fill", metavar="GREY|R,G,B", panel=MIXING, help="Colour of cutout's box. Default: 0.")
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
            "--value-range", metavar="LOW,HIGH", panel=OUTPUT, help="What floats to turn into 0 … the integer maximum."
        ),
    ] = None
    normalize: Annotated[
        str | None,
        option("--normalize", metavar="NAME|MEAN/STD", panel=OUTPUT, help="imagenet, cifar10 or numbers. Floats only."),
    ] = None
    layout: Annotated[Layout | None, option("--layout", panel=OUTPUT, help="Default: nhwc; arrays as they are.")] = None
    labels: Annotated[
        LabelColumns | None,
        option("--labels", panel=OUTPUT, help="Soft labels, or classes with shares. Default: both."),
    ] = None
    compression: Annotated[Compression | None, option("--compression", panel=OUTPUT, help="Default: none.")] = None
    samples_per_shard: Annotated[
        int | None, option("--samples-per-shard", min=1, panel=OUTPUT, help="In place of --shard-size.")
    ] = None

    def recipe(self) -> Recipe:
        """The recipe that was asked for; what was not asked for is the recipe's default."""
        from mixup_cli.methods import resolve

        given = {name: value for name, value in asdict(self).items() if value is not None}
        alpha = given.pop("alpha", None)
        chosen = parse.methods(given.pop("method")) if "method" in given else Recipe().methods
        readers = {
            "size": parse.size,
            "fill": parse.fill,
            "value_range": parse.value_range,
            "normalize": parse.normalize,
        }
        for name, read in readers.items():
            if name in given:
                given[name] = read(given[name])
        return Recipe(methods=resolve(chosen, alpha), **given)


@dataclass(frozen=True)
class RunFlags:
    """How to carry it out."""

    samples: Annotated[int | None, option("--samples", min=1, panel=MIXING, help="How many mixed samples.")] = None
    passes: Annotated[
        int | None,
        option("--passes", min=1, panel=MIXING, help="In place of --samples: times over the source. Default: 1."),
    ] = None
    shard_size: Annotated[str | None, option("--shard-size", metavar="SIZE", panel=OUTPUT, help="Default: 64MiB.")] = (
        None
    )
    on_error: Annotated[
        OnError | None, option("--on-error", panel=RUNNING, help="What to do about broken inputs. Default: fail.")
    ] = None
    max_errors: Annotated[
        int | None, option("--max-errors", min=0, panel=RUNNING, help="With --on-error skip: fail after so many.")
    ] = None
    workers: Annotated[int | None, option("--workers", min=1, panel=RUNNING, help="Threads. Default: the cores.")] = (
        None
    )
    device: Annotated[
        Device | None, option("--device", panel=RUNNING, help="Where to blend; the bytes are the same. Default: cpu.")
    ] = None
    batch_size: Annotated[
        int | None,
        option("--batch-size", min=1, panel=RUNNING, help="Samples blended at a time. Default: by cache size."),
    ] = None
    force: Annotated[bool, option("--force", panel=RUNNING, help="Replace what is there.")] = False

    def run(self, out: Path, origin: dict[str, Any]) -> Run:
        """As the library takes it."""
        from mixup_cli.generate import Run
        from mixup_cli.sources.scan import Tolerance

        if self.max_errors is not None and self.on_error != "skip":
            raise UsageError("--max-errors: it goes with --on-error skip. Pass both, or neither.")
        given: dict[str, Any] = {
            name: getattr(self, name) for name in ("samples", "passes", "workers", "device", "batch_size")
        }
        given["shard_bytes"] = parse.byte_count(self.shard_size) if self.shard_size else None
        tolerance = Tolerance(self.on_error or Tolerance.on_error, self.max_errors)
        return Run(
            out=out,
            force=self.force,
            origin=origin,
            tolerance=tolerance,
            **{name: value for name, value in given.items() if value is not None},
        )
