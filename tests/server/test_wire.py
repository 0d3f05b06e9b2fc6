"""Over real sockets: OpenEnv's own clients and ours, its validation, capacity, and the game of the PettingZoo env."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from openenv.cli.__main__ import app as openenv_cli
from openenv.core import GenericEnvClient
from typer.testing import CliRunner
from websockets.sync.client import connect

from parlay_marl import negotiation_v0
from parlay_marl.core.moves import Move
from parlay_marl.server import NegotiationAction, ParlayClient
from tests.processes import LIMIT
from tests.server.table import http_get, http_post, served
from tests.server.test_openenv import conceding


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as where:
        yield where


def test_openenvs_validation_passes_every_criterion(address: str) -> None:
    result = CliRunner().invoke(openenv_cli, ["validate", "--url", f"http://{address}"])
    assert result.exit_code == 0, result.output
    assert result.output.count("PASS") == 7, result.output  # six criteria, and the verdict
    assert "FAIL" not in result.output


@pytest.mark.parametrize("role", ["buyer", "seller"])
def test_openenvs_generic_client_plays_whole_games(address: str, role: str) -> None:
    with GenericEnvClient(base_url=f"http://{address}").sync() as table:
        for seed in range(2):
            result = table.reset(seed=seed, episode_id=f"game {seed}", role=role, opponent="linear")
            assert result.observation["episode_id"] == f"game {seed}"
            steps, price = 0, result.observation["price_range"][0 if role == "buyer" else 1]
            while not result.done:
                result = table.step({"utterance": "So?", "offer_amount": price})
                price += 2_000 if role == "buyer" else -2_000
                steps += 1
            assert isinstance(result.reward, float)
            assert result.observation["metadata"]["outcome"]["ending"] == "deal"
            state = table.state()
            assert (state["episode_id"], state["step_count"]) == (f"game {seed}", steps)
            assert len(state["history"]) >= 2 * steps - 1


def test_answers_of_a_model_are_understood_or_refused_with_the_reason(address: str) -> None:
    with GenericEnvClient(base_url=f"http://{address}").sync() as table:
        table.reset(seed=3, opener="buyer", opponent="hardliner")
        for wrong, said in (
            (
                {"tactical_move": "OFFER", "price": 130_000},
                "price: no key of an action; there are utterance, offer_amount",
            ),
            ({"tactical_move": "HAGGLE"}, "tactical_move: Input should be 'ACCEPT', 'WALK_AWAY', 'OFFER'"),
            ({"offer_amount": True}, "offer_amount: give a finite number, or one written as text"),
            ({"offer_amount": "about 130"}, "offer_amount: 'about 130' is no price"),
        ):
            with pytest.raises(RuntimeError) as caught:
                table.step(wrong)
            assert said in str(caught.value)
        seen = table.step({"utterance": "So?", "tactical_move": "offer", "offer_amount": "USD 130,000"}).observation
        assert seen["offer"]["amount"] == 130_000
        table.reset(seed=3, opener="buyer", opponent="hardliner", ignore_unknown=True)
        seen = table.step({"tactical_move": "Offer", "offer_amount": "130k", "thoughts": ["hm"]}).observation
        assert seen["offer"]["amount"] == 130_000


def test_our_client_is_typed_and_plays_sync_and_async(address: str) -> None:
    with ParlayClient(f"http://{address}").sync() as table:
        result, turn = table.reset(seed=4, scenario="hiring_package_terms", opponent="veteran"), 0
        while not result.done:
            result = table.step(conceding(result.observation, turn))
            turn += 1
        assert result.observation.metadata["outcome"]["seed"] == 4
        assert table.state().done

    async def play() -> Any:
        async with ParlayClient(f"http://{address}") as table:
            result, turn = await table.reset(seed=4, scenario="hiring_package_terms", opponent="veteran"), 0
            while not result.done:
                result = await table.step(conceding(result.observation, turn))
                turn += 1
            return result.observation

    again = asyncio.run(play())
    assert again.metadata["outcome"] == result.observation.metadata["outcome"]


@pytest.mark.parametrize(("opponent", "chosen"), [("shark", {"reward": "shaped"}), ("champion", {})])
def test_the_same_seed_and_moves_end_in_the_same_game_as_the_pettingzoo_environment(
    address: str, opponent: str, chosen: dict[str, Any]
) -> None:
    env = negotiation_v0.raw_env(seller=opponent, opener="buyer", actions="mixed", **chosen)
    env.reset(seed=21)
    with ParlayClient(f"http://{address}").sync() as table:
        result = table.reset(
            seed=21, scenario="saas_enterprise", role="buyer", opponent=opponent, opener="buyer", **chosen
        )
        for turn in range(20):
            amount = 112_000.0 + 2_500.0 * turn
            result = table.step(NegotiationAction(offer_amount=amount))
            env.step({"move": int(Move.OFFER), "price": (amount - 110_000.0) / 70_000.0, "package": 0})
            assert result.reward == pytest.approx(env.rewards["buyer_0"])
            if result.done:
                break
    assert result.done is env.terminations["buyer_0"] is True
    told, outcome = result.observation.metadata["outcome"], env.outcome()
    expected = json.loads(json.dumps(outcome.as_dict()))
    assert {name: told[name] for name in expected} == expected
    assert told["seed"] == 21


def test_two_clients_meet_by_their_codes(address: str) -> None:
    made = http_post(f"http://{address}/matches", json={"scenario": "uniform", "seed": 8, "opener": "seller"}).json()
    assert set(made) == {"match_id", "join_codes"}

    async def play(seat: str) -> Any:
        async with ParlayClient(f"http://{address}") as table:
            result, turn = await table.reset(join_code=made["join_codes"][seat], episode_id=seat), 0
            while not result.done:
                result = await table.step(conceding(result.observation, turn))
                turn += 1
            return result

    async def both() -> Any:
        return await asyncio.wait_for(asyncio.gather(play("buyer"), play("seller")), LIMIT)

    bought, sold = asyncio.run(both())
    assert bought.observation.metadata["outcome"] == sold.observation.metadata["outcome"]
    assert bought.observation.role == "buyer"
    assert bought.observation.episode_id == "buyer"


def test_who_disconnects_in_the_middle_has_lost(address: str) -> None:
    made = http_post(f"http://{address}/matches", json={"opener": "buyer"}).json()

    async def play() -> Any:
        async with ParlayClient(f"http://{address}") as stays:
            async with ParlayClient(f"http://{address}") as goes:
                await goes.reset(join_code=made["join_codes"]["buyer"])
                waiting = asyncio.create_task(stays.reset(join_code=made["join_codes"]["seller"]))
                await asyncio.sleep(0.1)
            return await asyncio.wait_for(waiting, LIMIT)

    result = asyncio.run(play())
    assert result.done
    assert result.observation.metadata["outcome"]["ending"] == "forfeit"
    assert result.observation.metadata["outcome"]["closed_by"] == "buyer"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"scenario": "moon"}, 422, "unknown scenario"),
        ({"colour": 1}, 422, "colour"),
        ([1], 422, "object"),
    ],
)
def test_a_match_that_cannot_be_is_refused(address: str, body: Any, status: int, said: str) -> None:
    reply = http_post(f"http://{address}/matches", json=body)
    assert reply.status_code == status
    assert said in reply.json()["error"]


def test_a_full_server_refuses_clearly_and_recovers() -> None:
    with served(max_sessions=2) as address, connect(f"ws://{address}/ws", open_timeout=LIMIT) as first:
        with connect(f"ws://{address}/ws", open_timeout=LIMIT):
            for socket in (first,):
                socket.send('{"type": "reset"}')
                assert json.loads(socket.recv())["type"] == "observation"
            with connect(f"ws://{address}/ws", open_timeout=LIMIT) as third:
                refused = json.loads(third.recv())
                assert refused["data"]["code"] == "CAPACITY_REACHED"
                assert "2/2" in refused["data"]["message"]
        deadline = time.monotonic() + LIMIT
        while True:  # the seat of the one that has gone is free as soon as the server has noticed
            with connect(f"ws://{address}/ws", open_timeout=LIMIT) as again:
                again.send('{"type": "reset"}')
                reply = json.loads(again.recv())
            if reply["type"] == "observation" or time.monotonic() > deadline:
                break
        assert reply["type"] == "observation"
        first.send('{"type": "state"}')
        assert json.loads(first.recv())["type"] == "state"


def test_errors_leave_the_session_and_its_game_as_they_were(address: str) -> None:
    with connect(f"ws://{address}/ws", open_timeout=LIMIT) as socket:

        def ask(message: Any) -> Any:
            socket.send(message if isinstance(message, str) else json.dumps(message))
            return json.loads(socket.recv())

        assert "send a reset first" in ask({"type": "step", "data": {"offer_amount": 1.0}})["data"]["message"]
        ask({"type": "reset", "data": {"seed": 3, "opener": "buyer"}})
        before = ask({"type": "state"})
        for wrong in (
            "{",
            "[1]",
            '"x"',
            "NaN",
            {"type": "dance"},
            {"type": "step"},
            {"type": "step", "data": {"offer_amount": "much"}},
            {"type": "step", "data": {"offer_amount": 1.0}},
            {"type": "step", "data": {"accept": True}},
            {"type": "step", "data": {"utterance": "x" * 3000, "offer_amount": 120_000.0}},
            {"type": "reset", "data": {"scenario": "moon"}},
            {"type": "reset", "data": {"session_id": "x"}},
            '{"type": "step", "data": {"offer_amount": NaN}}',
            '{"type": "step", "data": {"utterance": "\\ud800"}}',
        ):
            reply = ask(wrong)
            assert reply["type"] == "error", wrong
            assert reply["data"]["message"]
            assert "x" * 100 not in json.dumps(reply)
        assert ask({"type": "state"}) == before
        assert ask({"type": "step", "data": {"offer_amount": 120_000.0}})["type"] == "observation"


def test_the_pages_for_operators(address: str) -> None:
    assert http_get(f"http://{address}/health").json() == {"status": "healthy"}
    figures = http_get(f"http://{address}/metrics").text
    assert "parlay_" in figures
    schema = http_get(f"http://{address}/schema").json()
    assert "offer_amount" in json.dumps(schema["action"])
    assert "counter_offer" in json.dumps(schema["observation"])
    assert http_get(f"http://{address}/metadata").json()["name"] == "parlay_marl"


def test_over_http_nothing_is_kept_and_that_is_said(address: str) -> None:
    """OpenEnv's HTTP routes make an environment for each call."""
    begun = http_post(f"http://{address}/reset", json={"seed": 3, "role": "seller"})
    assert begun.status_code == 200
    assert begun.json()["observation"]["role"] == "seller"
    step = http_post(f"http://{address}/step", json={"action": {"offer_amount": 120_000.0}})
    assert step.status_code == 409
    assert "send a reset first" in step.json()["error"]
    codes = http_post(f"http://{address}/matches").json()["join_codes"]
    seat = http_post(f"http://{address}/reset", json={"join_code": codes["buyer"]})
    assert seat.status_code == 422
    assert "a seat is taken over a WebSocket" in seat.json()["error"]
    with ParlayClient(f"http://{address}").sync() as table:
        assert table.reset(join_code=codes["buyer"], opener="buyer").observation.role == "buyer"
    odd = http_post(f"http://{address}/matches", json={"rules": "{"})
    assert odd.status_code == 422
    assert len(http_post(f"http://{address}/matches", json={str(key): 1 for key in range(5_000)}).text) < 700
    wrong = http_post(f"http://{address}/reset", json={"scenario": "moon"})
    assert wrong.status_code == 422
    assert "unknown scenario 'moon'" in wrong.json()["error"]
