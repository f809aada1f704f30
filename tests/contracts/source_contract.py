"""What every source of encoded images must do. A test class inherits `SourceContract` and says how the images of class
folders get into it."""

from __future__ import annotations

import hashlib
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from mixup_cli.errors import UsageError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import Target
from mixup_cli.sources import Source, SourceOptions, open_source
from tests.packed_sources import images_of

TARGET = Target(Form((16, 16, 3), "uint8", "hwc"), resize="crop")
BROKEN = "dog/2.jpg"


def loaded(source: Source, start: int = 0, stop: int | None = None) -> tuple[np.ndarray, list[str | None], list[str]]:
    """The pixels of some samples, their problems and hashes."""
    stop = len(source) if stop is None else stop
    out = np.zeros((stop - start, *TARGET.form.shape), np.uint8)
    found = source.load(start, stop, TARGET, out)
    return out, [each.problem for each in found], [each.sha256 for each in found]


class SourceContract:
    """Inherit it, write `pack`, which returns what to open, and set the attributes that differ."""

    kind: ClassVar[str] = "pictures"
    has_same_keys: ClassVar[bool] = True
    """Whether the keys are the paths in the folder."""

    numbers_classes: ClassVar[bool] = False
    """Whether classes are numbers, which given names name by position."""

    shows_changes: ClassVar[bool] = True
    """Whether a change of a file is seen without reading it: a listing of a store knows sizes alone."""

    @classmethod
    def pack(cls, root: Path, folder: Path, name: str) -> str | Path:
        """Pack the class folders in `root` into something in `folder`, or elsewhere under a `name` that is its own."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def location(cls, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> str | Path:
        return cls.pack(photos, tmp_path_factory.mktemp("packed"), f"{cls.__name__}/whole")

    def test_samples_and_labels_are_those_of_the_folder(self, photos: Path, location: str | Path) -> None:
        source, folder = open_source([location]), open_source([photos])
        pixels, problems, hashes = loaded(source)
        np.testing.assert_array_equal(pixels, loaded(folder)[0])
        assert problems == [None] * 8
        assert hashes == [hashlib.sha256(data).hexdigest() for data in images_of(photos).values()]
        assert source.kind == self.kind
        assert source.labels.class_names == folder.labels.class_names
        assert source.labels.classes is not None
        assert source.labels.classes.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
        if self.has_same_keys:
            assert list(source.keys) == list(folder.keys)

    def test_keys_are_sorted_by_their_bytes_and_different(self, location: str | Path) -> None:
        keys = [key.encode() for key in open_source([location]).keys]
        assert keys == sorted({*keys})

    def test_messages_name_the_location(self, location: str | Path) -> None:
        assert open_source([location]).location == str(location)

    def test_a_survey_reads_all_headers(self, photos: Path, location: str | Path) -> None:
        found, expected = open_source([location]).survey(), open_source([photos]).survey()
        assert (found.sizes, found.dtypes, found.broken) == (expected.sizes, expected.dtypes, {})

    def test_any_range_is_the_same_as_a_part_of_all(self, location: str | Path) -> None:
        source = open_source([location])
        whole = loaded(source)[0]
        for start, stop in ((0, 1), (3, 7), (7, 8)):
            np.testing.assert_array_equal(loaded(source, start, stop)[0], whole[start:stop])

    def test_examining_reads_the_same_bytes(self, location: str | Path) -> None:
        source = open_source([location])
        assert [each.sha256 for each in source.examine(0, 8, TARGET)] == loaded(source)[2]
        assert [source.rehash(index) for index in range(8)] == loaded(source)[2]

    def test_threads_share_it(self, location: str | Path) -> None:
        source = open_source([location])
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda index: loaded(source, index % 8, index % 8 + 1)[2][0], range(64)))
        assert found == loaded(source)[2] * 8

    def test_a_worker_process_may_have_a_copy(self, location: str | Path) -> None:
        source = open_source([location])
        assert source.portable
        copy = pickle.loads(pickle.dumps(source))
        assert loaded(copy)[2] == loaded(source)[2]

    def test_a_broken_image_is_a_problem_of_its_own(self, photos: Path, tmp_path: Path) -> None:
        broken = tmp_path / "broken"
        for name, data in images_of(photos).items():
            path = broken / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data[:200] if name == BROKEN else data)
        source = open_source([self.pack(broken, tmp_path, f"{type(self).__name__}/broken")])
        problems = loaded(source)[1]
        assert [index for index, problem in enumerate(problems) if problem] == [6]
        assert problems[6] == "cannot decode (file ends at byte 200)"

    def test_what_has_changed_is_seen(self, photos: Path, tmp_path: Path) -> None:
        location = self.pack(photos, tmp_path, f"{type(self).__name__}/changing")
        source = open_source([location])
        before = source.stamps()
        loaded(source)
        assert source.changed() is None
        if not self.shows_changes:
            return
        assert before is not None
        assert before.files.shape == (8, 4)
        assert before.same(source.stamps())
        self.touch(location)
        assert source.changed() is not None
        assert not before.same(source.stamps())

    def touch(self, location: str | Path) -> None:
        """Change what the last sample lies in, and not its size."""
        path = Path(location)
        path = path if path.is_file() else sorted(each for each in path.rglob("*[0-9].*") if each.is_file())[-1]
        os.utime(path, ns=(0, 0))

    def test_options_without_effect_are_refused(self, location: str | Path) -> None:
        with pytest.raises(UsageError, match="has no effect"):
            open_source([location], SourceOptions(label_level="coarse"))

    def test_labels_can_be_left_out(self, location: str | Path) -> None:
        assert open_source([location], SourceOptions(label_kind="none")).labels.kind == "none"

    def test_classes_can_be_given(self, location: str | Path) -> None:
        source = open_source([location], SourceOptions(classes=("dog", "cat")))
        assert source.labels.class_names == ("dog", "cat")
        assert source.labels.classes is not None
        cat, dog = (0, 1) if self.numbers_classes else (1, 0)
        assert source.labels.classes.tolist() == [cat] * 4 + [dog] * 4
