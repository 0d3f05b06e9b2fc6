"""Players named by a scheme, `negmas:NAME` or `chat:MODEL`: one table for all arguments that name players.

Their modules are imported when the first player is made: they may need an optional library or a higher layer of the
package.
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
    """Returns the module that defines the player: a change of its file is a change of the player."""


SCHEMES = {
    "negmas": Scheme(f"{_NEGMAS}.negmas_player:NegmasPlayer", f"{_NEGMAS}.negmas_names:home_of"),
    "chat": Scheme(f"{_LANGUAGE}.chat_name:chat_player", f"{_LANGUAGE}.chat_name:home_of"),
}
"""The schemes by the text before the colon."""


def has_scheme(name: object) -> bool:
    """Return whether a name has a known scheme."""
    return isinstance(name, str) and ":" in name and name.partition(":")[0] in SCHEMES


def player_of_scheme(name: str) -> Player:
    """Return a new player of a name such as `negmas:BoulwareTBNegotiator`.

    Raise an error that says what is wrong with it.
    """
    player: Player = pkgutil.resolve_name(_scheme(name).player)(name)
    return player


def home_of_scheme(name: str) -> str:
    """Return the module that defines the player of a name."""
    home: str = pkgutil.resolve_name(_scheme(name).home)(name)
    return home


def _scheme(name: str) -> Scheme:
    return SCHEMES[name.partition(":")[0]]
