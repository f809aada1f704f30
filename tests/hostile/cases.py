"""What is fed in, by which command, and what must come of it."""

from __future__ import annotations

import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.hostile.makers import archives, arrays, captions, objects, packed, pictures, segments, sounds, texts

USAGE, DATA, NO_INPUT, FULL = 2, 65, 66, 74

ENORMOUS = {"MIXUP_GEN_SAMPLES", "MIXUP_GEN_PASSES"}
"""More than fits on any disk, and reported as that."""


NAMING_FILES = {"MIXUP_GEN_CONFIG", "MIXUP_GEN_PLAN", "MIXUP_GEN_FILES_FROM"}


@dataclass(frozen=True)
class Case:
    """`make` writes into an empty folder, where `command` then runs. `code` is the exit code, and `words` must stand in
    the message, the name of the file or variable among them; of several codes any will do. `heavy` ones take seconds or
    much room to make."""

    name: str
    make: Callable[[Path], object]
    command: str
    code: tuple[int, ...]
    words: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    heavy: bool = False


def _of(kind: str, names: Iterable[str], make: Callable[..., object], *rest: object) -> Iterator[Case]:
    command, code, *words = rest
    for name in names:
        yield Case(f"{kind}: {name}", partial(make, name=name), str(command), _codes(code), tuple(map(str, words)))


def _codes(code: object) -> tuple[int, ...]:
    return code if isinstance(code, tuple) else (int(str(code)),)


def _sounds() -> Iterator[Case]:
    command = "generate sounds"
    yield Case("sounds: of two rates", sounds.of_two_rates, command, (USAGE,), ("sounds", "8,000 Hz", "16,000 Hz"))
    yield Case("sounds: none can be read", sounds.only_bad, command, (DATA,), ("high/0.wav", "None of the 2"))
    for options in ("--rate 10", "--seconds 0", "--seconds nan", "--short cut", "--channels rgb", "--size 32"):
        name = options.split()[0]
        yield Case(f"sounds: {options}", sounds.of_two_rates, f"{command} --rate 8000 {options}", (USAGE,), (name,))
    for method in ("fmix", "resizemix", "saliencymix"):
        make = sounds.of_two_rates
        yield Case(f"sounds: {method}", make, f"{command} --rate 8000 --method {method}", (USAGE,), (method, "mixup"))


def _archives() -> Iterator[Case]:
    cifar = "generate cifar.tar"
    for protocol in range(6):
        for nested in (False, True):
            make = partial(archives.runs_code, protocol=protocol, nested=nested)
            name = f"pickle: code, protocol {protocol}{', nested' if nested else ''}"
            yield Case(name, make, cifar, (DATA,), ("data_batch_1", "system", "Fetch"))
    yield from _of("pickle", archives.BAITS, archives.opcode, cifar, DATA, "data_batch_1", "Fetch")
    yield from _of("pickle bomb", archives.PICKLE_BOMBS, archives.pickle_bomb, cifar, DATA, "data_batch_1", "Fetch")
    outside = [f"../{archives.FOLDER}/data_batch_1", f"/{archives.FOLDER}/data_batch_1", "x/../../data_batch_1"]
    for name in outside:
        make = partial(archives.tar_member, name=name)
        yield Case(f"tar: member {name}", make, cifar, (DATA,), ("cifar.tar: ",))
    kinds = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}
    for what, kind in kinds.items():
        linked = partial(archives.tar_member, name=f"{archives.FOLDER}/data_batch_1", kind=kind)
        yield Case(f"tar: {what}", linked, cifar, (DATA,), ("cifar.tar: an archive", "plain file of CIFAR"))
    for size in (10**6, 1 << 33, (1 << 63) - 1):
        words = ("cifar.tar", "data_batch_1", f"{size} bytes")
        yield Case(f"tar: {size} bytes", partial(archives.size_that_lies, size=size), cifar, (DATA,), words)
    yield Case("tar: minus ten bytes", archives.negative_size, cifar, (DATA,), ("cifar.tar",))
    yield Case("tar: sparse", archives.sparse_member, cifar, (DATA, NO_INPUT), ("cifar.tar",))
    yield Case(
        "tar: 20,000 members",
        partial(archives.million_members, count=20_000),
        cifar,
        (DATA,),
        ("cifar.tar", "1000 members"),
    )
    yield from _compressed()


