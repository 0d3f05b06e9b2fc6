"""An amount that the server tells, in either protocol, can be sent back and is then exactly what stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from parlay_marl.language.view_text import spoken
from parlay_marl.server.game_request import game_request
from parlay_marl.server.protocols.first import first_router
from parlay_marl.server.session import GameSession
from tests.cli.test_told_prices import RANGES, deal, ranges, written
from tests.server.table import factory


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("deals")
    return [written(name, folder) for name in RANGES]


def session(places: list[Path], name: str, opponent: str | None) -> GameSession:
    shared = factory(scenario=[str(place) for place in places])
    request = game_request({"scenario": name, "opener": "buyer"})
    made = shared.session(request, opponent, "buyer") if opponent else GameSession(request.config(shared.scenarios))
    made.begin(3)
    return made


@ranges
@pytest.mark.parametrize("opponent", ["conceder", "shark", "micro"])
def test_an_amount_sent_back_stands_and_a_deal_is_at_it(places: list[Path], name: str, opponent: str) -> None:
    game, scenario = session(places, name, opponent), deal(name)
    game.play(0, game.view(0).anchor())
    told = game.view(0).counter_offer
    assert told is not None
    assert scenario.low <= told.price <= scenario.high
    assert f"{told.price:,.{scenario.decimals}f}" in spoken(game.turns[1], game.text)
    game.play(0, game.view(0).make_offer(told.price))
    sent = next(turn for turn in game.history()[2:] if turn["seat"] == "buyer")
    assert sent["amount"] == told.price
    assert game.turns[2].price == pytest.approx(game.turns[1].price, abs=1e-12)
    if game.is_over:
        assert game.outcome()["price"] == told.price

    taken = session(places, name, opponent)
    taken.play(0, taken.view(0).anchor())
    taken.play(0, taken.view(0).accept())
    assert taken.outcome()["price"] == told.price
    assert taken.history()[-1]["amount"] == told.price


@ranges
def test_a_clients_amount_between_two_units_is_told_exactly(places: list[Path], name: str) -> None:
    game, scenario = session(places, name, None), deal(name)
    amount = round(scenario.low + 1.625 * scenario.price_unit, scenario.exact_decimals)
    game.play(0, game.view(0).make_offer(amount))
    told = game.view(1).counter_offer
    assert told is not None
    assert told.price == amount
    assert float(spoken(game.turns[0], game.text).split()[-1].rstrip(".").replace(",", "")) == amount
    game.play(1, game.view(1).accept())
    assert game.outcome()["price"] == amount


@ranges
def test_the_first_protocol_tells_what_can_be_sent_back(places: list[Path], name: str) -> None:
    app = FastAPI()
    app.include_router(first_router(factory(scenario=[str(place) for place in places])))
    scenario = deal(name)
    with TestClient(app).websocket_connect("/env/ws") as socket:

        def ask(command: str, **params: Any) -> Any:
            socket.send_text(json.dumps({"cmd": command, **params}))
            return json.loads(socket.receive_text())

        session = ask("reset", scenario_id=name, persona="hardliner", seed=7)["session_id"]
        offered = {"offer_amount": scenario.high, "utterance": "My offer."}
        seen = ask("step", session_id=session, **offered)["observation"]
        told = seen["opponent_offer"]
        assert scenario.low <= told < scenario.high
        ask("step", session_id=session, offer_amount=told, utterance="Then this.")
        state = ask("state", session_id=session)["state"]
    assert state["offer_history"][-1] == told
    assert state["deal_reached"], "an offer that meets theirs takes it"
