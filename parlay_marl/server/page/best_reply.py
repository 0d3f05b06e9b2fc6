"""The payoff that the best persona of the catalogue gets against an opponent, with the same deal."""

from __future__ import annotations

from typing import Any

from parlay_marl.catalogue.personas import persona_names
from parlay_marl.errors import ParlayError
from parlay_marl.game.config import GameConfig
from parlay_marl.game.game import Game
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.server.opponents import load_persona_player


def best_reply(config: GameConfig, seed: int, seat: int, opponent: PersonaPlayer) -> dict[str, Any]:
    """Return the persona with the largest payoff in a seat against an opponent, with the deal of a seed.

    The fields are its name, its payoff, its worth and its price in currency, None without a deal. It is a lower bound
    of the best reply: players outside the catalogue may do better.
    """
    best: dict[str, Any] = {}
    for name in persona_names():
        reply = load_persona_player(name)
        game = Game(config, (reply, opponent) if seat == 0 else (opponent, reply))
        try:
            game.start(seed)
        except ParlayError:  # a policy that does not fit such a deal
            continue
        outcome = game.outcome()
        if not best or outcome.payoff[seat] > best["payoff"]:
            width = game.scenario.high - game.scenario.low
            best = {
                "name": name,
                "payoff": outcome.payoff[seat],
                "worth": outcome.worth[seat] * width,
                "price": outcome.price,
                "round": outcome.round,
            }
    return best
