"""MCP over HTTP: OpenEnv's own client plays by its tools, and its sessions have the limits of all others."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from openenv import GenericEnvClient
from openenv.core.mcp_client import MCPToolClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from parlay_marl.errors import RequestError
from parlay_marl.language.tools import TOOL_NAMES
from parlay_marl.server.game_request import game_request
from parlay_marl.server.mcp_sessions import McpSessions
from parlay_marl.server.protocols.openenv_messages import NegotiationAction
from tests.processes import LIMIT, wait_until
from tests.server.clock import run_by_clock
from tests.server.table import factory, http_get, http_post, served

TOKEN = "correct-horse-battery-staple"


def ask(address: str, method: str, headers: dict[str, str] | None = None, **params: Any) -> dict[str, Any]:
    """Return the answer to a request at `/mcp`."""
    request = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
    told: dict[str, Any] = http_post(f"http://{address}/mcp", json=request, headers=headers).json()
    return told


def begin(address: str, headers: dict[str, str] | None = None) -> str:
    """Return the id of a new session."""
    name: str = ask(address, "openenv/session/create", headers)["result"]["session_id"]
    return name


def attached(address: str, session: str, **options: Any) -> ClientConnection:
    return connect(f"ws://{address}/ws?session_id={session}", open_timeout=LIMIT, **options)


@contextmanager
def attached_again(address: str, session: str) -> Iterator[ClientConnection]:
    """Yield a connection that has a session, as soon as the server knows that the one before has ended."""
    while True:
        with attached(address, session) as socket:
            if talk(socket, "state")["type"] == "state":
                yield socket
                return


def talk(socket: ClientConnection, kind: str, **data: Any) -> dict[str, Any]:
    socket.send(json.dumps({"type": kind, **({"data": data} if kind != "state" else {})}))
    told: dict[str, Any] = json.loads(socket.recv(LIMIT))
    return told


def test_openenvs_mcp_client_plays_a_game_by_tools() -> None:
    async def play(address: str) -> tuple[Any, ...]:
        async with MCPToolClient(base_url=f"http://{address}", message_timeout_s=LIMIT) as env:
            first = await env.reset(seed=5, opener="buyer", opponent="conceder", form="tools")
            names = [tool.name for tool in await env.list_tools()]
            told = await env.call_tool("offer", price=120_000, words="So?")
            amount = 120_000
            while not told["done"]:
                amount += 4_000
                told = await env.call_tool("offer", price=min(amount, 160_000))
            return first, names, told, await env.state()

    with served() as address:
        first, names, told, state = asyncio.run(asyncio.wait_for(play(address), LIMIT))
        assert "keep_silent" in first.observation.text
        assert names == list(TOOL_NAMES[:-1])
        assert told["reward"] is not None
        assert state.step_count > 1
        assert wait_until(lambda: 'sessions_open{protocol="openenv"} 0.0' in http_get(f"http://{address}/metrics").text)


def test_openenvs_generic_client_asks_for_tools_on_its_connection() -> None:
    async def play(address: str) -> tuple[Any, Any]:
        async with GenericEnvClient(base_url=f"http://{address}", message_timeout_s=LIMIT) as env:
            listed = await env.step({"type": "list_tools"})
            await env.reset(seed=5, opener="buyer")
            call = {"type": "call_tool", "tool_name": "offer", "arguments": {"price": 120_000}}
            return listed, await env.step(call)

    with served() as address:
        listed, called = asyncio.run(asyncio.wait_for(play(address), LIMIT))
    assert [tool["name"] for tool in listed.observation["tools"]] == list(TOOL_NAMES)
    assert called.observation["result"]["isError"] is False


def test_outside_of_a_session_tools_are_only_listed() -> None:
    with served() as address:
        assert len(ask(address, "tools/list")["result"]["tools"]) == len(TOOL_NAMES)
        told = ask(address, "tools/call", name="accept")["result"]
        assert told["isError"]
        assert "send a reset first" in told["data"]["text"]
        for wrong in ({"session_id": "guess"}, {"session_id": 3}, {"session_id": None}):
            assert "no such session" in ask(address, "tools/list", **wrong)["error"]["message"]
        assert http_post(f"http://{address}/mcp", content=b"").json()["error"]["code"] == -32700
        assert http_post(f"http://{address}/mcp", json={}).json()["jsonrpc"] == "2.0"


def test_a_call_after_the_end_says_how_another_game_begins() -> None:
    with served() as address:
        session = begin(address)
        with attached(address, session) as socket:
            talk(socket, "reset", seed=5, opener="seller")
            assert not ask(address, "tools/call", session_id=session, name="walk_away")["result"]["isError"]
        told = ask(address, "tools/call", session_id=session, name="walk_away")["result"]
        assert told["isError"]
        assert "another session, or a reset, begins another game" in told["data"]["text"]
        assert "call reset()" not in told["data"]["text"]


def test_a_session_is_one_game_by_both_ways_and_outlives_its_websocket() -> None:
    with served() as address:
        session = begin(address)
        with attached(address, session) as socket:
            assert talk(socket, "reset", seed=5, opener="buyer")["type"] == "observation"
            told = ask(address, "tools/call", session_id=session, name="offer", arguments={"price": 120_000})
            assert told["result"]["structuredContent"]["observation"]["offer"]["amount"] == 120_000
            assert [turn["move"] for turn in talk(socket, "state")["data"]["history"]][:1] == ["OFFER"]
            with attached(address, session) as second:
                assert "has a WebSocket already" in json.loads(second.recv(LIMIT))["data"]["message"]
        told = ask(address, "tools/call", session_id=session, name="offer", arguments={"price": 121_000})
        assert not told["result"]["isError"]
        with attached_again(address, session) as socket:
            assert talk(socket, "state")["data"]["step_count"] == 2
            assert ask(address, "openenv/session/close", session_id=session)["result"]["closed"]
            assert "no such session" in talk(socket, "state")["data"]["message"]
        assert "no such session" in ask(address, "tools/list", session_id=session)["error"]["message"]
        assert "no such session" in ask(address, "openenv/session/close", session_id=session)["error"]["message"]


def test_a_websocket_of_a_session_that_there_is_not_is_told_so_and_closed() -> None:
    with served() as address:
        with attached(address, "guess") as socket:
            assert "no such session" in json.loads(socket.recv(LIMIT))["data"]["message"]
        with pytest.raises(InvalidStatus), connect(f"ws://{address}/mcp?session_id=guess", open_timeout=LIMIT):
            pass
        with connect(f"ws://{address}/mcp", open_timeout=LIMIT) as socket:
            for method, code in (("openenv/session/create", -32601), ("tools/call", None)):
                request = {"jsonrpc": "2.0", "method": method, "id": 1, "params": {"name": "accept"}}
                socket.send(json.dumps(request))
                told = json.loads(socket.recv(LIMIT))
                assert told["error"]["code"] == code if code else told["result"]["isError"]


def test_with_a_token_only_the_list_of_tools_is_open() -> None:
    shown = {"Authorization": f"Bearer {TOKEN}"}
    with served(token=TOKEN) as address:
        assert "result" in ask(address, "tools/list")
        for method in ("tools/call", "openenv/session/create", "openenv/session/close"):
            request = {"jsonrpc": "2.0", "method": method, "id": 1, "params": {"name": "accept"}}
            told = http_post(f"http://{address}/mcp", json=request)
            assert told.status_code == 401
            assert "asks for a token" in told.json()["error"]
        session = begin(address, shown)
        assert (
            http_post(
                f"http://{address}/mcp",
                json={"jsonrpc": "2.0", "method": "tools/call", "params": {"session_id": session, "name": "accept"}},
            ).status_code
            == 401
        )
        with pytest.raises(InvalidStatus):
            attached(address, session)
        with attached(address, session, additional_headers=shown) as socket:
            assert talk(socket, "reset", seed=1)["type"] == "observation"


def test_an_address_has_so_many_sessions_and_a_server_so_many() -> None:
    with served(max_orphans=2) as address:
        first, _ = begin(address), begin(address)
        assert "as many sessions as it may" in ask(address, "openenv/session/create")["error"]["message"]
        ask(address, "openenv/session/close", session_id=first)
        begin(address)
    with served(max_sessions=4) as address:
        _ = begin(address), begin(address)
        assert "as many sessions as it takes" in ask(address, "openenv/session/create")["error"]["message"]


def test_several_workers_have_no_sessions_over_http() -> None:
    async def create() -> None:
        McpSessions(factory(workers=2)).create("a")

    with pytest.raises(RequestError, match="several workers"):
        asyncio.run(create())


def test_a_session_that_nobody_uses_ends_and_its_player_has_lost() -> None:
    shared = factory(idle=10.0)
    codes = shared.new_match(game_request({"opener": "buyer", "seed": 3}))["join_codes"]
    assert isinstance(codes, dict)

    async def play() -> tuple[int, int, Any]:
        sessions = McpSessions(shared)
        session = sessions.create("a")
        session.environment.reset(join_code=codes["buyer"])
        await asyncio.sleep(9.0)
        sessions.find(session.id)
        await asyncio.sleep(9.0)
        alive = len(sessions)
        attached = sessions.attach(session.id)
        await asyncio.sleep(60.0)
        alive += len(sessions)
        sessions.detach(attached)
        await asyncio.sleep(31.0)
        return alive, len(sessions), session.environment

    alive, left, environment = run_by_clock(play())
    assert (alive, left) == (2, 0)
    assert environment.state.episode_id is None
    (match, _) = shared.matches._by_code[codes["seller"]]
    assert match.session.outcome()["ending"] == "forfeit"
    assert match.session.outcome()["closed_by"] == "buyer"


def test_calls_over_http_keep_the_connection_of_their_session() -> None:
    """Repeated with a longer limit where the machine was so busy that the client was idle indeed."""
    idle, was_busy = 1.5, True
    while was_busy:
        idle *= 2
        with served(idle=idle) as address:
            session = begin(address)
            with attached(address, session) as socket:
                talk(socket, "state")
                calls = [time.monotonic()]
                while calls[-1] < calls[0] + 2.5 * idle:
                    assert "error" not in ask(address, "tools/list", session_id=session)
                    time.sleep(idle / 20)
                    calls.append(time.monotonic())
                was_busy = any(later - call > idle / 2 for call, later in itertools.pairwise(calls))
                if not was_busy:
                    assert talk(socket, "state")["type"] == "state"


def test_calls_that_come_at_once_are_answered_one_after_the_other() -> None:
    """A call waits for the other client's turn; what the connection of the session sends meanwhile waits as well."""

    async def play(address: str) -> tuple[Any, Any]:
        timeout = httpx.Timeout(LIMIT)
        async with httpx.AsyncClient(timeout=timeout) as web:
            codes = (await web.post(f"http://{address}/matches", json={"opener": "buyer"})).json()["join_codes"]
            async with MCPToolClient(base_url=f"http://{address}", message_timeout_s=LIMIT) as env:
                await env.reset(join_code=codes["buyer"])
                called = asyncio.create_task(env.call_tool("offer", price=120_000))
                asked = asyncio.create_task(env.state())
                async with GenericEnvClient(base_url=f"http://{address}", message_timeout_s=LIMIT) as other:
                    seen = await other.reset(join_code=codes["seller"])
                    while not seen.observation["your_turn"]:
                        seen = await other.step({"wait": True})
                    await other.step({"accept": True})
                await asked
                return await called, await env.state()

    with served() as address:
        called, asked = asyncio.run(asyncio.wait_for(play(address), LIMIT))
    assert called["done"]
    assert asked.step_count == 1


