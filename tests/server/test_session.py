"""One game on the server: how messages are parsed, and that refusals change nothing."""

from __future__ import annotations

import contextlib
import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import Move
from parlay_marl.errors import GameOverError, IllegalMoveError, ParlayError, UnknownNameError
from parlay_marl.server.game_request import game_request
from parlay_marl.server.parsing import parse_action
from parlay_marl.server.session import GameSession
from tests.helpers import content, examples
from tests.server.table import factory

FACTORY = factory()
BUYER, SELLER = 0, 1

Fields = dict[str, Any]
"""The fields of a message, as `parse_action` takes them."""


def table(
    opponent: str = "hardliner", role: str = "buyer", seed: int = 3, scenario: str = "saas_enterprise", **request: Any
) -> GameSession:
    session = FACTORY.session(game_request({"scenario": scenario, "opener": role, **request}), opponent, role)
    session.begin(seed)
    return session


def play(session: GameSession, seat: int = BUYER, words: str = "", **fields: Any) -> None:
    session.play(seat, parse_action(session.view(seat), words, **fields))


def last_move(session: GameSession, seat: int = BUYER) -> tuple[Move, float | None]:
    turn = session.last_turn_of(seat)
    assert turn is not None
    return turn.move, None if turn.price is None else session.scenario.to_currency(turn.price)


@pytest.mark.parametrize(
    ("fields", "move", "amount"),
    [
        (Fields(amount=130_000.0), Move.OFFER, 130_000.0),
        (Fields(amount=130_000.5, words="Take 99."), Move.OFFER, 130_000.5),
        (Fields(tactic=Move.ANCHOR_HIGH), Move.ANCHOR_HIGH, 110_000.0),
        (Fields(amount=115_000.0, tactic=Move.ANCHOR_HIGH), Move.ANCHOR_HIGH, 115_000.0),
        (Fields(amount=140_000.0, tactic=Move.BATNA_REVEAL), Move.BATNA_REVEAL, 140_000.0),
        (Fields(tactic=Move.SILENCE), Move.SILENCE, None),
        (Fields(words="I offer you 170,000, and that is a promise."), Move.SILENCE, None),
        (Fields(words="You are bluffing."), Move.SILENCE, None),  # there is no claim that it could be about
    ],
)
def test_a_message_is_this_move(fields: Fields, move: Move, amount: float | None) -> None:
    session = table()
    play(session, BUYER, **fields)
    assert last_move(session) == (move, amount)


def test_a_claim_without_an_amount_is_refused_and_tells_nothing() -> None:
    session = table()
    before = content(session.game.rows)
    with pytest.raises(IllegalMoveError, match=r"^offer_amount: BATNA_REVEAL needs an amount; give one$"):
        play(session, BUYER, tactic=Move.BATNA_REVEAL)
    assert content(session.game.rows) == before


def claimed() -> GameSession:
    """Return a game of two clients in which the buyer has an open claim and the seller is on turn."""
    session = GameSession(game_request({"opener": "buyer"}).config(FACTORY.scenarios))
    session.begin(1)
    play(session, BUYER, amount=120_000.0, tactic=Move.BATNA_REVEAL)
    return session


