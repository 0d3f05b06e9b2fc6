"""Advice: what a persona would do in a seat, without a change of the game."""

from __future__ import annotations

import pytest

from parlay_marl.core.moves import Move
from parlay_marl.errors import IllegalMoveError
from parlay_marl.game.action import Action
from parlay_marl.game.advice import advice
from parlay_marl.game.config import make_config
from parlay_marl.game.game import Game
from parlay_marl.players.persona import as_persona


@pytest.mark.parametrize("adviser", ["champion", "shark"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms"])
def test_who_follows_the_advice_plays_the_game_of_the_adviser(adviser: str, scenario: str) -> None:
    config, persona = make_config(scenario), as_persona(adviser)
    played = Game(config, (persona, as_persona("diplomat")))
    played.start(5)
    followed = Game(config, (None, as_persona("diplomat")))
    followed.reset(5, {"event_sensitivity": {"buyer": persona.event_sensitivity}})
    while not followed.is_over:
        before = followed.rows.tobytes()
        told = advice(followed, persona)
        assert (advice(followed, persona), followed.rows.tobytes()) == (told, before)
        followed.play(*told)
    plain = [(each.move, each.price, each.package) for each in played.actions]
    found = [(each.move, each.price, each.package) for each in followed.actions]
    assert [each[0] for each in plain] == [each[0] for each in found]
    assert played.outcome().payoff == followed.outcome().payoff


def test_there_is_no_advice_after_the_end() -> None:
    game = Game(make_config(opener="buyer"), (None, None))
    game.reset(1)
    game.play(*Action(Move.SILENCE))
    game.play(*Action(Move.WALK_AWAY))
    with pytest.raises(IllegalMoveError, match="over"):
        advice(game, as_persona("champion"))
