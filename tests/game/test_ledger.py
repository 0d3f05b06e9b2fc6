"""The ledger of claims against games computed by hand, and against the counts of the report."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from typing import Any

import numpy as np
import pytest

from parlay_marl import negotiation_v0
from parlay_marl.errors import NotStartedError
from parlay_marl.game.game import Game
from parlay_marl.game.transcript import transcript
from tests.helpers import HOT, PERSONAS, SCENARIOS, pick

ACCEPT, WALK, OFFER, ANCHOR, CLAIM, SILENCE, CHALLENGE = (int(move) for move in negotiation_v0.Move)
DEAL = {"opener": "buyer", "reservation": {"buyer": 180, "seller": 120}}
"""Limits of 180 and 120 in the range 100 to 200: what lies more than 15 from one's own limit is a bluff."""


def played(*moves: tuple[int, float] | int, options: Any = DEAL, **config: Any) -> Game:
    """Return a game after moves: (move, price in currency), or a move that has no price."""
    game = Game(negotiation_v0.make_config("uniform", **config))
    game.reset(0, options)
    for given in moves:
        move, price = given if isinstance(given, tuple) else (given, 100.0)
        game.play(move, (price - 100.0) / 100.0)
    return game


def lines(game: Game) -> list[tuple[Any, ...]]:
    """Return a ledger as rows of plain figures, prices to the cent."""
    rows = (dataclasses.astuple(claim) for claim in game.ledger())
    return [(seat, turn, round(price, 2), round(truth, 2), *rest) for seat, turn, price, truth, *rest in rows]


def test_claims_that_are_challenged() -> None:
    game = played((CLAIM, 140), CHALLENGE, (OFFER, 150), (CLAIM, 130), CHALLENGE, WALK)
    assert lines(game) == [
        ("buyer", 0, 140.0, 180.0, True, "caught", 0),
        ("seller", 1, 130.0, 120.0, False, "verified", 2),
    ]


def test_a_claim_is_contradicted_by_ones_own_offer_or_acceptance() -> None:
    game = played((CLAIM, 140), (CLAIM, 160), (OFFER, 141), SILENCE, SILENCE, (OFFER, 159), (OFFER, 142), WALK)
    assert lines(game) == [
        ("buyer", 0, 140.0, 180.0, True, "contradicted", 1),
        ("seller", 0, 160.0, 120.0, True, "contradicted", 2),
    ]
    taken = played((CLAIM, 140), (OFFER, 170), ACCEPT)
    assert lines(taken) == [("buyer", 0, 140.0, 180.0, True, "contradicted", 1)]


def test_a_claim_is_replaced_by_the_next_one_or_contradicted_by_it() -> None:
    game = played((CLAIM, 140), SILENCE, (CLAIM, 135), SILENCE, (CLAIM, 170), WALK)
    assert lines(game) == [
        ("buyer", 0, 140.0, 180.0, True, "replaced", 1),
        ("buyer", 1, 135.0, 180.0, True, "contradicted", 2),
        ("buyer", 2, 170.0, 180.0, False, "open", None),
    ]


def test_a_claim_that_was_settled_is_not_settled_again() -> None:
    game = played((CLAIM, 175), CHALLENGE, (CLAIM, 176), SILENCE, (OFFER, 178), WALK)
    assert lines(game) == [
        ("buyer", 0, 175.0, 180.0, False, "verified", 0),
        ("buyer", 1, 176.0, 180.0, False, "contradicted", 2),
    ]


def test_the_truth_is_that_of_the_moment() -> None:
    """Under these rules every second turn erodes both limits, by 0.1 of the nominal width, after the turn's claim."""
    hot = {"erosion": {"hot_tension": 0.0, "hot_turns": 2, "rate": 0.1}}
    game = played((CLAIM, 170), (CLAIM, 130), (CLAIM, 165), (CLAIM, 135), (CLAIM, 155), WALK, rules=hot)
    before = [claim.truth for claim in game.ledger()]
    assert before == pytest.approx([180.0, 120.0, 170.0, 130.0, 160.0])


