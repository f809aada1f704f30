from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from mixup_cli.errors import DataError, MixupGenError, NoInputError, UsageError
from mixup_cli.fields.target import Target
from mixup_cli.sources.cifar.source import CifarSource, looks_like_cifar, open_cifar
from mixup_cli.sources.reading.base import SourceOptions
from tests.unit.sources.cifar.cifar_archives import (
    FOLDERS,
    Batch,
    Form,
    Kind,
    add_file,
    cifar_files,
    names_of,
    python_batch,
    tiny_batches,
    write_cifar,
)

CONTAINERS = ["some.tar.gz", "some.tgz", "some.tar", "folder"]
ANY_VERSION = pytest.mark.parametrize(("kind", "form"), FOLDERS.keys())


def opened(path: Path, split: str | None = None, label_level: Literal["fine", "coarse"] = "fine") -> CifarSource:
    return open_cifar(path, SourceOptions(split=split, label_level=label_level))


def pixels_of(source: CifarSource) -> np.ndarray:
    form = source.survey().array_form
    assert form is not None
    out = np.empty((len(source), *form.shape), form.dtype)
    assert all(loaded.problem is None for loaded in source.load(0, len(source), Target(form), out))
    return out


@ANY_VERSION
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_version_gives_the_same_samples(
    kind: Kind, form: Form, container: str, split: str, tmp_path: Path
) -> None:
    path = write_cifar(tmp_path / container, cifar_files(kind, form), FOLDERS[kind, form])
    assert looks_like_cifar(path)
    source = opened(path, split)
    wanted = {
        stem: batch for stem, batch in sorted(tiny_batches(kind).items()) if ("test" in stem) == (split == "test")
    }
    chw = np.concatenate([batch.pixels for batch in wanted.values()]).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(pixels_of(source), chw.transpose(0, 2, 3, 1))
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == [label for batch in wanted.values() for label in batch.fine]
    assert source.labels.class_names == tuple(names_of(kind))
    assert list(source.keys) == [
        f"{stem}/{row:05d}" for stem, batch in wanted.items() for row in range(len(batch.fine))
    ]
    assert sorted(source.keys) == list(source.keys)
    assert source.notices == ()


@pytest.mark.parametrize("form", ["python", "binary"])
def test_the_training_split_is_the_default_and_a_notice_says_so(form: Form, tmp_path: Path) -> None:
    source = opened(write_cifar(tmp_path / "c.tar", cifar_files("10", form), FOLDERS["10", form]))
    assert len(source) == 20
    assert source.notices == (f"{tmp_path}/c.tar: using the training split; split=NAME picks another (test)",)


@pytest.mark.parametrize("form", ["python", "binary"])
def test_coarse_labels(form: Form, tmp_path: Path) -> None:
    source = opened(write_cifar(tmp_path / "c.tar", cifar_files("100", form), FOLDERS["100", form]), "test", "coarse")
    assert source.labels.classes is not None
    assert source.labels.classes.tolist() == tiny_batches("100")["test"].coarse
    assert source.labels.class_names == tuple(names_of("100", "coarse"))


@ANY_VERSION
def test_the_extracted_folder_itself_opens_too(kind: Kind, form: Form, tmp_path: Path) -> None:
    write_cifar(tmp_path, cifar_files(kind, form), FOLDERS[kind, form])
    inner = tmp_path / FOLDERS[kind, form]
    assert looks_like_cifar(inner)
    assert len(opened(inner)) == len(opened(tmp_path))


def test_a_renamed_folder_is_known_by_its_files(tmp_path: Path) -> None:
    for (kind, form), name in FOLDERS.items():
        if name == "cifar-100-binary":
            continue  # "train.bin" and the names of the classes come in too many data sets
        assert looks_like_cifar(write_cifar(tmp_path / f"{name}.tar", cifar_files(kind, form), "mine")), name


def test_the_hash_is_over_the_stored_bytes_and_the_same_in_both_versions(tmp_path: Path) -> None:
    hashes = set()
    for form in ("python", "binary"):
        path = write_cifar(tmp_path / f"{form}.tar", cifar_files("10", form), FOLDERS["10", form])
        source = opened(path)
        out = np.empty((1, 32, 32, 3), np.uint8)
        form_ = source.survey().array_form
        assert form_ is not None
        [loaded] = source.load(5, 6, Target(form_), out)
        assert loaded.stored_bytes == 3072
        hashes.add(loaded.sha256)
    assert len(hashes) == 1


