"""docs/accuracy.md has the tables that the recorded runs give, by scores that a hand can compute."""

from __future__ import annotations

import csv

import torch

from benchmarks.accuracy_report import PAGE, RESULTS, Mean, gain, written
from benchmarks.scores import accuracy, calibration_error


def test_the_tables_are_those_of_the_runs() -> None:
    page = PAGE.read_text()
    assert "| mixup online |" in page
    assert written(page) == page, "python -m benchmarks.accuracy_report"


def test_each_run_is_recorded_once() -> None:
    for path in RESULTS.glob("*.csv"):
        with path.open(newline="") as file:
            runs = [(line["configuration"], line["model"], line["seed"]) for line in csv.DictReader(file)]
        assert len(runs) == len(set(runs))


def test_gains_are_within_a_seed() -> None:
    accuracies = {
        "none": {"0": 0.5, "1": 0.7},
        "online": {"0": 0.6, "1": 0.8},
        "pool": {"0": 0.55, "1": 0.79, "2": 0.1},
    }
    runs = {name: {seed: {"accuracy": str(value)} for seed, value in of.items()} for name, of in accuracies.items()}
    found = gain(runs, "pool", "none")
    assert (round(found.mean, 6), found.count) == (7, 2)
    assert round(gain(runs, "pool", "none", 0.5, "online").mean, 6) == 2
    assert round(Mean.of([0.01, 0.03]).error, 6) == 1


def test_scores() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.35, 0.65], [0.3, 0.7]])
    classes = torch.tensor([0, 1, 1, 1])
    assert accuracy(probabilities, classes) == 0.75
    # Confidences 0.9; 0.7, 0.65 and 0.7, of which two are right, lie in bins 14 and 10 (0.6 … 0.667) and 11.
    expected = (abs(0.9 - 1) + abs(0.65 - 1) + abs(0.7 + 0.7 - 1)) / 4
    assert abs(calibration_error(probabilities, classes) - expected) < 1e-6
