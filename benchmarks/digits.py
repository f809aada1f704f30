"""Does mixing help a small network to understand a voice that it does not know? One speaker of digits is left out.

    python -m benchmarks.digits FOLDER [--out digits.csv]

FOLDER has class folders of WAV files at 8,000 Hz that are named SPEAKER_TAKE.wav, as those of the Free Spoken Digit
Dataset. For each speaker, each method and each seed: a data set of as many passes as there are epochs is generated of
the other speakers, and a network is trained on it, one pass an epoch, and tested on the speaker that was left out. All
runs of a seed begin with the same weights. One row is written for each run.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import torch
from torch import nn

METHODS = {"none": "none", "mixup": "mixup:alpha=1", "bc": "bc"}
"""The second and the third draw by the same law, and differ in what they do about loudness."""

SEEDS = (0, 1, 2)
EPOCHS, BATCH, RATE, SECONDS = 25, 32, 5e-3, 1.0


class Network(nn.Module):
    """Three convolutions over the logarithms of 32 bands of a Fourier transform in 31 moments."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(256))
        self.layers = nn.Sequential(
            *block(1, 8), *block(8, 16), *block(16, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
        )

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        """Logits (n, 10) of waves (n, time)."""
        spectrum = torch.stft(waves, 256, 128, window=self.window, return_complex=True).abs().square()
        bands = nn.functional.avg_pool2d(spectrum[:, None, 1:], (4, 2))[:, 0]
        features = (bands + 1e-6).log()
        mean, std = features.mean(dim=(1, 2), keepdim=True), features.std(dim=(1, 2), keepdim=True)
        return self.layers(((features - mean) / std)[:, None])


def block(inside: int, outside: int) -> list[nn.Module]:
    """A convolution, normalised and pooled."""
    return [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)]


def mixed(program: Path, source: Path, out: Path, choice: tuple[str, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Waves and labels of a data set of as many passes as there are epochs."""
    method, seed = choice
    command = [program, "generate", source, "-q", "-o", out, "--method", method, "--seconds", str(SECONDS)]
    command += ["--passes", str(EPOCHS), "--seed", str(seed), "--workers", "1"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # our own program
    waves, labels = [], []
    for path in sorted(out.glob("shard-*.h5")):
        with h5py.File(path) as shard:
            waves.append(shard["waves"][..., 0])
            labels.append(shard["labels"][:])
    return torch.from_numpy(np.concatenate(waves)), torch.from_numpy(np.concatenate(labels))


def trained(waves: torch.Tensor, labels: torch.Tensor, seed: int) -> Network:
    """A network after one pass over the rows, each pass an epoch, the learning rate falling as a cosine."""
    torch.manual_seed(seed)
    network = Network()
    steps = len(waves) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        loss = nn.functional.cross_entropy(network(waves[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def split(folder: Path, scratch: Path, left_out: str) -> tuple[Path, Path]:
    """Links to the sounds of all other speakers, and to those of the one that is left out."""
    parts = (scratch / "train", scratch / "test")
    for part in parts:
        shutil.rmtree(part, ignore_errors=True)
    for path in sorted(folder.glob("*/*.wav")):
        part = parts[path.stem.partition("_")[0] == left_out]
        (part / path.parent.name).mkdir(parents=True, exist_ok=True)
        (part / path.parent.name / path.name).symlink_to(path.resolve())
    return parts


def main() -> None:
    """Run them all, and write a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "accuracy" / "digits.csv")
    parser.add_argument("--mixup-gen", type=Path, default=Path(sys.executable).with_name("mixup-gen"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    speakers = sorted({path.stem.partition("_")[0] for path in given.folder.glob("*/*.wav")})
    with TemporaryDirectory() as name, given.out.open("w", newline="") as file:
        writer, scratch = csv.writer(file), Path(name)
        writer.writerow(["speaker", "method", "seed", "tested", "right", "seconds"])
        for seed, speaker in product(SEEDS, speakers):
            train, test = split(given.folder, scratch, speaker)
            waves, labels = mixed(given.mixup_gen, test, scratch / "tested", ("none", 0))
            count = len(waves) // EPOCHS
            for label, method in METHODS.items():
                began = time.perf_counter()
                network = trained(*mixed(given.mixup_gen, train, scratch / "mixed", (method, seed)), seed)
                with torch.no_grad():
                    right = (network(waves[:count]).argmax(1) == labels[:count].argmax(1)).sum().item()
                writer.writerow([speaker, label, seed, count, right, f"{time.perf_counter() - began:.1f}"])
                file.flush()
                shutil.rmtree(scratch / "mixed")
            shutil.rmtree(scratch / "tested")


if __name__ == "__main__":
    main()
