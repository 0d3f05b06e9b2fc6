"""The games of a server, and the parts that they share: settings, metrics, scenarios, opponents, matches."""

from __future__ import annotations

import functools

from parlay_marl.catalogue.families import AnyScenario, family_names, load_any_scenario
from parlay_marl.catalogue.scenarios import scenario_names
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.matches import Matches
from parlay_marl.server.opponents import Opponents, load_persona_player
from parlay_marl.server.places import Places
from parlay_marl.server.session import GameSession
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


class GameFactory:
    """Makes the games of a server.

    Clients name opponents and scenarios of the catalogue, and those that the server was started with, by name alone:
    no path that a client sends is ever opened.
    """

    def __init__(self, settings: ServerSettings, telemetry: Telemetry) -> None:
        self.settings, self.telemetry = settings, telemetry
        self.is_stopping = False
        """True once the server is ending."""
        known = (*scenario_names(), *family_names())
        self.scenarios: dict[str, AnyScenario] = {name: load_any_scenario(name) for name in known}
        own = [load_any_scenario(place) for place in settings.scenario]
        self.scenarios |= {scenario.name: scenario for scenario in own}
        self.opponents = Opponents(settings, telemetry)
        self.matches = Matches(settings, telemetry)
        self.places = Places(settings)

    def stop(self) -> None:
        """Drop all games because the server ends; no seat forfeits."""
        self.is_stopping = True
        self.matches.stop()

    def session(
        self, request: GameRequest, opponent: str, role: str, has_own_rules: bool = False, place: str | None = None
    ) -> GameSession:
        """Return a new game between a client and an opponent, which has not begun.

        `has_own_rules`: the rules are those of the server's settings, and not a client's choice. `place`: what the
        opponent of a task is loaded from; no client can name it.
        """
        other = self.opponents.make(opponent) if place is None else load_persona_player(place)
        config = request.config(self.scenarios, has_own_rules or self.settings.allow_rules)
        return GameSession(config, (None, other) if role == SEATS[0] else (other, None))

    def new_match(self, request: GameRequest, address: str = "") -> dict[str, object]:
        """Create a game between two clients for a client address; return its name and a join code for each seat."""
        if self.settings.workers > 1:
            raise ConfigurationError(
                "matches: this server has several workers, which share no games; start it with one (--workers 1)"
            )
        session = GameSession(request.config(self.scenarios, self.settings.allow_rules))
        session.begin(request.seed)
        match = self.matches.add(session, address)
        return {"match_id": match.name, "join_codes": dict(zip(SEATS, match.codes, strict=True))}


@functools.cache
def default_factory() -> GameFactory:
    """Return the factory for environments without a server, with settings from environment variables."""
    settings = ServerSettings.from_environment()
    return GameFactory(settings, Telemetry(settings))
