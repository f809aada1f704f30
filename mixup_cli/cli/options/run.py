"""The options that say how a recipe is carried out. One that is not given is None: defaults live in `Run`."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixup_cli.choices import CacheKind, Device, EngineKind, OnError
from mixup_cli.cli.options.groups import MIXING, OUTPUT, RUNNING, Group, flag, switch
from mixup_cli.cli.options.parse import AUTO, BYTES, NAME, PART, PATH, TEXT, whole, word
from mixup_cli.errors import UsageError

if TYPE_CHECKING:  # brings NumPy, and --help needs none of it
    from mixup_cli.plan.files.reading import PlanFile
    from mixup_cli.storage.parts import Part

MOST_WORKERS = 4096


def quiet_switch() -> Any:
    """`--quiet`, for any command."""
    return switch(RUNNING, "No notices and no progress bar.", everyday=True)


def workers_flag(what: str = "Threads.", otherwise: str = "one for each core") -> Any:
    """`--workers`, for any command."""
    return flag(RUNNING, what, whole(1, MOST_WORKERS), otherwise=otherwise)


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
    passes: int | None = flag(
        MIXING, "How often to go through the source, instead of --samples.", whole(1), otherwise=1, everyday=True
    )


@dataclass(frozen=True)
class ScanFlags(Group):
    """How to read the source."""

    on_error: OnError | None = flag(RUNNING, "What to do about broken inputs.", word(OnError), otherwise="fail")
    max_errors: int | None = flag(RUNNING, "With --on-error skip: fail if more than N inputs are broken.", whole())
    cache: CacheKind | None = flag(
        RUNNING,
        "Where to keep decoded samples: memory; disk, where later runs find them; auto, memory up to 2 GiB and "
        "a temporary file above; none, with --window, to decode them again in each pass.",
        word(CacheKind),
        otherwise="auto",
    )
    cache_folder: Path | None = flag(
        RUNNING, "With --cache disk: the folder.", PATH, otherwise=".mixup-gen-cache beside the output"
    )
    cache_limit: int | None = flag(
        RUNNING, "With --cache disk: the most to keep, over all runs.", BYTES, otherwise="20GiB"
    )
    workers: int | None = workers_flag(
        "Threads, processes, or tasks at a time.", "one for each core, of the cluster with --engine ray"
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
        "bytes are the same.",
        word(EngineKind),
        otherwise="threads",
    )
    ray_address: str | None = flag(
        RUNNING,
        "With --engine ray: the cluster, HOST:PORT or auto.",
        TEXT,
        metavar="ADDRESS",
        otherwise="that of RAY_ADDRESS, or else one on this machine for this run",
    )
    device: Device | None = flag(RUNNING, "Where to mix. The bytes are the same.", word(Device), otherwise="cpu")
    batch_size: int | None = flag(
        RUNNING, "Samples mixed at a time.", whole(1), otherwise="as many as fit in the processor's cache"
    )
    part: Part | str | None = flag(
        RUNNING,
        "Make only part K of N (K from 1); other runs make the others into the same folder. Without K/N, or with auto, "
        "the variables of a job array (SLURM, PBS, LSF, SGE), or RANK and WORLD_SIZE, say which.",
        PART,
        is_flag=False,
        flag_value=AUTO,
    )
    samples_folder: Path | None = flag(
        OUTPUT,
        "With --store plan: where the samples are that readers mix; data sets of one source can share them.",
        PATH,
        otherwise="samples, in the output",
    )
    heldout: Path | None = flag(
        OUTPUT,
        "With --per-class: write the other samples, and their classes, to this CSV, as --labels-from takes it.",
        PATH,
        metavar="FILE",
    )
    force: bool = switch(RUNNING, "Replace an existing data set.", everyday=True)

    def given(self) -> dict[str, Any]:
        """What was asked for. Raises UsageError if the part is left to a scheduler, and none says it."""
        given = super().given()
        if self.part == AUTO:
            from mixup_cli.runs.schedulers import assigned_part

            given["part"] = assigned_part(os.environ)
        return given
