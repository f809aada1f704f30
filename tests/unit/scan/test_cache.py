"""Decoded samples that are kept are found again just where nothing has changed, and make way by age."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from numpy.typing import NDArray

from mixup_cli.engines.local import LocalEngine
from mixup_cli.errors import DataError
from mixup_cli.fields.form import Form
from mixup_cli.fields.target import FormMismatch, Target
from mixup_cli.listener import Listener
from mixup_cli.scan import cache, kept_cache, kept_entry
from mixup_cli.scan.cache import CacheSettings
from mixup_cli.scan.fill import CachePlace, ScanSettings, cache_text, fill
from mixup_cli.scan.scan import Tolerance
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.sources.combined import combine
from mixup_cli.sources.pictures.source import PictureSource
from mixup_cli.sources.reading.base import Source
from mixup_cli.storage.source_table import SourceTable
from tests.small_sources import write_arrays, write_colours, write_photos

Filled = tuple[NDArray[Any], SourceTable]

TARGET = Target(Form((8, 8, 3), "uint8", "hwc"), "crop")
ENTRY_BYTES = 8 * (8 * 8 * 3 + 40)


class Told(Listener):
    """Remembers notices."""

    def __init__(self) -> None:
        self.notices: list[str] = []

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The indices of pictures that were decoded."""
    calls: list[int] = []
    load_one = PictureSource._load_one

    def recorded(self: PictureSource, index: int, *rest: Any) -> Any:
        calls.append(index)
        return load_one(self, index, *rest)

    monkeypatch.setattr(PictureSource, "_load_one", recorded)
    return calls


def filled(source: Source | Path, place: Path, target: Target = TARGET, **options: Any) -> tuple[Filled, list[str]]:
    """Fill the cache as a run would; with what it told."""
    opened = open_source([source]) if isinstance(source, Path) else source
    decoder, tolerance = options.pop("decoder", "one"), options.pop("tolerance", Tolerance("skip"))
    spare_bytes = options.pop("spare_bytes", 0)
    where = CachePlace(
        caching=CacheSettings("disk", place / "cache", **options),
        work=place,
        out=place / "out",
        decoder=decoder,
        spare_bytes=spare_bytes,
    )
    told = Told()
    samples, table = fill(opened, [target], where, ScanSettings(tolerance, LocalEngine(1), told))
    assert samples is not None
    return (samples[0], table), told.notices


def entries(place: Path) -> list[Path]:
    return sorted((place / "cache").glob("*.samples"))


def test_what_was_kept_is_the_same_and_is_not_decoded_again(photos: Path, tmp_path: Path, loads: list[int]) -> None:
    (samples, table), first = filled(photos, tmp_path)
    assert len(loads) == 8
    assert first == [f"8 decoded samples (1.5 KiB) are kept for later runs in {tmp_path / 'cache'}"]
    (again, same_table), second = filled(photos, tmp_path)
    assert len(loads) == 8
    assert second == [f"8 decoded samples are used again from {tmp_path / 'cache'}"]
    assert np.array_equal(samples, again)
    assert table.csv == same_table.csv
    again[:] = 0
    assert np.array_equal(filled(photos, tmp_path)[0][0], samples), "the file is safe from the run"


def replace_content(path: Path) -> None:
    path.write_bytes(bytes([*path.read_bytes()[:-1], 0]))


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def remove(path: Path) -> None:
    path.unlink()


def add(path: Path) -> None:
    shutil.copy(path, path.with_name("new.jpg"))


def exchange(path: Path) -> None:
    other = path.with_name("2.jpg")
    path.rename(path.with_name("x"))
    other.rename(path)
    path.with_name("x").rename(other)


