"""The pages with snippets for TensorFlow, Keras and JAX are true: from a folder of images to steps of training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.reader_contract import write_mixed
from tests.docs.pages import blocks, run_page

PAGE = "docs/tensorflow-jax.md"
AS_WE_READ_IT = """
from mixup_cli import MixedArrays

arrays = MixedArrays("mixed")
images, labels = (tf.concat(parts, 0).numpy() for parts in zip(*data))
assert (images == arrays.images(range(45))).all()
assert (labels == arrays.labels(range(45))).all()
"""


@pytest.mark.parametrize(("page", "least"), [(PAGE, 5), ("docs/quickstart.md", 5)])
def test_commands_and_snippets(page: str, least: int, tmp_path: Path) -> None:
    assert len(blocks(page)) >= least
    run_page(page, tmp_path)


def test_tensorflow_reads_the_same_without_the_package(tmp_path: Path) -> None:
    write_mixed(tmp_path)
    (text,) = (text for _, text in blocks(PAGE) if "FixedLengthRecordDataset" in text)
    in_order = text.replace(".shuffle(1024, seed=0)", "").replace("(8, 32, 32, 3), (8, 10)", "(8, 4, 6, 3), (8, 3)")
    subprocess.run([sys.executable, "-c", in_order + AS_WE_READ_IT], cwd=tmp_path, check=True)
