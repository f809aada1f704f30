"""An error names fields; who shows it decides how a field is spelled."""

from __future__ import annotations

import pickle

import pytest

from mixup_cli.cli.options.provenance import spell
from mixup_cli.errors import UsageError, from_extra
from mixup_cli.wording import setting, spelled


def test_a_caller_in_python_reads_fields() -> None:
    problem = UsageError("torch is not installed.", f"Pass {setting('device', 'cpu')}.", field="device", value="cuda")
    assert str(problem) == "device=cuda: torch is not installed. Pass device=cpu."


def test_the_command_line_reads_options() -> None:
    with spelled(spell):
        assert setting("label_kind", "multi") == "--label-kind multi"
        assert str(UsageError("both are set.", field=("crop_pad", "flip"))) == "--crop-pad and --flip: both are set."
    assert setting("label_kind", "multi") == "label_kind=multi"


def test_an_error_keeps_its_fields_on_its_way_between_processes() -> None:
    problem = pickle.loads(pickle.dumps(UsageError("2 is not in 0 … 1.", field="flip").or_else("Give 0.5.")))
    assert (problem.fields, str(problem)) == (("flip",), "flip: 2 is not in 0 … 1. Give 0.5.")


@pytest.mark.parametrize("problem", [ModuleNotFoundError("No module named 'keras'"), OSError("no libkeras.so")])
def test_a_library_that_an_extra_brings_and_that_does_not_load(problem: Exception) -> None:
    with pytest.raises(UsageError) as found, from_extra("keras", "this reader", field="reader"):
        raise problem
    assert str(found.value) == f"reader: this reader needs a library: {problem}. Run pip install 'mixup-gen[keras]'."
