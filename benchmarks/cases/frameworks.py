"""Shuffled batches of CIFAR-10 in each framework beside those of the PyTorch reader, in one process, in turn."""

from __future__ import annotations

import shutil

from benchmarks.bench import HERE, Bench
from benchmarks.cases.loaders import Target, seconds
from benchmarks.measure import Failure, ratio, run
from benchmarks.results import Part

READERS = {
    "pytorch": "PyTorch: DataLoader of MixedDataset",
    "tensorflow": "TensorFlow: mixed_dataset",
    "grain": "grain: MapDataset of MixedBatches, two threads",
    "jax": "JAX: on_device of MixedBatches",
    "keras": "Keras: MixedDataset, as arrays",
}
TARGETS = {"tensorflow": "tf.data", "grain": "grain, whole batches"}
"""The readers that are to be at most 1.5 times as slow as the PyTorch reader."""
ROUNDS = 5


def measure(bench: Bench) -> Part:
    """Make the data set once, then read it in turn."""
    part = Part("Readers of frameworks")
    if bench.frameworks_python is None:
        part.remarks.append("**Not measured:** no --frameworks-python was given.")
        return part
    kept = bench.scratch / "frameworks"
    try:
        run(bench.generate(bench.cifar, out=kept), bench.scratch)
        script = HERE / "ours" / "read_batches.py"
        how = ["--as", *READERS, "--rounds", str(ROUNDS * bench.amounts.few), "--seconds", seconds(bench)]
        found = run([bench.frameworks_python, script, kept, *how], bench.scratch).said["rates"]
    except Failure as failure:
        part.fail({"readers": str(failure)})
        return part
    finally:
        shutil.rmtree(kept, ignore_errors=True)
    for name, values in found.items():
        part.figure(f"CIFAR-10, batches of 256, {READERS[name]}", [value / 1000 for value in values], "thousand/s")
    for name, what in TARGETS.items():
        work = f"reader: shuffled batches of 256 CIFAR-10 samples, {what}, against the PyTorch reader"
        part.lines.append(Target(f"reader-{name}", work, 0.67, 1).line(ratio(found[name], found["pytorch"])))
    return part
