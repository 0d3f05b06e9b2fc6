"""The content of a strategy's file, wholly checked: what it holds can be played as it is, or it is refused."""

from __future__ import annotations

import io
import json
import lzma
import tokenize
import zipfile
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.moves import SEATS, n_actions
from parlay_marl.core.observation import width
from parlay_marl.game.config import GameConfig
from parlay_marl.theory.small_game import SmallGame
from parlay_marl.theory.tree import Floats, InformationStates
from parlay_marl.theory.values import check_probabilities

_ARRAYS = ("seat", "start", "action", "observation", "previous")
_BROKEN = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # also for JSON that is nested too deeply, and for archives with a password
    SyntaxError,
    TypeError,
    ValueError,  # also for errors of the catalogue and of configurations
    lzma.LZMAError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the decoders raise on content of any kind."""
_LONGEST_REASON = 300


class Strategy(NamedTuple):
    """What a strategy's file holds."""

    config: GameConfig
    states: InformationStates
    table: Floats
    name: str


def encode(strategy: Strategy) -> bytes:
    """Return the content of a strategy's file."""
    states = strategy.states
    facts = {"name": strategy.name, "config": strategy.config.to_dict(), "text": states.text}
    arrays = {name: getattr(states, name) for name in _ARRAYS}
    content = io.BytesIO()
    np.savez_compressed(content, facts=np.array(json.dumps(facts)), table=strategy.table, **arrays)
    return content.getvalue()


def decode(content: bytes) -> Strategy:
    """Return what the content of a strategy's file holds; nothing in it is ever run.

    Raises:
        ValueError: where it cannot be used; says why.
    """
    try:
        facts, arrays = _parts(content)
        return _strategy(facts, arrays)
    except _BROKEN as error:
        raise ValueError(_why(error)) from None


def _why(error: BaseException) -> str:
    """Return the reason of an error in one short line."""
    if isinstance(error, RecursionError):
        return "its facts are nested too deeply"
    reason = " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
    return reason[:_LONGEST_REASON] or type(error).__name__


def _parts(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the facts and the arrays of a file."""
    if not content:
        raise ValueError("it is empty")
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise ValueError("it is no .npz archive")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        missing = [name for name in ("facts", "table", *_ARRAYS) if name not in file]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        facts = json.loads(str(file["facts"]))
        arrays = {name: np.asarray(file[name]) for name in ("table", *_ARRAYS)}
    if not isinstance(facts, dict) or not {"name", "config", "text"} <= set(facts):
        raise ValueError("facts: give an object with the keys name, config, text")
    return facts, arrays


def _strategy(facts: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Strategy:
    """Return the strategy of facts and arrays that fit each other, or refuse them."""
    name, text = facts["name"], facts["text"]
    if not isinstance(name, str):
        raise ValueError("name: give text")
    if not isinstance(text, list) or not text or not all(isinstance(line, str) for line in text):
        raise ValueError("text: give a line for each information state")
    if len(set(text)) != len(text):
        raise ValueError("text: two information states have the same line")
    config = SmallGame(GameConfig.from_dict(facts["config"])).config
    n, entries = len(text), arrays["action"].size
    states = InformationStates(
        seat=_whole("seat", arrays, (n,), 0, len(SEATS) - 1),
        start=_whole("start", arrays, (n + 1,), 0, entries),
        action=_whole("action", arrays, (entries,), 0, n_actions(config.room) - 1),
        observation=_finite("observation", arrays, (n, width(config.room))).astype(np.float32),
        previous=_whole("previous", arrays, (n,), -1, entries - 1),
        text=text,
    )
    _check_order(states)
    table = _finite("table", arrays, (entries,)).astype(np.float64)
    return Strategy(config, states, check_probabilities(states, table), name)


def _check_order(states: InformationStates) -> None:
    """Refuse entries that do not belong to one state each, and a past that is not the same seat's."""
    start, action, previous = states.start, states.action, states.previous
    if start[0] != 0 or start[-1] != len(action) or (np.diff(start) < 1).any():
        raise ValueError("start: give rising numbers from 0 to the number of entries")
    same_state = states.owner[1:] == states.owner[:-1]
    if (np.diff(action)[same_state] < 1).any():
        raise ValueError("action: the actions of an information state are to rise")
    later = np.flatnonzero(previous >= 0)
    before = states.owner[previous[later]]
    if (before >= later).any() or (states.seat[before] != states.seat[later]).any():
        raise ValueError("previous: give an action of the same seat in an earlier information state, or -1")


def _shaped(name: str, arrays: dict[str, NDArray[Any]], shape: tuple[int, ...], kinds: str) -> NDArray[Any]:
    """Return an array of a shape and of a kind of number, or refuse it."""
    array = arrays[name]
    if array.shape != shape or array.dtype.kind not in kinds:
        raise ValueError(f"{name}: give numbers of shape {shape}, not {array.dtype} of shape {array.shape}")
    return array


def _whole(
    name: str, arrays: dict[str, NDArray[Any]], shape: tuple[int, ...], low: int, high: int
) -> NDArray[np.int64]:
    """Return an array of whole numbers within bounds, or refuse it."""
    array = _shaped(name, arrays, shape, "iu")
    if array.size and not low <= int(array.min()) <= int(array.max()) <= high:
        raise ValueError(f"{name}: give whole numbers from {low} to {high}")
    return array.astype(np.int64)


def _finite(name: str, arrays: dict[str, NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
    """Return an array of finite numbers, or refuse it."""
    array = _shaped(name, arrays, shape, "f")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: some numbers are not finite")
    return array
