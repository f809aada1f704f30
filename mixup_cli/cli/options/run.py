"""The options that say how a recipe is carried out. One that is not given is None: defaults live in `Run`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixup_cli.choices import CacheKind, Device, EngineKind, OnError
from mixup_cli.cli.options.groups import MIXING, RUNNING, Group, flag, switch
from mixup_cli.cli.options.parse import AUTO, BYTES, NAME, PART, PATH, TEXT, whole, word
from mixup_cli.errors import UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan.files.reading import PlanFile
    from mixup_cli.storage.parts import Part

MOST_WORKERS = 4096


def quiet_switch() -> Any:
    """`--quiet`, for any command."""
    return switch(RUNNING, "No notices and no progress bar.")


def workers_flag(help: str = "Threads. Default: one for each core.") -> Any:  # noqa: A002  # Click's own word
    """`--workers`, for any command."""
    return flag(RUNNING, help, whole(1, MOST_WORKERS))


def plan_flag() -> Any:
    """`--plan`, for any command."""
    return flag(
        MIXING,
        "Rows that mixup-gen plan wrote, perhaps edited: .csv, .parquet, or - for CSV from stdin.",
        NAME,
        metavar="FILE|-",
    )


def read_plan_option(name: str | None) -> PlanFile | None:
    """The plan that `--plan` names, if it is given."""
    from mixup_cli.plan.files.reading import read_csv, read_plan

    if name is None:
        return None
    if name != "-":
        return read_plan(Path(name))
    if sys.stdin is None:
        raise UsageError("stdin is closed.", "Pipe a plan in.", field="plan", value="-")
    return read_csv(sys.stdin.buffer, "stdin")


@dataclass(frozen=True)
class AmountFlags(Group):
    """How much to make."""

    samples: int | None = flag(MIXING, "How many mixed samples to make.", whole(1))
    passes: int | None = flag(MIXING, "How often to go through the source, instead of --samples. Default: 1.", whole(1))


@dataclass(frozen=True)
class ScanFlags(Group):
    """How to read the source."""

    on_error: OnError | None = flag(RUNNING, "What to do about broken inputs. Default: fail.", word(OnError))
    max_errors: int | None = flag(RUNNING, "With --on-error skip: fail if more than N inputs are broken.", whole())
    cache: CacheKind | None = flag(
        RUNNING,
        "Where to keep decoded samples: memory; disk, where later runs find them; auto, memory up to 2 GiB and "
        "a temporary file above; none, with --window, to decode them again in each pass. Default: auto.",
        word(CacheKind),
    )
    cache_folder: Path | None = flag(
        RUNNING, "With --cache disk: the folder. Default: .mixup-gen-cache beside the output.", PATH
    )
    cache_limit: int | None = flag(
        RUNNING, "With --cache disk: the most to keep, over all runs. Default: 20GiB.", BYTES
    )
    workers: int | None = workers_flag(
        "Threads, processes, or tasks at a time. Default: one for each core, of the cluster with --engine ray."
    )

    def given(self) -> dict[str, Any]:
        """What was asked for, as the library takes it."""
        from mixup_cli.scan.cache import CacheSettings
        from mixup_cli.scan.scan import Tolerance

        names = {"cache": "kind", "cache_folder": "folder", "cache_limit": "limit_bytes"}
        given = super().given()
        caching = CacheSettings(**{names[name]: given.pop(name) for name in [*given] if name in names})
        tolerance = Tolerance(given.pop("on_error", Tolerance.on_error), given.pop("max_errors", None))
        return {**given, "tolerance": tolerance, "caching": caching}


@dataclass(frozen=True)
class RunFlags(Group):
    """How to carry it out."""

    engine: EngineKind | None = flag(
        RUNNING,
        "Work in threads; in processes, where the work of one that crashes is done again; or on a Ray cluster. The "
        "bytes are the same. Default: threads.",
        word(EngineKind),
    )
    ray_address: str | None = flag(
        RUNNING,
        "With --engine ray: the cluster, HOST:PORT or auto. Default: that of RAY_ADDRESS, or else one on this machine "
        "for this run.",
        TEXT,
        metavar="ADDRESS",
    )
    device: Device | None = flag(RUNNING, "Where to mix. The bytes are the same. Default: cpu.", word(Device))
    batch_size: int | None = flag(
        RUNNING, "Samples mixed at a time. Default: as many as fit in the processor's cache.", whole(1)
    )
    part: Part | str | None = flag(
        RUNNING,
        "Make only part K of N (K from 1); other runs make the others into the same folder. Without K/N, or with auto, "
        "the variables of a job array (SLURM, PBS, LSF, SGE), or RANK and WORLD_SIZE, say which.",
        PART,
        is_flag=False,
        flag_value=AUTO,
    )
    force: bool = switch(RUNNING, "Replace an existing data set.")

    def given(self) -> dict[str, Any]:
        """What was asked for. Raises UsageError if the part is left to a scheduler, and none says it."""
        given = super().given()
        if self.part == AUTO:
            from mixup_cli.runs.schedulers import assigned_part

            given["part"] = assigned_part(os.environ)
        return given
