"""Reads the pickles of the CIFAR archives, and cannot run anything.

Python's own unpickler does the work, behind two guards. First a screen goes over the opcodes. It lets through those
that rebuild a dictionary of arrays, numbers and strings, and bounds the number of each: lists amplify memory, and
crafted dictionary keys take forever to hash. (`pickletools.genops` would decode every argument, and fails on strings
that Python 2 wrote with bytes beyond ASCII.) Then the unpickler finds only stand-ins for the few callables that rebuild
a NumPy array; NumPy's own are never called. Byte strings of Python 2 become bytes, but for the dictionary's keys.
"""

from __future__ import annotations

import math
import pickle
import pickletools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError

# CIFAR-100 needs some 200,000. Each opcode makes at most one object of 64 bytes beyond the bytes it carries.
OPCODE_LIMIT = 1_000_000
FEW = 1000
"""The most tuples, calls and changes of objects, and the most opcodes side by side in dictionaries. An array takes four
tuples and two calls, a CIFAR batch four entries."""

_DTYPE_CODES = frozenset("b1 u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8".split())
_COUNTED = frozenset("TUPLE TUPLE1 TUPLE2 TUPLE3 REDUCE BUILD".split())
_PUTS = frozenset("PUT BINPUT LONG_BINPUT MEMOIZE".split())
_GETS = frozenset("GET BINGET LONG_BINGET".split())
_TO_MARK = frozenset("TUPLE LIST DICT APPENDS SETITEMS".split())
_RECALLABLE = frozenset(
    "GLOBAL STACK_GLOBAL REDUCE EMPTY_LIST EMPTY_DICT LIST DICT STRING BINSTRING SHORT_BINSTRING BINBYTES "
    "SHORT_BINBYTES BINBYTES8 BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8".split()
)
"""Opcodes whose result may be used in several places. A tuple of tuples, doubled 60 times, cannot be hashed."""

_CHECKED = _COUNTED | _PUTS | _GETS | _TO_MARK | {"MARK", "SETITEM", "STOP"}
_HARMLESS = frozenset(
    "PROTO FRAME NONE NEWTRUE NEWFALSE EMPTY_TUPLE APPEND INT BININT BININT1 BININT2 LONG LONG1 LONG4".split()
)
_LINE, _TWO_LINES = -1, -2
LINE_STEP = 1 << 12
"""Ends of lines are looked for in so many bytes at a time."""

_COUNT_BYTES = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


def _argument_bytes(opcode: pickletools.OpcodeInfo) -> tuple[int, int]:
    """The fixed size of an opcode's argument in bytes (or minus its lines), and the size of its count of bytes."""
    if opcode.arg is None:
        return 0, 0
    if opcode.arg.n == pickletools.UP_TO_NEWLINE:
        return (_TWO_LINES if opcode.arg.name.endswith("pair") else _LINE), 0
    return (opcode.arg.n, 0) if opcode.arg.n >= 0 else (0, _COUNT_BYTES[opcode.arg.n])


_OPCODES = {ord(opcode.code): (opcode.name, *_argument_bytes(opcode)) for opcode in pickletools.opcodes}
_UNKNOWN = ("", 0, 0)


def read_pickle(data: bytes | memoryview, member: str) -> dict[str, Any]:
    """The dictionary that `data` holds: its values are str, bytes, int, list, dict or ndarray.

    Raises DataError, naming `member`, for a damaged pickle, and for one that holds or asks for anything else.
    """
    try:
        _Screen(data).check()
        result = _Unpickler(data).load()
        if not isinstance(result, dict):
            raise _RefusedError(f"the pickle holds {type(result).__name__}, not a dictionary")
        return {_text(key): _finished(value) for key, value in result.items()}
    except _RefusedError as error:
        raise DataError(f"{member}: {error}. Fetch the archive again from a place that you trust.") from None
    except Exception as error:  # whatever goes wrong, the bytes are damaged
        found = (str(error) or type(error).__name__).partition("; use sys.")[0]
        raise DataError(f"{member}: the pickle is damaged ({found:.200}). Fetch the archive again.") from error


class _RefusedError(Exception):
    """The pickle is well formed, and asks for what it may not have."""