@pytest.mark.parametrize("change", [replace_content, append, remove, add, exchange])
def test_a_changed_source_is_decoded_anew(
    change: Callable[[Path], None], photos: Path, tmp_path: Path, loads: list[int]
) -> None:
    filled(photos, tmp_path)
    path = photos / "cat" / "0.jpg"
    before = path.stat()
    change(path)
    if path.exists():
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    loads.clear()
    (samples, table), _ = filled(photos, tmp_path)
    assert len(loads) == len(table.keys)
    expected = fill(
        open_source([photos]),
        [TARGET],
        CachePlace(caching=CacheSettings(), work=tmp_path, out=tmp_path),
        ScanSettings(Tolerance("skip"), LocalEngine(1), Listener()),
    )
    assert table.csv == expected[1].csv
    assert expected[0] is not None
    assert np.array_equal(samples[table.usable], expected[0][0][table.usable]), "rows of broken inputs hold anything"


@pytest.mark.parametrize("age_seconds", [0, 10])
def test_files_whose_times_cannot_be_trusted_are_read(
    age_seconds: int, photos: Path, tmp_path: Path, loads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a file system with coarse times: the file changes, and its stamp does not."""
    frozen = open_source([photos]).stamps()
    assert frozen is not None
    frozen.files[:, 1:3] -= age_seconds * 10**9
    monkeypatch.setattr(PictureSource, "stamps", lambda _: frozen)
    filled(photos, tmp_path)
    replace_content(photos / "cat" / "0.jpg")
    loads.clear()
    filled(photos, tmp_path)
    assert bool(loads) == (age_seconds < 2), "what is older than two seconds is told by its time, as git does it"


def test_files_that_were_read_again_are_trusted_from_then_on(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(photos, tmp_path)
    read: list[int] = []
    rehash = PictureSource.rehash

    def recorded(self: PictureSource, index: int) -> str:
        read.append(index)
        return rehash(self, index)

    monkeypatch.setattr(PictureSource, "rehash", recorded)
    monkeypatch.setattr("time.time_ns", lambda: 4 * 10**18)
    filled(photos, tmp_path)
    assert len(read) == 8
    filled(photos, tmp_path)
    assert len(read) == 8


@pytest.mark.parametrize(
    "other",
    [
        {"target": Target(Form((8, 9, 3), "uint8", "hwc"), "crop")},
        {"target": Target(Form((8, 8, 3), "uint8", "hwc"), "pad")},
        {"target": Target(Form((3, 8, 8), "uint8", "chw"), "crop")},
        {"decoder": "another"},
    ],
)
def test_other_forms_and_decoders_are_other_entries(
    other: dict[str, Any], photos: Path, tmp_path: Path, loads: list[int]
) -> None:
    filled(photos, tmp_path)
    filled(photos, tmp_path, **other)
    assert (len(loads), len(entries(tmp_path))) == (16, 2)


def test_pictures_that_had_the_size_serve_those_who_would_resize(tmp_path: Path, loads: list[int]) -> None:
    colours = write_colours(tmp_path / "colours")
    form = Form((6, 8, 3), "uint8", "hwc")
    (samples, _), _ = filled(colours, tmp_path, Target(form))
    (again, _), _ = filled(colours, tmp_path, Target(form, "crop"))
    assert len(loads) == 12
    assert np.array_equal(samples, again)


@pytest.mark.parametrize(("age_seconds", "decoded"), [(10, False), (0, True)])
def test_what_did_not_fit_is_remembered(
    age_seconds: int,
    decoded: bool,
    photos: Path,
    tmp_path: Path,
    loads: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unless a file could have changed since."""
    frozen = open_source([photos]).stamps()
    assert frozen is not None
    frozen.files[:, 1:3] -= age_seconds * 10**9
    monkeypatch.setattr(PictureSource, "stamps", lambda _: frozen)
    told = []
    for _ in range(2):
        loads.clear()
        with pytest.raises(FormMismatch) as mismatch:
            filled(photos, tmp_path, Target(Form((8, 8, 3), "uint8", "hwc")))
        told.append((mismatch.value.key, mismatch.value.size, mismatch.value.dtype))
    assert told[0] == told[1] == ("cat/0.jpg", (30, 40), "uint8")
    assert bool(loads) == decoded


def test_another_limit_of_pixels_is_another_entry(photos: Path, tmp_path: Path, loads: list[int]) -> None:
    filled(photos, tmp_path)
    (_, table), _ = filled(open_source([photos], SourceOptions(max_pixels=1000)), tmp_path)
    assert len(loads) == 16
    assert len(table.usable) < 8


def test_broken_inputs_are_settled_as_this_run_wants_it(photos: Path, tmp_path: Path, loads: list[int]) -> None:
    (photos / "cat" / "broken.jpg").write_bytes(b"no picture")
    (_, table), _ = filled(photos, tmp_path)
    loads.clear()
    (_, again), _ = filled(photos, tmp_path)
    assert (again.csv, len(again.usable), loads) == (table.csv, 8, [])
    with pytest.raises(DataError, match=r"cat/broken\.jpg: "):
        filled(photos, tmp_path, tolerance=Tolerance("fail"))


def test_inputs_that_could_not_be_read_are_tried_again(photos: Path, tmp_path: Path) -> None:
    (photos / "cat" / "lost.jpg").symlink_to("nowhere")
    _, told = filled(photos, tmp_path)
    assert told == ["decoded samples are not kept: some inputs could not be read"]
    assert entries(tmp_path) == []


def test_a_source_that_changes_meanwhile_is_not_kept(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_one = PictureSource._load_one

    def change(self: PictureSource, index: int, *rest: Any) -> Any:
        if index == 7:
            append(photos / "cat" / "0.jpg")
        return load_one(self, index, *rest)

    monkeypatch.setattr(PictureSource, "_load_one", change)
    _, told = filled(photos, tmp_path)
    assert told == ["decoded samples are not kept: the source has changed during the scan"]
    assert not [path for path in (tmp_path / "cache").iterdir() if path.suffix in (".samples", ".part")]


def test_a_failed_scan_leaves_nothing(photos: Path, tmp_path: Path) -> None:
    (photos / "cat" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError):
        filled(photos, tmp_path, tolerance=Tolerance("fail"))
    assert {path.suffix for path in (tmp_path / "cache").iterdir()} <= {".TAG", ".lock"}


def flip(place: int) -> Callable[[Path], None]:
    def damage(samples: Path) -> None:
        data = bytearray(samples.read_bytes())
        data[place] ^= 1
        samples.write_bytes(data)

    return damage


def cut(samples: Path) -> None:
    samples.write_bytes(samples.read_bytes()[:-1])


def cut_to_the_samples(samples: Path) -> None:
    samples.write_bytes(samples.read_bytes()[: 8 * 8 * 8 * 3])


def empty(samples: Path) -> None:
    samples.write_bytes(b"")


def odd_record(samples: Path) -> None:
    kept_entry.write_tail(samples, 8 * 8 * 8 * 3, bytes(8 * 40), [1], 0)  # type: ignore[arg-type]
    os.truncate(samples, 8 * 8 * 8 * 3 + 8 * 40 + len("[\n 1\n]\n") + 48)


def without_checksums(samples: Path) -> None:
    samples.write_bytes(samples.read_bytes()[: 8 * 8 * 8 * 3])
    kept_entry.write_tail(samples, 8 * 8 * 8 * 3, bytes(8 * 40), {"problems": {}}, 0)


@pytest.mark.parametrize(
    "damage", [flip(0), flip(-1), flip(8 * 8 * 8 * 3), cut, cut_to_the_samples, empty, odd_record, without_checksums]
)
def test_a_damaged_entry_is_made_anew_with_a_notice(
    damage: Callable[[Path], None], photos: Path, tmp_path: Path, loads: list[int]
) -> None:
    (samples, table), _ = filled(photos, tmp_path)
    expected = samples.copy()
    damage(next((tmp_path / "cache").glob("*.samples")))
    loads.clear()
    (again, same_table), told = filled(photos, tmp_path)
    assert told[0].startswith(f"{tmp_path / 'cache'}: kept samples are damaged (")
    assert told[0].endswith("); this run decodes them again")
    assert len(loads) == 8, "decoded anew, and kept"
    assert np.array_equal(again, expected)
    assert same_table.csv == table.csv
    assert len(filled(photos, tmp_path)[1]) == 1
    assert len(loads) == 8


def test_no_bit_of_an_entry_can_change_unnoticed(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In several blocks; each bit that is flipped is another of its byte's."""
    monkeypatch.setattr(kept_entry, "BLOCK_BYTES", 400)
    (photos / "cat" / "broken.jpg").write_bytes(b"no picture")
    (samples, table), _ = filled(photos, tmp_path)
    expected = samples[table.usable]
    (path,) = (tmp_path / "cache").glob("*.samples")
    whole = path.read_bytes()
    for place in range(0, len(whole), 29):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        (again, same_table), told = filled(photos, tmp_path)
        assert "damaged" in told[0], f"bit {place % 8} of byte {place}: {told}"
        assert np.array_equal(again[table.usable], expected)
        assert same_table.csv == table.csv
        assert path.read_bytes() == whole


def of_width(width: int) -> Target:
    """Targets whose entries all take as many bytes."""
    return Target(Form((8, 8, 3), "uint8", "hwc"), "crop", value_range=(0, width))


def test_the_one_that_was_not_used_for_longest_makes_way(photos: Path, tmp_path: Path, loads: list[int]) -> None:
    limit = {"limit_bytes": 3 * ENTRY_BYTES + 2000}
    for width in (1, 2, 3):
        filled(photos, tmp_path, of_width(width), **limit)
    for age, path in enumerate(sorted(entries(tmp_path), key=lambda path: path.stat().st_mtime_ns)):
        os.utime(path, (1e9 + age, 1e9 + age))
    filled(photos, tmp_path, of_width(1), **limit)
    filled(photos, tmp_path, of_width(4), **limit)
    loads.clear()
    for width in (1, 3, 4):
        filled(photos, tmp_path, of_width(width), **limit)
    assert (loads, len(entries(tmp_path))) == ([], 3)
    filled(photos, tmp_path, of_width(2), **limit)
    assert len(loads) == 8
    kept_bytes = sum(path.stat().st_size for path in (tmp_path / "cache").iterdir() if path.suffix != ".TAG")
    assert kept_bytes <= limit["limit_bytes"]


def test_an_entry_larger_than_the_limit_is_not_kept(photos: Path, tmp_path: Path) -> None:
    filled(photos, tmp_path, of_width(1))
    _, told = filled(photos, tmp_path, of_width(2), limit_bytes=ENTRY_BYTES - 1)
    assert told == ["decoded samples are not kept: they take 1.8 KiB, more than cache_limit allows (1.8 KiB)"]
    assert len(entries(tmp_path)) == 1, "nothing makes way for it"


def test_what_another_run_is_making_stays(photos: Path, tmp_path: Path) -> None:
    filled(photos, tmp_path, of_width(1))
    (first,) = entries(tmp_path)
    with FileLock(first.with_suffix(".lock")):
        _, told = filled(photos, tmp_path, of_width(2), limit_bytes=ENTRY_BYTES + 1000)
    assert told == [f"decoded samples are not kept: other runs are filling {tmp_path / 'cache'} up to cache_limit"]
    assert entries(tmp_path) == [first]


def test_what_is_being_made_is_decoded_without_being_kept(photos: Path, tmp_path: Path, loads: list[int]) -> None:
    filled(photos, tmp_path)
    (entry,) = entries(tmp_path)
    entry.unlink()
    with FileLock(entry.with_suffix(".lock")):
        _, told = filled(photos, tmp_path)
    assert told == ["decoded samples are not kept: another run is decoding the same samples at the moment"]
    assert len(loads) == 16


def test_what_cut_off_runs_left_is_removed_and_the_rest_is_left_alone(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    ours = [folder / f"{'a' * 64}.{name}" for name in ("0123456789abcdef.part", "lock")]
    others = [folder / name for name in ("notes.json", f"{'b' * 63}.samples", f"{'b' * 64}.txt")]
    for path in (*ours, *others):
        path.write_text("x")
    filled(photos, tmp_path)
    assert not [path for path in ours if path.exists()]
    assert all(path.exists() for path in others)
    assert not (folder / "CACHEDIR.TAG").exists(), "a folder of the user's is no cache folder to others"


def test_json_of_the_users_that_is_named_after_a_hash_is_left_alone(photos: Path, tmp_path: Path) -> None:
    """Where it lies in the folder that --cache-folder names, and there is no room left."""
    theirs = tmp_path / "cache" / f"{'c' * 64}.json"
    theirs.parent.mkdir()
    for content in ('{"boxes": []}', "[1]", "not JSON"):
        theirs.write_text(content)
        os.utime(theirs, (1e9, 1e9))
        for width in (1, 2, 3):
            filled(photos, tmp_path, of_width(width), limit_bytes=ENTRY_BYTES + 1000)
        assert theirs.read_text() == content


def test_room_that_the_output_needs_is_left(photos: Path, tmp_path: Path) -> None:
    _, told = filled(photos, tmp_path, spare_bytes=1 << 60)
    assert len(told) == 1
    assert told[0].startswith(f"decoded samples are not kept: {tmp_path / 'cache'}: only ")
    assert told[0].endswith(" of the disk are free")


def test_sources_are_kept_together_if_each_could_be_alone(photos: Path, tmp_path: Path, loads: list[int]) -> None:
    other = write_photos(tmp_path / "other")
    for _ in range(2):
        (_, table), _ = filled(combine([open_source([photos]), open_source([other])]), tmp_path)
    assert (len(table.keys), len(loads)) == (16, 16)


def test_arrays_are_not_kept(tmp_path: Path) -> None:
    source = open_source([write_arrays(tmp_path / "a.npz")])
    (samples, _), told = filled(source, tmp_path)
    assert told == [f"{tmp_path / 'a.npz'}: not only image files, so decoded samples are not kept"]
    assert len(samples) == 40
    assert not (tmp_path / "cache").exists()


def test_without_a_place_to_write_it_goes_on(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "cache").symlink_to(tmp_path / "file" / "inside")
    (samples, _), told = filled(photos, tmp_path)
    assert len(samples) == 8
    assert len(told) == 1
    assert told[0].startswith(f"decoded samples are not kept: {tmp_path / 'cache'}: ")


def test_the_text_tells_where_samples_wait(photos: Path, tmp_path: Path) -> None:
    source = open_source([photos])

    def text(caching: CacheSettings) -> str:
        return cache_text(
            source, [TARGET], CachePlace(caching=caching, work=tmp_path, out=tmp_path / "out", decoder="one")
        )

    assert text(CacheSettings()) == text(CacheSettings("memory")) == "1.5 KiB in memory"
    assert text(CacheSettings("disk")) == f"1.5 KiB to be kept in {tmp_path / '.mixup-gen-cache'}"
    filled(photos, tmp_path)
    assert text(CacheSettings("disk", tmp_path / "cache")) == f"1.5 KiB kept in {tmp_path / 'cache'}"


def test_a_cache_of_one_run_leaves_no_file_however_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MEMORY_BYTES", 100)
    (samples,) = cache.allocate([TARGET.form], 4, tmp_path)
    assert isinstance(samples, np.memmap)
    assert os.name == "nt" or not list(tmp_path.iterdir()), "the map alone holds it"
    samples[:] = 7
    assert (samples == 7).all()


def test_what_another_run_removes_meanwhile_is_passed_over(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    other = folder / f"{'0' * 64}.lock"
    other.touch()
    names = kept_cache._NAME

    class Removing:
        def fullmatch(self, name: str) -> Any:
            other.unlink(missing_ok=True)
            return names.fullmatch(name)

    monkeypatch.setattr(kept_cache, "_NAME", Removing())
    filled(photos, tmp_path)
    assert [*folder.glob("*.samples")], "they are kept"
    assert not other.exists()
