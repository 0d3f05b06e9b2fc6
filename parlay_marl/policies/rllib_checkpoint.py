"""The network in a checkpoint of RLlib's new API stack, read without running code in it.

A module's state is a pickle, or a MessagePack file, of NumPy arrays by name. The pickle is read by an unpickler that
knows arrays and dictionaries and nothing else; even these it builds itself.
"""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from parlay_marl.policies.layers import LARGEST_STATE, Network, Tensors, chain, refuse_others
from parlay_marl.policies.policy_file import ACTIVATIONS

LIBRARY = "a default module of PPO with an MLP encoder"
PICKLE, MESSAGES = "module_state.pkl", "module_state.msgpack"
MIXED = "its head has hidden layers, which by RLlib's default have relu while the encoder has tanh"
METADATA, ACTIVATION = "metadata.json", "activation"
"""A module's file of plain text, and its key for the function of the hidden layers."""
PLACES = ("", "rl_module", "learner/rl_module", "learner_group/learner/rl_module")
"""Places of modules in the folder of a module, of several, of a learner group and of an algorithm."""
_KNOWN = (
    *("encoder.actor_encoder.net.mlp.", "encoder.encoder.net.mlp.", "encoder.critic_encoder."),
    *("pi.net.mlp.", "pi.log_std_clip_param_const", "vf."),
)
_DTYPES = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_OPCODES = {
    *("PROTO", "FRAME", "STOP", "MARK", "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_LIST", "APPEND", "APPENDS"),
    *("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("MEMOIZE", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
    *("NONE", "NEWTRUE", "NEWFALSE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
"""The opcodes of a pickle of arrays by name."""
_LARGEST_METADATA = 2**16
_MOST_MEMOS = 2**20
_DEEPEST = 8


def read_rllib(folder: Path, module: str | None) -> tuple[str, Network]:
    """Return the name and the policy network of a module; raise `ValueError` where none can be read."""
    found = _find(folder, module)
    return found.name, network_of(_state(found), _activation(found))


def network_of(tensors: Tensors, activation: str | None = None) -> Network:
    """Return the policy network of a module's state, with the activation of its hidden layers where it is known."""
    refuse_others(tensors, _KNOWN, LIBRARY)
    own, shared = "encoder.actor_encoder.net.mlp.", "encoder.encoder.net.mlp."
    encoder = chain(tensors, own if any(name.startswith(own) for name in tensors) else shared)
    head = chain(tensors, "pi.net.mlp.")
    return Network([*encoder, *head], activation, unclear=MIXED if len(head) > 1 else "")


def _activation(folder: Path) -> str | None:
    """Return the activation of the hidden layers where the metadata of a module name it."""
    path = folder / METADATA
    if not path.is_file() or path.stat().st_size > _LARGEST_METADATA:
        return None
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    activation = said.get(ACTIVATION) if isinstance(said, dict) else None
    return activation if activation in ACTIVATIONS else None


def _find(folder: Path, module: str | None) -> Path:
    """Return the folder of a module: the one given, or the only one or the one of that name below it."""
    for place in PLACES:
        inside = (folder / place).resolve()
        modules = {path.name: path for path in _folders(inside) if _holds_state(path)}
        if modules:  # the folder of several modules has a state, too, an empty one
            return modules[_choice(sorted(modules), module)]
        if _holds_state(inside):
            _choice([inside.name], module)
            return inside
    raise ValueError(
        f"it holds no {PICKLE} or {MESSAGES}; give a checkpoint of RLlib's new API stack, or a module's folder in it"
    )


def _choice(known: list[str], module: str | None) -> str:
    if module is None and len(known) == 1:
        return known[0]
    if module not in known:
        given = (
            "say which of its modules" if module is None else f"it has no module {module!r}; say which of its modules"
        )
        raise ValueError(f"{given} with --module: {', '.join(known)}")
    return module


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _holds_state(folder: Path) -> bool:
    return (folder / PICKLE).is_file() or (folder / MESSAGES).is_file()


def _state(folder: Path) -> Tensors:
    """Return the arrays of a module by name."""
    path = folder / PICKLE if (folder / PICKLE).is_file() else folder / MESSAGES
    with path.open("rb") as file:
        content = file.read(LARGEST_STATE + 1)
    if len(content) > LARGEST_STATE:
        raise ValueError(f"its {path.name} is larger than {LARGEST_STATE // 2**20} MiB; save a smaller network")
    try:
        state = load_arrays(content) if path.name == PICKLE else _Messages(content).load()
    except Exception as error:  # a broken stream makes the readers raise errors of every kind
        reason = " ".join(str(error).split())  # which may name what the file names, line breaks and all
        raise ValueError(f"its {path.name} is not a state of arrays alone ({reason:.160}); save it again") from None
    if not isinstance(state, dict):
        raise ValueError(f"its {path.name} holds no arrays by name; save the module again")
    return state


def load_arrays(content: bytes) -> Any:
    """Return the content of a pickle of arrays; refuse every name but those of arrays and dictionaries."""
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name not in _OPCODES or (opcode.name == "LONG_BINPUT" and int(argument or 0) > _MOST_MEMOS):
            raise ValueError(f"it uses the pickle opcode {opcode.name}")
    names = _stand_ins()

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            known = names.get((module.replace("numpy.core.", "numpy._core."), name))
            if known is None:
                raise ValueError(f"it asks for {module}.{name}")
            return known

    return _plain(Unpickler(io.BytesIO(content)).load())


def _plain(state: Any) -> Any:
    """Return a dictionary with arrays in place of their stand-ins."""
    if not isinstance(state, dict):
        return state
    return {name: getattr(value, "array", value) for name, value in state.items()}


def _stand_ins() -> dict[tuple[str, str], Callable[..., Any]]:
    """Return stand-ins for the names in a pickle of arrays: new classes each time, since a pickle may change them."""

    class Kind:
        """Stands for `numpy.dtype`, and keeps its name."""

        def __init__(self, name: Any, *_: Any) -> None:
            self.name = name

        def __setstate__(self, state: Any) -> None:
            if state[1] == ">":
                raise ValueError("its numbers are in big-endian order")

    class Filled:
        """Stands for an empty `numpy.ndarray` that the pickle fills later."""

        def __init__(self, *_: Any) -> None:
            self.array: Any = None

        def __setstate__(self, state: Any) -> None:
            _, shape, kind, by_columns, content = state
            self.array = _array(content, kind.name, shape, "F" if by_columns else "C")

    def from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> Any:
        return _array(content, kind.name, shape, order)

    return {
        ("collections", "OrderedDict"): dict,
        ("numpy", "dtype"): Kind,
        ("numpy", "ndarray"): Filled,
        ("numpy._core.multiarray", "_reconstruct"): Filled,
        ("numpy._core.numeric", "_frombuffer"): from_buffer,
    }


def _array(content: Any, dtype: Any, shape: Any, order: Any = "C") -> Any:
    """Return an array of plain numbers from its bytes."""
    if dtype not in _DTYPES or order not in ("C", "F") or not isinstance(content, bytes | bytearray):
        raise ValueError(f"it holds an array of {dtype!r:.20}, not of plain numbers")
    return np.frombuffer(content, f"<{dtype}").reshape(tuple(shape), order=order)  # no copy: a pickle may ask for many


class _Messages:
    """A reader of MessagePack, for the parts that msgpack-numpy writes for arrays by name."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def load(self) -> Any:
        """Return all of the content as one value."""
        value = self._value(_DEEPEST)
        if self.place != len(self.content):
            raise ValueError("data follows its end")
        return value

    def _take(self, length: int) -> bytes:
        piece = self.content[self.place : self.place + length]
        if len(piece) < length:
            raise ValueError("it ends too early")
        self.place += length
        return piece

    def _number(self, form: str) -> Any:
        return struct.unpack(f">{form}", self._take(struct.calcsize(form)))[0]

    def _value(self, depth: int) -> Any:
        if depth == 0:
            raise ValueError("it is nested too deeply")
        tag = self._number("B")
        if tag <= 0x7F or tag >= 0xE0:
            return tag if tag <= 0x7F else tag - 0x100
        if tag <= 0x8F:
            return self._map(tag & 0x0F, depth)
        if tag <= 0x9F:
            return self._list(tag & 0x0F, depth)
        if tag <= 0xBF:
            return self._take(tag & 0x1F).decode()
        return self._long_value(tag, depth)

    def _long_value(self, tag: int, depth: int) -> Any:
        """Return a value whose length or width follows its tag."""
        if tag in _CONSTANTS:
            return _CONSTANTS[tag]
        if tag in _NUMBERS:
            return self._number(_NUMBERS[tag])
        if tag not in _LENGTHS:
            raise ValueError(f"it holds a value of kind {tag:#x}")
        kind, form = _LENGTHS[tag]
        length = self._number(form)
        if kind == "map":
            return self._map(length, depth)
        if kind == "list":
            return self._list(length, depth)
        piece = self._take(length)
        return piece.decode() if kind == "text" else piece

    def _list(self, length: int, depth: int) -> list[Any]:
        return [self._value(depth - 1) for _ in range(length)]

    def _map(self, length: int, depth: int) -> Any:
        found: dict[str, Any] = {}
        for _ in range(length):
            key = self._value(depth - 1)
            name = key.decode() if isinstance(key, bytes) else key
            if not isinstance(name, str) or name in found:
                raise ValueError("a name in it is no text, or occurs twice")
            found[name] = self._value(depth - 1)
        if found.get("nd") is True:
            return _array(found.get("data"), str(found.get("type")).lstrip("<|"), found.get("shape"))
        return found


# Tags of MessagePack, and the numbers or lengths that follow them.
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS = dict(zip(range(0xCA, 0xD4), "fdBHIQbhiq", strict=True))
_LENGTHS = {
    first + i: (kind, form)
    for first, kind, forms in ((0xC4, "bytes", "BHI"), (0xD9, "text", "BHI"), (0xDC, "list", "HI"), (0xDE, "map", "HI"))
    for i, form in enumerate(forms)
}
