"""One negotiation on the server: what a client may say, what it is told, and that refusals change nothing."""

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
from parlay_marl.server.negotiation import Deed, Negotiation, setup_of
from tests.helpers import content, examples
from tests.server.table import lobby

LOBBY = lobby()
BUYER, SELLER = 0, 1


def table(
    opponent: str = "hardliner", role: str = "buyer", seed: int = 3, scenario: str = "saas_enterprise", **setup: Any
) -> Negotiation:
    negotiation = LOBBY.negotiation(setup_of({"scenario": scenario, "opener": role, **setup}), opponent, role)
    negotiation.begin(seed)
    return negotiation


def last_move(negotiation: Negotiation, seat: int = BUYER) -> tuple[Move, float | None]:
    turn, _ = negotiation.last_turn_of(seat)
    assert turn is not None
    return turn.move, None if turn.price is None else negotiation.scenario.to_currency(turn.price)


@pytest.mark.parametrize(
    ("deed", "move", "amount"),
    [
        (Deed(offer_amount=130_000.0), Move.OFFER, 130_000.0),
        (Deed(offer_amount=130_000.5, utterance="Take 99."), Move.OFFER, 130_000.5),
        (Deed(tactical_move=Move.ANCHOR_HIGH), Move.ANCHOR_HIGH, 110_000.0),
        (Deed(115_000.0, Move.ANCHOR_HIGH), Move.ANCHOR_HIGH, 115_000.0),
        (Deed(140_000.0, Move.BATNA_REVEAL), Move.BATNA_REVEAL, 140_000.0),
        (Deed(tactical_move=Move.SILENCE), Move.SILENCE, None),
        (Deed(utterance="I offer you 170,000, and that is a promise."), Move.SILENCE, None),
        (Deed(utterance="You are bluffing."), Move.SILENCE, None),  # there is no claim that it could be about
    ],
)
def test_a_deed_is_this_move(deed: Deed, move: Move, amount: float | None) -> None:
    negotiation = table()
    negotiation.act(BUYER, deed)
    assert last_move(negotiation) == (move, amount)


def test_a_claim_without_an_amount_is_refused_and_tells_nothing() -> None:
    negotiation = table()
    before = content(negotiation.game.rows)
    with pytest.raises(IllegalMoveError, match=r"^BATNA_REVEAL: it needs an amount; give offer_amount$"):
        negotiation.act(BUYER, Deed(tactical_move=Move.BATNA_REVEAL))
    assert content(negotiation.game.rows) == before


def claimed() -> Negotiation:
    """Return a game of two clients in which the buyer has an open claim and the seller is on turn."""
    negotiation = Negotiation(setup_of({"opener": "buyer"}).config(LOBBY.scenarios), (None, None))
    negotiation.begin(1)
    negotiation.act(BUYER, Deed(120_000.0, Move.BATNA_REVEAL))
    return negotiation


