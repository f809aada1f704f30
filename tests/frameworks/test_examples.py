"""The example for Keras learns with each backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.examples import losses


@pytest.mark.parametrize("backend", ["jax", "tensorflow", "torch"])
def test_keras(backend: str, tmp_path: Path) -> None:
    found = losses("train_keras.py", tmp_path, KERAS_BACKEND=backend)
    assert len(found) == 4
    assert found[3] < found[0]