def _compressed() -> Iterator[Case]:
    packed, pictures_gz = "generate cifar.tar.gz", "generate train-images-idx3-ubyte.gz"
    yield Case("tar.gz: cut", partial(archives.cut_gzip, kept=0.6), packed, (DATA,), ("cifar.tar.gz", "Fetch"))
    yield Case("tar.gz: cut at the sum", partial(archives.cut_gzip, kept=0.9999999), packed, (DATA,), ("cifar.tar.gz",))
    yield Case(
        "tar: a million members",
        archives.million_members,
        "generate cifar.tar",
        (DATA,),
        ("cifar.tar", "members"),
        heavy=True,
    )
    bomb = partial(archives.gzip_bomb_in_tar, count_bytes=2 << 30)
    yield Case("gzip bomb: a batch of 2 GB", bomb, packed, (DATA,), ("cifar.tar.gz", "expected at most"), heavy=True)
    yield Case(
        "gzip bomb: nine large batches",
        archives.large_batches,
        packed,
        (DATA,),
        ("cifar.tar.gz", "inflates to more"),
        heavy=True,
    )
    idx = partial(archives.idx_gzip_bomb, count_bytes=2 << 30)
    yield Case(
        "gzip bomb: IDX of 2 GB", idx, pictures_gz, (DATA,), ("train-images", "inflate to", "uncompressed"), heavy=True
    )
    members = partial(archives.many_gzip_members, count=300_000)
    yield Case("gzip: 300,000 members", members, packed, (DATA,), ("cifar.tar.gz", "members"), heavy=True)
    behind = partial(archives.zeros_behind_gzip, count_bytes=100 << 30)
    yield Case("gzip: 100 GB of zeros behind it", behind, packed, (DATA,), ("cifar.tar.gz", "zeros"), heavy=True)
    yield Case(
        "tar.gz: refused half way",
        archives.refused_half_way,
        packed,
        (DATA,),
        ("cifar.tar.gz", "os.system"),
        heavy=True,
    )


def _arrays() -> Iterator[Case]:
    for name, header in arrays.IDX_HEADERS.items():
        make = partial(arrays.idx, header=header)
        yield Case(f"IDX: {name}", make, "generate train-images-idx3-ubyte", (DATA, NO_INPUT), ("train-images",))
    yield from _of(".npy", arrays.NPY, arrays.npy_file, "generate x.npy", (DATA, NO_INPUT), "x.npy")
    yield from _of(".npz", arrays.NPY, arrays.npz_member, "generate x.npz", (DATA, NO_INPUT), "x.npz")
    npz = "generate x.npz"
    inflating = partial(arrays.npz_header_bomb, count_bytes=64 << 20)
    yield Case(".npz: a header that inflates", inflating, npz, (DATA,), ("x.npz", ".npy header"))
    yield Case(".npz: nothing in it", arrays.npz_without_members, npz, (DATA,), ("x.npz: holds no arrays",))
    yield Case(".npz: a name that leads out", arrays.npz_that_leads_out, npz, (DATA,), ("x.npz",))
    yield Case(".npz: encrypted", arrays.npz_encrypted, npz, (DATA,), ("x.npz", "encrypted"))
    bomb = partial(arrays.npz_bomb, count_bytes=2 << 30)
    yield Case(".npz bomb of 2 GB", bomb, npz, (DATA,), ("x.npz", "inflate to", "np.savez"), heavy=True)
    for name in ("x.npz", "x.h5", "x.csv", "x.tar.gz", "x.idx3-ubyte", "x.parquet", "x.mat", "x.safetensors"):
        yield Case(
            f"an array named {name}", partial(arrays.wrong_suffix, name=name), f"generate {name}", (DATA,), (name,)
        )
    tensors = "generate x.safetensors"
    yield from _of(".safetensors", arrays.SAFETENSORS, arrays.safetensors_file, tensors, (DATA, NO_INPUT), "x.safet")
    yield from _of("HDF5", arrays.HDF5, arrays.hdf5_file, "generate x.h5", (DATA, NO_INPUT), "x.h5")
    for kept in (0.05, 0.5, 0.99):
        yield Case(f"HDF5: cut at {kept}", partial(arrays.hdf5_cut, kept=kept), "generate x.h5", (DATA,), ("x.h5",))


