"""JSON-RPC at `/mcp`: MCP itself, and OpenEnv's sessions over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from parlay_marl import __version__
from parlay_marl.errors import ParlayError
from parlay_marl.language.tools import TOOL_NAMES
from parlay_marl.server.error_text import client_text
from parlay_marl.server.mcp_sessions import McpSessions
from parlay_marl.server.openenv_parts import JsonRpcErrorCode, JsonRpcResponse
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_tools import NO_TOOL, result_of

CREATE, CLOSE = "openenv/session/create", "openenv/session/close"
"""OpenEnv's methods of sessions over HTTP."""
INITIALIZE, PING, NOTIFICATIONS = "initialize", "ping", "notifications/"
"""MCP's methods around tools; the last is the prefix of methods that get no answer."""
OPEN_METHODS = frozenset({"tools/list"})
"""The methods that need no token: they reveal nothing about games."""
VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05", "2025-11-25")
"""The versions of MCP with the same tools; a client of another version gets the first."""
NUMBERS = ("seed", "index", "max_rounds")
"""Options of a reset that are integers; in an address they are text."""
Request = Mapping[str, Any]
MakeEnvironment = Callable[[], NegotiationEnvironment]


class Answer(NamedTuple):
    """An answer over HTTP; its body is None where there is none."""

    reply: dict[str, Any] | None
    status: int = 200
    session: str | None = None
    """The id of a session that has begun."""


async def answer_rpc(
    request: Request, environment: NegotiationEnvironment, options: Mapping[str, str] | None = None
) -> dict[str, Any] | None:
    """Return the answer to a request, None where it asks for none; the middleware has checked its form and method.

    `options` are those in the address of a connection; with them `initialize` begins a game.
    """
    method, params, number = request["method"], request.get("params", {}), request.get("id")
    if method == "tools/list":
        return _success({"tools": environment.tools()}, number)
    if method == "tools/call":
        return await _call(params, number, environment)
    if method == INITIALIZE and options is not None:
        return await _initialize(params, number, environment, options)
    if method == PING:
        return _success({}, number)
    if method.startswith(NOTIFICATIONS):
        return None
    return _error(JsonRpcErrorCode.METHOD_NOT_FOUND, "the session has begun already", number)


async def _call(params: Request, number: Any, environment: NegotiationEnvironment) -> dict[str, Any]:
    """Return the answer to a tool call."""
    name = params.get("name")
    if not name:
        return _error(JsonRpcErrorCode.INVALID_PARAMS, "Missing 'name' in params", number)
    if name not in TOOL_NAMES:
        return _error(JsonRpcErrorCode.INVALID_PARAMS, f"name: {NO_TOOL}", number)
    try:
        called = await environment.call(name, params.get("arguments", {}))
    except RuntimeError as error:  # it was logged, and its text was removed
        return _error(JsonRpcErrorCode.INTERNAL_ERROR, client_text(error), number)
    return _success(result_of(called), number)


async def _initialize(
    params: Request, number: Any, environment: NegotiationEnvironment, options: Mapping[str, str]
) -> dict[str, Any]:
    """Begin a game, and return MCP's first answer; its instructions are the rules of the game."""
    chosen = {name: int(text) if name in NUMBERS and text.isdecimal() else text for name, text in options.items()}
    try:
        seen = await environment.begin({"form": "tools", **chosen})
    except (ParlayError, RuntimeError) as error:
        return _error(JsonRpcErrorCode.INVALID_PARAMS, client_text(error), number)
    asked = params.get("protocolVersion")
    told = {
        "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "parlay_marl", "version": __version__},
        "instructions": seen.fields["text"],
    }
    return _success(told, number)


async def answer_over_http(
    request: Request,
    sessions: McpSessions,
    address: str,
    make: MakeEnvironment,
    options: Mapping[str, str],
    session_header: str | None,
) -> Answer:
    """Return the answer to a request over HTTP, in its session or, without a session id, outside of any game.

    OpenEnv's client sends the session id in `params`, other MCP clients in a header.
    """
    method, params, number = request["method"], request.get("params", {}), request.get("id")
    try:
        if method == CREATE:
            return Answer(_success({"session_id": sessions.create(address).id}, number))
        if method == CLOSE:
            sessions.close(sessions.find(params.get("session_id")))
            return Answer(_success({"session_id": params["session_id"], "closed": True}, number))
        if method == INITIALIZE:
            return await _begin_session(request, sessions, address, options)
        if "session_id" not in params and session_header is None:
            return _sent(await answer_rpc(request, make()))
        session = sessions.find(params.get("session_id", session_header))
    except ParlayError as error:
        status = 200 if session_header is None or method == INITIALIZE else 404  # the client then starts anew
        return Answer(_error(JsonRpcErrorCode.SERVER_ERROR, client_text(error), number), status)
    async with session.lock:
        reply = await answer_rpc(request, session.environment)
    session.is_used()  # a call may wait long for the other client's turn
    return _sent(reply)


async def _begin_session(request: Request, sessions: McpSessions, address: str, options: Mapping[str, str]) -> Answer:
    """Begin a session with a game; where the game cannot begin, the session is closed."""
    session = sessions.create(address)
    async with session.lock:
        reply = await answer_rpc(request, session.environment, options)
    if reply is None or "error" in reply:
        sessions.close(session)
        return Answer(reply)
    return Answer(reply, session=session.id)


def _sent(reply: dict[str, Any] | None) -> Answer:
    """Return the HTTP response of a reply; without a reply, status 202."""
    return Answer(reply, 202 if reply is None else 200)


def _success(result: Mapping[str, Any], number: Any) -> dict[str, Any]:
    reply: dict[str, Any] = JsonRpcResponse.success(dict(result), number).model_dump()
    return reply


def _error(code: JsonRpcErrorCode, text: str, number: Any) -> dict[str, Any]:
    reply: dict[str, Any] = JsonRpcResponse.error_response(code, text, request_id=number).model_dump()
    return reply
