"""Does mixing help a small network to understand a voice that it does not know? Each speaker of digits is left out in
turn.

python -m benchmarks.accuracy_sounds FOLDER [--seeds 0 1 2]

FOLDER has class folders of WAV files at 8,000 Hz that are named SPEAKER_TAKE.wav, as those of the Free Spoken Digit
Dataset. A run trains a network for each speaker, on a data set of all others that has as many passes as there are
epochs, and tests it on that speaker. All runs of a seed begin with the same weights. Each run is a line in
`benchmarks/accuracy/sounds.csv`; runs that are there are not made again. `python -m benchmarks.accuracy_report` writes
the tables of docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, cross_entropy

from benchmarks.result_lines import add, commit, measured
from benchmarks.scores import accuracy, calibration_error
from mixup_cli.readers.numpy import MixedArrays

METHODS = {"none": "none", "mixup": "mixup:alpha=1", "bc": "bc"}
"""The second and the third draw by the same law, and differ in what they do about loudness."""

CONFIGURATIONS = {
    f"{name}{ending}": f"--method {method} --passes {epochs}"
    for ending, epochs in (("", 25), (", 100 epochs", 100))
    for name, method in METHODS.items()
}
"""As many passes as epochs: no row is shown twice."""

BATCH_SIZE, RATE, SECONDS = 32, 5e-3, 1.0


class Network(nn.Module):
    """Three convolutions over the logarithms of 32 bands of a Fourier transform in 31 moments."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(256))
        self.layers = nn.Sequential(
            *block(1, 8), *block(8, 16), *block(16, 32), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
        )

    def forward(self, waves: Tensor) -> Tensor:
        """The scores (n, 10) of waves (n, time)."""
        spectrum = torch.stft(waves, 256, 128, window=self.window, return_complex=True).abs().square()
        features = (avg_pool2d(spectrum[:, None, 1:], (4, 2))[:, 0] + 1e-6).log()
        mean, std = features.mean(dim=(1, 2), keepdim=True), features.std(dim=(1, 2), keepdim=True)
        scores: Tensor = self.layers(((features - mean) / std)[:, None])
        return scores


def block(inside: int, outside: int) -> list[nn.Module]:
    """A convolution, normalised and pooled."""
    return [nn.Conv2d(inside, outside, 3, padding=1), nn.BatchNorm2d(outside), nn.ReLU(), nn.MaxPool2d(2)]


def mixed(program: Path, source: Path, out: Path, options: str) -> tuple[Tensor, Tensor]:
    """Waves (n, time) and labels (n, 10) of a new data set."""
    command = [program, "generate", source, "-q", "-o", out, "--seconds", str(SECONDS), "--workers", "1"]
    subprocess.run([*command, *options.split()], check=True, stdout=subprocess.DEVNULL)
    made = MixedArrays(out)
    return torch.tensor(made.column("waves")[:][..., 0]), torch.tensor(made.column("labels")[:])


def trained(waves: Tensor, labels: Tensor, seed: int) -> Network:
    """A network after one look at each row: each pass is an epoch, and the rate falls as a cosine."""
    torch.manual_seed(seed)
    network = Network()
    steps = len(waves) // BATCH_SIZE
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        rows = slice(step * BATCH_SIZE, (step + 1) * BATCH_SIZE)
        optimizer.zero_grad()
        loss = cross_entropy(network(waves[rows]), labels[rows])
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()
        schedule.step()
    return network.eval()


def split(folder: Path, place: Path, left_out: str) -> tuple[Path, Path]:
    """Links to the sounds of all other speakers, and to those of the one that is left out."""
    parts = (place / "train", place / "test")
    for path in sorted(folder.glob("*/*.wav")):
        part = parts[speaker_of(path) == left_out]
        (part / path.parent.name).mkdir(parents=True, exist_ok=True)
        (part / path.parent.name / path.name).symlink_to(path.resolve())
    return parts


def speaker_of(path: Path) -> str:
    """Of a file, by its name."""
    return path.stem.partition("_")[0]


def run(folder: Path, program: Path, name: str, seed: int) -> dict[str, object]:
    """The line of one run: of all speakers together, and of each."""
    began, digest, steps = time.monotonic(), hashlib.sha256(), 0
    all_scores, all_classes, by_speaker = [], [], []
    for speaker in sorted({speaker_of(path) for path in folder.glob("*/*.wav")}):
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)
            train, test = split(folder, place, speaker)
            waves, labels = mixed(program, train, place / "mixed", f"{CONFIGURATIONS[name]} --seed {seed}")
            digest.update((place / "mixed" / "SHA256SUMS").read_bytes())
            heard, wanted = mixed(program, test, place / "tested", "--method none")
        network, steps = trained(waves, labels, seed), len(waves) // BATCH_SIZE
        with torch.no_grad():
            all_scores.append(network(heard))
        all_classes.append(wanted.argmax(1))
        by_speaker.append(f"{speaker} {accuracy(all_scores[-1], all_classes[-1]):.4f}")
    scores, classes = torch.cat(all_scores), torch.cat(all_classes)
    return {
        "configuration": name,
        "model": "small",
        "seed": seed,
        "options": CONFIGURATIONS[name],
        "accuracy": f"{accuracy(scores, classes):.4f}",
        "calibration_error": f"{calibration_error(scores.softmax(1), classes):.4f}",
        "accuracy_by_speaker": ", ".join(by_speaker),
        "seconds": round(time.monotonic() - began),
        "steps": steps,
        "data_sha256": digest.hexdigest()[:16],
        "torch": torch.__version__,
        "commit": commit(),
    }


def main() -> None:
    """Make the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--mixup-gen", type=Path, default=Path(sys.executable).with_name("mixup-gen"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    done = {(line["configuration"], line["seed"]) for line in measured("sounds")}
    for seed, name in product(given.seeds, CONFIGURATIONS):
        if (name, str(seed)) not in done:
            line = run(given.folder, given.mixup_gen, name, seed)
            add("sounds", line)
            print(name, seed, line["accuracy"], line["calibration_error"], line["seconds"], flush=True)


if __name__ == "__main__":
    main()
