"""Reads the pickles of the CIFAR archives, and cannot run anything.

Python's own unpickler imports and calls what the pickle names. Filtering its names is not enough: lists amplify memory,
hostile dictionary keys hang it or overflow its stack. So this is a small machine of its own over the standard library's
table of opcodes (`pickletools.opcodes`). It knows integers, strings, lists, tuples and dictionaries, and stand-ins for
the few callables that rebuild a NumPy array; NumPy's callables themselves are never called. Byte strings of Python 2,
which wrote the published archives, come out as str with one character a byte.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from typing import IO, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mixup_cli.errors import DataError

# CIFAR-100 needs some 200,000. Each opcode makes at most one object of 64 bytes beyond the bytes it carries.
OPCODE_LIMIT = 1_000_000
_DTYPE_CODES = frozenset("b1 u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8".split())


def read_pickle(data: bytes, member: str) -> dict[str, Any]:
    """The dictionary that `data` holds: its values are str, bytes, int, list, dict or ndarray.

    Raises DataError, naming `member`, for a pickle that asks for anything else, is damaged, or holds no dictionary.
    """
    machine = _Machine(len(data))
    try:
        result = machine.run(data)
        if not isinstance(result, dict):
            raise _RefusedError(f"the pickle holds {type(result).__name__}, not a dictionary")
        return {_text(key): _finished(value) for key, value in result.items()}
    except _RefusedError as error:
        raise DataError(f"{member}: {error}. Fetch the archive again from a place that you trust.") from None
    except Exception as error:  # whatever goes wrong over foreign bytes, the bytes are damaged
        found = (str(error) or type(error).__name__).partition("; use sys.")[0]
        raise DataError(f"{member}: the pickle is damaged ({found:.200}). Fetch the archive again.") from error


class _RefusedError(Exception):
    """The pickle is well formed and wants what it may not have."""


def _refuse_global(name: str) -> NoReturn:
    raise _RefusedError(f"the pickle asks for {name:.200}, which rebuilding an array does not need")


class _Global:
    """A name that the pickle may mention. Its meaning is in `_Machine._reduce`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Dtype:
    """Stands in for numpy.dtype: a plain numeric kind, whose byte order a BUILD may set."""

    __slots__ = ("value",)

    def __init__(self, code: str) -> None:
        if code.lstrip("<>|=") not in _DTYPE_CODES:
            raise _RefusedError(f"the pickle holds an array of dtype {code:.50}, expected plain numbers")
        self.value: np.dtype[Any] = np.dtype(code)

    def build(self, state: Any) -> None:
        _version, order, subdtype, names, fields, *_sizes = state
        if subdtype is not None or names is not None or fields is not None:
            raise _RefusedError("the pickle holds an array with fields, expected plain numbers")
        if _text(order) not in ("<", ">", "|", "="):
            raise _RefusedError("the pickle holds an unknown byte order")
        self.value = self.value.newbyteorder(_text(order))  # type: ignore[arg-type]