def test_what_a_session_is_paid_does_not_depend_on_the_way() -> None:
    action = NegotiationAction(offer_amount=120_000.0).model_dump(exclude_defaults=True)
    with served() as address:
        told = []
        for way in ("ws", "mcp"):
            session = begin(address)
            with attached(address, session) as socket:
                talk(socket, "reset", seed=5, opener="buyer", reward="shaped", episode_id="mine")
                if way == "ws":
                    told.append(talk(socket, "step", **action)["data"])
                else:
                    call = ask(address, "tools/call", session_id=session, name="offer", arguments={"price": 120_000})
                    told.append(call["result"]["structuredContent"])
    assert told[0]["observation"] == told[1]["observation"]
    assert told[0]["reward"] == told[1]["reward"] != 0.0


# ---------------------------------------------------------------------- MCP's own clients


def test_a_client_of_mcp_plays_the_game_that_its_address_describes() -> None:
    async def play(address: str) -> tuple[Any, ...]:
        place = f"http://{address}/mcp?scenario=saas_enterprise&opponent=conceder&opener=buyer&seed=5"
        async with streamable_http_client(place) as (read, write, _), ClientSession(read, write) as session:
            begun = await session.initialize()
            await session.send_ping()
            names = [tool.name for tool in (await session.list_tools()).tools]
            wrong = await session.call_tool("offer", {"price": 1})
            told, amount = await session.call_tool("offer", {"price": 120_000, "words": "So?"}), 120_000
            while not told.structuredContent["done"]:
                amount += 4_000
                told = await session.call_tool("offer", {"price": min(amount, 160_000)})
            return begun, names, wrong, told

    with served() as address:
        begun, names, wrong, told = asyncio.run(asyncio.wait_for(play(address), LIMIT))
        assert "You are the buyer" in begun.instructions
        assert "Answer by calling one of your tools" in begun.instructions
        assert begun.serverInfo.name == "parlay_marl"
        assert names == list(TOOL_NAMES[:-1])
        assert wrong.isError
        assert told.structuredContent["observation"]["metadata"]["outcome"]["seed"] == 5
        assert wait_until(lambda: 'sessions_open{protocol="openenv"} 0.0' in http_get(f"http://{address}/metrics").text)


