"""The opponents that a server offers: the catalogue's personas, and the files and players that it was started with."""

from __future__ import annotations

import functools
import threading

from parlay_marl.catalogue.files import is_path
from parlay_marl.catalogue.personas import persona_names
from parlay_marl.errors import UnknownNameError
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.server.hosted_player import HostedPlayer, PlayerThreads
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

_LOADING = threading.Lock()
"""Players are made one at a time: while one is made, what it prints goes to standard error."""


class Opponents:
    """Opponents by name.

    A client names one of them. No path that a client sends is ever opened or imported.
    """

    def __init__(self, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._places = {name: name for name in persona_names()}
        self._places |= {_load(place).name: place for place in settings.opponent}
        self._threads = PlayerThreads(settings.wait)
        self._longest_words, self._telemetry = settings.max_words, telemetry

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def make(self, name: str) -> PersonaPlayer | HostedPlayer:
        """Return an opponent for a new game."""
        if name not in self._places:
            raise UnknownNameError("opponent", name, self._places)
        place = self._places[name]
        if not _is_import_path(place):
            return load_persona_player(place)
        self._threads.check_free(name)
        return HostedPlayer(
            name, functools.partial(_load_player, place), self._threads, self._longest_words, self._telemetry
        )


def _is_import_path(place: str) -> bool:
    """Return whether a setting is an import path, `module:Name`."""
    return ":" in place and not is_path(place)


def _load(place: str) -> PersonaPlayer | Player | BatchedPlayer:
    """Return an opponent by the name of a persona, a file or an import path."""
    return _load_player(place) if _is_import_path(place) else load_persona_player(place)


def _load_player(path: str) -> Player | BatchedPlayer:
    """Return a new player by its import path."""
    from parlay_marl.tournament.entrants import load_policy

    with _LOADING:
        return load_policy(path)


@functools.lru_cache(maxsize=512)
def load_persona_player(place: str) -> PersonaPlayer:
    """Return a persona by name or file; one that was loaded before is not loaded again."""
    return as_persona(place)
