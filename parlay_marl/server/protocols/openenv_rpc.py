"""JSON-RPC of MCP: the list of tools, their calls, and OpenEnv's sessions over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parlay_marl.errors import ParlayError
from parlay_marl.language.tools import TOOL_NAMES
from parlay_marl.server.error_text import client_text
from parlay_marl.server.mcp_sessions import McpSessions
from parlay_marl.server.openenv_parts import JsonRpcErrorCode, JsonRpcResponse
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_tools import NO_TOOL, result_of

CREATE, CLOSE = "openenv/session/create", "openenv/session/close"
"""The methods of sessions over HTTP."""
OPEN_METHODS = frozenset({"tools/list"})
"""The methods that need no token: they show nothing of games."""
Request = Mapping[str, Any]
MakeEnvironment = Callable[[], NegotiationEnvironment]


async def answer_tools(request: Request, environment: NegotiationEnvironment) -> dict[str, Any]:
    """Return the answer to a request about tools; the middleware has checked its form and its method."""
    params, number = request.get("params", {}), request.get("id")
    if request["method"] == "tools/list":
        return _success({"tools": environment.tools()}, number)
    name = params.get("name")
    if not name:
        return _error(JsonRpcErrorCode.INVALID_PARAMS, "Missing 'name' in params", number)
    if name not in TOOL_NAMES:
        return _error(JsonRpcErrorCode.INVALID_PARAMS, f"name: {NO_TOOL}", number)
    return _success(result_of(await environment.call(name, params.get("arguments", {}))), number)


async def answer_over_http(
    request: Request, sessions: McpSessions, address: str, make: MakeEnvironment
) -> dict[str, Any]:
    """Return the answer to a request over HTTP: in its session, or where it names none, outside of any game."""
    params, number = request.get("params", {}), request.get("id")
    try:
        if request["method"] == CREATE:
            return _success({"session_id": sessions.create(address).id}, number)
        if request["method"] == CLOSE:
            sessions.close(sessions.find(params.get("session_id")))
            return _success({"session_id": params["session_id"], "closed": True}, number)
        if "session_id" not in params:
            return await answer_tools(request, make())
        session = sessions.find(params["session_id"])
    except ParlayError as error:
        return _error(JsonRpcErrorCode.SERVER_ERROR, client_text(error), number)
    async with session.lock:
        return await answer_tools(request, session.environment)


def _success(result: Mapping[str, Any], number: Any) -> dict[str, Any]:
    reply: dict[str, Any] = JsonRpcResponse.success(dict(result), number).model_dump()
    return reply


def _error(code: JsonRpcErrorCode, text: str, number: Any) -> dict[str, Any]:
    reply: dict[str, Any] = JsonRpcResponse.error_response(code, text, request_id=number).model_dump()
    return reply
