"""The infos of agents: numbers alone, and the same keys at every step.

All interfaces take their infos from the tables here. Before the end of a game they hold nothing beyond the agent's
observation; at the end come the figures of `FIGURES`.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from parlay_marl.core.belief import N_FIGURES, Belief
from parlay_marl.core.moves import BUYER
from parlay_marl.core.outcome import DEAL, FORFEIT, OUTCOME_DTYPE
from parlay_marl.core.table import Field

Info = dict[str, Any]

SIGHTS = (
    Field("action_mask", "i1", (0,), "legal actions, as in the observation"),
    Field(
        "belief", "f4", (N_FIGURES,), "the belief about the other seat: " + ", ".join(f.name.lower() for f in Belief)
    ),
)
"""Arrays, at every step; width 0 means the number of actions. Prices of the belief are normalised."""


class Figure(NamedTuple):
    """One number of an info: its name, its value before the end, its meaning, and how it is read from an outcome.

    `read` takes a record of `OUTCOME` as a mapping, and a seat. The values are plain and the seat a number, or they
    are columns, `(n,)` or `(2, n)` for both seats, and the seats an array `(n,)`.
    """

    name: str
    before: int | float
    meaning: str
    read: Callable[[Any, Any], Any]
    is_own: bool = False
    """True where it depends on the seat."""


def _own(pair: Any, seat: Any) -> Any:
    """Return the seat's own value of a pair."""
    return pair[seat] if type(seat) is int else np.where(seat, pair[1], pair[0])


def _number(value: Any) -> Any:
    """Return a value or a column, with 0 instead of NaN, which libraries report as a fault of the environment."""
    if type(value) is float:
        return value if value == value else 0.0
    return np.where(np.isnan(value), 0.0, value)


FIGURES = (
    Figure("ending", 0, "an `Ending`; 0 while the game goes on", lambda o, _: o["ending"]),
    Figure("deal", 0, "1 where the game ended in a deal", lambda o, _: 1 * (o["ending"] == DEAL)),
    Figure("payoff", 0.0, "own payoff, whatever the reward is", lambda o, seat: _own(o["payoff"], seat), True),
    Figure("share", 0.0, "own share of the ZOPA; 0 without one", lambda o, seat: _number(_own(o["share"], seat)), True),
    Figure("efficiency", 0.0, "joint worth over the best; 0 without a ZOPA", lambda o, _: _number(o["efficiency"])),
    Figure("price", 0.0, "normalised price of the deal; 0 without one", lambda o, _: _number(o["price"])),
    Figure("package", -1, "package of the deal; -1 without one", lambda o, _: o["package"]),
    Figure("rounds", 0, "rounds that were played, the last one included", lambda o, _: o["round"] + 1),
    Figure(
        "illegal", 0, "1 where an illegal action of the agent's own ended the game",
        lambda o, seat: 1 * ((o["ending"] == FORFEIT) & (o["closed_by"] == seat)), True,
    ),
)  # fmt: skip
"""The results of an episode for an agent; the `Outcome` has more."""

BEFORE: Info = {figure.name: figure.before for figure in FIGURES}
"""The values of all figures before the end of a game."""

_READ = ("ending", "payoff", "share", "efficiency", "price", "package", "round", "closed_by")
"""The fields of the outcome that the figures need."""


def _layout() -> tuple[struct.Struct, list[str], list[tuple[str, slice]]]:
    """Return the layout of an outcome's bytes, the names of its numbers, and the indices of pairs.

    NumPy takes longer to read a record than Python takes for the figures.
    """
    fields: Any = OUTCOME_DTYPE.fields
    layout, names, pairs, at = "=", list[str](), list[tuple[str, slice]](), 0
    for name in sorted(_READ, key=lambda name: fields[name][1]):
        dtype, start = fields[name]
        size = math.prod(dtype.shape)
        if size > 1:
            pairs.append((name, slice(len(names), len(names) + size)))
        names += [name] * size
        layout += f"{start - at}x{size}{dtype.base.char}"
        at = start + dtype.itemsize
    return struct.Struct(f"{layout}{OUTCOME_DTYPE.itemsize - at}x"), names, pairs


_LAYOUT, _NAMES, _PAIRS = _layout()
_READERS = [(figure.name, figure.read) for figure in FIGURES]
_START: Info = {field.name: None for field in SIGHTS} | BEFORE
WITHOUT_MASK: Info = {name: value for name, value in _START.items() if name != "action_mask"}
"""The info of an agent before the end, without its belief and without a mask, which is in the observation."""


def info_of(
    mask: NDArray[np.int8] | None,
    belief: NDArray[np.float32],
    outcome: Mapping[str, Any] | None = None,
    seat: int = BUYER,
) -> Info:
    """Return an agent's info: its mask, a copy of its belief, and its figures where there is an outcome.

    The info has no mask where none is given: the mask is then in the observation.
    """
    info = (WITHOUT_MASK if mask is None else _START).copy()
    if mask is not None:
        info["action_mask"] = mask
    info["belief"] = belief.copy()
    if outcome is not None:
        for name, read in _READERS:
            info[name] = read(outcome, seat)
    return info


def plain_outcome(report: Any) -> dict[str, Any]:
    """Return the outcome of a finished game for `Figure.read`, from an array of one `OUTCOME_DTYPE`."""
    numbers = _LAYOUT.unpack(report.tobytes())
    plain: dict[str, Any] = dict(zip(_NAMES, numbers))  # noqa: B905 - the keyword takes as long as the rest
    for name, pair in _PAIRS:
        plain[name] = numbers[pair]
    return plain


def figure_columns(n: int) -> dict[str, NDArray[Any]]:
    """Return the figures of n unfinished games, an array `(n,)` each: int64 or float64."""
    return {figure.name: np.full(n, figure.before) for figure in FIGURES}


def write_final_figures(
    columns: dict[str, NDArray[Any]], lanes: NDArray[np.int64], outcomes: Any, seats: NDArray[Any]
) -> None:
    """Write the figures of lanes whose games are over, from all lanes' outcomes and the seats of their learners."""
    ended = outcomes[lanes]
    read_from = {name: ended[name].T for name in _READ}
    for figure in FIGURES:
        columns[figure.name][lanes] = figure.read(read_from, seats[lanes])
