"""Protocols and small games on a server: a client plays them, and a sealed price reaches the other client no sooner."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parlay_marl.core.protocols import PROTOCOLS
from parlay_marl.errors import ConfigurationError, IllegalMoveError
from parlay_marl.server.game_request import game_request
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation
from tests.processes import LIMIT
from tests.server.table import factory

FACTORY = factory()
ANSWER = {"seller_offers": "buyer", "buyer_offers": "seller", "take_it_or_leave_it": "buyer"}
"""The seat that names no price."""


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_a_client_plays_every_protocol_by_the_moves_that_it_is_told(role: str, protocol: str) -> None:
    web = NegotiationEnvironment(FACTORY)
    seen = web.reset(scenario="uniform", role=role, opponent="boulware", protocol=protocol, price_levels=6, seed=3)
    told = seen.text
    if protocol != "alternating_offers":
        assert PROTOCOLS[protocol].meaning[1:] in told
    assert "Only these may be offered: USD 100.00, USD 120.00," in told
    answers = ANSWER.get(protocol) == role
    turns = 0
    while not seen.done:
        assert ("OFFER" in seen.legal_moves) is not answers
        reason = (
            "or not in this turn" if answers else "133 is no price of this game; give one of USD 100.00, USD 120.00"
        )
        with pytest.raises(IllegalMoveError, match=reason):
            web.step(NegotiationAction(offer_amount=120 if answers else 133))
        move = NegotiationAction(tactical_move="silence") if answers else NegotiationAction(offer_amount=140)
        if "ACCEPT" in seen.legal_moves and turns > 1:
            move = NegotiationAction(accept=True)
        seen, turns = web.step(move), turns + 1
    assert seen.metadata["outcome"]


def _first_price_seen(price: float) -> tuple[NegotiationObservation, NegotiationObservation]:
    """Return what the seller's client sees once the buyer's has named a price, and at the end."""
    codes: Any = FACTORY.new_match(game_request({"opener": "buyer", "protocol": "sealed_bid", "seed": 5}))["join_codes"]

    async def play() -> tuple[NegotiationObservation, NegotiationObservation]:
        buyer, seller = NegotiationEnvironment(FACTORY), NegotiationEnvironment(FACTORY)
        await buyer.reset_async(join_code=codes["buyer"])
        waiting = asyncio.create_task(seller.reset_async(join_code=codes["seller"]))
        await asyncio.sleep(0)
        action = NegotiationAction(offer_amount=price, utterance=f"I pay {price}")
        answer = asyncio.create_task(buyer.step_async(action))
        seen = await asyncio.wait_for(waiting, LIMIT)
        last = await seller.step_async(NegotiationAction(offer_amount=140_000))
        await asyncio.wait_for(answer, LIMIT)
        return seen, last

    return asyncio.run(play())


def test_a_sealed_price_reaches_the_other_client_with_the_end_and_no_sooner() -> None:
    seen = {}
    for price in (131_000, 167_000):
        before, last = _first_price_seen(price)
        plain = before.model_dump(exclude={"metadata", "episode_id"})
        assert str(price) not in str(plain)
        assert f"{price:,}" not in str(plain)
        seen[price] = plain
        assert last.done
        assert last.metadata["outcome"]["ending"] == ("deal" if price > 140_000 else "deadline")
    assert seen[131_000] == seen[167_000]


def test_a_request_that_does_not_hang_together_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="opener: in seller_offers it is seller"):
        NegotiationEnvironment(FACTORY).reset(protocol="seller_offers", opener="buyer")
