"""Protocols: whose turn it is, who may do what, and how a deal comes about."""

import numpy as np
import pytest

from parlay_marl.core.form import Form
from parlay_marl.core.moves import Move, Refusal
from parlay_marl.core.outcome import Ending
from parlay_marl.core.protocols import PROTOCOLS
from tests.core.games import BUYER, PLAIN, SCENARIOS, SELLER, Game, random_play, sized

ANSWERS = {Move.ACCEPT, Move.SILENCE, Move.WALK_AWAY, Move.CHALLENGE}
PROPOSALS = {Move.OFFER, Move.ANCHOR_HIGH, Move.BATNA_REVEAL, Move.WALK_AWAY}


def game_of(protocol: str, setting=PLAIN, number: int = 0, **form) -> Game:
    return Game(setting, number=number, options={"form": Form(protocol=protocol, **form), "reward": "payoff"})


def test_the_protocols_are_these() -> None:
    names = ["alternating_offers", "seller_offers", "buyer_offers", "take_it_or_leave_it", "sealed_bid"]
    assert list(PROTOCOLS) == names


@pytest.mark.parametrize(("protocol", "maker"), [("seller_offers", SELLER), ("buyer_offers", BUYER)])
def test_one_seat_names_prices_and_the_other_answers(protocol: str, maker: int) -> None:
    rng, endings = np.random.default_rng(0), set()
    for number in range(sized(20)):
        game = game_of(protocol, SCENARIOS["stormy"], number)
        assert game.on_turn == maker
        while not game.over:
            assert set(game.legal_moves()) <= (PROPOSALS if game.on_turn == maker else ANSWERS)
            assert game.legal_moves()
            next(random_play(rng, game))
        endings.add(Ending(int(game.row["ending"])))
        assert game.row["offers_made"][1 - maker] == 0
    assert Ending.DEAL in endings


def test_the_opener_of_offers_by_one_seat_cannot_be_fixed_otherwise() -> None:
    form = {"form": Form(protocol="seller_offers")}
    assert Game(PLAIN, options=form, opener=BUYER).on_turn == SELLER


def test_no_by_silence_goes_on_to_the_next_round_and_its_price() -> None:
    game = game_of("seller_offers")
    game.play(Move.OFFER, 0.75)
    assert game.attempt(Move.OFFER, 0.5) == Refusal.NOT_IN_THIS_GAME
    game.play(Move.SILENCE)
    assert (game.row["round"], game.on_turn) == (1, SELLER)
    assert game.attempt(Move.SILENCE) == Refusal.NOT_IN_THIS_GAME
    game.play(Move.OFFER, 0.5)
    left = game.row["payoff_left"].copy()
    paid = game.play(Move.ACCEPT)
    assert paid == pytest.approx([left[BUYER] * 0.3 / 0.6, left[SELLER] * 0.3 / 0.6])


@pytest.mark.parametrize("opener", [BUYER, SELLER])
def test_take_it_or_leave_it_is_one_price_and_one_answer(opener: int) -> None:
    for answer, ending in ((Move.ACCEPT, 1), (Move.WALK_AWAY, 2), (Move.SILENCE, 4)):
        game = Game(PLAIN, options={"form": Form(protocol="take_it_or_leave_it")}, opener=opener)
        assert game.p["scenario"]["rounds"] == 1
        assert set(game.legal_moves()) == PROPOSALS - {Move.WALK_AWAY}
        game.play(Move.OFFER, 0.5)
        assert set(game.legal_moves()) == ANSWERS - {Move.CHALLENGE}
        game.play(answer)
        assert game.row["ending"] == ending


@pytest.mark.parametrize("opener", [BUYER, SELLER])
@pytest.mark.parametrize(
    ("bid", "ask", "share", "price"),
    [
        (0.7, 0.3, 0.5, 0.5),
        (0.7, 0.3, 0.25, 0.4),
        (0.7, 0.3, 0.0, 0.3),
        (0.7, 0.3, 1.0, 0.7),
        (0.4, 0.4, 0.9, 0.4),
        (0.3, 0.7, 0.5, None),
    ],
)
def test_sealed_bids_meet_between_the_two_prices(
    opener: int, bid: float, ask: float, share: float, price: float
) -> None:
    form = Form(protocol="sealed_bid", price_share=share)
    game = Game(PLAIN, options={"form": form, "reward": "payoff"}, opener=opener)
    named = {BUYER: bid, SELLER: ask}
    assert game.legal_moves() == [Move.OFFER]
    assert game.play(Move.OFFER, named[opener]).tolist() == [0, 0]
    assert game.legal_moves() == [Move.OFFER]
    paid, report = game.play(Move.OFFER, named[1 - opener]), game.report()
    assert report["first_price"].tolist() == [bid, ask]
    if price is None:
        assert (report["ending"], report["closed_by"], paid.tolist()) == (Ending.DEADLINE, -1, [0, 0])
        assert game.row["offer_price"].tolist() == [bid, ask]
    else:
        assert (report["ending"], report["closed_by"]) == (Ending.DEAL, 1 - opener)
        assert report["price"] == pytest.approx(price, abs=1e-15)
        assert paid == pytest.approx([(0.8 - price) / 0.6, (price - 0.2) / 0.6])


@pytest.mark.parametrize("beliefs", ["bayes", "heuristic", "none", "elicited"])
@pytest.mark.parametrize("information", ["incomplete", "complete"])
def test_a_sealed_price_reaches_nothing_that_the_other_seat_sees(beliefs: str, information: str) -> None:
    seen = []
    for price in (0.0, 0.3, 0.55, 1.0):
        options = {"form": Form(protocol="sealed_bid"), "beliefs": beliefs, "information": information}
        game = Game(SCENARIOS["types"], options=options, number=3)
        first = game.on_turn
        before = game.look(first)[0]
        paid = game.play(Move.OFFER, price)
        seen.append((game.look(1 - first)[0].tobytes(), game.look(1 - first)[1].tobytes(), paid.tobytes()))
        assert game.look(first)[0].tobytes() == before.tobytes(), "what it has named itself, it need not be told"
        assert game.row["sealed_price"] == price
    assert len(set(seen)) == 1