def test_mcp_over_a_websocket_is_a_session_by_itself() -> None:
    with served() as address, connect(f"ws://{address}/mcp?seed=5&opener=buyer", open_timeout=LIMIT) as socket:

        def told(method: str, **params: Any) -> dict[str, Any]:
            socket.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1}))
            reply: dict[str, Any] = json.loads(socket.recv(LIMIT))
            return reply

        assert "You are the buyer" in told("initialize", protocolVersion="1999-01-01")["result"]["instructions"]
        socket.send(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        called = told("tools/call", name="offer", arguments={"price": 120_000})["result"]["structuredContent"]
        assert called["observation"]["offer"]["amount"] == 120_000


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("scenario=none", "unknown scenario"),
        ("seed=-1", "reset: seed"),
        ("colour=red", "reset: colour"),
        ("role=x", "role"),
    ],
)
def test_an_address_that_describes_no_game_is_refused_and_begins_no_session(query: str, said: str) -> None:
    request = {"jsonrpc": "2.0", "method": "initialize", "params": {}, "id": 1}
    with served(max_orphans=1) as address:
        for _ in range(2):
            refused = http_post(f"http://{address}/mcp?{query}", json=request)
            assert said in refused.json()["error"]["message"]
            assert "mcp-session-id" not in refused.headers


def test_a_session_of_mcp_ends_as_its_client_says_and_is_then_unknown() -> None:
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "keep_silent"}, "id": 1}
    with served() as address:
        place = f"http://{address}/mcp"
        begun = http_post(place, json={"jsonrpc": "2.0", "method": "initialize", "params": {}, "id": 1})
        header = {"Mcp-Session-Id": begun.headers["mcp-session-id"]}
        assert http_post(place, json={"jsonrpc": "2.0", "method": "notifications/x"}, headers=header).status_code == 202
        assert not http_post(place, json=call, headers=header).json()["result"]["isError"]
        assert httpx.delete(place, headers=header, timeout=LIMIT).status_code == 204
        assert httpx.delete(place, headers=header, timeout=LIMIT).status_code == 404
        assert http_post(place, json=call, headers=header).status_code == 404
        assert http_get(place).status_code == 405
