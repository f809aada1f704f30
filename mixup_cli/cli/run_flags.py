"""The options that say how a recipe is carried out. One that is not given is None: defaults live in `Run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mixup_cli.choices import CacheKind, Device, EngineKind, OnError
from mixup_cli.cli import parse
from mixup_cli.cli.groups import local_path, option
from mixup_cli.cli.panels import MIXING, MOST_WORKERS, RUNNING

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.sources.cache import Caching


@dataclass(frozen=True)
class AmountFlags:
    """How much to make."""

    samples: Annotated[int | None, option("--samples", min=1, panel=MIXING, help="How many mixed samples.")] = None
    passes: Annotated[
        int | None,
        option("--passes", min=1, panel=MIXING, help="In place of --samples: times over the source. Default: 1."),
    ] = None

    def given(self) -> dict[str, Any]:
        """What was asked for."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class ScanFlags:
    """How to read the source."""

    on_error: Annotated[
        OnError | None, option("--on-error", panel=RUNNING, help="What to do about broken inputs. Default: fail.")
    ] = None
    max_errors: Annotated[
        int | None, option("--max-errors", min=0, panel=RUNNING, help="With --on-error skip: fail after so many.")
    ] = None
    cache: Annotated[
        CacheKind | None,
        option(
            "--cache",
            panel=RUNNING,
            help="Where decoded samples wait: in memory; auto, which is memory or, above 2 GiB, a file; disk, where "
            "later runs find them again; none, with --window: they are decoded once in every pass. Default: auto.",
        ),
    ] = None
    cache_folder: Annotated[
        Path | None,
        option(
            "--cache-folder",
            metavar="FOLDER",
            parser=local_path,
            panel=RUNNING,
            help="With --cache disk: where. Default: .mixup-gen-cache beside the output.",
        ),
    ] = None
    cache_limit: Annotated[
        str | None,
        option(
            "--cache-limit",
            metavar="SIZE",
            panel=RUNNING,
            help="With --cache disk: what is kept at most, of all runs. Default: 20GiB.",
        ),
    ] = None
    workers: Annotated[
        int | None,
        option("--workers", min=1, max=MOST_WORKERS, panel=RUNNING, help="Threads, or processes. Default: the cores."),
    ] = None

    def given(self) -> dict[str, Any]:
        """What was asked for, as the library takes it."""
        from mixup_cli.sources.scan import Tolerance

        tolerance = Tolerance(self.on_error or Tolerance.on_error, self.max_errors)
        given = {"tolerance": tolerance, "caching": self._caching()}
        return {**given, **({"workers": self.workers} if self.workers is not None else {})}

    def _caching(self) -> Caching:
        from mixup_cli.sources.cache import Caching

        given: dict[str, Any] = {"kind": self.cache, "folder": self.cache_folder}
        if self.cache_limit is not None:
            given["limit_bytes"] = parse.byte_count(self.cache_limit, "--cache-limit")
        return Caching(**{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class RunFlags:
    """How to carry it out."""

    engine: Annotated[
        EngineKind | None,
        option(
            "--engine",
            panel=RUNNING,
            help="What workers are: threads; or processes, of which one may crash or be killed, and its work is done "
            "again. The bytes are the same. Default: threads.",
        ),
    ] = None
    device: Annotated[
        Device | None, option("--device", panel=RUNNING, help="Where to blend; the bytes are the same. Default: cpu.")
    ] = None
    batch_size: Annotated[
        int | None,
        option("--batch-size", min=1, panel=RUNNING, help="Samples blended at a time. Default: by cache size."),
    ] = None
    part: Annotated[
        str | None,
        option(
            "--part",
            metavar="K/N",
            panel=RUNNING,
            help="Make the K-th of N parts of the shards (K is 1 to N), beside runs that make the others into the same "
            "folder.",
        ),
    ] = None
    force: Annotated[bool, option("--force", panel=RUNNING, help="Replace what is there.")] = False

    def given(self) -> dict[str, Any]:
        """What was asked for, as the library takes it."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        if "part" in given:
            given["part"] = parse.part(given["part"])
        return given
