"""Tests with TensorFlow, Keras, JAX and other heavy libraries, which `make test-frameworks` installs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

LIBRARIES = ("grain", "jax", "keras", "litdata", "tensorflow")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """All tests together leave these out where a library is missing. Asked for by name, they then fail."""
    is_asked_for = any("frameworks" in argument for argument in config.args)
    return None if is_asked_for or all(map(find_spec, LIBRARIES)) else True