def _refused_call(name: str) -> _RefusedError:
    return _RefusedError(f"the pickle asks for {name:.200}, which rebuilding an array does not need")


class _Screen:
    """Goes over the opcodes, and refuses what the unpickler would need unbounded time or memory for."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._marks = [0]  # for each open mark, the number of its opcode, plus those that were closed since
        self._memo: dict[int, bool] = {}
        self._counts = dict.fromkeys([*_COUNTED, "SETITEM"], 0)

    def check(self) -> None:
        data, place, before = self._data, 0, ""
        for number in range(OPCODE_LIMIT):
            if place >= len(data):
                raise ValueError("it ends too early")
            name, fixed, count_bytes = _OPCODES.get(data[place], _UNKNOWN)
            behind = place + 1 + fixed
            if count_bytes:
                behind += count_bytes + int.from_bytes(data[behind : behind + count_bytes], "little")
            elif fixed < 0:
                behind = self._behind_lines(place + 1, -fixed)
            if name in _CHECKED:
                if name == "STOP":
                    return
                self._check_one(number, name, data[place + 1 : behind], before)
            elif name not in _HARMLESS and name not in _RECALLABLE:
                raise _refused_call(f"the opcode {name or data[place]}")
            place, before = behind, name
        raise _RefusedError(f"the pickle has more than {OPCODE_LIMIT} opcodes")

    def _behind_lines(self, place: int, lines: int) -> int:
        for _ in range(lines):
            while (found := bytes(self._data[place : place + LINE_STEP]).find(b"\n")) < 0:
                place += LINE_STEP
                if place >= len(self._data):
                    raise ValueError("a line of it has no end")
            place += found + 1
        return place

    def _check_one(self, number: int, name: str, argument: memoryview, before: str) -> None:
        if name == "MARK":
            self._marks.append(number)
        elif name in _PUTS:
            self._put(_memo_index(name, argument, len(self._memo)), before in _RECALLABLE)
        elif name in _GETS and not self._memo.get(_memo_index(name, argument, 0), False):
            raise _RefusedError("the pickle puts a tuple in several places, or what it has not memorized")
        elif name in _TO_MARK:
            beside = number - self._marks.pop()
            self._marks[-1] += beside
            if name in ("DICT", "SETITEMS"):
                self._count("SETITEM", beside)
        if name in self._counts:
            self._count(name, 1)

    def _put(self, index: int, is_recallable: bool) -> None:
        if not 0 <= index <= OPCODE_LIMIT:  # the memo is as long as its highest number
            raise _RefusedError("the pickle numbers its memo wildly")
        self._memo[index] = is_recallable

    def _count(self, name: str, more: int) -> None:
        self._counts[name] += more
        if self._counts[name] > FEW:
            raise _RefusedError(f"the pickle has more than {FEW} opcodes {name}, which CIFAR does not need")


def _memo_index(name: str, argument: memoryview, following: int) -> int:
    if name == "MEMOIZE":
        return following
    return int(bytes(argument)) if name in ("PUT", "GET") else int.from_bytes(argument, "little")


class _Whole:
    """Bytes as a file that shows all of itself to who peeks: the unpickler then copies nothing but what it makes."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._rest = memoryview(data)

    def peek(self, _size: int) -> memoryview:
        return self._rest

    def read(self, size: int) -> memoryview:
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def readline(self) -> memoryview:
        """What is left: it is asked for where that has no end of a line."""
        return self.read(len(self._rest))


class _Unpickler(pickle.Unpickler):
    """Finds only stand-ins. They may copy at most twice the pickle's size out of it: it can name one string many
    times."""

    def __init__(self, data: bytes | memoryview) -> None:
        super().__init__(_Whole(data), encoding="bytes")  # type: ignore[arg-type]  # typeshed wants bytes
        self._budget_bytes = 2 * len(data)  # Python 3 has texts encoded, and then arrays filled from them

    def find_class(self, module: str, name: str) -> _Callable:
        """See `pickle.Unpickler.find_class`."""
        full_name = f"{module}.{name}"
        if full_name not in _FUNCTIONS:
            raise _refused_call(full_name)
        return _Callable(_FUNCTIONS[full_name], self)

    def copied(self, data: Any) -> bytes:
        if not isinstance(data, str | bytes | bytearray):
            raise _RefusedError(f"the pickle fills an array from {type(data).__name__}, expected bytes")
        self._budget_bytes -= len(data)
        if self._budget_bytes < 0:
            raise _RefusedError("the pickle uses the same bytes over and over, which rebuilding an array does not need")
        return data.encode("latin-1") if isinstance(data, str) else bytes(data)


