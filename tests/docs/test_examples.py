"""What examples/ shows works. (That for Keras: tests/frameworks/test_examples.py.)"""

from __future__ import annotations

from pathlib import Path

from tests.docs.examples import EXAMPLES, losses


def test_pytorch(tmp_path: Path) -> None:
    found = losses("train_cifar10.py", tmp_path)
    assert len(found) == 4
    assert found[3] < found[0]


def test_the_examples_are_short() -> None:
    for script in EXAMPLES.glob("*.py"):
        assert len(script.read_text().splitlines()) < 150
