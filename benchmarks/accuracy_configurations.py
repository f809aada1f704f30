"""What `accuracy.py` trains on: by question, each a file of results."""

from __future__ import annotations

from dataclasses import dataclass

STEPS, FEW_STEPS = 2340, 1170


@dataclass(frozen=True)
class Configuration:
    """What a network is trained on: a data set that `mixup-gen generate` makes with some options, and what is done to
    its batches. `question` is the file that has its runs."""

    question: str
    name: str
    generate: str
    online: str = ""
    views: bool = False
    binary: bool = False
    tail: bool = False
    steps: int = STEPS

    @property
    def options(self) -> str:
        """All options of `generate`."""
        chosen = self.tail or "--per-class" in self.generate
        return self.generate if chosen else f"--per-class 500 {self.generate}"


UNMIXED, POOL = "--method none", "--alpha 1 --passes 10"
VIEWS = "--flip 0.5 --crop-pad 4"
CONFIGURATIONS = [
    Configuration("pools", "none", UNMIXED),
    Configuration("pools", "mixup online", UNMIXED, online="mixup"),
    Configuration("pools", "mixup, 1 pass", "--alpha 1 --passes 1"),
    *(Configuration("pools", f"mixup, {count} passes", f"--alpha 1 --passes {count}") for count in (2, 5, 10, 20)),
    Configuration("methods", "cutmix online", UNMIXED, online="cutmix"),
    Configuration("methods", "cutmix, 10 passes", "--method cutmix --alpha 1 --passes 10"),
    Configuration("methods", "mixup or cutmix online", UNMIXED, online="either"),
    Configuration("methods", "mixup or cutmix, 10 passes", "--method mixup:0.5,cutmix:0.5 --alpha 1 --passes 10"),
    Configuration("views", "none, views online", UNMIXED, views=True),
    Configuration("views", "mixup online, views online", UNMIXED, online="mixup", views=True),
    Configuration("views", "mixup, 10 passes, views online", POOL, views=True),
    Configuration("views", "mixup, 10 passes, views in the plan", f"{POOL} {VIEWS}"),
    *(
        Configuration("alpha", f"mixup, alpha {alpha}, 10 passes", f"--alpha {alpha} --passes 10")
        for alpha in (0.1, 0.2, 0.5, 2)
    ),
    Configuration("labels", "mixup, labels of the base", f"{POOL} --label-rule base"),
    Configuration("labels", "mixup, binary loss", POOL, binary=True),
    Configuration("labels", "mixup, union, binary loss", f"{POOL} --label-rule union", binary=True),
    Configuration("few", "50 a class, none", f"{UNMIXED} --per-class 50", steps=FEW_STEPS),
    Configuration("few", "50 a class, mixup online", f"{UNMIXED} --per-class 50", online="mixup", steps=FEW_STEPS),
    Configuration("few", "50 a class, mixup, 10 passes", f"{POOL} --per-class 50", steps=FEW_STEPS),
    *(
        Configuration("few", f"500 to 5 a class, {name}{kind}", words + options, tail=True, steps=FEW_STEPS)
        for name, words in (("none", UNMIXED), ("mixup, 10 passes", POOL))
        for kind, options in (("", ""), (", balanced", " --balance classes"))
    ),
]
QUESTIONS = tuple(dict.fromkeys(each.question for each in CONFIGURATIONS))
