"""Which part of a data set a task of a scheduler makes: by the variables that number the tasks of a job array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mixup_cli.errors import UsageError
from mixup_cli.storage.parts import Part
from mixup_cli.wording import quoted, setting


@dataclass(frozen=True)
class Kind:
    """The variables in which one scheduler numbers tasks: this one's number, the first, the last, the step from one to
    the next, and how many there are. Where none has the first, it is `begins`. `idle` stands for no number."""

    number: str
    first: str = ""
    last: str = ""
    step: str = ""
    count: str = ""
    begins: int = 1
    idle: str = ""


KINDS = (
    Kind("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", step="SLURM_ARRAY_TASK_STEP", count="SLURM_ARRAY_TASK_COUNT"),
    Kind("PBS_ARRAY_INDEX"),
    Kind("PBS_ARRAYID"),
    Kind("LSB_JOBINDEX", last="LSB_JOBINDEX_END", step="LSB_JOBINDEX_STEP", idle="0"),
    Kind("SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", idle="undefined"),
    Kind("RANK", count="WORLD_SIZE", begins=0),
    Kind("SLURM_PROCID", count="SLURM_NTASKS", begins=0),
)
"""The first whose number is set decides."""

ORDER = "a job array comes first, then RANK, then SLURM_PROCID"


def assigned_part(environment: Mapping[str, str]) -> Part:
    """The part that the variables assign to this process; `Part.taken_from` says which these are.

    Raises UsageError if no scheduler has set any, or if they do not say which part of how many.
    """
    found = [kind for kind in KINDS if environment.get(kind.number, "") not in ("", kind.idle)]
    if not found:
        looked_for = ", ".join(kind.number for kind in KINDS)
        raise UsageError(f"no scheduler says which (none of {looked_for} is set).", "Give K/N.", field="part")
    part = _part_of(found[0], environment)
    if any(environment.get(other.count) != "1" for other in found[1:]):
        set_too = " and ".join(other.number for other in found[1:])
        return replace(part, taken_from=f"{part.taken_from}, before {set_too}: {ORDER}")
    return part


def _part_of(kind: Kind, environment: Mapping[str, str]) -> Part:
    names = [name for name in (kind.number, kind.first, kind.last, kind.step, kind.count) if environment.get(name)]
    values = {name: _whole(name, environment[name]) for name in names}
    number, first, step = values[kind.number], values.get(kind.first, kind.begins), max(1, values.get(kind.step, 1))
    if not {kind.count, kind.last} & values.keys():
        found, remedy = "this scheduler does not", f"For tasks 1 to N, pass {setting('part', f'${kind.number}/N')}."
        if name := kind.count or kind.last:
            found, remedy = f"{name}, which is not set, would", f"Set it, or pass {setting('part', 'K/N')}."
        raise UsageError(f"{kind.number} is {number}; {found} say how many tasks there are.", remedy, field="part")
    count = values[kind.count] if kind.count in values else (values[kind.last] - first) // step + 1
    place, rest = divmod(number - first, step)
    taken = ", ".join(f"{name}={values[name]}" for name in names)
    if rest or not 0 <= place < count:
        found = f"{taken}: tasks in equal steps from {first} would have other numbers."
        raise UsageError(found, f"Number them from 1 without gaps, or pass {setting('part', 'K/N')}.", field="part")
    return Part(place + 1, count, taken)


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name} is {quoted(text, 60)}, and not a whole number.", "Give K/N.", field="part") from None
