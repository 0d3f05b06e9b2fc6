"""The words of opponents: the figures in them are those of the offer."""

from __future__ import annotations

import re

import pytest

from parlay_marl.catalogue import load_persona, persona_names
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.server.game_request import GameRequest
from parlay_marl.server.seat_text import spoken
from parlay_marl.server.session import GameSession
from tests.server.table import factory

FACTORY = factory()


@pytest.mark.parametrize("name", [*persona_names(), None])
def test_the_figures_in_what_a_persona_says_are_those_of_its_offer(name: str | None) -> None:
    """One that has no words of its own is given plain ones."""
    persona = PersonaPlayer(load_persona("linear" if name is None else name))
    if name is None:
        mute = persona.persona.model_copy(update={"voice": type(persona.persona.voice)()})
        persona = PersonaPlayer(mute)
    checked_words = 0
    for seed, scenario in enumerate(["saas_enterprise", "acquisition_terms", "uniform", "hiring_package"]):
        session = GameSession(GameRequest(scenario=scenario).config(FACTORY.scenarios), (None, persona))
        session.begin(seed)
        price = session.scenario.low
        while not session.is_over:
            session.play(0, session.view(0).make_offer(price, words="Well?"))
            price = min(price + (session.scenario.high - price) / 30, session.scenario.high)
        for turn in session.turns:
            if turn.seat == 0:
                continue
            words = spoken(turn, session.scenario)
            assert words
            figures = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d(?:\.\d+)?", words)]
            amounts = [each for each in figures if each >= session.scenario.low]
            if amounts:
                assert turn.price is not None
                assert set(amounts) == {session.scenario.to_currency(turn.price)}
                checked_words += 1
    assert checked_words > 5 or name == "random"