def test_a_game_that_goes_on_has_a_ledger_and_an_unstarted_one_none() -> None:
    game = played((CLAIM, 140))
    assert lines(game) == [("buyer", 0, 140.0, 180.0, True, "open", None)]
    game.play(CHALLENGE)
    assert game.ledger()[0].status == "caught"
    assert played((OFFER, 140)).ledger() == ()
    with pytest.raises(NotStartedError):
        Game(negotiation_v0.make_config()).ledger()


def test_a_ledger_changes_nothing() -> None:
    game = played((CLAIM, 140))
    before, moves = game.rows.tobytes(), game.actions
    game.ledger()
    assert (game.rows.tobytes(), game.actions) == (before, moves)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_ledger_agrees_with_the_report(scenario: str) -> None:
    rng, statuses = np.random.default_rng(0), set()
    for seed in range(24):
        persona = PERSONAS[seed % len(PERSONAS)] if seed % 2 else None
        env = negotiation_v0.env(scenario=scenario, rules=HOT if seed % 3 else "default", seller=persona)
        env.reset(seed=seed)
        while not env.game.is_over:
            env.step(pick(rng, env.last()[0]["action_mask"], env.game.packages))
        outcome = env.outcome()
        claims = outcome.claims
        assert claims == env.game.ledger()
        for i, seat in enumerate(("buyer", "seller")):
            own = [claim for claim in claims if claim.seat == seat]
            assert len(own) == outcome.claims_made[i]
            assert sum(claim.is_bluff for claim in own) == outcome.bluffs_made[i]
            assert sum(claim.status == "caught" for claim in own) == outcome.bluffs_caught[1 - i]
            assert sum(claim.status == "verified" for claim in own) == outcome.wrong_challenges[1 - i]
            assert all(claim.is_bluff for claim in own if claim.status == "caught")
            latest = env.game.row["claim_status"][i]
            assert not own or status_name(latest) == own[-1].status
        rounds = [claim.round for claim in claims]
        assert rounds == sorted(rounds)
        assert all(claim.settled is None or claim.round <= claim.settled <= outcome.round for claim in claims)
        assert all((claim.settled is None) == (claim.status == "open") for claim in claims)
        statuses |= {claim.status for claim in claims}
    assert statuses >= {"open", "caught", "contradicted", "replaced"}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_ledger_that_is_read_in_play_is_that_of_the_record(scenario: str) -> None:
    rng, count = np.random.default_rng(1), 0
    for seed in range(12):
        env = negotiation_v0.env(scenario=scenario, rules=HOT, seller=PERSONAS[seed % len(PERSONAS)])
        env.reset(seed=seed)
        env.game.read_turns()
        while not env.game.is_over:
            env.step(pick(rng, env.last()[0]["action_mask"], env.game.packages))
        assert env.game.ledger() == env.game.outcome().claims == env.game.record().ledger()
        count += len(env.game.ledger())
    assert count > 5


def status_name(status: int) -> str:
    """Return the name of a claim's status in the state."""
    return ("none", "open", "verified", "caught", "contradicted")[int(status)]


def test_an_outcome_keeps_its_claims_wherever_it_goes() -> None:
    game = played((CLAIM, 140), CHALLENGE, WALK)
    outcome = game.outcome()
    game.reset(5)
    for each in (outcome, copy.deepcopy(outcome), pickle.loads(pickle.dumps(outcome))):
        assert [claim.status for claim in each.claims] == ["caught"]
        assert json.loads(json.dumps(each.as_dict()))["claims"][0]["status"] == "caught"
        assert each == outcome
    with pytest.raises(dataclasses.FrozenInstanceError):
        outcome.claims[0].status = "open"


def test_the_transcript_ends_with_the_claims_once_the_game_is_over() -> None:
    game = played((CLAIM, 140), (OFFER, 170), (OFFER, 140))
    assert "truth" not in transcript(game)
    game.play(CHALLENGE)
    game.play(WALK)
    text = transcript(game)
    assert "  round 1, buyer claimed" in text
    assert "truth" in text
    assert "a bluff, caught in round 2" in " ".join(text.split())
