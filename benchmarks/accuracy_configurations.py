"""What `accuracy.py` trains on. Each question has a file of results and a setting of its own."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = {"pools": 2340, "options": 1170, "few": 1170}
"""By question: of 64 samples each. All configurations of a question take the same number."""
PER_CLASS = {"pools": "--per-class 500", "options": "--per-class 250", "few": ""}
"""How many samples of each class are taken. So the first two questions train for 30 epochs."""


@dataclass(frozen=True)
class Configuration:
    """What a network is trained on: a data set that `mixup-gen generate` makes with some options, and what is done to
    its batches."""

    question: str
    name: str
    generate: str
    online: str = ""
    views: bool = False
    binary: bool = False
    tail: bool = False

    @property
    def options(self) -> str:
        """All options of `generate`."""
        return f"{PER_CLASS[self.question]} {self.generate}".strip()

    @property
    def originals(self) -> bool:
        """Whether each epoch shows the originals beside a pass."""
        return "--keep-originals" in self.generate


UNMIXED, POOL = "--method none", "--alpha 1 --passes 10"
CONFIGURATIONS = [
    Configuration("pools", "none", UNMIXED),
    Configuration("pools", "mixup online", UNMIXED, online="mixup"),
    Configuration("pools", "mixup, 1 pass", "--alpha 1 --passes 1"),
    *(Configuration("pools", f"mixup, {count} passes", f"--alpha 1 --passes {count}") for count in (2, 5, 10, 20)),
    Configuration("options", "none", UNMIXED),
    Configuration("options", "mixup online", UNMIXED, online="mixup"),
    Configuration("options", "mixup", POOL),
    Configuration("options", "mixup, 1 pass and originals", "--alpha 1 --keep-originals"),
    Configuration("options", "cutmix online", UNMIXED, online="cutmix"),
    Configuration("options", "cutmix", "--method cutmix --alpha 1 --passes 10"),
    Configuration("options", "mixup or cutmix online", UNMIXED, online="either"),
    Configuration("options", "mixup or cutmix", "--method mixup:0.5,cutmix:0.5 --alpha 1 --passes 10"),
    Configuration("options", "none, views online", UNMIXED, views=True),
    Configuration("options", "mixup online, views online", UNMIXED, online="mixup", views=True),
    Configuration("options", "mixup, views online", POOL, views=True),
    Configuration("options", "mixup, views in the plan", f"{POOL} --flip 0.5 --crop-pad 4"),
    *(
        Configuration("options", f"mixup, alpha {alpha}", f"--alpha {alpha} --passes 10")
        for alpha in (0.1, 0.2, 0.5, 2)
    ),
    Configuration("options", "mixup, labels of the base", f"{POOL} --label-rule base"),
    Configuration("options", "mixup, binary loss", POOL, binary=True),
    Configuration("options", "mixup, union, binary loss", f"{POOL} --label-rule union", binary=True),
    Configuration("few", "50 a class, none", f"--per-class 50 {UNMIXED}"),
    Configuration("few", "50 a class, mixup online", f"--per-class 50 {UNMIXED}", online="mixup"),
    Configuration("few", "50 a class, mixup", f"--per-class 50 {POOL}"),
    *(
        Configuration("few", f"500 to 5 a class, {name}{kind}", words + options, tail=True)
        for name, words in (("none", UNMIXED), ("mixup", POOL))
        for kind, options in (("", ""), (", balanced", " --balance classes"))
    ),
]
