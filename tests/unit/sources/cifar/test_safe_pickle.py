from __future__ import annotations

import os
import pathlib
import pickle
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixup_cli.errors import DataError
from mixup_cli.sources.cifar import safe_pickle
from mixup_cli.sources.cifar.safe_pickle import read_pickle
from tests.costs import check_bad_input, seconds_of
from tests.unit.sources.cifar.cifar_archives import py2_array, py2_dict, py2_int, py2_list

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


class Calls:
    """Pickles into a call of `function`, through REDUCE."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[object, ...]]:
        return self.function, self.arguments


def refused(data: bytes, match: str = "") -> None:
    with pytest.raises(DataError, match=f"^data_batch_1: .*{match}") as caught:
        read_pickle(data, "data_batch_1")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", ">i4", "<f8", "?"])
def test_rebuilds_what_numpy_pickles(protocol: int, order: Any, dtype: str) -> None:
    array = np.array(PIXELS, dtype, order=order)
    content = read_pickle(pickle.dumps({"data": array, "labels": [1, 2], b"name": "é"}, protocol), "data_batch_1")
    np.testing.assert_array_equal(content["data"], array)
    assert content["data"].dtype == array.dtype
    assert content["labels"] == [1, 2]


@pytest.mark.parametrize("protocol", range(6))
def test_rebuilds_large_arrays_and_several_of_one_shape(protocol: int) -> None:
    zeros = np.zeros((300, 40), np.uint8)
    content = read_pickle(pickle.dumps({"data": zeros, "more": zeros + 1, "labels": [7] * 5000}, protocol), "x")
    np.testing.assert_array_equal(content["data"], zeros)
    np.testing.assert_array_equal(content["more"], zeros + 1)
    assert content["labels"] == [7] * 5000


def test_rebuilds_what_python_2_pickled() -> None:
    data = py2_dict({"data": py2_array(PIXELS), "labels": py2_list(map(py2_int, [3, 400]))})
    content = read_pickle(data, "data_batch_1")
    np.testing.assert_array_equal(content["data"], PIXELS)
    assert content["labels"] == [3, 400]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("nest", [lambda bad: bad, lambda bad: {"data": bad}, lambda bad: {"labels": [[(bad, 1)]]}])
def test_code_in_a_pickle_never_runs(protocol: int, nest: Callable[[object], object], tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    data = pickle.dumps(nest(Calls(os.system, f"touch {trace}")), protocol)
    refused(data, r"asks for posix\.system, which rebuilding an array does not need")
    assert not trace.exists()
    pickle.loads(data)  # the bait is good: Python's own unpickler takes it
    assert trace.exists()


COMMAND = "touch IT-RAN"
BAITS = {
    "REDUCE": b"cos\nsystem\n(V%b\ntR.",
    "OBJ": b"(cos\nsystem\nV%b\no.",
    "INST": b"(V%b\nios\nsystem\n.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93V%b\n\x85R.",
    "NEWOBJ": b"\x80\x02csubprocess\nPopen\nV%b\n\x85\x81.",
    "NEWOBJ_EX": b"\x80\x04csubprocess\nPopen\nV%b\n\x85}\x92.",
    "BUILD": b"\x80\x02cnumpy\ndtype\nU\x02u1\x85Rcos\nsystem\nV%b\n\x85Rb.",
    "INST of a stand-in": b"(V%b\ninumpy\ndtype\n.",
    "EXT1": b"\x80\x02\x82\x01.",
    "PERSID": b"P%b\n.",
    "eval": b"c__builtin__\neval\n(V__import__('os').system('%b')\ntR.",
    "dotted": b"\x80\x04\x8c\x05numpy\x8c\x0fdtype.__class__\x93.",
    "numpy.load": b"cnumpy\nload\n(V%b\ntR.",
}


@pytest.mark.parametrize("bait", BAITS.values(), ids=BAITS.keys())
def test_every_opcode_that_could_call_is_refused(bait: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused(bait.replace(b"%b", COMMAND.encode()), "rebuilding an array does not need")
    assert list(tmp_path.iterdir()) == []


STAND_INS = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n", b"c_codecs\nencode\n", b"cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize("stand_in", STAND_INS)
@pytest.mark.parametrize(
    "use", [b"(tR.", b"(K\x01tR.", b"}U\x08__call__K\x01sb.", b"(N}U\x04nameK\x01stb.", b"(N.", b"\x85R.", b"."]
)
def test_stand_ins_do_nothing_but_rebuild(stand_in: bytes, use: bytes) -> None:
    refused(b"\x80\x02" + stand_in + use)


SHAPE = b"(K\x01K\x03K\x04\x86"
MINUS_ONE = b"J\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (py2_array(PIXELS, data=b"short"), "claims shape"),
        (py2_array(PIXELS).replace(SHAPE, b"(K\x01M\xff\xffM\xff\xff\x86"), "claims shape"),
        (py2_array(PIXELS).replace(SHAPE, b"(K\x01" + MINUS_ONE + b"J\xf4\xff\xff\xff\x86"), "no array has"),
        (py2_array(PIXELS).replace(SHAPE, b"(K\x01NN\x86"), "no array has"),
        (py2_array(PIXELS, dtype=b"O8"), "dtype O8"),
        (py2_array(PIXELS, dtype=b"V1"), "dtype V1"),
        (py2_array(PIXELS, dtype=b"u1,u1"), "dtype u1,u1"),
        (py2_array(PIXELS) + b"(tb", "changes _Array"),
    ],
)
def test_arrays_that_lie_are_refused(array: bytes, match: str) -> None:
    refused(py2_dict({"data": array}), match)


def test_an_array_that_is_never_filled_is_refused() -> None:
    head = py2_array(PIXELS).split(b"(K\x01")[0]
    refused(py2_dict({"data": head}), "never fills it")


def again_and_again() -> bytes:
    """Encodes one megabyte 5,000 times; neither the pickle nor any single step is large."""
    encode = b"c_codecs\nencode\nq\x010"
    megabyte = b"X" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"q\x020"
    return b"\x80\x02" + encode + megabyte + b"h\x01h\x02X\x06\0\0\0latin1\x86R0" * 5000 + b"."


def array_of_huge_shape() -> bytes:
    number = b"\x8b" + struct.pack("<i", 65535) + b"\x7f" * 65535
    return py2_array(PIXELS).replace(b"K\x03K\x04\x86", number + b"q\x01h\x01\x86")


COLLIDING = [number * (2**61 - 1) for number in range(1, 50_000)]  # Python's hash of an integer is modulo this prime


def doubled(put: Callable[[int], bytes]) -> bytes:
    """A dictionary key of tuples in tuples, each in two places; `put` memorizes the n-th."""
    return b"\x80\x02})" + b"".join(put(n) + b"h%ch%c\x86" % (n, n) for n in range(60)) + b"K\x01s."


def put(number: int) -> bytes:
    return b"q%c" % number


BOMBS = {
    "doubled tuples behind an opcode without effect": doubled(lambda n: b"(e" + put(n)),
    "doubled tuples behind a version": doubled(lambda n: b"\x80\x02" + put(n)),
    "doubled tuples, changed by nothing": doubled(lambda n: b"Nb" + put(n)),
    "doubled tuples under numbers that are counted": doubled(lambda n: b"\x94" + (b"" if n else b"Nq\x00Nq\x000")),
    "one key at a time, and they collide": b"\x80\x02}"
    + b"".join(b"(\x8a\x0c" + number.to_bytes(12, "little") + b"Nu" for number in COLLIDING)
    + b".",
    "a key of 60 doubled tuples": b"\x80\x02})" + b"".join(b"q%ch%c\x86" % (i, i) for i in range(60)) + b"K\x01s.",
    "a key nested 300,000 deep": b"\x80\x02})" + b"\x85" * 300_000 + b"K\x01s.",
    "a result nested 300,000 deep": b"\x80\x02]" + b"\x85" * 300_000 + b".",
    "integer keys that collide": b"\x80\x02}("
    + b"".join(b"\x8a\x0c" + number.to_bytes(12, "little") + b"N" for number in COLLIDING)
    + b"u.",
    "memo numbers that collide": b"N" + b"".join(b"p%d\n" % number for number in COLLIDING) + b".",
    "two million empty lists": b"\x80\x02(" + b"]" * 2_000_000 + b"t.",
    "a memo index of 2**32-1": b"\x80\x02Nr\xff\xff\xff\xff.",
    "a string of 2**62 bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62) + b"x.",
    "a frame of 2**62 bytes": b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.",
    "one string encoded 5,000 times": again_and_again(),
    "a number of 100,000 digits": b"I" + b"9" * 100_000 + b"\n.",
    "a shape of huge numbers": py2_dict({"data": array_of_huge_shape()}),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused_quickly_and_in_little_memory(bomb: bytes) -> None:
    check_bad_input(seconds_of(lambda: refused(bomb)))
    tracemalloc.start()
    try:
        refused(bomb)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 300 << 20


@pytest.mark.parametrize(
    "data", [b"", b".", b"\x80", b"N.", b"].", b"\x80\x02}(K\x01", b"garbage", bytes(1000), b"0.", b"\x80\x02\x85."]
)
def test_broken_pickles_are_refused(data: bytes) -> None:
    refused(data)


def test_objects_of_other_libraries_are_refused_by_name() -> None:
    refused(pickle.dumps({"data": pathlib.PurePosixPath("x")}, 4), r"pathlib\.PurePosixPath")


@given(st.data())
def test_a_changed_byte_gives_an_answer_or_a_data_error(data: st.DataObject) -> None:
    good = bytearray(py2_dict({"data": py2_array(PIXELS), "labels": py2_list(map(py2_int, [3, 400]))}))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DataError):
        read_pickle(bytes(good), "data_batch_1")


@given(st.lists(st.sampled_from([bytes([code]) for code in range(128)] + list(STAND_INS) + [b"K\x01", b"U\x01b"])))
def test_random_opcodes_give_an_answer_or_a_data_error(opcodes: list[bytes]) -> None:
    with suppress(DataError):
        read_pickle(b"\x80\x02" + b"".join(opcodes) + b".", "data_batch_1")


def test_the_opcode_limit_leaves_room_for_cifar_100() -> None:
    # 50,000 samples: a file name and its memo entry, a fine and a coarse label.
    assert safe_pickle.OPCODE_LIMIT > 2 * 50_000 * 4
