"""Does mixing help with texts? A small network, trained on TREC's questions for the same number of steps.

python -m benchmarks.accuracy_texts trec-train.txt [--seeds 0 1 2]

The file has a question a line, in Latin-1, behind its class and a blank; TREC's `train_5500.label`
(https://cogcomp.seas.upenn.edu/Data/QA/QC/) is such a file, with the coarse class cut out of it. Each run is a line in
`benchmarks/accuracy/texts.csv`; runs that are there are not made again. Runs of one seed have the same first weights,
and the same held-out questions, and are compared in pairs. `python -m benchmarks.accuracy_report` writes the tables of
docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from benchmarks.result_lines import add, commit, measured
from benchmarks.scores import accuracy, calibration_error
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.pytorch import MixedDataset
from mixup_cli.readers.pytorch_texts import blended_words
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import SourceOptions, open_source

HELD_OUT, LENGTH, VOCABULARY = 500, 40, 4000
BATCH_SIZE, RATE, WIDTH, STEPS = 64, 1e-3, 64, 770

CONFIGURATIONS = {
    "none": MethodChoice("none"),
    "ssmix": MethodChoice("ssmix"),
    "cutmix": MethodChoice("cutmix"),
    "mixup of words": MethodChoice("mixup", options={"alpha": 1.0}),
}
"""What is trained on. Mixed data sets have so many passes that no row is shown twice."""


class Network(nn.Module):
    """Convolutions over 3, 4 and 5 embeddings, and the largest value of each (Kim, EMNLP 2014), from random weights."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.convolutions = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, size, padding=size // 2) for size in (3, 4, 5))
        self.last = nn.Sequential(nn.Dropout(0.5), nn.Linear(3 * WIDTH, class_count))

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """The scores (B, K) of texts, or of their mixtures."""
        words, mask = blended_words(batch, self.embedding)
        seen = (words * mask[..., None]).transpose(1, 2)
        found: Tensor = self.last(torch.cat([each(seen).relu().amax(2) for each in self.convolutions], 1))
        return found


@dataclass(frozen=True)
class Place:
    """A folder for data sets, with the questions of a seed and a tokenizer that knows those for training alone."""

    folder: Path
    commit: str

    def prepare(self, lines: list[str], seed: int) -> None:
        """Write the questions, and train the tokenizer."""
        shuffled = random.Random(seed).sample(lines, len(lines))  # noqa: S311  # no secret
        parts = {"train": shuffled[HELD_OUT:], "test": shuffled[:HELD_OUT]}
        for name, part in parts.items():
            (self.folder / f"{name}.txt").write_text("".join(part), encoding="utf-8")
        tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))  # noqa: S106  # no password
        tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
        trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=special, show_progress=False)
        tokenizer.train_from_iterator([line.split(None, 1)[1] for line in parts["train"]], trainer)
        tokenizer.post_processor = processors.TemplateProcessing(
            "[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
        tokenizer.save(str(self.folder / "tokenizer.json"))

    def made(self, part: str, choice: MethodChoice, passes: int, seed: int) -> Path:
        """A data set."""
        out = self.folder / f"{part}-{choice.name}-{len(list(self.folder.iterdir()))}"
        options = SourceOptions(tokenizer=str(self.folder / "tokenizer.json"), length=LENGTH)
        source = open_source([self.folder / f"{part}.txt"], options)
        generate(source, Recipe(methods=(choice,), seed=seed), Run(out=out, passes=passes, workers=1))
        return out


def batches(folder: Path, seed: int) -> Iterator[dict[str, Tensor]]:
    """Shuffled batches without end: pass after pass, from the first one again when all were shown."""
    epoch, made = 0, torch.Generator().manual_seed(seed)
    stored = {column.name for column in MixedArrays(folder).manifest.columns}
    sample = [name for name in ("input_ids", "attention_mask", "share", "span", "labels") if name in stored]
    while True:
        loader = DataLoader(
            MixedDataset(folder, sample=sample, epoch=epoch), BATCH_SIZE, shuffle=True, drop_last=True, generator=made
        )
        yield from loader
        epoch += 1


def trained(folder: Path, class_count: int, seed: int) -> Network:
    """A network after all steps."""
    torch.manual_seed(seed)
    network = Network(class_count).train()
    optimizer = torch.optim.Adam(network.parameters(), RATE)
    for _, batch in zip(range(STEPS), batches(folder, seed), strict=False):
        optimizer.zero_grad()
        loss = cross_entropy(network(batch), batch["labels"])
        loss.backward()  # type: ignore[no-untyped-call]  # torch's
        optimizer.step()
    return network.eval()


def run(place: Place, name: str, seed: int) -> dict[str, object]:
    """The line of one run."""
    choice, count = CONFIGURATIONS[name], len((place.folder / "train.txt").read_text().splitlines())
    passes = 1 if name == "none" else -(-STEPS // (count // BATCH_SIZE))
    data, began = place.made("train", choice, passes, seed), time.monotonic()
    test = MixedArrays(place.made("test", MethodChoice("none"), 1, 0))
    network = trained(data, len(test.class_names), seed)
    with torch.no_grad():
        scores = network({each: torch.tensor(test.column(each)[:]) for each in ("input_ids", "attention_mask")})
    classes = torch.tensor(test.column("source_label")[:][:, 0]).long()
    options = ":".join([choice.name, *(f"{key}={value}" for key, value in choice.options.items())])
    return {
        "configuration": name,
        "model": "small",
        "seed": seed,
        "options": f"--method {options} --passes {passes}",
        "accuracy": f"{accuracy(scores, classes):.4f}",
        "calibration_error": f"{calibration_error(scores.softmax(1), classes):.4f}",
        "seconds": round(time.monotonic() - began),
        "steps": STEPS,
        "data_sha256": hashlib.sha256((data / "SHA256SUMS").read_bytes()).hexdigest()[:16],
        "torch": torch.__version__,
        "commit": place.commit,
    }


def main() -> None:
    """Make the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    torch.set_num_threads(1)
    done = {(line["configuration"], line["seed"]) for line in measured("texts")}
    with given.questions.open(encoding="latin-1") as file:
        lines = list(file)
    for seed, name in product(given.seeds, CONFIGURATIONS):
        if (name, str(seed)) in done:
            continue
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder), commit())
            place.prepare(lines, seed)
            line = run(place, name, seed)
        add("texts", line)
        print(name, seed, line["accuracy"], line["calibration_error"], line["seconds"], flush=True)


if __name__ == "__main__":
    main()
