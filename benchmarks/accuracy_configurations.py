"""What `accuracy.py` trains on. Each question has a file of results and a setting of its own."""

from __future__ import annotations

from dataclasses import dataclass

STEPS = {"tenth": 2340, "twentieth": 1170, "few": 1170}
"""By question: of 64 samples each. All configurations of a question take the same number."""
PER_CLASS = {"tenth": "--per-class 500", "twentieth": "--per-class 250", "few": ""}
"""How many samples of each class are taken: a tenth of CIFAR-10 is 5,000. Both train for 30 epochs."""


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
    Configuration("tenth", "none", UNMIXED),
    Configuration("tenth", "mixup online", UNMIXED, online="mixup"),
    Configuration("tenth", "mixup, 1 pass", "--alpha 1 --passes 1"),
    *(Configuration("tenth", f"mixup, {count} passes", f"--alpha 1 --passes {count}") for count in (2, 5, 10, 20, 30)),
    Configuration("tenth", "mixup, 1 pass and originals", "--alpha 1 --keep-originals"),
    Configuration("tenth", "none, views online", UNMIXED, views=True),
    Configuration("tenth", "mixup online, views online", UNMIXED, online="mixup", views=True),
    Configuration("tenth", "mixup, 10 passes, views online", POOL, views=True),
    Configuration("tenth", "mixup, 10 passes, views in the plan", f"{POOL} --flip 0.5 --crop-pad 4"),
    Configuration("tenth", "cutmix online", UNMIXED, online="cutmix"),
    Configuration("tenth", "cutmix, 10 passes", "--method cutmix --alpha 1 --passes 10"),
    Configuration("tenth", "mixup or cutmix online", UNMIXED, online="either"),
    Configuration("tenth", "mixup or cutmix, 10 passes", "--method mixup:0.5,cutmix:0.5 --alpha 1 --passes 10"),
    *(
        Configuration("tenth", f"mixup, alpha {alpha}, 10 passes", f"--alpha {alpha} --passes 10")
        for alpha in (0.1, 0.2, 0.5, 2)
    ),
    Configuration("tenth", "mixup, labels of the base, 10 passes", f"{POOL} --label-rule base"),
    Configuration("tenth", "none, binary loss", UNMIXED, binary=True),
    Configuration("tenth", "mixup, binary loss, 10 passes", POOL, binary=True),
    Configuration("tenth", "mixup, union, binary loss, 10 passes", f"{POOL} --label-rule union", binary=True),
    Configuration("twentieth", "none", UNMIXED),
    Configuration("twentieth", "mixup online", UNMIXED, online="mixup"),
    Configuration("twentieth", "mixup, 10 passes", POOL),
    Configuration("few", "50 a class, none", f"--per-class 50 {UNMIXED}"),
    Configuration("few", "50 a class, mixup online", f"--per-class 50 {UNMIXED}", online="mixup"),
    Configuration("few", "50 a class, mixup, 10 passes", f"--per-class 50 {POOL}"),
    *(
        Configuration("few", f"500 to 5 a class, {name}{kind}", words + options, tail=True)
        for name, words in (("none", UNMIXED), ("mixup, 10 passes", POOL))
        for kind, options in (("", ""), (", balanced", " --balance classes"))
    ),
]