_FUNCTIONS = {
    "_codecs.encode": "encode",
    "numpy.core.multiarray._reconstruct": "reconstruct",
    "numpy._core.multiarray._reconstruct": "reconstruct",
    "numpy.core.numeric._frombuffer": "frombuffer",
    "numpy._core.numeric._frombuffer": "frombuffer",
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
}


class _StandIn:
    """Stands for an object of NumPy. BUILD calls `__setstate__`, and would set attributes without it."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise _RefusedError(f"the pickle changes {type(self).__name__}, which rebuilding an array does not need")


class _Callable(_StandIn):
    """A name that the pickle may call, with the arguments of the true function."""

    __slots__ = ("_name", "_unpickler")

    def __init__(self, name: str, unpickler: _Unpickler) -> None:
        self._name, self._unpickler = name, unpickler

    def __call__(self, *arguments: Any) -> Any:
        match self._name, arguments:
            case "reconstruct", (_Callable(_name="ndarray"), (0,), _):
                return _Array(self._unpickler)
            case "frombuffer", (data, dtype, shape, order, *_):
                array = _Array(self._unpickler)
                array.fill(data, dtype, shape, _text(order))
                return array
            case "dtype", (code, *_):
                return _Dtype(_text(code))
            case "encode", (str(text), "latin1" | "latin-1"):
                return self._unpickler.copied(text)
        raise _RefusedError(f"the pickle calls numpy.{self._name} with arguments that rebuild no array")


class _Dtype(_StandIn):
    """numpy.dtype: a plain numeric kind, whose byte order a BUILD may set."""

    __slots__ = ("value",)

    def __init__(self, code: str) -> None:
        if code.lstrip("<>|=") not in _DTYPE_CODES:
            raise _RefusedError(f"the pickle holds an array of dtype {code:.50}, expected plain numbers")
        self.value: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _version, order, subdtype, names, fields, *_sizes = state
        if subdtype is not None or names is not None or fields is not None:
            raise _RefusedError("the pickle holds an array with fields, expected plain numbers")
        if _text(order) not in ("<", ">", "|", "="):
            raise _RefusedError("the pickle holds an unknown byte order")
        self.value = self.value.newbyteorder(_text(order))  # type: ignore[arg-type]


class _Array(_StandIn):
    """An array; between its _reconstruct and its BUILD, without a value."""

    __slots__ = ("_unpickler", "value")

    def __init__(self, unpickler: _Unpickler) -> None:
        self._unpickler = unpickler
        self.value: NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        if self.value is not None:
            super().__setstate__(state)
        _version, shape, dtype, is_fortran, data = state
        self.fill(data, dtype, shape, "F" if is_fortran else "C")

    def fill(self, data: Any, dtype: Any, shape: Any, order: str) -> None:
        """A read-only view of `data`; `shape` must fit it exactly, so no header can ask for memory."""
        if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple) or len(shape) > 32:
            raise _RefusedError("the pickle rebuilds an array from the wrong parts")
        if order not in ("C", "F") or not all(isinstance(length, int) and 0 <= length < 1 << 48 for length in shape):
            raise _RefusedError("the pickle claims a shape that no array has")
        copied = self._unpickler.copied(data)
        if math.prod(shape) * dtype.value.itemsize != len(copied):
            raise _RefusedError(f"the array claims shape {shape} and holds {len(copied)} bytes")
        self.value = np.frombuffer(copied, dtype.value).reshape(shape, order="F" if order == "F" else "C")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise _RefusedError(f"the pickle holds {type(value).__name__} where a string was expected")
    return value


def _finished(value: Any) -> Any:
    if isinstance(value, _Array):
        if value.value is None:
            raise _RefusedError("the pickle begins an array and never fills it")
        return value.value
    if isinstance(value, _StandIn):
        raise _RefusedError("the pickle holds a bare callable")
    return value
