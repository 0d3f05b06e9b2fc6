"""What all sessions of a server share: its settings and figures, who and what can be asked for, and open matches."""

from __future__ import annotations

from parlay_marl.catalogue.personas import persona_names
from parlay_marl.catalogue.scenarios import Scenario, load_scenario, scenario_names
from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ConfigurationError, UnknownNameError
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.server.matches import Matches
from parlay_marl.server.negotiation import Negotiation, Setup, persona_of
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


class Lobby:
    """Where sessions begin their games.

    Clients name personas and scenarios of the catalogue, and those whose files the server was started with, by name
    alone: no path that a client sends is ever opened.
    """

    def __init__(self, settings: ServerSettings, telemetry: Telemetry) -> None:
        self.settings, self.telemetry = settings, telemetry
        self.scenarios: dict[str, Scenario] = {name: load_scenario(name) for name in scenario_names()}
        own_deals = [load_scenario(place) for place in settings.scenario]
        self.scenarios |= {deal.name: deal for deal in own_deals}
        self.opponents = {name: name for name in persona_names()}
        self.opponents |= {persona_of(place).name: place for place in settings.opponent}
        self.matches = Matches(settings, telemetry)

    def persona(self, name: str) -> PersonaPlayer:
        """Return a persona that a client has named."""
        if name not in self.opponents:
            raise UnknownNameError("persona", name, self.opponents)
        return persona_of(self.opponents[name])

    def negotiation(self, setup: Setup, opponent: str, role: str) -> Negotiation:
        """Return a game between a client and a persona, before its beginning."""
        other = self.persona(opponent)
        return Negotiation(setup.config(self.scenarios), (None, other) if role == SEATS[0] else (other, None))

    def new_match(self, setup: Setup) -> dict[str, object]:
        """Begin a game between two clients; return its name, and a code for each seat."""
        if self.settings.workers > 1:
            raise ConfigurationError(
                "matches: this server has several workers, which share no games; start it with one (--workers 1)"
            )
        negotiation = Negotiation(setup.config(self.scenarios), (None, None))
        negotiation.begin(setup.seed)
        match = self.matches.add(negotiation)
        return {"match_id": match.name, "join_codes": dict(zip(SEATS, match.codes, strict=True))}