def test_without_names_the_classes_are_called_by_index(tmp_path: Path) -> None:
    files = cifar_files("10", "python")
    del files["batches.meta"]
    source = opened(write_cifar(tmp_path / "c.tar", files, "cifar-10-batches-py"), "train")
    assert source.labels.class_names == tuple("0123456789")
    assert "named by their index" in source.notices[0]


def test_missing_batches_are_told(tmp_path: Path) -> None:
    files = cifar_files("10", "binary")
    del files["data_batch_3.bin"]
    source = opened(write_cifar(tmp_path / "c.tar", files, "cifar-10-batches-bin"), "train")
    assert len(source) == 16
    assert "4 of the 5 training batches" in source.notices[0]


def test_usage_errors(tmp_path: Path) -> None:
    files = cifar_files("10", "python")
    path = write_cifar(tmp_path / "c.tar", files, "cifar-10-batches-py")
    with pytest.raises(UsageError, match=r"no such split \(found: test, train\)"):
        opened(path, "val")
    with pytest.raises(UsageError, match="CIFAR-10 has no coarse labels"):
        opened(path, None, "coarse")
    del files["test_batch"]
    with pytest.raises(UsageError, match=r"no such split \(found: train\)"):
        opened(write_cifar(tmp_path / "d.tar", files, "cifar-10-batches-py"), "test")


# --- what is not CIFAR ------------------------------------------------------------------------------------------------


def test_other_things_are_not_taken_for_cifar(tmp_path: Path) -> None:
    (tmp_path / "images" / "train" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "test").mkdir()
    (tmp_path / "text.gz").write_bytes(gzip.compress(b"hello" * 1000))
    (tmp_path / "empty").touch()
    write_cifar(tmp_path / "other.tar.gz", {"train": b"x", "readme": b"y"}, "corpus")
    for name in ("images", "text.gz", "empty", "other.tar.gz", "absent"):
        assert not looks_like_cifar(tmp_path / name), name


def test_a_large_foreign_archive_is_not_inflated_to_find_out(tmp_path: Path) -> None:
    path = tmp_path / "big.tar.gz"
    with gzip.open(path, "wb", 1) as packed:
        header = tarfile.TarInfo("noise")
        header.size = 8 << 30  # of which nothing follows: whoever reads on meets the end
        packed.write(header.tobuf())
    assert not looks_like_cifar(path)


# --- hostile archives -------------------------------------------------------------------------------------------------


def hostile_tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
        for name, content in cifar_files("10", "python").items():
            add_file(tar, f"cifar-10-batches-py/{name}", content)
    return path


