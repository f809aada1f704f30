"""Write sample_data/texts: questions with the kind of their answer, and a small tokenizer that was trained on them.

    python sample_data/make_texts.py

The questions were written for this project, and are in the public domain as the other sample data are.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

QUESTIONS = {
    "number": (
        "How many legs does a spider have?",
        "How long does it take to boil an egg?",
        "How old is the oldest tree in the world?",
        "How far away is the moon?",
        "How many strings does a violin have?",
        "How deep is the deepest lake in the world?",
        "How fast does a horse run?",
        "How many days does February have?",
    ),
    "person": (
        "Who painted the ceiling of the Sistine Chapel?",
        "Who wrote the story of the white whale?",
        "Who was the first woman to fly alone across the ocean?",
        "Who found the way to make paper?",
        "Who sang in the first opera?",
        "Who drew the first map of the moon?",
        "Who built the first telescope?",
        "Who was the queen of Egypt at the time of Caesar?",
    ),
    "place": (
        "Where do penguins live?",
        "Where does the river Danube end?",
        "Where is the deepest part of the ocean?",
        "Where was the first railway built?",
        "Where do oranges come from?",
        "Where is the tomb of the first emperor of China?",
        "Where does the sun set in winter?",
        "Where was paper made first?",
    ),
}
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
VOCABULARY = 160


def write_questions(path: Path) -> list[str]:
    """A table with the columns question and label; the classes take turns."""
    rows = [
        (text, label)
        for texts in zip(*QUESTIONS.values(), strict=True)
        for label, text in zip(QUESTIONS, texts, strict=True)
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([("question", "label"), *rows])
    return [text for text, _ in rows]


def tokenizer(texts: list[str]) -> Tokenizer:
    """Words in lower case, and pieces of them where a word is rare: byte pairs, which are trained alike every time."""
    made = Tokenizer(models.BPE(unk_token=SPECIAL[1]))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[*SPECIAL], show_progress=False)
    made.train_from_iterator(texts, trainer)
    numbers = [(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", numbers)
    return made


def main(folder: Path) -> None:
    """Write both files."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer(write_questions(folder / "questions.csv")).save(str(folder / "tokenizer.json"))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "texts")
