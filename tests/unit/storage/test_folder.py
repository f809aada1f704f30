"""The output folder: what is wrong with it is told, and nothing is left behind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mixup_cli.errors import DataError, OutputExistsError, StorageError
from mixup_cli.recipe import Recipe
from mixup_cli.storage import folder as module
from mixup_cli.storage.begun import Begun
from mixup_cli.storage.folder import DataSetFolder

GOOD = {"recipe": Recipe().to_dict(), "pixel_fingerprint": "0", "versions": {}}


@pytest.fixture
def folder(tmp_path: Path) -> DataSetFolder:
    return DataSetFolder(tmp_path / "out")


def test_what_was_begun_is_read_as_it_was_written(folder: DataSetFolder) -> None:
    with folder.locked():
        folder.begin(Begun.model_validate(GOOD), b"")
        assert folder.begun() == Begun.model_validate(GOOD)


@pytest.mark.parametrize("odd", [{"x": 1}, GOOD | {"recipe": {"seed": "?"}}, GOOD | {"versions": []}])
def test_an_odd_record_is_named_by_its_file(folder: DataSetFolder, odd: dict[str, Any]) -> None:
    folder.work.mkdir(parents=True)
    (folder.work / "recipe.json").write_text(json.dumps(odd))
    with pytest.raises(DataError, match=r"recipe\.json: .* Start over with force"):
        folder.begun()


def test_a_lock_that_is_a_folder_is_told(folder: DataSetFolder) -> None:
    (folder.work / "lock").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"lock: Is a directory"), folder.locked():
        pass


def test_one_run_at_a_time(folder: DataSetFolder) -> None:
    other = DataSetFolder(folder.path)
    with folder.locked(), pytest.raises(OutputExistsError, match="another run"), other.locked():
        pass


def test_a_run_that_cannot_begin_holds_nothing(folder: DataSetFolder) -> None:
    folder.work.mkdir(parents=True)
    folder.scratch.write_text("in the way")
    with pytest.raises(StorageError, match="part-1-of-1"), folder.locked():
        pass
    folder.scratch.unlink()
    with DataSetFolder(folder.path).locked():
        pass


CHANGES: list[Callable[[DataSetFolder], object]] = [
    lambda folder: folder.begin(Begun.model_validate(GOOD), b""),
    lambda folder: folder.forget(0),
    lambda folder: folder.remove_from(0),
]


@pytest.mark.parametrize("change", CHANGES, ids=["begin", "forget", "remove_from"])
def test_what_the_system_refuses_is_a_storage_error(folder: DataSetFolder, change: Callable[..., object]) -> None:
    (folder.path / "shard-00000.h5").mkdir(parents=True)  # unlink fails on folders, also for root
    (folder.path / ".mixup-gen").mkdir()
    if change is CHANGES[0]:
        (folder.work / "done").write_text("in the way")
    else:
        (folder.work / "done/00000.json").mkdir(parents=True)
    with pytest.raises(StorageError, match="out: "):
        change(folder)


def test_a_new_folder_is_made_durable(folder: DataSetFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(module, "sync_folder", synced.append)
    for _ in range(2):
        with folder.locked():
            folder.begin(Begun.model_validate(GOOD), b"")
    assert synced == [folder.path.parent]


def test_a_lock_that_cannot_be_removed_while_held_is_removed_then(
    folder: DataSetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows."""
    unlink = Path.unlink
    refused: list[Path] = []

    def while_held(path: Path, missing_ok: bool = False) -> None:
        if path.name == "lock" and not refused:
            refused.append(path)
            raise PermissionError(13, "in use", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", while_held)
    with folder.locked():
        folder.begin(Begun.model_validate(GOOD), b"")
        (folder.path / "manifest.json").touch()
    assert refused
    assert not folder.work.exists()
