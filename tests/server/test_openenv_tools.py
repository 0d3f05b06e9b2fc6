"""The moves as tools, by OpenEnv's actions about tools and by JSON-RPC on the connection of a game."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from parlay_marl.errors import RequestError
from parlay_marl.language.tools import TOOL_NAMES
from parlay_marl.server.openenv_parts import CallToolAction, CallToolObservation, ListToolsAction, ListToolsObservation
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_action import ReceivedAction
from parlay_marl.server.protocols.openenv_messages import NegotiationAction
from parlay_marl.server.protocols.openenv_socket import answer
from tests.server.table import factory

FACTORY = factory()


def environment() -> NegotiationEnvironment:
    return NegotiationEnvironment(FACTORY)


def call(name: str, **arguments: Any) -> CallToolAction:
    return CallToolAction(tool_name=name, arguments=arguments)


def rpc(env: NegotiationEnvironment, method: str, **params: Any) -> dict[str, Any]:
    """Return the answer to a request of MCP in the connection of a game."""
    request = {"jsonrpc": "2.0", "method": method, "params": params, "id": 7}
    whole = json.loads(asyncio.run(answer(env, {"type": "mcp", "data": request})) or "")
    assert whole["type"] == "mcp"
    told: dict[str, Any] = whole["data"]
    assert (told["jsonrpc"], told["id"]) == ("2.0", 7)
    return told


def test_there_is_a_tool_for_each_move_and_one_for_a_belief() -> None:
    seen = environment().step(ListToolsAction())
    assert isinstance(seen, ListToolsObservation)
    assert tuple(tool.name for tool in seen.tools) == TOOL_NAMES
    for tool in seen.tools:
        assert tool.description
        Draft202012Validator.check_schema(tool.input_schema)


def test_in_a_game_the_tools_are_those_of_its_scenario() -> None:
    env = environment()
    env.reset(seed=1, scenario="hiring_package_terms")
    offer = next(tool for tool in env.step(ListToolsAction()).tools if tool.name == "offer")
    options = offer.input_schema["properties"]["terms"]["properties"]
    session = env._session
    assert session is not None
    assert set(options) == {term.name for term in session.scenario.terms}
    assert not any(tool["name"] == "state_belief" for tool in env.tools())
    env.reset(seed=1, beliefs="elicited")
    assert any(tool["name"] == "state_belief" for tool in env.tools())


def test_a_call_is_a_turn_and_its_result_is_what_the_seat_sees() -> None:
    env, same = environment(), environment()
    for each in (env, same):
        each.reset(seed=5, opener="buyer", episode_id="mine")
    called = env.step(call("offer", price=120_000, words="So?"))
    seen = same.step(NegotiationAction(offer_amount=120_000, utterance="So?"))
    assert isinstance(called, CallToolObservation)
    assert (called.error, called.reward, called.done) == (None, seen.reward, seen.done)
    assert called.result["content"] == [{"type": "text", "text": seen.text}]
    whole = called.result["structuredContent"]
    assert whole["observation"] | {"reward": 0.0, "done": False} == json.loads(seen.model_dump_json()) | {
        "price_range": tuple(seen.price_range)
    }
    assert called.result["data"] == {"text": seen.text, "reward": seen.reward, "done": seen.done}


def test_a_whole_game_by_tools_ends_with_its_outcome() -> None:
    env = environment()
    env.reset(seed=5, opponent="conceder", opener="buyer")
    amount, called = 120_000, env.step(call("offer", price=120_000))
    while not called.done:
        amount += 3_000
        called = env.step(call("offer", price=min(amount, 160_000)))
    assert called.metadata["outcome"]["ending"] in ("deal", "deadline", "walk_away")
    assert called.reward == pytest.approx(env.state.cumulative_reward)


@pytest.mark.parametrize(
    ("action", "kind", "said"),
    [
        (call("fly"), "tool_not_found", "no such tool"),
        (call("reset"), "tool_not_found", "no such tool"),
        (call("offer"), "execution_error", "needs a price"),
        (call("offer", price="much"), "execution_error", "no price"),
        (call("offer", price=1), "execution_error", "outside the public range"),
        (call("offer", price=120_000, colour="red"), "execution_error", "means nothing here"),
        (call("challenge"), "execution_error", "not legal now"),
        (call("keep_silent", words="x" * 2_001), "execution_error", "2,001 characters"),
    ],
)
def test_what_is_wrong_with_a_call_is_told_and_changes_nothing(action: Any, kind: str, said: str) -> None:
    env = environment()
    env.reset(seed=5, opener="buyer")
    before = env.state.model_dump()
    for _ in range(3):  # a call that fails is no message without a move: it never costs the turn
        called = env.step(action)
        assert called.result is None
        assert called.error.error_type.value == kind
        assert said in called.error.message
    assert env.state.model_dump() == before
    told = rpc(env, "tools/call", name=action.tool_name, arguments=action.arguments)
    if kind == "tool_not_found":
        assert told["error"]["code"] == -32602
    else:
        assert told["result"]["isError"]
        assert said in told["result"]["content"][0]["text"]
    assert env.state.model_dump() == before


def test_before_a_reset_tools_are_listed_and_calls_say_what_is_missing() -> None:
    assert len(rpc(environment(), "tools/list")["result"]["tools"]) == len(TOOL_NAMES)
    told = rpc(environment(), "tools/call", name="accept", arguments={})
    assert told["result"]["isError"]
    assert "send a reset first" in told["result"]["content"][0]["text"]
    assert "Missing 'name'" in rpc(environment(), "tools/call")["error"]["message"]
    told = rpc(environment(), "tools/call", name="accept", arguments=[1])
    assert "give an object" in told["result"]["content"][0]["text"]


def test_the_websocket_takes_openenvs_actions_about_tools() -> None:
    async def talk() -> list[dict[str, Any]]:
        env = environment()
        messages = [
            {"type": "list_tools"},
            {"type": "call_tool", "tool_name": "offer", "arguments": {"price": 120_000}},
            {"type": "call_tool", "arguments": 3},
        ]
        await answer(env, {"type": "reset", "data": {"seed": 5, "opener": "buyer"}})
        return [json.loads(await answer(env, {"type": "step", "data": data}) or "") for data in messages]

    listed, called, wrong = asyncio.run(talk())
    assert [tool["name"] for tool in listed["data"]["observation"]["tools"]] == list(TOOL_NAMES[:-1])
    assert called["data"]["observation"]["tool_name"] == "offer"
    assert called["data"]["observation"]["error"] is None
    assert called["data"]["reward"] == 0.0
    assert wrong["type"] == "error"
    assert wrong["data"]["message"].startswith("call_tool: tool_name: Field required")


def test_openenvs_own_server_hands_actions_about_tools_over_as_turns_with_unknown_keys() -> None:
    env = environment()
    listed = env.step(ReceivedAction.model_validate({"type": "list_tools"}))
    assert isinstance(listed, ListToolsObservation)
    env.reset(seed=5, opener="buyer")
    data = {"type": "call_tool", "tool_name": "offer", "arguments": {"price": 120_000}}
    called = asyncio.run(env.step_async(ReceivedAction.model_validate(data)))
    assert called.error is None
    with pytest.raises(RequestError, match="call_tool: tool_name"):
        env.step(ReceivedAction.model_validate({"type": "call_tool"}))
    with pytest.raises(RequestError, match="no key of an action"):
        env.step(ReceivedAction.model_validate({"type": "fly"}))


def test_what_nobody_expected_is_an_error_of_json_rpc_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    env = environment()
    env.reset(seed=1, opener="buyer")

    def fail(*_: Any) -> None:
        raise KeyError("secret 123456")

    monkeypatch.setattr(env._session, "play", fail)
    told = rpc(env, "tools/call", name="keep_silent", arguments={})
    assert told["error"]["code"] == -32603
    assert "as if it had not been made" in told["error"]["message"]