def _texts() -> Iterator[Case]:
    for file, contents in (("metadata.csv", texts.METADATA_CSV), ("metadata.jsonl", texts.METADATA_JSONL)):
        for name, content in contents.items():
            make = partial(texts.metadata, name=file, content=content)
            yield Case(f"{file}: {name}", make, "generate pictures", (DATA, NO_INPUT), (file,))
            make = partial(texts.metadata, name="../table", content=content)
            command = "generate pictures --labels-from table"
            yield Case(f"--labels-from {file}: {name}", make, command, (DATA, NO_INPUT, USAGE), ("table",))
    listed = "generate --files-from list"
    in_list = [name for name in texts.LISTS if name != "a file that is not there"]
    yield from _of("list", in_list, texts.file_list, listed, (DATA, NO_INPUT), "list")
    yield from _of("list", ["a file that is not there"], texts.file_list, listed, DATA, "nowhere/0.png: cannot read")
    endless = partial(texts.list_without_end, count_bytes=300 << 20)
    yield Case(
        "list: 300 MB without a NUL",
        endless,
        "generate -0 --files-from list",
        (DATA,),
        ("list: has no NULs", "Drop -0"),
    )
    zeros = f"{listed} -0".replace(" list", " /dev/zero")
    yield Case("list: /dev/zero", pictures.good, zeros, (DATA,), ("/dev/zero: holds NULs and nothing between",))
    yield from _of("plan", texts.PLANS, texts.plan, "generate pictures --plan plan.csv", (DATA, NO_INPUT), "plan.csv")
    yield from _of("config", texts.CONFIGS, texts.config, "generate pictures --config c.toml", (USAGE,), "c.toml")
    yield from _variables()
    for device in ("/dev/zero", "/dev/null", "pipe"):
        words = (device, "neither a file nor a folder")
        yield Case(f"source: {device}", pictures.pipe_as_source, f"generate {device}", (DATA,), words)


def _variables() -> Iterator[Case]:
    for variable, values in texts.SETTINGS.items():
        command = "generate" if variable == "MIXUP_GEN_FILES_FROM" else "generate pictures"
        for value in values:
            words, code = _about(variable, value)
            yield Case(f"{variable}={value[:20]}", pictures.good, command, code, words, {variable: value})


def _about(variable: str, value: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """What a message about a variable names: the file that it names, or itself."""
    if variable in ENORMOUS and int(value) <= sys.maxsize:
        return ("mixup-out", "--samples or --passes"), (FULL,)
    if variable in NAMING_FILES:
        return (f"{value}: ",), (USAGE, DATA, NO_INPUT)
    return (f"from {variable})",), (USAGE,)


def _packed() -> Iterator[Case]:
    for name, (_, words) in packed.TARS.items():
        yield Case(
            f"tar of images: {name}", partial(packed.tar, name=name), "generate x.tar", (DATA,), ("x.tar", words)
        )
    for name, (_, words) in packed.ZIPS.items():
        make = partial(packed.zipped, name=name)
        yield Case(f"zip: {name}", make, "generate x.zip", (DATA,), (words,))
    yield from _of("a path in Parquet", packed.PATHS, packed.named, "generate x.parquet", DATA, "x.parquet")
    for kept in (0.2, 0.9, 1.0):
        make = partial(packed.parquet, kept=kept)
        yield Case(f"Parquet of images: {kept}", make, "generate x.parquet", (DATA,), ("x.parquet",))


def _objects() -> Iterator[Case]:
    refused = (DATA, NO_INPUT)
    yield from _of("COCO", objects.COCO, objects.coco, "generate set/x.json", refused, "x")
    yield from _of("outline", objects.OUTLINES, objects.outlined, "generate set/x.json --task segment", refused, "x")
    yield from _of("panoptic", segments.PANOPTIC, segments.panoptic, "generate set", refused, "panoptic_train2017.json")
    yield from _of("segments", segments.PNGS, segments.png, "generate set", refused, "003.png")
    yield from _of("data.yaml", objects.YAML, objects.yaml, "generate set/data.yaml", (*refused, USAGE), "set/")
    yield from _of("YOLO", objects.YOLO, objects.yolo, "generate set", refused, "b.txt, line 1")
    yield from _of("VOC", objects.VOC, objects.voc, "generate set", refused, "b.xml")
    yield from _of("labelme", objects.LABELME, objects.labelme, "generate set", refused, "b.json")
    yield from _of("labelme alone", objects.BESIDE, objects.alone, "generate set", refused, "x.json")
    boxes = "generate set --labels-from set/boxes.csv --task detect"
    yield from _of("boxes.csv", objects.TABLE, objects.table, boxes, refused, "boxes.csv")


def _labelled() -> Iterator[Case]:
    refused = (DATA, NO_INPUT, USAGE)
    command = "generate t.csv --tokenizer tokenizer.json --method ssmix"
    yield from _of("labelled texts", texts.LABELLED, texts.labelled, command, refused, "t.csv")
    yield from _of("tokenizer", texts.TOKENIZERS, texts.tokenizer, command, (DATA,), "tokenizer.json")


def _captions() -> Iterator[Case]:
    for name, (_, source, words) in {**captions.BAD, **captions.REFUSED}.items():
        command = captions.COMMAND.format(source=source)
        yield Case(f"captions in {name}", partial(captions.make, name=name), command, (DATA, USAGE), (words,))


CASES = [*_archives(), *_arrays(), *_packed(), *_texts(), *_labelled(), *_objects(), *_sounds(), *_captions()]
