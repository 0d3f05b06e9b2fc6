"""The middleware: what it refuses and how, that it repeats nothing, and that no bytes make it raise."""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import pkgutil
import socket
import struct
import threading
import time
from collections.abc import Iterable
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from openenv.core.env_server import HTTPEnvServer
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from parlay_marl.server import middleware
from parlay_marl.server.middleware import protected
from parlay_marl.server.middleware.asgi import HAS_TOKEN, IS_USED, App
from parlay_marl.server.middleware.idle import Idle
from parlay_marl.server.middleware.rate import MOST_ADDRESSES, AddressRates
from parlay_marl.server.middleware.redaction import details_without_input, without_input
from parlay_marl.server.middleware.refusals import Fault
from parlay_marl.server.middleware.size import too_large
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import REASONS, Telemetry
from tests.helpers import examples
from tests.processes import LIMIT, wait_until
from tests.server.clock import run_by_clock
from tests.server.live import HANDSHAKE, live, masked, raw_request

TOKEN = "correct-horse-battery-staple"
MARK = "XQZMARK"
STATE = '{"type": "state"}'
ANSWER = '{"done":false}'
ANY = {"rate": 0.0}


class StubApp:
    """A tiny app: answers each message that reaches it with the same words, and remembers what it saw."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.seconds, self.error = seconds, error
        self.seen: list[str] = []
        self.bodies: list[bytes] = []
        self.closed: list[int] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await self.talk(receive, send)
        elif scope["type"] == "http":
            await self.answer(receive, send)
        else:
            await self.live(receive, send)

    async def talk(self, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            self.seen.append(message["text"])
            if self.error is not None:
                raise self.error
            await asyncio.sleep(self.seconds)
            await send({"type": "websocket.send", "text": ANSWER})
        self.closed.append(message["code"])

    async def answer(self, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.bodies.append(body)
        if self.error is not None:
            raise self.error
        headers = [(b"content-length", b"2"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async def live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def guarded(app: Any = None, **settings: Any) -> tuple[App, Telemetry]:
    chosen = ServerSettings(**(ANY | settings))
    telemetry = Telemetry(chosen)
    return protected(app or StubApp(), chosen, telemetry), telemetry


def open_connections(telemetry: Telemetry) -> float:
    """Return how many WebSockets are open."""
    found = [
        line for line in telemetry.render()[0].decode().splitlines() if line.startswith("parlay_connections_open{")
    ]
    return sum(float(line.split()[-1]) for line in found)


def refusals(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    """Return how often each protocol refused for which reason."""
    found = {}
    for line in telemetry.render()[0].decode().splitlines():
        if line.startswith("parlay_refusals_total{"):
            labels, _, number = line.partition("{")[2].rpartition("} ")
            values = [part.split("=")[1].strip('"') for part in labels.split(",")]
            found[values[0], values[1]] = float(number)
    return found


# ---------------------------------------------------------------------- talking to it without a network


def talk(guard: App, messages: Iterable[Any], path: str = "/ws", **scope: Any) -> list[dict[str, Any]]:
    """Return what is sent to a client that sends these events or texts, then leaves."""
    events = [message if isinstance(message, dict) else text_event(message) for message in messages]
    coming = [{"type": "websocket.connect"}, *events, {"type": "websocket.disconnect", "code": 1005}]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {"type": "websocket", "path": path, "headers": [], "query_string": b"", "extensions": {}, **scope}
    asyncio.run(guard(whole, receive, send))
    return sent


def text_event(text: Any) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": text}


def replies(guard: App, *texts: Any, path: str = "/ws") -> list[Any]:
    """Return the parsed replies to texts or events."""
    first, *others = talk(guard, texts, path)
    assert first["type"] == "websocket.accept"
    return [json.loads(message["text"]) for message in others]


def ask(
    guard: App,
    method: str = "GET",
    path: str = "/state",
    body: bytes | list[Any] = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    client: Any = ("10.0.0.1", 5),
) -> tuple[int, bytes]:
    """Return status and body of what is answered to a request."""
    pieces = [body] if isinstance(body, bytes) else body
    coming: list[Any] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces[:-1]]
    coming += [{"type": "http.request", "body": pieces[-1], "more_body": False}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b""}
    asyncio.run(guard({**scope, "client": client}, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return sent[0]["status"], sent[1]["body"]


# ---------------------------------------------------------------------- messages


DEEP = "[" * 32 + "]" * 32
REFUSED = {
    "": "invalid_json",
    "{": "invalid_json",
    "{'type': 'state'}": "invalid_json",
    '{"type": "state"} {"type": "state"}': "invalid_json",
    "\ufeff{}": "invalid_json",
    "\x00": "invalid_json",
    '{"a": "line\nbreak"}': "invalid_json",
    "[1]": "not_an_object",
    '"state"': "not_an_object",
    "7": "not_an_object",
    "null": "not_an_object",
    '{"type": "step", "data": {"offer_amount": NaN}}': "number",
    '{"type": "step", "data": {"offer_amount": -Infinity}}': "number",
    '{"type": "step", "data": {"offer_amount": 1e999}}': "number",
    '{"type": "reset", "data": {"seed": 18446744073709551616}}': "number",
    '{"type": "reset", "data": {"seed": -9223372036854775809}}': "number",
    '{"type": "reset", "data": {"seed": %s}}' % ("9" * 5000): "number",
    '{"type": "step", "data": {"offer_amount": 1.%s}}' % ("0" * 5000): "number",
    '{"type": "step", "data": {"utterance": "\\ud83d"}}': "surrogate",
    '{"type": "step", "data": {"\\udead": 1}}': "surrogate",
    f'{{"type": "step", "data": {DEEP}}}': "too_deep",
    "[" * 60_000: "too_deep",
    '{"a":' * 9_000: "too_deep",
    '{"type": "step", "data": {"utterance": "%s"}}' % ("a" * 70_000): "too_large",
    '{"type": "step", "data": {"utterance": "%s"}}' % ("\N{GRINNING FACE}" * 17_000): "too_large",
}
REFUSED_BY_OPENENV = {
    "{}": "unknown_type",
    '{"type": 5}': "unknown_type",
    '{"type": {}}': "unknown_type",
    '{"type": "rest"}': "unknown_type",
    '{"type": "reset", "data": {"session_id": "a"}}': "reserved_key",
    '{"type": "reset", "data": {"self": 1}}': "reserved_key",
    '{"type": "reset", "data": {"func": 1}}': "reserved_key",
    '{"type": "mcp"}': "not_rpc",
    '{"type": "mcp", "data": {}}': "not_rpc",
    '{"type": "mcp", "data": {"jsonrpc": "2.0", "method": "openenv/session/create"}}': "session_method",
    '{"type": "mcp", "data": {"jsonrpc": "2.0", "method": "tools/run"}}': "unknown_method",
}
PASSED = [
    STATE,
    '{"type": "reset"}',
    '{"type": "reset", "data": {"seed": 18446744073709551615, "scenario": "uniform"}}',
    '{"type": "reset", "data": {"seed": -9223372036854775808}}',
    '{"type": "step", "data": {"utterance": "\\ud83d\\ude00 \N{GRINNING FACE}", "offer_amount": 1e5}}',
    f'{{"type": "step", "data": {DEEP[1:-1]}}}',
    '{"type": "step", "data": {"utterance": "%s"}}' % ("{[" * 40),
    '{"type": "mcp", "data": {"jsonrpc": "2.0", "method": "tools/list", "id": 3}}',
    '{"type": "close", "data": 5}',
]


@pytest.mark.parametrize(("text", "reason"), (REFUSED | REFUSED_BY_OPENENV).items(), ids=range(len(REFUSED) + 11))
def test_on_openenvs_path_a_refused_message_has_one_answer_and_the_game_lives_on(text: str, reason: str) -> None:
    table = StubApp()
    guard, telemetry = guarded(table)
    refused, then = replies(guard, text, STATE)
    assert refused["type"] == "error"
    assert refused["data"]["code"] == reason.upper()
    assert set(refused["data"]) == {"message", "code"}
    assert then == json.loads(ANSWER)
    assert table.seen == [STATE]
    assert table.closed == [1005]
    assert refusals(telemetry) == {("openenv", reason): 1.0}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=range(len(REFUSED)))
def test_on_the_first_protocols_path_it_has_one_too(text: str, reason: str) -> None:
    table = StubApp()
    guard, telemetry = guarded(table)
    refused, then = replies(guard, text, STATE, path="/env/ws")
    assert list(refused) == ["error"]
    assert (refused["error"] == "Invalid JSON") is (reason == "invalid_json")
    assert then == json.loads(ANSWER)
    assert table.seen == [STATE]
    assert refusals(telemetry) == {("first", reason): 1.0}


@pytest.mark.parametrize("text", PASSED)
def test_what_is_in_order_passes_as_it_is(text: str) -> None:
    table = StubApp()
    guard, telemetry = guarded(table)
    assert replies(guard, text) == [json.loads(ANSWER)]
    assert table.seen == [text]
    assert refusals(telemetry) == {}


@pytest.mark.parametrize("event", [{"bytes": b"\xff\x00"}, {"bytes": b"{}", "text": None}, {}])
@pytest.mark.parametrize("path", ["/ws", "/env/ws", "/mcp"])
def test_binary_messages_are_refused(event: dict[str, Any], path: str) -> None:
    guard, _ = guarded()
    (refused,) = replies(guard, {"type": "websocket.receive", **event}, path=path)
    assert "binary messages mean nothing here" in json.dumps(refused)


def test_json_rpc_has_its_own_form_of_refusals() -> None:
    guard, _ = guarded()
    create = '{"jsonrpc": "2.0", "method": "openenv/session/create", "id": 1}'
    foreign = '{"jsonrpc": "2.0", "method": "tools/list", "params": {"session_id": "a"}}'
    told = replies(guard, "{", "[]", create, foreign, '{"jsonrpc": "2.0", "method": "tools/list"}', path="/mcp")
    assert [answer["error"]["code"] for answer in told[:-1]] == [-32700, -32600, -32601, -32601]
    assert all(answer["jsonrpc"] == "2.0" for answer in told[:-1])
    assert told[-1] == json.loads(ANSWER)


def test_every_reason_is_one_that_is_counted() -> None:
    names = [each.name for each in pkgutil.iter_modules(middleware.__path__, f"{middleware.__name__}.")]
    faults = [
        each for name in names for each in vars(importlib.import_module(name)).values() if isinstance(each, Fault)
    ]
    assert len(faults) > 15
    assert {fault.reason for fault in (*faults, too_large(1))} - {"failed"} <= set(REASONS)  # a failure is no refusal


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
messages = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["reset", "step", "state", "close", "mcp", "x", "", None, 3]) | json_values,
        "data": st.dictionaries(st.sampled_from(["self", "func", "seed", "method", "jsonrpc", "id"]), json_values),
        "cmd": json_values,
    },
).map(json.dumps)
broken = st.tuples(messages | json_values.map(json.dumps), st.integers(0, 60), st.text(max_size=3)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
)
events = (
    st.text().map(text_event)
    | messages.map(text_event)
    | broken.map(text_event)
    | st.text(st.characters(codec=None, categories=["Cs", "Cc", "L"])).map(text_event)
    | st.binary().map(lambda content: {"type": "websocket.receive", "bytes": content})
)


@examples(400)
@given(path=st.sampled_from(["/ws", "/env/ws", "/mcp"]), coming=st.lists(events, max_size=6))
def test_whatever_comes_each_message_has_one_answer_and_nothing_raises(path: str, coming: list[Any]) -> None:
    table = StubApp()
    guard, telemetry = guarded(table, max_message=1_024)
    told = replies(guard, *coming, path=path)
    assert len(told) == len(coming)
    assert all(isinstance(json.loads(text), dict) for text in table.seen)
    assert sum(answer == json.loads(ANSWER) for answer in told) == len(table.seen)
    assert sum(refusals(telemetry).values()) == len(coming) - len(table.seen)
    assert table.closed == [1005]


def mark(text: str, place: int) -> str:
    return text[:place] + MARK + text[place:]


@examples(200)
@given(path=st.sampled_from(["/ws", "/env/ws", "/mcp"]), text=st.builds(mark, messages | broken, st.integers(0, 40)))
def test_nothing_that_came_is_repeated(path: str, text: str) -> None:
    guard, _ = guarded()
    assert MARK not in repr(talk(guard, [text], path))
    status, body = ask(guard, "POST", "/mcp" if path == "/mcp" else "/reset", text.encode(errors="replace"))
    assert MARK.encode() not in body
    assert status < 500


def test_what_openenv_would_repeat_is_taken_out_of_its_errors() -> None:
    errors = [
        {
            "type": "float_type", "loc": ["data", "offer_amount"], "msg": "Input should be a valid number",
            "input": MARK, "url": "https://a.example", "ctx": {"error": MARK},
        },
        {"type": "extra_forbidden", "loc": [MARK + " " * 5], "msg": "Extra inputs are not permitted", "input": [MARK]},
    ]  # fmt: skip
    content = {"message": "Invalid message", "code": "VALIDATION_ERROR", "errors": errors}
    told = json.loads(without_input(json.dumps({"type": "error", "data": content})))["data"]
    assert MARK not in json.dumps(told)
    assert told["code"] == "VALIDATION_ERROR"
    assert told["message"].startswith("Invalid message: data.offer_amount: Input should be a valid number; ?: Extra")
    assert [set(error) for error in told["errors"]] == [{"type", "loc", "msg"}] * 2


def test_neither_is_input_repeated_over_http() -> None:
    details = [{"type": "extra_forbidden", "loc": ["body", MARK + "?"], "msg": "Extra inputs", "input": {"a": MARK}}]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = json.dumps({"detail": details}).encode()
        length = (b"Content-Length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 422, "headers": [length, (b"x", b"y")]})
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:]})

    guard = protected(app, ServerSettings(), Telemetry())
    status, told = ask(guard, "POST", "/step", b"{}")
    assert status == 422
    assert json.loads(told) == {"detail": [{"type": "extra_forbidden", "loc": ["body", "?"], "msg": "Extra inputs"}]}
    assert details_without_input(b'{"error": "a"}') == b'{"error": "a"}'
    assert details_without_input(b"\xff") == b"\xff"


def test_errors_without_a_list_of_reasons_stay_as_they_are() -> None:
    for text in ('{"type":"error","data":{"message":"a","code":"B"}}', '{"type":"error"', '{"type":"error","data":[]}'):
        assert without_input(text) == text


# ---------------------------------------------------------------------- who may connect


HOST = (b"host", b"127.0.0.1:8001")


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (b"http://127.0.0.1:8001", b"127.0.0.1:8001", 200),
        (b"http://LOCALHOST:8001", b"localhost:8001", 200),
        (b"http://[::1]:8001", b"[::1]:8001", 200),
        (b"http://192.168.0.7:8001", b"192.168.0.7:8001", 200),
        (b"https://listed.example", b"127.0.0.1:8001", 200),
        (b"http://127.0.0.1:3000", b"127.0.0.1:8001", 403),
        (b"http://a.example", b"127.0.0.1:8001", 403),
        (b"http://a.example:8001", b"a.example:8001", 403),  # a name that was made to lead here
        (b"https://listed.example.a.example", b"127.0.0.1:8001", 403),
        (b"null", b"127.0.0.1:8001", 403),
        (b"", b"127.0.0.1:8001", 403),
        (b"http://[", b"[", 403),
        (b"\xff\xfe", b"\xff", 403),
    ],
)
def test_pages_of_other_origins_may_not_connect(origin: bytes, host: bytes, status: int) -> None:
    guard, telemetry = guarded(allow_origin=("https://listed.example",))
    headers = [(b"origin", origin), (b"host", host)]
    assert ask(guard, "POST", "/mcp", b"", headers)[0] == status
    first = talk(guard, [], headers=headers)[0]
    assert (first["type"] == "websocket.accept") is (status == 200)
    assert bool(refusals(telemetry)) is (status == 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        ([(b"authorization", b"Bearer " + TOKEN.encode())], 200),
        ([(b"authorization", b"bearer  " + TOKEN.encode() + b" ")], 200),
        ([(b"authorization", b"Basic " + TOKEN.encode())], 401),
        ([(b"authorization", b"Bearer " + TOKEN[:-1].encode())], 401),
        ([(b"authorization", b"Bearer \xff\x00")], 401),
        ([(b"authorization", b"")], 401),
    ],
)
def test_a_token_is_asked_for(headers: list[tuple[bytes, bytes]], status: int) -> None:
    guard, _ = guarded(token=TOKEN)
    assert ask(guard, "GET", "/state", headers=headers)[0] == status
    assert ask(guard, "GET", "/metrics", headers=headers)[0] == status
    extension: dict[str, Any] = {"extensions": {"websocket.http.response": {}}}
    first = talk(guard, [], headers=headers, **extension)[0]
    assert first.get("status", 200) == status
    first = talk(guard, [], headers=headers)[0]
    assert (first["type"] == "websocket.close") is (status == 401)


def test_what_openenv_validates_needs_no_token() -> None:
    guard, _ = guarded(token=TOKEN)
    for path in ("/health", "/openapi.json", "/metadata", "/schema"):
        assert ask(guard, "GET", path)[0] == 200
    status, body = ask(guard, "POST", "/mcp", b"{}")
    assert (status, json.loads(body)["jsonrpc"]) == (200, "2.0")
    assert ask(guard, "POST", "/health")[0] == 401
    assert ask(guard, "GET", "/mcp")[0] == 401


@pytest.mark.parametrize("query", [b"session_id=abc", b"a=1&session_id=", b"%73ession_id=x"])
def test_a_session_is_named_in_the_address_of_openenvs_websocket_alone(query: bytes) -> None:
    guard, telemetry = guarded()
    (closed,) = talk(guard, [], "/mcp", query_string=query)
    assert closed["type"] == "websocket.close"
    assert refusals(telemetry) == {("openenv", "session_query"): 1.0}
    for path in ("/ws", "/env/ws"):
        assert talk(guard, [], path, query_string=query)[0]["type"] == "websocket.accept"
    for path in ("/ws", "/mcp"):
        assert talk(guard, [], path, query_string=b"\xff%ff&a=b")[0]["type"] == "websocket.accept"


def test_there_is_no_websocket_elsewhere() -> None:
    guard, telemetry = guarded()
    for path in ("/", "/ws/", "/WS", "/state", "\ud800"):
        assert talk(guard, [], path)[0]["type"] == "websocket.close"
    assert refusals(telemetry) == {("http", "no_such_path"): 5.0}


# ---------------------------------------------------------------------- requests


def test_a_large_body_is_refused_before_it_is_read() -> None:
    guard, _ = guarded(max_message=1_024)
    assert ask(guard, "POST", "/reset", [b"never read"], [(b"content-length", b"1025")])[0] == 413
    assert ask(guard, "POST", "/reset", [b"never read"], [(b"content-length", b"9" * 50)])[0] == 413
    assert ask(guard, "POST", "/reset", [b" " * 600, b" " * 600, b"never read"])[0] == 413
    assert ask(guard, "POST", "/reset", [b'{"a": ', b"1}"], [(b"content-length", b"x")])[0] == 200


@pytest.mark.parametrize("text", [text for text, reason in REFUSED.items() if text and reason != "too_large"])
def test_bodies_are_checked_as_messages_are(text: str) -> None:
    table = StubApp()
    guard, telemetry = guarded(table)
    status, body = ask(guard, "POST", "/reset", text.encode())
    assert status == 422
    assert list(json.loads(body)) == ["error"]
    assert table.bodies == []
    assert refusals(telemetry) == {("http", REFUSED[text]): 1.0}


def test_the_app_gets_the_body_as_it_was() -> None:
    table = StubApp()
    guard, _ = guarded(table)
    assert ask(guard, "POST", "/reset", [b'{"seed"', b": 1", b"}"])[0] == 200
    assert ask(guard, "GET", "/state")[0] == 200
    assert table.bodies == [b'{"seed": 1}', b""]
    assert ask(guard, "POST", "/reset", b'{"session_id": "a"}')[0] == 422
    assert ask(guard, "POST", "/reset", b"\xff\xfe")[0] == 422


def test_sessions_are_begun_and_named_over_http_alone() -> None:
    table = StubApp()
    guard, _ = guarded(table)
    methods = ("openenv/session/create", "openenv/session/close", "tools/list", "initialize", "notifications/x")
    bodies = [
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": each, "params": {"session_id": "a"}}) for each in methods
    ]
    for body in bodies:
        assert ask(guard, "POST", "/mcp", body.encode()) == (200, b"{}")
    assert len(table.bodies) == len(methods)
    for refused in replies(guard, *bodies, path="/mcp"):
        assert refused["error"]["code"] == -32601
    unknown = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "openenv/session/new"}).encode()
    assert json.loads(ask(guard, "POST", "/mcp", unknown)[1])["error"]["code"] == -32601


@pytest.mark.parametrize("token", [None, TOKEN])
def test_the_app_is_told_whether_a_client_has_the_token(token: str | None) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope[HAS_TOKEN])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    guard, _ = guarded(app, token=token)
    for shown in ("", "Bearer wrong", f"Bearer {TOKEN}"):
        headers = [(b"authorization", shown.encode())] if shown else []
        assert ask(guard, "POST", "/mcp", b'{"jsonrpc": "2.0", "method": "ping"}', headers)[0] == 200
    assert seen == ([True] * 3 if token is None else [False, False, True])


def test_each_address_has_its_own_rate() -> None:
    guard, _ = guarded(rate=1.0, burst=3)
    assert [ask(guard)[0] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert ask(guard, client=("10.0.0.2", 9))[0] == 200
    assert ask(guard, client=None)[0] == 200
    rates = AddressRates(1.0, 3)
    for number in range(MOST_ADDRESSES + 5):
        rates.allow(f"host {number}")
    assert len(rates) == MOST_ADDRESSES


def test_an_error_that_escapes_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    guard, _ = guarded(StubApp(error=ValueError(MARK)))
    with caplog.at_level(logging.INFO):
        status, body = ask(guard)
        sent = talk(guard, [STATE])
    assert (status, list(json.loads(body))) == (500, ["error"])
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[-1]["code"] == 1011
    assert MARK not in repr((body, sent, [record.__dict__ for record in caplog.records]))
    assert [record.message for record in caplog.records] == ["failed", "failed"]


def test_a_client_that_leaves_before_its_body_is_whole_is_not_answered() -> None:
    table = StubApp()
    guard, _ = guarded(table)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/reset", "headers": [], "query_string": b""}
    asyncio.run(guard(scope, receive, send))
    assert (sent, table.bodies) == ([], [])


headers = st.lists(
    st.tuples(st.sampled_from([b"origin", b"host", b"authorization", b"content-length", b"x"]), st.binary(max_size=30)),
    max_size=4,
)


@examples(300)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=st.sampled_from(["/mcp", "/reset", "/health", "/"]) | st.text(),
    body=st.lists(
        st.binary() | messages.map(str.encode) | broken.map(lambda b: b.encode(errors="replace")), min_size=1
    ),
    headers=headers,
    query=st.binary(),
    token=st.sampled_from([None, TOKEN]),
)
def test_no_request_makes_it_raise(
    method: str, path: str, body: list[bytes], headers: Any, query: bytes, token: str | None
) -> None:
    guard, _ = guarded(token=token, max_message=1_024)
    status, answer = ask(guard, method, path, body, headers)
    assert status in (200, 401, 403, 413, 422)
    json.loads(answer)
    talk(guard, [], path, headers=headers, query_string=query)


# ---------------------------------------------------------------------- over the network


def client(port: int, path: str = "/ws", **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{port}{path}", compression=None, open_timeout=LIMIT, **options)


def test_over_the_network_large_messages_get_an_answer_and_huge_ones_end_the_connection() -> None:
    guard, _ = guarded(max_message=2_048)
    with live(guard, ws_max_size=4_096) as port, client(port) as line:
        line.send("{" + " " * 3_000 + "}")
        assert json.loads(line.recv())["data"]["code"] == "TOO_LARGE"
        line.send(STATE)
        assert line.recv() == ANSWER
        line.send(b"\x00\xff")
        assert json.loads(line.recv())["data"]["code"] == "BINARY"
        line.send("{" + " " * 9_000 + "}")
        with pytest.raises(ConnectionClosed) as ended:
            line.recv()
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1009


def test_a_silent_connection_is_closed_and_its_session_ended() -> None:
    table = StubApp()
    guard, telemetry = guarded(table, idle=0.2)
    with live(guard) as port, client(port) as line:
        line.send("[]")
        line.recv()
        with pytest.raises(ConnectionClosed) as ended:
            line.recv()
        assert ended.value.rcvd is not None
        assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (1001, "no message for 0.2 seconds")
        wait_until(lambda: table.closed == [1001])
    assert refusals(telemetry)["openenv", "idle"] == 1.0


def test_messages_end_a_silence_and_not_those_that_came_before() -> None:
    """By a clock that stands still while the machine is busy."""
    settings, heard = ServerSettings(idle=1.0), []

    async def talks() -> Any:
        await asyncio.sleep(0.7)
        return {"type": "websocket.receive", "text": STATE}

    async def listens(scope: Any, receive: Any, send: Any) -> None:
        heard.extend([(await receive())["type"] for _ in range(4)])

    async def ignored(message: Any) -> None:
        pass

    for pause, kinds in ((talks, ["websocket.receive"] * 4), (asyncio.Event().wait, ["websocket.disconnect"] * 4)):
        heard.clear()
        run_by_clock(Idle(listens, settings, Telemetry(settings))({"type": "websocket", "path": "/ws"}, pause, ignored))
        assert heard == kinds


def test_what_a_client_does_on_another_way_is_no_silence() -> None:
    """By a clock that stands still while the machine is busy."""
    settings, ended = ServerSettings(idle=1.0), []

    async def listens(scope: Any, receive: Any, send: Any) -> None:
        loop = asyncio.get_running_loop()
        for number in range(1, 6):
            loop.call_at(0.7 * number, scope[IS_USED])
        assert (await receive())["type"] == "websocket.disconnect"
        scope[IS_USED]()  # nobody waits: it changes nothing
        ended.append(loop.time())

    async def ignored(message: Any) -> None:
        pass

    pause = asyncio.Event().wait
    run_by_clock(Idle(listens, settings, Telemetry(settings))({"type": "websocket", "path": "/ws"}, pause, ignored))
    assert ended == [pytest.approx(4.5)]


def test_a_long_step_is_not_silence() -> None:
    guard, _ = guarded(StubApp(seconds=0.3), idle=0.1)
    with live(guard) as port, client(port) as line:
        line.send(STATE)
        assert line.recv() == ANSWER


def test_who_is_too_fast_is_slowed_down_and_loses_nothing() -> None:
    table = StubApp()
    guard, telemetry = guarded(table, rate=5.0, burst=5)
    with live(guard) as port, client(port) as line:
        began = time.monotonic()
        for number in range(15):
            line.send(f'{{"type": "step", "data": {{"n": {number}}}}}')
        assert [line.recv() for _ in range(15)] == [ANSWER] * 15
        assert time.monotonic() - began > 1.5
    assert [json.loads(text)["data"]["n"] for text in table.seen] == list(range(15))
    assert refusals(telemetry) == {}
    delayed = [
        line for line in telemetry.render()[0].decode().splitlines() if line.startswith("parlay_messages_delayed")
    ]
    assert 1.0 <= float(delayed[0].split()[-1]) <= 10.0


def test_a_full_server_says_so_and_recovers() -> None:
    guard, telemetry = guarded(max_sessions=1)
    with live(guard) as port:
        with client(port), client(port, "/env/ws"), client(port, "/play/ws"):
            with pytest.raises(InvalidStatus) as refused:
                client(port).close()
            assert refused.value.response.status_code == 503
            assert b"as many connections as it takes" in refused.value.response.body
        wait_until(lambda: open_connections(telemetry) == 0)
        with client(port) as line:
            line.send(STATE)
            assert line.recv() == ANSWER


def test_a_websocket_needs_the_token_too() -> None:
    guard, _ = guarded(token=TOKEN)
    with live(guard) as port:
        with pytest.raises(InvalidStatus) as refused:
            client(port).close()
        assert refused.value.response.status_code == 401
        assert refused.value.response.headers["www-authenticate"] == "Bearer"
        with client(port, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as line:
            line.send(STATE)
            assert line.recv() == ANSWER


def test_clients_that_vanish_end_their_sessions_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    table = StubApp(seconds=0.15)
    guard, telemetry = guarded(table)
    with caplog.at_level(logging.WARNING), live(guard) as port:
        for farewell in (reset_connection, half_close, break_off):
            connection = shake_hands(port)
            connection.sendall(masked(STATE))
            wait_until(lambda: len(table.seen) > len(table.closed))  # a step is running
            farewell(connection)
            wait_until(lambda: len(table.seen) == len(table.closed))
            connection.close()
        wait_until(lambda: open_connections(telemetry) == 0)
        with client(port) as line:
            line.send(STATE)
            assert line.recv() == ANSWER
    assert [record.getMessage() for record in caplog.records] == []


class SlowAction(Action):
    """Does nothing, slowly."""


class SlowEnvironment(Environment[SlowAction, Observation, State]):
    """An environment of OpenEnv whose steps take long enough to run away from them."""

    SUPPORTS_CONCURRENT_SESSIONS = True
    running = 0
    open = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).open += 1

    def reset(self, seed: int | None = None, episode_id: str | None = None, **kwargs: Any) -> Observation:
        return Observation()

    def step(self, action: SlowAction, timeout_s: float | None = None, **kwargs: Any) -> Observation:
        type(self).running += 1
        time.sleep(0.2)
        type(self).running -= 1
        return Observation()

    @property
    def state(self) -> State:
        return State()

    def close(self) -> None:
        type(self).open -= 1


def test_clients_that_run_away_from_a_step_of_openenv_leave_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    HTTPEnvServer(SlowEnvironment, SlowAction, Observation, max_concurrent_envs=5).register_routes(app)
    guard, _ = guarded(app)
    with caplog.at_level(logging.WARNING), live(guard) as port:
        for farewell in (reset_connection, half_close, break_off):
            connection = shake_hands(port)
            connection.sendall(masked('{"type": "step", "data": {}}'))
            wait_until(lambda: SlowEnvironment.running == 1)
            farewell(connection)
            wait_until(lambda: SlowEnvironment.open == 0)
            connection.close()
    assert [record.getMessage() for record in caplog.records] == []


def shake_hands(port: int) -> socket.socket:
    """Return a connection on which frames may be sent, and anything else."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
    connection.sendall(HANDSHAKE % b"/ws")
    assert b" 101 " in connection.recv(4_096)
    return connection


