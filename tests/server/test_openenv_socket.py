"""The WebSocket of OpenEnv's protocol: its replies are those that OpenEnv's own handler would send."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from openenv.core.env_server.serialization import serialize_observation
from openenv.core.env_server.types import WSObservationResponse

from parlay_marl.server.game_request import game_request
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation
from parlay_marl.server.protocols.openenv_seen import Seen
from parlay_marl.server.protocols.openenv_socket import _observation, answer
from tests.processes import run
from tests.server.table import factory

FACTORY = factory()
OPEN = factory(allow_rules=True)


def openenvs(seen: Seen) -> str:
    """Return the reply that OpenEnv makes of an observation."""
    return WSObservationResponse(data=serialize_observation(seen.model())).model_dump_json()


@pytest.mark.parametrize(
    "options",
    [
        {"scenario": "saas_enterprise"},
        {"scenario": "acquisition_terms", "opponent": "linear", "role": "seller"},
        {"scenario": "hiring_package_terms", "text": False, "beliefs": "none", "reward": "shaped"},
        {"scenario": "uniform", "rules": {"credibility": {"regain": 4}}, "information": "complete", "opener": "seller"},
        {"scenario": "saas_enterprise", "rules": "seed", "opponent": "shark"},
        {"scenario": "off_centre"},  # the deal of a family, whose range is made of NumPy's numbers
    ],
)
def test_observations_are_byte_for_byte_what_openenv_makes_of_them(options: dict[str, Any]) -> None:
    async def game() -> int:
        env = NegotiationEnvironment(OPEN)
        seen, count = await env.begin({"seed": 5, **options}), 0
        low, high = seen.fields["price_range"]
        while True:
            assert _observation(seen) == openenvs(seen)
            assert tuple(seen.fields) == tuple(NegotiationObservation.model_fields)[2:]
            if seen.done:
                return count
            share = 0.05 + 0.04 * count
            amount = low + share * (high - low) if seen.fields["role"] == "buyer" else high - share * (high - low)
            moves: list[dict[str, Any]] = [{"offer_amount": round(amount), "utterance": 'é "so" 価'}]
            if "SILENCE" in seen.fields["legal_moves"]:
                moves.append({"utterance": "Hm."})
            if "BATNA_REVEAL" in seen.fields["legal_moves"]:
                moves.append({"tactical_move": "batna_reveal", "offer_amount": round(amount)})
            seen = await env.take_turn(ReceivedAction.model_validate(moves[count % len(moves)]))
            count += 1

    assert asyncio.run(game()) > 2


def test_what_a_turn_before_the_first_observation_pays_is_paid_with_the_first_step() -> None:
    codes = FACTORY.new_match(game_request({"opener": "buyer", "reward": "shaped", "seed": 1}))["join_codes"]
    assert isinstance(codes, dict)
    buyer, seller = NegotiationEnvironment(FACTORY), NegotiationEnvironment(FACTORY)
    buyer.reset(join_code=codes["buyer"])
    buyer.step(NegotiationAction(offer_amount=150_000.0))
    assert seller.reset(join_code=codes["seller"]).reward is None
    assert seller._session is not None
    assert seller._session.earned[1] > 0.0
    assert seller.step(NegotiationAction(offer_amount=170_000.0)).reward == seller._session.earned[1]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "step"}, "VALIDATION_ERROR"),
        ({"type": "step", "data": None}, "VALIDATION_ERROR"),
        ({"type": "step", "data": {}, "more": 1}, "VALIDATION_ERROR"),
        ({"type": "step", "data": {"offer_amount": []}}, "VALIDATION_ERROR"),
        ({"type": "reset", "data": [1]}, "VALIDATION_ERROR"),
        ({"type": "state", "data": {}}, "VALIDATION_ERROR"),
        ({"type": "close", "data": {}}, "VALIDATION_ERROR"),
        ({"type": "mcp", "data": {"method": "tools/list"}, "more": 1}, "VALIDATION_ERROR"),
        ({"type": "step", "data": {"offer_amount": 1}}, "EXECUTION_ERROR"),
        ({"type": "reset", "data": {"seed": -1}}, "EXECUTION_ERROR"),
    ],
)
def test_what_is_wrong_is_an_error_with_openenvs_code(message: dict[str, Any], code: str) -> None:
    reply = asyncio.run(answer(NegotiationEnvironment(FACTORY), message))
    assert reply is not None
    told = json.loads(reply)
    assert (told["type"], told["data"]["code"]) == ("error", code)


def test_a_goodbye_has_no_reply() -> None:
    assert asyncio.run(answer(NegotiationEnvironment(FACTORY), {"type": "close"})) is None


def test_openenv_comes_without_its_web_interface_which_can_be_imported_later() -> None:
    """Plain uvicorn imports the app by itself: no command line stands before it."""
    program = (
        "import sys\n"
        "import parlay_marl.server.app\n"
        "print('gradio' in sys.modules, 'fastapi' in sys.modules, 'NoWebInterface' in repr(sys.meta_path))\n"
        "from openenv.core.env_server import web_interface\n"
        "print('gradio' in sys.modules, web_interface.__name__)\n"
    )
    told = run([sys.executable, "-c", program], check=True).stdout.splitlines()
    assert told == ["False True False", "True openenv.core.env_server.web_interface"]
