"""The opponents that a server offers: the catalogue's personas, and the files and players that it was started with."""

from __future__ import annotations

import copy
import functools
import inspect
import pkgutil

from parlay_marl.catalogue.personas import is_import_path, persona_names
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.players.persona import PersonaPlayer, as_persona
from parlay_marl.players.player import BatchedPlayer, Player
from parlay_marl.players.schemes import has_scheme, player_of_scheme
from parlay_marl.server.hosted_player import HostedPlayer, PlayerThreads
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


class Opponents:
    """Opponents by name.

    A client names one of them. No path that a client sends is ever opened or imported.
    """

    def __init__(self, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._places = {name: name for name in persona_names()}
        for place in settings.opponent:
            self._add(_load(place).name, place)
        self._threads = {name: PlayerThreads(name, settings.wait) for name in self._places}
        self._longest_words, self._telemetry = settings.max_words, telemetry

    def _add(self, name: str, place: str) -> None:
        """Add an opponent under its name, which must be unused: clients know opponents by name alone."""
        other = self._places.setdefault(name, place)
        if other != place:
            owner = "the catalogue's persona" if other == name else f"that of {other!r}"
            raise ConfigurationError(f"opponent: the name {name!r} of {place!r} is also {owner}; rename one of them")

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def about(self) -> list[dict[str, str]]:
        """Return the names of all opponents, and the title and summary of each persona."""
        found = []
        for name, place in self._places.items():
            persona = None if _is_asked(place) else load_persona_player(place).persona
            title, summary = ("", "") if persona is None else (persona.title, persona.summary)
            found.append({"name": name, "title": title, "summary": summary})
        return found

    def make(self, name: str) -> PersonaPlayer | HostedPlayer:
        """Return an opponent for a new game."""
        if name not in self._places:
            raise UnknownNameError("opponent", name, self._places)
        place = self._places[name]
        if not _is_asked(place):
            return load_persona_player(place)
        threads = self._threads[name]
        threads.check_free()
        return HostedPlayer(name, functools.partial(_new_player, place), threads, self._longest_words, self._telemetry)


def _is_asked(place: str) -> bool:
    """Return whether a place is a player with a scheme or an import path, which is called for each move."""
    return has_scheme(place) or is_import_path(place)


def _load(place: str) -> PersonaPlayer | Player | BatchedPlayer:
    """Return an opponent by the name of a persona, a file or an import path, at the start of the server."""
    if not _is_asked(place):
        return load_persona_player(place)
    from parlay_marl.tournament.entrants import load_policy

    return load_policy(place)


def _new_player(path: str) -> Player | BatchedPlayer:
    """Return a player for one game, by an import path that was loaded at the start.

    Players are created in several threads at once, so that one that hangs stops no other. Standard output is
    therefore not redirected as in `load_policy`: all threads share it.
    """
    from parlay_marl.tournament.entrants import checked_policy

    if has_scheme(path):
        return player_of_scheme(path)
    thing = pkgutil.resolve_name(path)
    is_maker = inspect.isclass(thing) or not hasattr(thing, "act")
    return checked_policy(thing() if is_maker else copy.deepcopy(thing), path)


@functools.lru_cache(maxsize=512)
def load_persona_player(place: str) -> PersonaPlayer:
    """Return a persona by name or file; repeated calls load it once."""
    return as_persona(place)
