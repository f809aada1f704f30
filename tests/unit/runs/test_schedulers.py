"""Which part a scheduler's variables say: of arrays from 0 and from 1, with steps, and of processes."""

from __future__ import annotations

import pytest

from mixup_cli.errors import UsageError
from mixup_cli.runs.schedulers import KINDS, assigned_part

Variables = dict[str, object]


def slurm(number: int, first: int, count: int, step: int | None = 1) -> Variables:
    """What SLURM sets in a task of an array."""
    named = {"ID": number, "MIN": first, "COUNT": count, "MAX": first + (count - 1) * (step or 1), "STEP": step}
    return {f"SLURM_ARRAY_TASK_{name}": value for name, value in named.items() if value is not None}


def lsf(number: int, last: int, step: int = 1) -> Variables:
    return {"LSB_JOBINDEX": number, "LSB_JOBINDEX_END": last, "LSB_JOBINDEX_STEP": step}


def sge(number: object, first: object, last: object, step: object) -> Variables:
    return {"SGE_TASK_ID": number, "SGE_TASK_FIRST": first, "SGE_TASK_LAST": last, "SGE_TASK_STEPSIZE": step}


def part_of(variables: Variables) -> str:
    return str(assigned_part({name: str(value) for name, value in variables.items()}))


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        pytest.param(slurm(0, 0, 4), "1/4", id="--array=0-3"),
        pytest.param(slurm(3, 0, 4), "4/4", id="--array=0-3, the last"),
        pytest.param(slurm(1, 1, 4), "1/4", id="--array=1-4"),
        pytest.param(slurm(4, 1, 4, step=None), "4/4", id="--array=1-4, the last, without a step"),
        pytest.param(slurm(10, 10, 4, 10), "1/4", id="--array=10-40:10"),
        pytest.param(slurm(30, 10, 4, 10), "3/4", id="--array=10-40:10, the third"),
        pytest.param(slurm(7, 7, 1), "1/1", id="--array=7"),
        pytest.param(lsf(2, 4), "2/4", id="LSF [1-4]"),
        pytest.param(lsf(5, 9, 2), "3/5", id="LSF [1-9:2]"),
        pytest.param(sge(9, 1, 10, 4), "3/3", id="SGE -t 1-10:4"),
        pytest.param(sge(3, 2, 5, 1), "2/4", id="SGE -t 2-5"),
        pytest.param({"RANK": 0, "WORLD_SIZE": 8}, "1/8", id="torchrun"),
        pytest.param({"SLURM_PROCID": 2, "SLURM_NTASKS": 3}, "3/3", id="srun"),
        pytest.param({"LSB_JOBINDEX": 0, "RANK": 1, "WORLD_SIZE": 2}, "2/2", id="LSF, no array"),
        pytest.param(sge(*["undefined"] * 4) | {"RANK": 1, "WORLD_SIZE": 2}, "2/2", id="SGE, no array"),
        pytest.param({"SLURM_ARRAY_TASK_ID": "", "RANK": 1, "WORLD_SIZE": 2}, "2/2", id="an empty variable"),
    ],
)
def test_part(variables: Variables, part: str) -> None:
    assert part_of(variables) == part


def test_the_variables_are_named() -> None:
    taken = "SLURM_ARRAY_TASK_ID=30, SLURM_ARRAY_TASK_MIN=10, SLURM_ARRAY_TASK_STEP=10, SLURM_ARRAY_TASK_COUNT=4"
    array = {name: str(value) for name, value in slurm(30, 10, 4, 10).items()}
    assert assigned_part(array).taken_from == taken
    assert assigned_part(array | {"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}).taken_from == taken


def test_of_several_the_array_comes_first_and_the_order_is_said() -> None:
    array = {name: str(value) for name, value in slurm(2, 1, 4).items()}
    found = assigned_part(array | {"RANK": "0", "WORLD_SIZE": "2", "SLURM_PROCID": "0", "SLURM_NTASKS": "1"})
    assert str(found) == "2/4"
    assert found.taken_from.endswith(
        ", before RANK and SLURM_PROCID: a job array comes first, then RANK, then SLURM_PROCID"
    )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, f"no scheduler says which (none of {', '.join(kind.number for kind in KINDS)} is set). Give K/N."),
        (
            {"PBS_ARRAY_INDEX": 3},
            "PBS_ARRAY_INDEX is 3; this scheduler does not say how many tasks there are. For",
        ),
        ({"PBS_ARRAYID": 3}, "1 to N, pass part=$PBS_ARRAYID/N."),
        (
            {"RANK": 1},
            "RANK is 1; WORLD_SIZE, which is not set, would say how many tasks there are. Set it, or pass",
        ),
        ({"LSB_JOBINDEX": 2}, "LSB_JOBINDEX_END, which is not set"),
        (slurm(7, 0, 3), "SLURM_ARRAY_TASK_COUNT=3: tasks in equal steps from 0 would have other numbers. Number them"),
        (slurm(3, 0, 3, 2), "tasks in equal steps from 0"),
        (lsf(20, 40, 10), "tasks in equal steps from 1"),
        ({"RANK": -1, "WORLD_SIZE": 2}, "tasks in equal steps from 0"),
        ({"RANK": "a", "WORLD_SIZE": 2}, "RANK is 'a', and not a whole number"),
        ({"RANK": 0, "WORLD_SIZE": 10**9}, "is not a part"),
    ],
)
def test_what_says_no_part_is_refused(variables: Variables, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        part_of(variables)
    assert message in str(refused.value)
    assert refused.value.fields == ("part",)
