"""The size of replies: histories come in pages, however long a game and its words are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parlay_marl.errors import ParlayError
from parlay_marl.server.game_request import game_request
from parlay_marl.server.history import BYTES_OF_A_PAGE, latest_page, page_from
from parlay_marl.server.protocols.first_session import ITEMS_OF_A_PAGE, FirstSession
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_messages import NegotiationAction
from parlay_marl.server.session import GameSession
from tests.server.table import factory
from tests.server.test_openenv import environment, offer

WORDS = "\N{GRINNING FACE}\x1b" * 1_000
"""Words of the greatest length, each character of which is sent as many."""
LARGEST = 2**18
"""Bytes of a reply of a server whose clients say no more than usual."""


def long_game(rounds: int, words: str) -> NegotiationEnvironment:
    """Return a game that has gone on for long."""
    env = environment(factory(allow_rules=True))
    env.reset(seed=1, opponent="hardliner", opener="buyer", max_rounds=1_000, role="buyer")
    for _ in range(rounds):
        seen = env.step(NegotiationAction(utterance=words, offer_amount=110_000.0))
        assert len(seen.model_dump_json()) < LARGEST
    return env


def session_of(env: NegotiationEnvironment) -> GameSession:
    assert env._session is not None
    return env._session


@pytest.mark.parametrize(("rounds", "words"), [(100, WORDS), (600, "So?")])
def test_a_long_history_comes_in_pages_that_are_all_of_it(rounds: int, words: str) -> None:
    env = long_game(rounds, words)
    session, pages, start = session_of(env), [], 0
    whole = session.history()
    while start is not None:
        seen = env.step(NegotiationAction(history=start))
        assert len(seen.model_dump_json()) < LARGEST
        page = seen.metadata["history"]
        assert page["start"] == start
        pages += page["turns"]
        start = page["next"]
    assert pages == whole
    state = env.state
    assert len(state.model_dump_json()) < LARGEST
    assert state.history == whole[state.history_start :]
    assert 0 < state.history_start < len(whole)


def test_a_turn_that_is_larger_than_a_page_is_a_page_of_its_own() -> None:
    talkative = factory(max_words=100_000)
    env = environment(talkative)
    env.reset(seed=1, opponent="hardliner", opener="buyer")
    words = "x" * (BYTES_OF_A_PAGE + 1)
    env.step(offer(112_000, utterance=words))
    session = session_of(env)
    page = page_from(session, 0)
    assert [turn["utterance"] for turn in page["turns"]] == [words]
    assert page["next"] == 1
    assert latest_page(session)[0] == 1


def test_an_ordinary_history_is_one_page() -> None:
    env = long_game(15, "My price.")
    state = env.state
    assert (state.history_start, len(state.history)) == (0, 30)
    page = env.step(NegotiationAction(history=0)).metadata["history"]
    assert (page["turns"], page["next"]) == (state.history, None)


def test_asking_for_the_history_plays_nothing_and_loses_nothing() -> None:
    env = long_game(2, "So?")
    before = env.state
    env.step(NegotiationAction(history=1))
    env.step(ReceivedAction(history=1))  # as the server reads it
    assert env.state == before
    with pytest.raises(ParlayError, match=r"^thoughts: no key"):
        env.step(ReceivedAction.model_validate({"history": 1, "thoughts": "hm"}))
    for wrong in ({"history": 5}, {"history": 0, "wait": True}, {"history": 0, "offer_amount": 120_000.0}):
        with pytest.raises(ParlayError, match="history: "):
            env.step(NegotiationAction(**wrong))
    seen = env.step(NegotiationAction(walk_away=True))
    assert seen.done
    assert env.step(NegotiationAction(history=4)).metadata["history"]["turns"][0]["move"] == "WALK_AWAY"


def test_asking_for_the_history_takes_neither_news_nor_rewards() -> None:
    """In a game of two clients the other may have moved meanwhile: its words are new until the next observation."""
    shared = factory()
    codes = shared.new_match(game_request({"opener": "buyer", "reward": "shaped"}))["join_codes"]
    assert isinstance(codes, dict)
    buyer, seller = environment(shared), environment(shared)
    seller.reset(join_code=codes["seller"])
    buyer.reset(join_code=codes["buyer"])
    buyer.step(offer(120_000, utterance="My first word."))
    page = seller.step(NegotiationAction(history=0))
    assert (page.utterance, page.reward, len(page.metadata["history"]["turns"])) == ("My first word.", 0.0, 1)
    assert 'They say: "My first word."' in page.text
    seen = seller.step(offer(170_000))
    assert seen.utterance == "My first word."
    earned = session_of(seller).earned[1]
    assert seen.reward == earned
    assert seller.step(NegotiationAction(history=0)).utterance == ""


@pytest.mark.parametrize("wrong", [-1, "0", True, 0.5])
def test_a_page_is_asked_for_by_a_number(wrong: Any) -> None:
    with pytest.raises(ValueError, match="history"):
        NegotiationAction(history=wrong)


def test_the_first_protocols_state_has_pages_too() -> None:
    games = factory(rounds=1_000)
    session = FirstSession(games, "saas_enterprise", "hardliner", "seller", 1, shared=False)
    turns = 2 * ITEMS_OF_A_PAGE + 10
    assert "history_from" not in session.state()
    for turn in range(turns):
        session.game.play(session.seat, session.game.view(session.seat).anchor())
        session.beliefs.append(session.belief())
        if turn % 2:
            session.amounts.append(float(turn))
    state = session.state()
    assert len(json.dumps(state)) < LARGEST
    assert state["history_from"] == {"belief_history": turns + 1 - ITEMS_OF_A_PAGE, "offer_history": 5}
    assert state["belief_history"] == session.beliefs[-ITEMS_OF_A_PAGE:]
    assert state["offer_history"] == session.amounts[-ITEMS_OF_A_PAGE:]
    beliefs, amounts = [], []
    for start in range(0, turns + 1, ITEMS_OF_A_PAGE):
        page = session.state(start=start)
        beliefs += page["belief_history"]
        amounts += page["offer_history"]
    assert (beliefs, amounts) == (session.beliefs, session.amounts)
    assert session.state(public=True, start=10_000)["offer_history"] == []
