"""A person's place in a game: the seat, and the help that the person asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from parlay_marl.core.moves import SEATS, Move
from parlay_marl.errors import ConfigurationError, RequestError
from parlay_marl.game.advice import advice
from parlay_marl.game.config import GameConfig
from parlay_marl.game.grammar import read_price
from parlay_marl.game.record import GameRecord, Help
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.server.opponents import load_persona_player
from parlay_marl.server.places import Place

PERSON = "person"
"""The name of a person in a record."""
ADVISER = "champion"
"""The persona whose move is the hint."""


class PagePlace(Place):
    """The place of a person at the page, with the belief after each of the seat's turns and the hints given so far."""

    beliefs: list[dict[str, float]]
    """Beliefs of the seat's tracker, one for each turn of the seat: number of turns, mean, low and high."""

    def prepare(self, config: GameConfig, request: dict[str, Any]) -> PagePlace:
        """Set the fields that the page adds to a place; return the place."""
        self.beliefs, self.config, self.request = [], config, request
        self.shows_belief = False
        self.hints: dict[int, dict[str, Any]] = {}
        self.guess: float | None = None
        self.replay_id: str | None = None
        return self

    def note_belief(self) -> None:
        """Store the current belief, once for each number of turns."""
        session = self.session
        belief = session.belief(self.seat)
        turns = len(session.turns)
        if belief is not None and (not self.beliefs or self.beliefs[-1]["turns"] < turns or turns == 0):
            figures = {"turns": turns, "mean": belief.reservation, "low": belief.low, "high": belief.high}
            self.beliefs = [each for each in self.beliefs if each["turns"] < turns] + [figures]

    def show_belief(self, on: bool) -> None:
        """Show or hide the belief; showing it during the game is recorded as help."""
        self.shows_belief = on
        if on and not self.session.is_over and not self.help_used["belief"]:
            self._note_help("belief")

    def note_guess(self, text: str) -> None:
        """Store the person's guess of the other's limit in place of an earlier one."""
        if self.session.is_over:
            raise RequestError("guess: the game is over, and their limit is no secret any more")
        self.guess = read_price(text, self.session.scenario)

    def hint(self) -> None:
        """Return the move that the champion would make now; repeated calls in a turn give the same answer."""
        session, turn = self.session, len(self.session.turns)
        session.check_turn(self.seat)
        if turn in self.hints:
            return
        adviser = load_persona_player(ADVISER)
        adviser.check_room(session.scenario)
        action = advice(session.game, adviser)
        scenario = session.scenario
        self.hints[turn] = {
            "by": ADVISER,
            "move": Move(action.move).name,
            "price": None if action.price is None else scenario.to_currency(action.price),
            "package": action.package if scenario.terms else None,
        }
        self._note_help("hint")

    def _note_help(self, kind: Literal["hint", "belief"]) -> None:
        """Note in the game that this seat has had help now."""
        self.session.help.append(Help(len(self.session.turns), self.role, kind))

    @property
    def help_used(self) -> dict[str, Any]:
        """The help that this seat has had: whether the belief was shown, and the number of hints."""
        kinds = [each.kind for each in self.session.help if each.seat == self.role]
        return {"belief": "belief" in kinds, "hints": kinds.count("hint")}

    def persona(self) -> PersonaPlayer:
        """Return the persona in the other seat; refuse where there is none."""
        other = self.session.opponents[1 - self.seat]
        if not isinstance(other, PersonaPlayer):
            raise ConfigurationError("best_reply: only games against a persona can be played again by others")
        return other

    def record(self) -> GameRecord:
        """Return the record of the game; its names mark which seats were persons, and it has the help that they had."""
        record = self.session.game.record()
        names = [PERSON, PERSON] if self.match is not None else [self.opponent, self.opponent]
        names[self.seat] = PERSON
        return replace(record, names=(names[0], names[1]), help=tuple(self.session.help))

    @property
    def role(self) -> str:
        """The name of the seat."""
        return SEATS[self.seat]
