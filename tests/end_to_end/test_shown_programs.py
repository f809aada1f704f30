"""The programs that a data set's README.md and its report show run as they stand, whatever its samples are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.report.page.reading import snippets
from tests.labelled_texts import TOKENIZER
from tests.mask_scenes import write_pairs
from tests.running import Runner
from tests.small_clips import write_videos
from tests.small_sounds import write_sounds


def write_texts(path: Path) -> Path:
    path.mkdir()
    (path / "train.csv").write_text("text,label\n" + "".join(f"who sails ship {n}?,{'ab'[n % 2]}\n" for n in range(8)))
    return path


KINDS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "waves": (write_sounds, "--seconds 0.5"),
    "spectrograms": (write_sounds, "--seconds 0.5 --features logmel:16 --method specmix"),
    "clips": (write_videos, "--frames 4 --size 16"),
    "input_ids": (write_texts, f"--tokenizer {TOKENIZER} --method ssmix"),
    "images": (write_pairs, "--size 16"),
}


@pytest.fixture(params=[*KINDS, *(f"{kind}, plan" for kind in KINDS)])
def data_set(request: pytest.FixtureRequest, run_cli: Runner, tmp_path: Path) -> Path:
    kind, _, store = str(request.param).partition(", ")
    write, options = KINDS[kind]
    out, how = tmp_path / "out", ["--store", "plan"] if store else []
    ended = run_cli("generate", write(tmp_path / "source"), "-q", "-o", out, *options.split(), *how)
    assert ended.returncode == 0, ended.stderr
    return out


def test_programs_run(data_set: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that need no framework but PyTorch; tests/frameworks runs all."""
    data = MixedArrays(data_set)
    first, is_plan = data.manifest.signals[0], data.manifest.samples is not None
    shown = snippets(data.manifest, str(data_set))
    others = () if is_plan else ("Hugging Face", "h5py")
    assert {*shown} == {"PyTorch", "TensorFlow", "Keras", "JAX", "NumPy", *others}
    for name in ("PyTorch", "NumPy", *others):
        exec(shown[name], {})
        assert capsys.readouterr().out.startswith(("(", "torch.Size")), name
        assert ("channels first" in shown[name]) == (name == "PyTorch" and first.axes in ("hwc", "chw", "hw"))
    monkeypatch.chdir(data_set)
    programs = re.findall(r"^```python\n(.*?)\n```$", Path("README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(programs) == (1 if is_plan else 3)
    for program in programs:
        found: dict[str, object] = {}
        exec(program.replace("path/to/this/folder", str(data_set)), found)
        if "loader" in found:
            exec("values = next(iter(loader))", found)
        else:
            assert len(found.get("data" if "load_dataset" in program else first.name)), program  # type: ignore[arg-type]
