"""The WebSocket of OpenEnv's protocol, at `/ws`: the same messages and replies as OpenEnv's own, for less.

OpenEnv's own handler keeps a thread for each session, and reads, checks and writes every message several times over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.websockets import WebSocketDisconnect

from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.middleware.asgi import CONTENT, MESSAGE
from parlay_marl.server.openenv_parts import (
    JsonRpcErrorCode,
    JsonRpcResponse,
    SessionCapacityError,
    WSCloseMessage,
    WSErrorCode,
    WSErrorResponse,
    WSMCPMessage,
    WSResetMessage,
    WSStateMessage,
    WSStepMessage,
)
from parlay_marl.server.protocols.openenv import NegotiationEnvironment, Seen
from parlay_marl.server.protocols.openenv_action import ReceivedAction


class OpenEnvSockets:
    """The WebSockets of a server that speak OpenEnv's protocol; a limited number of them have a session."""

    def __init__(self, factory: GameFactory) -> None:
        self._factory = factory
        self._most = factory.settings.max_sessions
        self._open = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one WebSocket, unless the server is full."""
        await websocket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            if self._open < self._most:
                await self._session(websocket)
            else:
                await websocket.send_text(self._full())
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client may have closed it
            await websocket.close()

    async def _session(self, websocket: WebSocket) -> None:
        """Answer a client until it leaves."""
        environment = NegotiationEnvironment(self._factory)
        self._open += 1
        try:
            while (event := await websocket.receive())["type"] == MESSAGE:
                reply = await answer(environment, event[CONTENT])
                if reply is None:
                    break
                await websocket.send_text(reply)
        finally:
            self._open -= 1
            environment.close()

    def _full(self) -> str:
        """Return the answer of a full server."""
        error = SessionCapacityError(active_sessions=self._open, max_sessions=self._most)
        counts = {"active_sessions": self._open, "max_sessions": self._most}
        return _error(str(error), WSErrorCode.CAPACITY_REACHED, **counts)


def openenv_router(factory: GameFactory) -> APIRouter:
    """Return the route of the WebSocket, which stands before OpenEnv's own."""
    router, sockets = APIRouter(), OpenEnvSockets(factory)

    @router.websocket("/ws")
    async def openenv_websocket(websocket: WebSocket) -> None:
        await sockets.serve(websocket)

    return router


async def answer(environment: NegotiationEnvironment, message: dict[str, Any]) -> str | None:
    """Return the reply to a message of a client, None to its goodbye; an error becomes a reply, too.

    The middleware has let only known types pass.
    """
    try:
        match message["type"]:
            case "step":
                action = ReceivedAction.model_validate(_data(message, WSStepMessage))
                return _observation(await environment.take_turn(action))
            case "reset":
                return _observation(await environment.begin(_data({"data": {}, **message}, WSResetMessage)))
            case "state":
                WSStateMessage.model_validate(message)
                return _text("state", environment.state.model_dump())
            case "mcp":
                return _text("mcp", _no_tools(_data(message, WSMCPMessage)))
        WSCloseMessage.model_validate(message)
    except ValidationError as error:
        return _error("Invalid message", WSErrorCode.VALIDATION_ERROR, errors=error.errors())
    except Exception as error:
        return _error(str(error), WSErrorCode.EXECUTION_ERROR)
    return None


def _data(message: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """Return the data of a message; raise `ValidationError` as OpenEnv's model of it does where it has another form."""
    data = message.get("data")
    if not isinstance(data, dict) or len(message) > 2:  # besides its type and its data
        model.model_validate(message)
    return data  # type: ignore[return-value]


def _no_tools(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a request for tools, in JSON-RPC: a negotiation has none."""
    code, reason = JsonRpcErrorCode.INTERNAL_ERROR, "Environment does not support MCP"
    if request["method"] == "tools/call" and not request.get("params", {}).get("name"):
        code, reason = JsonRpcErrorCode.INVALID_PARAMS, "Missing 'name' in params"
    reply: dict[str, Any] = JsonRpcResponse.error_response(code, reason, request_id=request.get("id")).model_dump()
    return reply


# ---------------------------------------------------------------------- replies as text


def _observation(seen: Seen) -> str:
    """Return the reply to a reset or a step; metadata stands in it twice, as OpenEnv's clients read either."""
    metadata = seen.fields["metadata"]
    beside = {"metadata": metadata} if metadata else {}
    return _text("observation", {"observation": seen.fields, "reward": seen.reward, "done": seen.done, **beside})


def _text(kind: str, data: Mapping[str, Any]) -> str:
    """Return a reply as text."""
    return to_json({"type": kind, "data": data}, inf_nan_mode="null").decode()


def _error(text: str, code: WSErrorCode, **further: Any) -> str:
    """Return an error as text."""
    reply: str = WSErrorResponse(data={"message": text, "code": code, **further}).model_dump_json()
    return reply