@pytest.mark.parametrize(
    ("deed", "move"),
    [
        (Deed(utterance="I don't believe that for a second."), Move.CHALLENGE),
        (Deed(tactical_move=Move.CHALLENGE), Move.CHALLENGE),
        (Deed(offer_amount=170_000.0, utterance="You are bluffing."), Move.OFFER),  # words beside a move never bind
        (Deed(tactical_move=Move.SILENCE, utterance="You are bluffing."), Move.SILENCE),
        (Deed(utterance="I believe you, and say nothing."), Move.SILENCE),
        (Deed(accept=True, utterance="You are bluffing, but well."), Move.ACCEPT),
    ],
)
def test_scepticism_is_a_challenge_only_where_no_move_is_set_and_a_claim_is_open(deed: Deed, move: Move) -> None:
    negotiation = claimed()
    negotiation.act(SELLER, deed)
    assert last_move(negotiation, SELLER)[0] is move


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (Deed(), "nothing was done"),
        (Deed(accept=True), "no offer of the other seat stands"),
        (Deed(walk_away=True), "the other seat has not had a turn yet"),
        (Deed(accept=True, walk_away=True), "accept and walk_away are two moves"),
        (Deed(accept=True, tactical_move=Move.SILENCE), "two moves"),
        (Deed(accept=True, offer_amount=120_000.0), "accept: no offer goes with it"),
        (Deed(120_000.0, Move.SILENCE), "tactical_move: no offer goes with it"),
        (Deed(tactical_move=Move.CHALLENGE), "no open claim"),
        (Deed(offer_amount=109_999.99), "USD 110,000 to USD 180,000; give an amount within it"),
        (Deed(offer_amount=float("nan")), "outside the public range"),
        (Deed(offer_amount=float("inf")), "outside the public range"),
        (Deed(terms={"x": "y"}, utterance="hm"), "they need a price"),
        (Deed(offer_amount=120_000.0, terms={"warranty": "none"}), "unknown term 'warranty'"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(deed: Deed, said: str) -> None:
    negotiation = table()
    before = content(negotiation.game.rows), list(negotiation.game.actions), list(negotiation.earned)
    with pytest.raises(ParlayError, match=said):
        negotiation.act(BUYER, deed)
    assert (content(negotiation.game.rows), list(negotiation.game.actions), list(negotiation.earned)) == before
    assert negotiation.actions == 0
    negotiation.act(BUYER, Deed(offer_amount=120_000.0))


def test_it_is_the_others_turn_until_it_has_moved() -> None:
    negotiation = claimed()
    with pytest.raises(IllegalMoveError, match="it is the turn of the seller"):
        negotiation.act(BUYER, Deed(offer_amount=120_000.0))


def test_a_game_that_nobody_holds_is_gone_at_once() -> None:
    """Without waiting for the garbage collector, which would stop all games on a server."""
    gc.disable()
    try:
        negotiation = table()
        negotiation.act(BUYER, Deed(offer_amount=120_000.0))
        alive = weakref.ref(negotiation.game)
        del negotiation
        assert alive() is None
    finally:
        gc.enable()


def test_after_the_end_nothing_can_be_done() -> None:
    negotiation = table()
    negotiation.act(BUYER, Deed(offer_amount=110_000.0))
    negotiation.act(BUYER, Deed(walk_away=True))
    assert negotiation.is_over
    with pytest.raises(GameOverError):
        negotiation.act(BUYER, Deed(offer_amount=120_000.0))
    assert negotiation.outcome()["ending"] == "walk_away"


def test_terms_are_named_and_those_that_are_not_stay() -> None:
    negotiation = table(scenario="hiring_package_terms")
    terms = negotiation.scenario.terms
    first = {terms[0].name: terms[0].options[-1].name}
    negotiation.act(BUYER, Deed(offer_amount=negotiation.scenario.low, terms=first))
    offered = negotiation.offer_of(BUYER, BUYER)
    assert offered is not None
    assert offered["terms"][terms[0].name] == terms[0].options[-1].name
    second = {terms[1].name: terms[1].options[0].name}
    negotiation.act(BUYER, Deed(offer_amount=negotiation.scenario.low, terms=second))
    again = negotiation.offer_of(BUYER, BUYER)
    assert again is not None
    assert again["terms"] == first | second | {
        name: option for name, option in offered["terms"].items() if name not in first | second
    }
    with pytest.raises(UnknownNameError, match="unknown option of"):
        negotiation.act(BUYER, Deed(offer_amount=negotiation.scenario.low, terms={terms[0].name: "nothing"}))
    worths = {tuple(sorted(each["terms"].items())): each["worth"] for each in negotiation.packages_for(BUYER)}
    assert len(worths) == negotiation.scenario.n_packages


@pytest.mark.parametrize("role", ["buyer", "seller"])
@pytest.mark.parametrize("opponent", ["shark", "champion", "tit_for_tat", "random"])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "acquisition_terms"])
@pytest.mark.parametrize("reward", ["payoff", "shaped"])
def test_the_same_seed_and_moves_are_the_game_of_the_pettingzoo_environment(
    role: str, opponent: str, scenario: str, reward: str
) -> None:
    negotiation = table(opponent, role, seed=11, scenario=scenario, reward=reward)
    seat = ("buyer", "seller").index(role)
    env = negotiation_v0.raw_env(
        scenario=scenario, opener=role, actions="mixed", reward=reward, **{("seller", "buyer")[seat]: opponent}
    )
    env.reset(seed=11)
    agent, paid, earned = f"{role}_0", 0.0, 0.0
    for count in range(40):
        if negotiation.is_over:
            break
        share = (0.02 + 0.02 * count) if seat == BUYER else (0.98 - 0.02 * count)
        amount = negotiation.scenario.to_currency(share)
        deed = Deed(offer_amount=amount) if count != 2 else Deed(tactical_move=Move.SILENCE)
        move = negotiation.move_of(seat, deed)
        negotiation.act(seat, deed)
        env.step({"move": int(move[0]), "price": move[1], "package": move[2]})
        paid += negotiation.take_reward(seat)
        earned += env.rewards[agent]
        assert content(negotiation.game.rows) == content(env.game.rows)
    assert negotiation.is_over
    assert paid == pytest.approx(earned)
    assert negotiation.outcome()["payoff"] == env.game.outcome().payoff


@given(st.data())
@examples(60)
def test_no_deed_breaks_a_game(data: st.DataObject) -> None:
    """Whatever comes, it is played or refused in a sentence, and rewards add up."""
    opponent, seed = data.draw(st.sampled_from(["shark", "random", "veteran"])), data.draw(st.integers(0, 50))
    negotiation = table(opponent, seed=seed, reward="shaped")
    deeds = st.builds(
        Deed,
        offer_amount=st.none() | st.floats() | st.floats(100_000, 190_000),
        tactical_move=st.none() | st.sampled_from([Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.SILENCE, Move.CHALLENGE]),
        accept=st.booleans(),
        walk_away=st.sampled_from([False, False, False, True]),
        terms=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
        utterance=st.text(max_size=20) | st.just("You are bluffing."),
    )
    total = 0.0
    for deed in data.draw(st.lists(deeds, max_size=25)):
        before, actions = content(negotiation.game.rows), negotiation.actions
        with contextlib.suppress(ParlayError):
            negotiation.act(BUYER, deed)
        assert (content(negotiation.game.rows) == before) is (negotiation.actions == actions)
        total += negotiation.take_reward(BUYER)
    assert total == pytest.approx(negotiation.earned[BUYER])
