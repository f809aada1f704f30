"""Does mixing help, and how many passes does it take? Small networks, trained on CIFAR-10 for the same number of steps.

python -m benchmarks.accuracy cifar-10-python.tar.gz [--seeds 0 1 2] [--questions tenth …] [--only NAME …] [--jobs 2]

Each run is a line in `benchmarks/accuracy/*.csv`. Runs that are there are not made again, so a call that was
interrupted goes on. Runs of one seed have the same samples and first weights, and are compared in pairs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from torch.utils.data import DataLoader, Subset, default_collate
from torchvision.transforms import v2

from benchmarks.accuracy_configurations import CONFIGURATIONS, STEPS, Configuration
from benchmarks.result_lines import add, commit, measured
from benchmarks.scores import accuracy, calibration_error
from examples.train_cifar10 import MODELS, predict, residual_network, train
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset

BATCH_SIZE, RATE, CLASSES = 64, 0.1, 10
POINTS = 30
"""How often a run is tested on the way: 30 epochs of 5,000 samples have 2,340 steps."""
QUICK_TEST = 1000
"""On so many of the test split's rows; at the end on all 10,000."""


@dataclass(frozen=True)
class Place:
    """Where things are: the archive, the program, a folder for data sets, the commit that is measured; and what is
    trained on which device."""

    cifar: Path
    mixup_gen: str
    scratch: Path
    commit: str
    model: str
    device: str

    def generate(self, source: Path, options: str, out: Path) -> Path:
        """Make a data set."""
        command = [self.mixup_gen, "generate", source, *options.split(), "-q", "--workers", "1", "-o", out]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return out

    @property
    def test(self) -> Path:
        """The test split, unmixed."""
        return self.scratch / "test"


def long_tail(place: Place, seed: int, folder: Path) -> Path:
    """500 samples of the first class, 5 of the last, and geometric between (Cao et al., NeurIPS 2019), as an array."""
    all_samples = MixedArrays(
        place.generate(place.cifar, f"--split train --per-class 500 --method none --seed {seed}", folder)
    )
    labels = all_samples.column("source_label")[:][:, 0]
    counts = np.geomspace(500, 5, CLASSES).round().astype(int)
    rows = np.sort(np.concatenate([np.flatnonzero(labels == number)[:count] for number, count in enumerate(counts)]))
    np.savez(folder.with_suffix(".npz"), images=all_samples.images(rows), labels=labels[rows])
    return folder.with_suffix(".npz")


def mixing(name: str) -> Callable[[Any], tuple[Tensor, Tensor]]:
    """What makes a batch of samples, and mixes it as torchvision's documentation shows: one lam a batch."""
    mixup, cutmix = v2.MixUp(num_classes=CLASSES, alpha=1.0), v2.CutMix(num_classes=CLASSES, alpha=1.0)
    mix = {"mixup": mixup, "cutmix": cutmix, "either": v2.RandomChoice([mixup, cutmix])}.get(name)

    def collate(samples: Any) -> tuple[Tensor, Tensor]:
        images, labels = default_collate(samples)
        return mix(images.float(), labels.argmax(1)) if mix else (images, labels)

    return collate


def measure(configuration: Configuration, seed: int, place: Place) -> dict[str, Any]:
    """Make the data, train, test: a line of the results."""
    began = time.perf_counter()
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = residual_network(place.model, CLASSES).to(place.device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs; faster on a CPU
    with tempfile.TemporaryDirectory(dir=place.scratch) as folder:
        source = long_tail(place, seed, Path(folder) / "all") if configuration.tail else place.cifar
        split = "" if configuration.tail else "--split train "
        made = place.generate(source, f"{split}{configuration.options} --seed {seed}", Path(folder) / "train")
        on_the_way = [*_trained(network, configuration, made, place.test)]
        digest = hashlib.sha256((made / "SHA256SUMS").read_bytes()).hexdigest()
    scores, classes = predict(network, DataLoader(MixedDataset(place.test), 500))
    probabilities = scores.sigmoid() if configuration.binary else scores.softmax(1)
    return {
        "configuration": configuration.name,
        "model": place.model,
        "seed": seed,
        "options": configuration.options,
        "online": " ".join(filter(None, (configuration.online, "views" if configuration.views else ""))),
        "accuracy": f"{accuracy(scores, classes):.4f}",
        "calibration_error": f"{calibration_error(probabilities, classes):.4f}",
        "seconds": round(time.perf_counter() - began),
        "steps": STEPS[configuration.question],
        "accuracy_on_the_way": " ".join(f"{each:.3f}" for each in on_the_way),
        "data_sha256": digest[:16],
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if place.device == "cuda" else place.device,
        "commit": place.commit,
    }


def _trained(network: nn.Module, configuration: Configuration, made: Path, test: Path) -> Iterator[float]:
    """Train, and test now and then on a part of the test split."""
    views = v2.Compose([v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]) if configuration.views else None
    data = MixedDataset(made, views, epoch=0, originals=configuration.originals)
    loader = DataLoader(data, BATCH_SIZE, shuffle=True, drop_last=True, collate_fn=mixing(configuration.online))
    few = DataLoader(Subset(MixedDataset(test), range(QUICK_TEST)), 500)
    loss = binary_cross_entropy_with_logits if configuration.binary else cross_entropy
    epochs = STEPS[configuration.question] // len(loader)
    for epoch, _ in enumerate(train(network, loader, epochs, RATE, loss)):
        if (epoch + 1) * POINTS // epochs > epoch * POINTS // epochs:
            yield accuracy(*predict(network, few))


def missing(questions: list[str], names: list[str], seeds: list[int], model: str) -> list[tuple[Configuration, int]]:
    """What is still to be run, seed by seed."""
    done = {
        (question, run["configuration"], run["model"], run["seed"]) for question in STEPS for run in measured(question)
    }
    wanted = [each for each in CONFIGURATIONS if each.question in questions and each.name in (names or [each.name])]
    return [
        (each, seed) for seed in seeds for each in wanted if (each.question, each.name, model, str(seed)) not in done
    ]


def main() -> None:
    """Run what is missing, and add each run to the results when it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cifar", type=Path, help="cifar-10-python.tar.gz, or CIFAR-10 as any source of mixup-gen's")
    parser.add_argument("--mixup-gen", default="mixup-gen")
    parser.add_argument("--scratch", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--questions", nargs="+", choices=STEPS, default=[*STEPS])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="names of configurations")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--model", choices=MODELS, default="small")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    runs = missing(given.questions, given.only, given.seeds, given.model)
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        place = Place(given.cifar.absolute(), given.mixup_gen, Path(folder), commit(), given.model, given.device)
        place.generate(place.cifar, "--split test --method none", place.test)
        with ProcessPoolExecutor(given.jobs, get_context("spawn")) as pool:
            futures = {pool.submit(measure, *run, place): run for run in runs}
            for count, future in enumerate(as_completed(futures), 1):
                configuration, seed = futures[future]
                print(f"{count} of {len(runs)}: {configuration.name}, seed {seed}:", end=" ")
                if problem := future.exception():
                    print(f"FAILED: {problem}", flush=True)
                    continue
                line = future.result()
                add(configuration.question, line)
                print(f"accuracy {line['accuracy']}, {line['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
