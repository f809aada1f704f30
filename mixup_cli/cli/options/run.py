"""The options that say how a recipe is carried out. One that is not given is None: defaults live in `Run`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixup_cli.choices import CacheKind, Device, EngineKind, OnError
from mixup_cli.cli.options import parse
from mixup_cli.cli.options.groups import Group, flag, local_path, switch
from mixup_cli.cli.options.panels import MIXING, MOST_WORKERS, RUNNING

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.scan.cache import Caching


@dataclass(frozen=True)
class AmountFlags(Group):
    """How much to make."""

    samples: int | None = flag(MIXING, "How many mixed samples.", min=1)
    passes: int | None = flag(MIXING, "In place of --samples: times over the source. Default: 1.", min=1)


@dataclass(frozen=True)
class ScanFlags(Group):
    """How to read the source."""

    on_error: OnError | None = flag(RUNNING, "What to do about broken inputs. Default: fail.")
    max_errors: int | None = flag(RUNNING, "With --on-error skip: fail after so many.", min=0)
    cache: CacheKind | None = flag(
        RUNNING,
        "Where decoded samples wait: in memory; auto, which is memory or, above 2 GiB, a file; disk, where "
        "later runs find them again; none, with --window: they are decoded once in every pass. Default: auto.",
    )
    cache_folder: Path | None = flag(
        RUNNING,
        "With --cache disk: where. Default: .mixup-gen-cache beside the output.",
        metavar="FOLDER",
        parser=local_path,
    )
    cache_limit: str | None = flag(
        RUNNING, "With --cache disk: what is kept at most, of all runs. Default: 20GiB.", metavar="SIZE"
    )
    workers: int | None = flag(RUNNING, "Threads, or processes. Default: the cores.", min=1, max=MOST_WORKERS)

    def given(self) -> dict[str, Any]:
        """What was asked for, as the library takes it."""
        from mixup_cli.scan.scan import Tolerance

        tolerance = Tolerance(self.on_error or Tolerance.on_error, self.max_errors)
        given = {"tolerance": tolerance, "caching": self._caching()}
        return {**given, **({"workers": self.workers} if self.workers is not None else {})}

    def _caching(self) -> Caching:
        from mixup_cli.scan.cache import Caching

        given: dict[str, Any] = {"kind": self.cache, "folder": self.cache_folder}
        if self.cache_limit is not None:
            given["limit_bytes"] = parse.byte_count(self.cache_limit, "--cache-limit")
        return Caching(**{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True)
class RunFlags(Group):
    """How to carry it out."""

    engine: EngineKind | None = flag(
        RUNNING,
        "What workers are: threads; or processes, of which one may crash or be killed, and its work is done "
        "again. The bytes are the same. Default: threads.",
    )
    device: Device | None = flag(RUNNING, "Where to blend; the bytes are the same. Default: cpu.")
    batch_size: int | None = flag(RUNNING, "Samples blended at a time. Default: by cache size.", min=1)
    part: str | None = flag(
        RUNNING,
        "Make the K-th of N parts of the shards (K is 1 to N), beside runs that make the others into the same folder.",
        metavar="K/N",
    )
    force: bool = switch(RUNNING, "Replace what is there.")

    def given(self) -> dict[str, Any]:
        """What was asked for, as the library takes it."""
        given = super().given()
        if "part" in given:
            given["part"] = parse.part(given["part"])
        return given