class _Array:
    """Stands in for an array between its _reconstruct and its BUILD."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: NDArray[Any] | None = None

    def fill(self, data: Any, dtype: Any, shape: Any, order: str) -> None:
        """A read-only view of `data`; `shape` must fit it exactly, so no header can ask for memory."""
        if not isinstance(dtype, _Dtype) or not isinstance(shape, tuple) or len(shape) > 32:
            raise _RefusedError("the pickle rebuilds an array from the wrong parts")
        if order not in ("C", "F") or not all(isinstance(length, int) and 0 <= length < 1 << 48 for length in shape):
            raise _RefusedError("the pickle claims a shape that no array has")
        if math.prod(shape) * dtype.value.itemsize != len(data):
            raise _RefusedError(f"the array claims shape {shape} and holds {len(data)} bytes")
        self.value = np.frombuffer(bytes(data), dtype.value).reshape(shape, order="F" if order == "F" else "C")


_FUNCTIONS = {
    "_codecs.encode": "encode",
    "numpy.core.multiarray._reconstruct": "reconstruct",
    "numpy._core.multiarray._reconstruct": "reconstruct",
    "numpy.core.numeric._frombuffer": "frombuffer",
    "numpy._core.numeric._frombuffer": "frombuffer",
    "numpy.ndarray": "ndarray",
    "numpy.dtype": "dtype",
}


class _Machine:
    """The pickle machine: a stack, the stacks outside the open marks, and the memo."""

    def __init__(self, pickle_bytes: int) -> None:
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        # One string can be named many times: what is copied out of the pickle may not exceed its own size.
        self.copy_budget_bytes = pickle_bytes

    def run(self, data: bytes) -> Any:
        stream = io.BytesIO(data)
        for _ in range(OPCODE_LIMIT):
            code = stream.read(1)
            read, step = _STEPS[code] if code in _STEPS else _no_opcode(code)
            if read is None:
                step(self)
            else:
                step(self, read(stream))
            if code == pickle.STOP:
                return self.stack.pop()
        raise _RefusedError(f"the pickle has more than {OPCODE_LIMIT} opcodes")

    def push(self, argument: Any) -> None:
        self.stack.append(argument)

    def find(self, name: str) -> None:
        if name not in _FUNCTIONS:
            _refuse_global(name)
        self.stack.append(_Global(_FUNCTIONS[name]))

    def find_on_stack(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.find(f"{_text(module)}.{_text(name)}")

    def mark(self) -> None:
        self.outer.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.outer.pop()
        return items

    def gather(self, kind: type[list[Any]] | type[tuple[Any, ...]]) -> None:
        items = self.pop_mark()
        self.stack.append(kind(items))

    def take(self, count: int) -> None:
        """TUPLE1 … TUPLE3: the last `count` things become one."""
        if len(self.stack) < count:
            raise _RefusedError("the pickle takes more from its stack than is there")
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def append(self) -> None:
        item = self.stack.pop()
        self.extend([item])

    def extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError("the pickle appends to what is not a list")
        self.stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Keys must be strings: the hash of nested tuples can take for ever, and of crafted integers nearly so."""
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise _RefusedError("the pickle sets items of what is not a dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | bytes):
                raise _RefusedError(f"the pickle has a dictionary key of type {type(key).__name__}, expected a string")
            target[key] = value

    def set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.set_items([key, value])

    def make_dict(self) -> None:
        items = self.pop_mark()
        self.stack.append({})
        self.set_items(items)

    def memoize(self, index: int) -> None:
        if not 0 <= index < 1 << 32:  # larger ones can be made to collide, one and all
            raise _RefusedError("the pickle numbers its memo wildly")
        self.memo[index] = self.stack[-1]

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise _RefusedError("the pickle refers to what it has not memorized")
        self.stack.append(self.memo[index])

    def reduce(self) -> None:
        """Call a stand-in. Only a `_Global` can be called, and only with what the true function gets."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Global) or not isinstance(arguments, tuple):
            raise _RefusedError(f"the pickle calls {type(function).__name__}, which rebuilding an array does not need")
        match function.name, arguments:
            case "reconstruct", (_Global(name="ndarray"), (0,), _):
                self.stack.append(_Array())
            case "frombuffer", (data, dtype, shape, order, *_):
                self.stack.append(array := _Array())
                array.fill(self.copied(data), dtype, shape, _text(order))
            case "dtype", (code, *_):
                self.stack.append(_Dtype(_text(code)))
            case "encode", (str(text), "latin1" | "latin-1"):
                self.stack.append(self.copied(text))
            case _:
                raise _RefusedError(f"the pickle calls numpy.{function.name} with arguments that rebuild no array")

    def build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Dtype):
            target.build(state)
        elif isinstance(target, _Array) and target.value is None:
            _version, shape, dtype, is_fortran, data = state
            target.fill(self.copied(data), dtype, shape, "F" if is_fortran else "C")
        else:
            raise _RefusedError(f"the pickle changes {type(target).__name__}, which rebuilding an array does not need")

    def copied(self, data: Any) -> bytes:
        if not isinstance(data, str | bytes | bytearray):
            raise _RefusedError(f"the pickle fills an array from {type(data).__name__}, expected bytes")
        self.copy_budget_bytes -= len(data)
        if self.copy_budget_bytes < 0:
            raise _RefusedError("the pickle uses the same bytes over and over, which rebuilding an array does not need")
        return data.encode("latin-1") if isinstance(data, str) else bytes(data)


_PUSHES_ITS_ARGUMENT = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 "
    "BYTEARRAY8 UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8".split()
)
_IGNORED = frozenset(["PROTO", "FRAME", "STOP"])
_WITH_ARGUMENT: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(_PUSHES_ITS_ARGUMENT, _Machine.push),
    "INST": lambda _, name: _refuse_global(str(name).replace(" ", ".")),
    "GLOBAL": lambda machine, name: machine.find(name.replace(" ", ".", 1)),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.memoize),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.recall),
}
_WITHOUT_ARGUMENT: dict[str, Callable[[_Machine], object]] = {
    "STACK_GLOBAL": _Machine.find_on_stack,
    "REDUCE": _Machine.reduce,
    "BUILD": _Machine.build,
    "MARK": _Machine.mark,
    "POP_MARK": _Machine.pop_mark,
    "POP": lambda machine: machine.stack.pop(),
    "MEMOIZE": lambda machine: machine.memoize(len(machine.memo)),
    "NONE": lambda machine: machine.stack.append(None),
    "NEWTRUE": lambda machine: machine.stack.append(True),
    "NEWFALSE": lambda machine: machine.stack.append(False),
    "EMPTY_LIST": lambda machine: machine.stack.append([]),
    "EMPTY_TUPLE": lambda machine: machine.stack.append(()),
    "EMPTY_DICT": lambda machine: machine.stack.append({}),
    "LIST": lambda machine: machine.gather(list),
    "TUPLE": lambda machine: machine.gather(tuple),
    "DICT": _Machine.make_dict,
    "TUPLE1": lambda machine: machine.take(1),
    "TUPLE2": lambda machine: machine.take(2),
    "TUPLE3": lambda machine: machine.take(3),
    "APPEND": _Machine.append,
    "APPENDS": lambda machine: machine.extend(machine.pop_mark()),
    "SETITEM": _Machine.set_item,
    "SETITEMS": lambda machine: machine.set_items(machine.pop_mark()),
}


def _step_of(opcode: pickletools.OpcodeInfo) -> tuple[Callable[[IO[bytes]], Any] | None, Callable[..., object]]:
    """What reads an opcode's argument, if it has one, and what is then done."""
    name = opcode.name
    if opcode.arg is None:
        return None, _WITHOUT_ARGUMENT.get(name) or _refusing(name)
    return opcode.arg.reader, _WITH_ARGUMENT.get(name) or _refusing(name)


def _refusing(name: str) -> Callable[..., object]:
    def refuse(*_: object) -> None:
        if name not in _IGNORED:
            _refuse_global(f"the opcode {name}")

    return refuse


def _no_opcode(code: bytes) -> NoReturn:
    raise _RefusedError(f"the pickle has no opcode {code!r}" if code else "the pickle ends too early")


_STEPS = {opcode.code.encode("latin-1"): _step_of(opcode) for opcode in pickletools.opcodes}


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
    if isinstance(value, _Global | _Dtype):
        raise _RefusedError("the pickle holds a bare callable")
    return value