@pytest.mark.parametrize(
    ("fields", "move"),
    [
        (Fields(words="I don't believe that for a second."), Move.CHALLENGE),
        (Fields(tactic=Move.CHALLENGE), Move.CHALLENGE),
        (Fields(amount=170_000.0, words="You are bluffing."), Move.OFFER),  # words beside a move never bind
        (Fields(tactic=Move.SILENCE, words="You are bluffing."), Move.SILENCE),
        (Fields(words="I believe you, and say nothing."), Move.SILENCE),
        (Fields(accept=True, words="You are bluffing, but well."), Move.ACCEPT),
    ],
)
def test_scepticism_is_a_challenge_only_where_no_move_is_set_and_a_claim_is_open(fields: Fields, move: Move) -> None:
    session = claimed()
    play(session, SELLER, **fields)
    assert last_move(session, SELLER)[0] is move


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (Fields(), "nothing was done"),
        (Fields(accept=True), "no offer of the other seat stands"),
        (Fields(walk_away=True), "the other seat has not had a turn yet"),
        (Fields(accept=True, walk_away=True), "accept and walk_away are two moves"),
        (Fields(accept=True, tactic=Move.SILENCE), "two moves"),
        (Fields(accept=True, amount=120_000.0), "accept: no offer goes with it"),
        (Fields(amount=120_000.0, tactic=Move.SILENCE), "tactical_move: no offer goes with it"),
        (Fields(tactic=Move.CHALLENGE), "no open claim"),
        (Fields(amount=109_999.99), "USD 110,000 to USD 180,000; give a price within it"),
        (Fields(amount=float("nan")), "outside the public range"),
        (Fields(amount=float("inf")), "outside the public range"),
        (Fields(terms={"x": "y"}, words="hm"), "they need a price"),
        (Fields(amount=120_000.0, terms={"warranty": "none"}), "unknown term 'warranty'"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(fields: Fields, said: str) -> None:
    session = table()
    before = content(session.game.rows), list(session.game.actions), list(session.earned)
    with pytest.raises(ParlayError, match=said):
        play(session, BUYER, **fields)
    assert (content(session.game.rows), list(session.game.actions), list(session.earned)) == before
    assert session.client_turns == 0
    play(session, BUYER, amount=120_000.0)


def test_it_is_the_others_turn_until_it_has_moved() -> None:
    session = claimed()
    with pytest.raises(IllegalMoveError, match="it is the turn of the seller"):
        play(session, BUYER, amount=120_000.0)


def test_a_game_that_nobody_holds_is_gone_at_once() -> None:
    """Without waiting for the garbage collector, which would stop all games on a server."""
    gc.disable()
    try:
        session = table()
        play(session, BUYER, amount=120_000.0)
        alive = weakref.ref(session.game)
        del session
        assert alive() is None
    finally:
        gc.enable()


def test_after_the_end_nothing_can_be_done() -> None:
    session = table()
    play(session, BUYER, amount=110_000.0)
    play(session, BUYER, walk_away=True)
    assert session.is_over
    with pytest.raises(GameOverError):
        play(session, BUYER, amount=120_000.0)
    assert session.outcome()["ending"] == "walk_away"


def test_who_changes_what_a_history_tells_changes_nothing_else() -> None:
    session = table(scenario="acquisition_terms")
    play(session, amount=session.scenario.low)
    told = session.history()
    told[0]["terms"]["clause"] = "forged"
    assert told != session.history()
    assert all("clause" not in session.text.terms_of(package) for package in range(session.text.packages))


def test_terms_are_named_and_those_that_are_not_stay() -> None:
    session = table(scenario="hiring_package_terms")
    terms = session.scenario.terms
    first = {terms[0].name: terms[0].options[-1].name}
    play(session, BUYER, amount=session.scenario.low, terms=first)
    offered = session.view(BUYER).offer
    assert offered is not None
    assert session.text.terms_of(offered.package)[terms[0].name] == terms[0].options[-1].name
    second = {terms[1].name: terms[1].options[0].name}
    play(session, BUYER, amount=session.scenario.low, terms=second)
    again = session.view(BUYER).offer
    assert again is not None
    assert session.text.terms_of(again.package) == first | second | {
        name: option for name, option in session.text.terms_of(offered.package).items() if name not in first | second
    }
    with pytest.raises(UnknownNameError, match="unknown option of"):
        play(session, BUYER, amount=session.scenario.low, terms={terms[0].name: "nothing"})
    assert len(session.view(BUYER).package_worth) == session.scenario.n_packages


@pytest.mark.parametrize("role", ["buyer", "seller"])
@pytest.mark.parametrize("opponent", ["shark", "champion", "tit_for_tat", "random"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms"])
@pytest.mark.parametrize("reward", ["payoff", "shaped"])
def test_the_same_seed_and_moves_are_the_game_of_the_pettingzoo_environment(
    role: str, opponent: str, scenario: str, reward: str
) -> None:
    session = table(opponent, role, seed=11, scenario=scenario, reward=reward)
    seat = ("buyer", "seller").index(role)
    env = negotiation_v0.raw_env(
        scenario=scenario, opener=role, actions="mixed", reward=reward, **{("seller", "buyer")[seat]: opponent}
    )
    env.reset(seed=11)
    agent, paid, earned = f"{role}_0", 0.0, 0.0
    for count in range(40):
        if session.is_over:
            break
        share = (0.02 + 0.02 * count) if seat == BUYER else (0.98 - 0.02 * count)
        amount = session.scenario.to_currency(share)
        fields = Fields(amount=amount) if count != 2 else Fields(tactic=Move.SILENCE)
        action = parse_action(session.view(seat), "", **fields)
        session.play(seat, action)
        env.step(action.to_mapping())
        paid += session.take_reward(seat)
        earned += env.rewards[agent]
        assert content(session.game.rows) == content(env.game.rows)
    assert session.is_over
    assert paid == pytest.approx(earned)
    assert session.outcome()["payoff"] == env.game.outcome().payoff


@given(st.data())
@examples(60)
def test_no_message_breaks_a_game(data: st.DataObject) -> None:
    """A message is played or refused in a sentence, and rewards add up."""
    opponent, seed = data.draw(st.sampled_from(["shark", "random", "veteran"])), data.draw(st.integers(0, 50))
    session = table(opponent, seed=seed, reward="shaped")
    messages = st.builds(
        Fields,
        amount=st.none() | st.floats() | st.floats(100_000, 190_000),
        tactic=st.none() | st.sampled_from([Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.SILENCE, Move.CHALLENGE]),
        accept=st.booleans(),
        walk_away=st.sampled_from([False, False, False, True]),
        terms=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        words=st.text(max_size=20) | st.just("You are bluffing."),
    )
    total = 0.0
    for fields in data.draw(st.lists(messages, max_size=25)):
        before, actions = content(session.game.rows), session.client_turns
        with contextlib.suppress(ParlayError):
            play(session, BUYER, **fields)
        assert (content(session.game.rows) == before) is (session.client_turns == actions)
        total += session.take_reward(BUYER)
    assert total == pytest.approx(session.earned[BUYER])
