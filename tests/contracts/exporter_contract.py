"""What every exporter must do. A test class inherits `ExporterContract`, and reads with the format's own library."""

from __future__ import annotations

import gc
import resource
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from mixup_cli.choices import ExportFormat
from mixup_cli.errors import DataError, OutputExistsError, StorageError, UsageError
from mixup_cli.exporters import place
from mixup_cli.exporters.exporter import exporter_of
from mixup_cli.exporters.job import Options
from mixup_cli.exporters.run import Exported, export
from mixup_cli.image_format import ImageFormat
from mixup_cli.readers.numpy import MixedArrays
from tests.data_sets import digests
from tests.unit.storage.small_data_set import COLUMNS, ROWS, write_data_set

DTYPES = {column.name: column.dtype for column in COLUMNS}
"""The columns of the data set that is exported."""

Values = Mapping[str, NDArray[Any]]


class Killed(BaseException):
    """Stands for SIGKILL: no code of ours catches it."""


class ExporterContract:
    """Inherit it, say which format it is for, and how its own library reads an export."""

    to: ClassVar[ExportFormat]

    def read(self, out: Path) -> Values:
        """The columns of an export, as its library's own reader gives them, in order; images (n, h, w, c)."""
        raise NotImplementedError

    def class_names(self, out: Path) -> Sequence[str]:
        """The names of the classes, as an export carries them."""
        raise NotImplementedError

    # What every exporter does

    @pytest.fixture
    def data_set(self, tmp_path: Path) -> Path:
        """Seven rows in three shards: uint8 pictures, soft labels."""
        write_data_set(tmp_path / "data-set")
        return tmp_path / "data-set"

    @pytest.fixture
    def hugging_face_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """For exporters that `datasets` reads: it looks for nothing in the network, and caches in a folder here."""
        import datasets

        monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
        datasets.disable_progress_bars()

    def export(self, data_set: Path, out: Path, force: bool = False, **options: Any) -> Exported:
        return export(data_set, out, Options(self.to, **options), force=force)

    def test_its_own_library_reads_every_value(self, data_set: Path, tmp_path: Path) -> None:
        exported = self.export(data_set, tmp_path / "out")
        assert (exported.state, exported.rows) == ("exported", sum(ROWS))
        expected, found = MixedArrays(data_set), self.read(tmp_path / "out")
        assert {*found} == {column.name for column in expected.manifest.columns}
        for name, values in found.items():
            np.testing.assert_array_equal(values, expected.column(name)[:], strict=True, err_msg=name)

    def test_it_carries_the_names_of_classes(self, data_set: Path, tmp_path: Path) -> None:
        self.export(data_set, tmp_path / "out")
        assert list(self.class_names(tmp_path / "out")) == ["cat", "dog"]

    def test_some_rows_and_columns(self, data_set: Path, tmp_path: Path) -> None:
        self.export(data_set, tmp_path / "out", rows=(2, 5), columns=("images", "index"))
        found = self.read(tmp_path / "out")
        assert {*found} == {"images", "index"}
        np.testing.assert_array_equal(found["index"], [2, 3, 4])
        np.testing.assert_array_equal(found["images"], MixedArrays(data_set).images([2, 3, 4]))

    def test_the_same_data_set_gives_the_same_bytes(self, data_set: Path, tmp_path: Path) -> None:
        for name in ("first", "second"):
            self.export(data_set, tmp_path / name)
        assert digests(tmp_path / "first") == digests(tmp_path / "second")

    def test_a_killed_export_never_looks_finished_and_goes_on(
        self, data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each run is killed one seal or move later than the one before."""
        self.export(data_set, tmp_path / "whole")
        before, whole, out = digests(data_set), digests(tmp_path / "whole"), tmp_path / "out"
        for run in count():
            with monkeypatch.context() as patched:
                kill_after(patched, min(run, 1))
                with suppress(Killed):
                    self.export(data_set, out)
                    break
            if (out / place.WORK / "whole").exists():
                assert {*visible(out)} < {*visible(tmp_path / "whole")}
        assert run > 2 * len(ROWS)
        assert digests(out) == whole
        assert digests(data_set) == before

    def test_a_finished_export_is_left_alone(
        self, data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.export(data_set, tmp_path / "out")
        before = stamps(tmp_path / "out")
        again = self.export(data_set, tmp_path / "out")
        assert (again.state, again.rows, again.files, again.bytes) == (
            "unchanged",
            first.rows,
            first.files,
            first.bytes,
        )
        assert stamps(tmp_path / "out") == before

    def test_another_export_is_replaced_only_by_force(self, data_set: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        self.export(data_set, out, rows=(0, 4))
        before = stamps(out)
        with pytest.raises(OutputExistsError, match=r"other settings \(rows was \[0, 4\] and is \[0, 7\]\)"):
            self.export(data_set, out)
        assert stamps(out) == before
        self.export(data_set, out, force=True)
        self.export(data_set, tmp_path / "new")
        assert digests(out) == digests(tmp_path / "new")

    def test_a_damaged_export_is_noticed(self, data_set: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        self.export(data_set, out)
        largest = max((out / name for name in visible(out)), key=lambda path: path.stat().st_size)
        largest.write_bytes(b"")
        with pytest.raises(DataError, match="was changed since it was exported"):
            self.export(data_set, out)

    def test_a_full_disk_ends_it_and_it_goes_on(
        self, data_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The limit on the size of a file stands for the disk: whatever the library writes with meets it."""
        monkeypatch.setattr(
            sys, "dont_write_bytecode", True
        )  # Python 3.11 would keep what it compiles cut at the limit
        out, limits = tmp_path / "out", resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
        try:
            with pytest.raises(StorageError, match="File too large"):
                self.export(data_set, out)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        self.export(data_set, out)
        self.export(data_set, tmp_path / "whole")
        assert digests(out) == digests(tmp_path / "whole")

    def test_files_of_others_stay(self, data_set: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"
        out.mkdir()
        (out / "notes.txt").write_text("mine")
        for force in (False, True):
            with pytest.raises(OutputExistsError, match=r"holds other files, such as 'notes\.txt'"):
                self.export(data_set, out, force=force)
        assert [each.name for each in out.iterdir()] == ["notes.txt"]

    def test_a_damaged_data_set_is_noticed(self, data_set: Path, tmp_path: Path) -> None:
        with (data_set / "shard-00001.h5").open("ab") as shard:
            shard.write(b"\0")
        with pytest.raises(DataError, match=r"shard-00001\.h5"):
            self.export(data_set, tmp_path / "out")
        assert [each.name for each in (tmp_path / "out").iterdir()] == [place.WORK]

    def test_an_export_never_lies_in_the_data_set(self, data_set: Path) -> None:
        with pytest.raises(UsageError, match="lies in the data set"):
            self.export(data_set, data_set / "export")

    def test_an_encoding_of_images_has_effect_or_is_refused(self, data_set: Path, tmp_path: Path) -> None:
        jpeg = ImageFormat("jpeg", 90)
        if not exporter_of(self.to).encodes_images:
            with pytest.raises(UsageError, match="no encoded images"):
                self.export(data_set, tmp_path / "out", image_format=jpeg)
            return
        self.export(data_set, tmp_path / "out", image_format=jpeg)
        found, stored = self.read(tmp_path / "out")["images"], MixedArrays(data_set).images(range(sum(ROWS)))
        assert (found.shape, found.dtype) == (stored.shape, stored.dtype)
        assert 0 < np.abs(found.astype(int) - stored).mean() < 60, "JPEG changes noise, and not much"


@contextmanager
def leaving_files_open() -> Iterator[None]:
    """For readers of libraries that leave it to Python to close their files (WebDataset, datasets)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def kill_after(patched: pytest.MonkeyPatch, steps: int) -> None:
    """Raise `Killed` after so many seals of records and moves of files into their place."""
    left = [steps]

    def counting(name: str) -> None:
        original = getattr(place, name)

        def counted(*args: Any, **settings: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return original(*args, **settings)

        patched.setattr(place, name, counted)

    for name in ("seal_bytes", "_move"):
        counting(name)


def visible(out: Path) -> list[str]:
    """The files of an export that are in their place."""
    return [name for name in digests(out) if not name.startswith(place.WORK)]


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of last change of every file in a folder tree."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
