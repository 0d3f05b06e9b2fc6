"""Players that are named by a scheme, `negmas:NAME` or `chat:MODEL`: one table for all that takes players by name.

What makes them is imported when the first of them is made: it may need an optional library, or a room above this one.
"""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from parlay_marl.players.player import Player

_NEGMAS, _LANGUAGE = "parlay_marl.players.strangers", "parlay_marl.language"


class Scheme(NamedTuple):
    """A kind of player that is made from a name; both functions are import paths, and take the whole name."""

    player: str
    """Returns a player."""
    home: str
    """Returns the module from which the player comes: a change of its file is a change of the player."""


SCHEMES = {
    "negmas": Scheme(f"{_NEGMAS}.negmas_player:NegmasPlayer", f"{_NEGMAS}.negmas_names:home_of"),
    "chat": Scheme(f"{_LANGUAGE}.chat_name:chat_player", f"{_LANGUAGE}.chat_name:home_of"),
}
"""The schemes by the text before the colon."""


def has_scheme(name: object) -> bool:
    """Return whether a name is that of a player of a scheme."""
    return isinstance(name, str) and ":" in name and name.partition(":")[0] in SCHEMES


def player_of_scheme(name: str) -> Player:
    """Return a new player of a name such as `negmas:BoulwareTBNegotiator`, or raise what is wrong with it."""
    player: Player = pkgutil.resolve_name(_scheme(name).player)(name)
    return player


def home_of_scheme(name: str) -> str:
    """Return the module from which a player of a name comes."""
    home: str = pkgutil.resolve_name(_scheme(name).home)(name)
    return home


def _scheme(name: str) -> Scheme:
    return SCHEMES[name.partition(":")[0]]
