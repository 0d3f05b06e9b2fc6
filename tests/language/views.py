"""Views of games at some position, for tests of language agents."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.scenarios import Scenario
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.game.view import SeatView, view_of
from parlay_marl.players.player import Player


def game_at(scenario: str | Scenario = "saas_enterprise", seed: int = 3, **arguments: Any) -> Game:
    """Return a game between two free seats, in which the buyer opens."""
    game = Game(make_config(scenario, **{"opener": "buyer", "beliefs": "elicited", **arguments}))
    game.read_turns()
    game.start(seed)
    return game


def view_after(*moves: str, scenario: str = "saas_enterprise", **arguments: Any) -> SeatView:
    """Return the view of the seat on turn after moves of both seats: `offer 140000`, `claim 150000`, `silence`."""
    game = game_at(scenario, **arguments)
    for move in moves:
        name, *rest = move.split()
        view = view_of(game, game.seat)
        price = [float(rest[0])] if rest else []
        make = {"offer": view.make_offer, "claim": view.make_claim}.get(name) or getattr(view, name)
        game.play(*make(*price))
    return view_of(game, game.seat)


class Scripted(Player):
    """A player that makes the same moves in every game, and says the same words."""

    name = "scripted"

    def __init__(self, words: str) -> None:
        self.words = words

    def act(self, view: SeatView) -> Any:
        return view.make_offer(view.scenario.high if view.seat else view.scenario.low, words=self.words)
