"""The text of a view for a reader, and the words of opponents: the figures in them are those of the offer."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from parlay_marl.catalogue import load_persona, persona_names
from parlay_marl.core.moves import Move
from parlay_marl.game.config import make_config
from parlay_marl.language.view_text import News, introduction, position, spoken
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.server.game_request import GameRequest, game_request
from parlay_marl.server.parsing import parse_action
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
            words = spoken(turn, session.text)
            assert words
            figures = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d(?:\.\d+)?", words)]
            amounts = [each for each in figures if each >= session.scenario.low]
            if amounts:
                assert turn.price is not None
                assert set(amounts) == {session.scenario.to_currency(turn.price)}
                checked_words += 1
    assert checked_words > 5 or name == "random"


def session_of(opponent: str = "hardliner", seed: int = 3, **request: Any) -> GameSession:
    session = FACTORY.session(game_request({"opener": "buyer", **request}), opponent, "buyer")
    session.begin(seed)
    session.take_news(0)
    return session


@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms", "uniform", "acquisition_terms"])
def test_the_form_of_an_answer_is_stated_and_what_it_shows_can_be_played(scenario: str) -> None:
    session = session_of(scenario=scenario)
    text = introduction(session.view(0), session.text)
    shown = re.search(r"Answer with one JSON object, such as (\{.*?\})\.", text)
    assert shown is not None
    answer = json.loads(shown[1])
    assert set(answer) == {"utterance", "tactical_move", "offer_amount"}
    terms = re.search(r'Name terms by "terms": (\{.*?\})', text)
    assert (terms is None) is (not session.scenario.terms)
    action = parse_action(
        session.view(0),
        answer["utterance"],
        amount=answer["offer_amount"],
        tactic=Move[answer["tactical_move"]],
        terms=json.loads(terms[1]) if terms else None,
    )
    assert session.play(0, action).move is Move.OFFER
    for move in Move:
        assert f"\n- {move.name}: " in text


@pytest.mark.parametrize(
    ("rules", "said", "unsaid"),
    [
        (
            {},
            (
                "a claim is also a binding offer at that price, which they may accept; costs 20 credibility and adds",
                "off is a bluff: challenged, it costs 40 credibility more",
                "SILENCE: offer nothing; offers stay as they are; costs 5 credibility and adds 5 to the tension.",
                "CHALLENGE: call their open claim a bluff; adds 10 to the tension. If it was honest, you lose 15",
                "A claim that is more than USD 10,500 off",
                "comes back by 5 a turn, up to 100.",
                "3 turns in a row at a tension of 75 or more",
            ),
            (),
        ),
        (
            {
                "credibility": {"claim_cost": 30, "silence_cost": 0, "regain": 2, "tolerance": 0.1},
                "tension": {"silence_heat": 0},
                "erosion": {"rate": 0.0},
            },
            (
                "costs 30 credibility and adds 10 to the tension",
                "SILENCE: offer nothing; offers stay as they are.",
                "more than USD 7,000 off",
                "comes back by 2 a turn",
            ),
            ("turns in a row",),
        ),
        ("seed", ("more than 15% of your limit off",), ()),
    ],
    ids=["default", "changed", "seed"],
)
def test_what_each_move_costs_is_that_of_the_rules(rules: Any, said: tuple[str, ...], unsaid: tuple[str, ...]) -> None:
    text = introduction((session := session_with(rules, "saas_enterprise")).view(0), session.text)
    for words in said:
        assert words in text
    for words in unsaid:
        assert words not in text


def session_with(rules: Any, scenario: str) -> GameSession:
    session = GameSession(make_config(FACTORY.scenarios[scenario], rules=rules, opener="buyer"))
    session.begin(3)
    return session


def test_a_limit_that_moves_is_told_with_both_figures_and_the_reason() -> None:
    session = session_with({"erosion": {"hot_tension": 40.0, "rate": 0.05}}, "saas_enterprise")
    for seat in (0, 1):
        session.take_news(seat)
    moved = 0
    while not session.is_over:
        seat = session.game.seat
        view, news = session.view(seat), session.take_news(seat)
        text = position(view, None, news, session.text)
        is_told = "your limit has moved from" in text
        assert is_told is (news.limit_before != view.reservation_price)
        if is_told and news.erosions and not news.headlines:
            assert news.limit_before is not None
            before, now = f"USD {news.limit_before:,.0f}", f"USD {view.reservation_price:,.0f}"
            assert f"Hot talks have eroded what both can agree on: your limit has moved from {before} to {now}." in text
            moved += 1
        session.play(seat, view.make_offer(view.scenario.low if seat == 0 else view.scenario.high))
    assert moved > 2


def test_a_headline_that_moves_the_limit_is_its_reason() -> None:
    session = session_of()
    view = session.view(0)
    text = position(
        view, None, News(("A rival drops its price.",), limit_before=view.reservation_price + 700), session.text
    )
    assert "News: A rival drops its price.\n" in text
    assert (
        f"The news has changed your position: your limit has moved from USD {view.reservation_price + 700:,.0f}" in text
    )
    assert "has moved" not in position(view, None, News(limit_before=view.reservation_price), session.text)
    assert "has moved" not in position(view, None, News(), session.text)


def test_the_text_has_nothing_of_the_other_seat() -> None:
    """The other seat's private figures change, and the text of a whole game does not."""
    texts = []
    for limit in (121_111.0, 139_999.0):
        session = session_of("hardliner", 7)
        session.game.row["reservation"][1] = session.scenario.normalise(limit)
        session.game.row["urgency"][1] = 0.123456
        told = [introduction(session.view(0), session.text)]
        for amount in (112_000, 113_000, 114_000):
            session.play(0, session.view(0).make_offer(amount))
            belief = session.belief(0)
            assert belief is not None
            told.append(position(session.view(0), belief.as_dict(), session.take_news(0), session.text))
        texts.append(told)
    assert texts[0] == texts[1]
