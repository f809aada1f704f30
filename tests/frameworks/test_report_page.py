"""What the report's page says about reading, in TensorFlow, Keras and JAX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mixup_cli import MixedArrays
from mixup_cli.methods import resolve
from mixup_cli.recipe import Recipe
from mixup_cli.report.page.reading import snippets
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source


@pytest.mark.parametrize("framework", ["TensorFlow", "Keras", "JAX"])
def test_snippets_run(framework: str, tmp_path: Path) -> None:
    pixels, vectors = np.zeros((4, 8, 6, 3), np.uint8), np.ones((4, 2), np.uint8)
    np.savez(tmp_path / "labelled.npz", x=pixels, y=np.arange(4) % 2)
    np.savez(tmp_path / "signals.npz", x=pixels, z=vectors)
    np.savez(tmp_path / "plain.npz", x=pixels)
    texts = []
    for name, options in {
        "labelled": SourceOptions(),
        "signals": SourceOptions(data_key="x,z"),
        "plain": SourceOptions(),
    }.items():
        place = tmp_path / name
        source = open_source([tmp_path / f"{name}.npz"], options)
        generate(source, Recipe(methods=resolve(Recipe().methods)), Run(out=place))
        texts.append(snippets(MixedArrays(place).manifest, str(place))[framework])
    program = "\n".join(f"exec({text!r}, {{}})" for text in texts)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.count("(4, 8, 6, 3)") == 3
