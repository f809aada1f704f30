"""What every reader must give, whatever its framework. A test class inherits `ReaderContract` and says how its reader
is opened, read in order, and trained with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.errors import UsageError
from mixup_cli.fields.axes import Axes
from mixup_cli.fields.objects import OBJECT_COLUMNS
from mixup_cli.readers.companion import CompanionWriter
from mixup_cli.readers.numpy import MixedArrays
from mixup_cli.readers.view import Batch
from mixup_cli.recipe import MethodChoice, Recipe
from mixup_cli.runs.generate import generate
from mixup_cli.runs.settings import Run
from mixup_cli.sources import open_source
from tests.object_sources import COUNTS, write_detection

CLASSES = ("0", "1", "2")
PER_CLASS = 5
METHODS = ("mixup", "cutmix")
ORIGINALS = range(15)
PASSES = (range(15, 30), range(30, 45))


def write_mixed(folder: Path) -> Path:
    """A data set of 45 rows in shards of 7: 15 originals, then two passes of two methods. Images of 4 by 6 are uint8,
    and bright in the channel of their class."""
    classes = np.arange(15) % 3
    images = np.random.default_rng(3).integers(0, 100, (15, 4, 6, 3), np.uint8)
    images[np.arange(15), :, :, 2 - classes] += 150
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "source.npz", x=images, y=classes)
    methods = tuple(MethodChoice(name, 1.0, {"alpha": 1.0}) for name in METHODS)
    recipe = Recipe(methods=methods, keep_originals=True, labels="both", samples_per_shard=7)
    generate(open_source([folder / "source.npz"]), recipe, Run(out=folder / "mixed", passes=2, workers=1))
    return folder / "mixed"


def most_in_two() -> int:
    """The most objects that two pictures have together."""
    return sum(sorted(COUNTS)[-2:])


def joined(batches: Iterable[Batch]) -> Batch:
    """All batches as one, whose parts are arrays of NumPy."""
    found = list(batches)
    if isinstance(found[0], dict):
        return {name: np.concatenate([batch[name] for batch in found]) for name in found[0]}  # type: ignore[call-overload]
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


class ReaderContract(ABC):
    """Inherit it, and write its three methods."""

    axes: ClassVar[Axes] = "chw"
    """The order in which the reader gives the dimensions of images."""

    @abstractmethod
    def open(self, folder: Path, **choices: Any) -> Any:
        """The reader of a data set, which is not shuffled. `choices` are those of `readers.view.Choices`."""

    @abstractmethod
    def batches(self, reader: Any) -> Iterable[Batch]:
        """One epoch in batches, in order: tuples of arrays (m, …), or dictionaries of them."""

    @abstractmethod
    def losses(self, reader: Any) -> Sequence[float]:
        """The loss of a small model on one batch of (images, labels) of a reader, before each of three steps of
        training on it. Scale the images to 0 … 1."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A data set that no test changes."""
        return write_mixed(tmp_path_factory.mktemp("readers"))

    @pytest.fixture(scope="class")
    @classmethod
    def detection(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A data set of seven rows with objects."""
        return write_detection(tmp_path_factory.mktemp("objects"), keypoints=True)

    @pytest.fixture
    def arrays(self, folder: Path) -> MixedArrays:
        """What every value is compared with."""
        return MixedArrays(folder)

    def all_of(self, folder: Path, **choices: Any) -> Any:
        """What a reader gives in an epoch."""
        return joined(self.batches(self.open(folder, **choices)))

    def rows_of(self, folder: Path, **choices: Any) -> list[int]:
        """The rows that a reader shows in an epoch."""
        rows: list[int] = self.all_of(folder, sample=["index"], **choices)["index"].tolist()
        return rows

    def images(self, arrays: MixedArrays, rows: Sequence[int] | NDArray[np.int64]) -> NDArray[Any]:
        """The images of some rows as the reader gives them."""
        found = arrays.images(rows)
        return np.moveaxis(found, 3, 1) if self.axes == "chw" else found

    def test_images_and_soft_labels(self, folder: Path, arrays: MixedArrays) -> None:
        images, labels = self.all_of(folder)
        rows = range(len(arrays))
        assert (images.dtype, labels.dtype) == (np.uint8, np.float32)
        np.testing.assert_array_equal(images, self.images(arrays, rows))
        np.testing.assert_array_equal(labels, arrays.labels(rows))

    def test_images_and_pairs_of_classes(self, folder: Path, arrays: MixedArrays) -> None:
        images, y_a, y_b, lam = self.all_of(folder, sample="pair")
        np.testing.assert_array_equal(images, self.images(arrays, range(len(arrays))))
        each = np.eye(len(CLASSES), dtype=np.float32)
        np.testing.assert_array_equal(
            lam[:, None] * each[y_a] + (1 - lam[:, None]) * each[y_b], arrays.labels(range(45))
        )

    def test_every_column_by_name(self, folder: Path, arrays: MixedArrays) -> None:
        found = self.all_of(folder, sample="columns")
        assert [*found] == [column.name for column in arrays.manifest.columns]
        for name, values in found.items():
            wanted = self.images(arrays, range(45)) if name == "images" else arrays.column(name)[:]
            np.testing.assert_array_equal(values, wanted, err_msg=name)

    def test_some_columns_by_name(self, folder: Path, arrays: MixedArrays) -> None:
        found = self.all_of(folder, sample=("method", "labels"))
        assert [*found] == ["method", "labels"]
        np.testing.assert_array_equal(found["method"], arrays.column("method")[:])
        np.testing.assert_array_equal(found["labels"], arrays.labels(range(45)))

    def test_originals_are_on_or_off(self, folder: Path) -> None:
        mixed = [*PASSES[0], *PASSES[1]]
        assert self.rows_of(folder) == self.rows_of(folder, originals=True) == [*ORIGINALS, *mixed]
        assert self.rows_of(folder, originals=False) == mixed
        assert self.rows_of(folder, passes=1, originals=True) == [*ORIGINALS, *PASSES[1]]

    def test_passes_and_epochs(self, folder: Path) -> None:
        assert self.rows_of(folder, passes=[1, 0]) == [*PASSES[1], *PASSES[0]]
        assert [self.rows_of(folder, epoch=epoch) for epoch in (0, 1, 2)] == [[*PASSES[0]], [*PASSES[1]], [*PASSES[0]]]

    def test_some_methods(self, folder: Path, arrays: MixedArrays) -> None:
        method, names = arrays.column("method")[:], arrays.manifest.methods
        for wanted in (["cutmix"], ["mixup", "cutmix"]):
            rows = np.flatnonzero(np.isin(method, [names.index(name) for name in wanted]))
            assert self.rows_of(folder, methods=wanted) == rows.tolist()

    def test_some_classes(self, folder: Path, arrays: MixedArrays) -> None:
        labels = arrays.labels(range(45))
        assert labels is not None
        without_2 = np.flatnonzero(labels[:, CLASSES.index("2")] == 0).tolist()
        assert 10 < len(without_2) < 35
        assert self.rows_of(folder, classes=["0", "1"]) == without_2
        of_one_pass = [row for row in without_2 if row in PASSES[1]]
        assert self.rows_of(folder, classes=["0", "1"], passes=1) == of_one_pass

    def test_a_companion_is_read_along(self, folder: Path, tmp_path: Path) -> None:
        logits = np.random.default_rng(0).standard_normal((45, 3)).astype(np.float32)
        logits[3, 1] = np.nan
        with CompanionWriter(folder, tmp_path / "teacher.h5") as file:
            for rows in np.array_split(np.random.default_rng(1).permutation(45), 4):
                file.write(rows, logits=logits[rows], weight=rows.astype(np.int32))
        companion = {"companion": tmp_path / "teacher.h5"}
        for sample, place in (("soft", 2), ("pair", 4)):
            found = self.all_of(folder, sample=sample, passes=1, **companion)
            np.testing.assert_array_equal(found[place], logits[PASSES[1]])
            np.testing.assert_array_equal(found[place + 1], PASSES[1])
            assert len(found) == place + 2
        named = self.all_of(folder, sample=["index"], **companion)
        assert [*named] == ["index", "logits", "weight"]
        np.testing.assert_array_equal(named["logits"], logits)
        assert [*self.all_of(folder, sample="columns", **companion)][-2:] == ["logits", "weight"]

    def test_objects_by_name(self, detection: Path) -> None:
        arrays, found = MixedArrays(detection), self.all_of(detection, sample="objects")
        assert [*found] == ["images", "index", *OBJECT_COLUMNS]
        assert found["object_box"].shape == (7, most_in_two(), 4)
        for name, values in found.items():
            wanted = self.images(arrays, range(7)) if name == "images" else arrays.column(name)[:]
            np.testing.assert_array_equal(values, wanted, err_msg=name)
        named = self.all_of(detection, sample=["object_class", "images"])
        np.testing.assert_array_equal(named["object_class"], found["object_class"])
        assert {*self.all_of(detection, sample="columns")} > {*OBJECT_COLUMNS}

    def test_labels_of_objects_are_not_those_of_images(self, folder: Path, detection: Path) -> None:
        """The remedy of each message works: the tests beside this one do it."""
        for sample in ("pair", ["labels"]):
            with pytest.raises(UsageError, match='Pass sample="objects": its labels are those of objects'):
                self.open(detection, sample=sample)
        with pytest.raises(UsageError, match=r'have no objects\. Leave sample out: "soft" gives images and labels'):
            self.open(folder, sample="objects")

    def test_words_that_no_reader_takes(self, folder: Path) -> None:
        with pytest.raises(TypeError, match="method"):
            self.open(folder, method="mixup")
        with pytest.raises(UsageError, match="the data set has no 'mixpu'; did you mean mixup"):
            self.open(folder, methods=["mixpu"])

    def test_a_model_learns(self, folder: Path) -> None:
        first, second, third = self.losses(self.open(folder))
        assert first > second > third