def reset_connection(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def half_close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)


def break_off(connection: socket.socket) -> None:
    connection.sendall(masked(STATE)[:4])
    connection.close()


def test_an_endless_body_is_refused() -> None:
    guard, _ = guarded(max_message=1_024)
    head = b"POST /reset HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"200\r\n" + b" " * 512 + b"\r\n"
    with live(guard) as port:
        assert b" 413 " in raw_request(port, head, *[chunk] * 4, pause=0.02).split(b"\r\n")[0]
        huge = b"POST /reset HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n"
        assert b" 413 " in raw_request(port, huge).split(b"\r\n")[0]
        assert b" 200 " in raw_request(port, b"GET /state HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").split(b"\r\n")[0]


FRAMES = (
    *(b"\xff" * 20, b"\x81\x05hello", b"\x88\x80\x00\x00\x00\x00", masked("{")[:3], b"\xc1\x80\x00\x00\x00\x00"),
    *(masked("{")[:6] + b"\xff", b"\x81\xff" + b"\xff" * 12, b"\x00\x80\x00\x00\x00\x00"),
)
"""What no client would send: not masked, cut off, of unknown kinds, not UTF-8, of eternal length, out of order."""


def test_no_bytes_stop_the_server(caplog: pytest.LogCaptureFixture) -> None:
    table = StubApp()
    guard, telemetry = guarded(table)
    with live(guard) as port:
        for junk in (b"\x00" * 50, b"GET\r\n\r\n", b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"):
            raw_request(port, junk, silence=0.3)
        for frame in FRAMES:
            raw_request(port, HANDSHAKE % b"/ws", frame, silence=0.3)
        wait_until(lambda: open_connections(telemetry) == 0)
        with client(port) as line:
            line.send(STATE)
            assert line.recv() == ANSWER
    assert table.seen == [STATE]
    assert not [record for record in caplog.records if record.name == "parlay_marl.server"]


def test_many_at_once_are_all_counted_out_again() -> None:
    guard, telemetry = guarded()

    def play(port: int) -> None:
        with client(port) as line:
            for _ in range(20):
                line.send(STATE)
                assert line.recv() == ANSWER

    with live(guard) as port:
        threads = [threading.Thread(target=play, args=(port,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        wait_until(lambda: open_connections(telemetry) == 0)
    figures = telemetry.render()[0].decode()
    assert 'parlay_messages_total{protocol="openenv"} 400.0' in figures
    assert 'parlay_connections_open{protocol="openenv"} 0.0' in figures