def info(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, link
    return member


@pytest.mark.parametrize(
    "member",
    [
        info("cifar-10-batches-py/data_batch_6", tarfile.SYMTYPE, link="/etc/passwd"),
        info("cifar-10-batches-py/data_batch_6", tarfile.LNKTYPE, link="../../etc/passwd"),
        info("cifar-10-batches-py/data_batch_6", tarfile.CHRTYPE),
        info("cifar-10-batches-py/data_batch_6", tarfile.FIFOTYPE),
        info("../data_batch_6"),
        info("/tmp/data_batch_6"),
        info("cifar-10-batches-py/" + "x" * 300),  # brings a name record of its own
    ],
)
def test_members_that_lead_elsewhere_are_passed_over(member: tarfile.TarInfo, tmp_path: Path) -> None:
    source = opened(hostile_tar(tmp_path / "c.tar", (member, b"")))
    assert len(source) == 20


def test_a_member_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.tar"
    path.write_bytes(info("cifar-10-batches-py/data_batch_1", size=300_000_000).tobuf())
    with pytest.raises(DataError, match="has 300000000 bytes, expected at most"):
        opened(path)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = hostile_tar(tmp_path / "c.tar", *[(info(f"{number}"), b"") for number in range(1001)])
    with pytest.raises(DataError, match="more than 1000 members"):
        opened(path)


def test_a_batch_that_comes_twice_is_refused(tmp_path: Path) -> None:
    content = cifar_files("10", "python")["data_batch_1"]
    path = hostile_tar(tmp_path / "c.tar", (info("cifar-10-batches-py/data_batch_1", size=len(content)), content))
    with pytest.raises(DataError, match="data_batch_1 twice"):
        opened(path)


def test_two_versions_at_once_are_refused(tmp_path: Path) -> None:
    content = cifar_files("10", "binary")["data_batch_1.bin"]
    path = hostile_tar(tmp_path / "c.tar", (info("x/data_batch_1.bin", size=len(content)), content))
    with pytest.raises(DataError, match="two versions"):
        opened(path)
    for version in FOLDERS:
        write_cifar(tmp_path, cifar_files(*version), FOLDERS[version])
    with pytest.raises(DataError, match="several CIFAR folders"):
        opened(tmp_path)


@pytest.mark.parametrize("container", ["c.tar", "c.tar.gz"])
def test_every_truncation_is_noticed(container: str, tmp_path: Path) -> None:
    path = write_cifar(tmp_path / container, cifar_files("10", "binary"), "cifar-10-batches-bin")
    whole = path.read_bytes()
    end = len(whole) if container == "c.tar.gz" else len(whole.rstrip(b"\0")) + 1
    for length in [*range(0, end, 4999), end - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises((DataError, NoInputError)) as caught:
            opened(path)
        assert str(path) in str(caught.value)


def test_a_flipped_byte_in_gzip_is_noticed(tmp_path: Path) -> None:
    path = write_cifar(tmp_path / "c.tar.gz", cifar_files("10", "binary"), "cifar-10-batches-bin")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(DataError, match="damaged"):
        opened(path)


def test_an_archive_that_inflates_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", 1) as packed:
        packed.write(info("zeros", size=(1 << 30) + 1).tobuf())
        packed.write(bytes(1 << 20))
    with pytest.raises(DataError, match="inflates to more than"):
        opened(path)


PIXELS = tiny_batches("10")["data_batch_1"].pixels
DAMAGE: dict[str, dict[str, bytes]] = {
    "expected a multiple of 3073": {"data_batch_1.bin": bytes(3074)},
    "holds no samples": {"data_batch_1.bin": b""},
    "expected 0 to 9": {"data_batch_1.bin": b"\x0a" + bytes(3072)},
    "pickle is damaged": {"data_batch_1": b"\x80\x02}(U\x04da"},
    "its 'data' is NoneType": {"data_batch_1": b"\x80\x02}."},
    r"its 'data' is uint8 \(4, 3071\)": {"data_batch_1": python_batch("10", Batch(PIXELS[:, 1:], [1] * 4, []))},
    "its 'labels' are not a list": {
        "data_batch_1": cifar_files("10", "python")["data_batch_1"].replace(b"labels", b"lapels")
    },
    "has 3 labels for 4": {"data_batch_1": python_batch("10", Batch(PIXELS, [1] * 3, []))},
}


@pytest.mark.parametrize(("match", "files"), DAMAGE.items(), ids=DAMAGE.keys())
def test_damaged_batches_are_refused_by_name(match: str, files: dict[str, bytes], tmp_path: Path) -> None:
    form: Form = "binary" if "data_batch_1.bin" in files else "python"
    path = write_cifar(tmp_path / "c.tar", cifar_files("10", form) | files, FOLDERS["10", form])
    with pytest.raises(MixupGenError, match=match) as caught:
        opened(path, "train")
    assert caught.value.exit_code == 65


def test_names_of_megabytes_are_no_names(tmp_path: Path) -> None:
    files = cifar_files("10", "binary") | {"batches.meta.txt": b"cat\n" * (1 << 19)}
    path = write_cifar(tmp_path / "cifar-10-binary.tar.gz", files, "cifar-10-batches-bin")
    with pytest.raises(DataError, match=r"batches\.meta\.txt has 2097152 bytes, expected at most 1048576"):
        open_cifar(path, SourceOptions())


def test_a_folder_holds_no_more_than_an_archive_may(tmp_path: Path) -> None:
    """A file with a hole takes no room."""
    for number in range(1, 6):
        with (tmp_path / f"data_batch_{number}.bin").open("wb") as file:
            file.truncate(3073 * 30_000)
    with pytest.raises(DataError, match=r"data_batch_1\.bin and the like have 460950000 bytes, more than any CIFAR"):
        open_cifar(tmp_path, SourceOptions())
