"""The routes of OpenEnv's protocol that replace OpenEnv's own: its WebSocket, and MCP over both transports."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic_core import to_json
from starlette.datastructures import QueryParams
from starlette.routing import WebSocketRoute

from parlay_marl.errors import RequestError
from parlay_marl.server.error_text import client_text
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.mcp_sessions import McpSessions
from parlay_marl.server.middleware.asgi import (
    CONTENT,
    HAS_TOKEN,
    HTTP,
    IS_USED,
    MESSAGE,
    Message,
    Receive,
    Scope,
    Send,
    client_address,
)
from parlay_marl.server.middleware.content import NOT_JSON
from parlay_marl.server.middleware.refusals import RPC_PATH, rpc_reply
from parlay_marl.server.middleware.token import NO_TOKEN
from parlay_marl.server.openenv_parts import SessionCapacityError, WSErrorCode
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_rpc import OPEN_METHODS, answer_over_http
from parlay_marl.server.protocols.openenv_socket import answer, answer_mcp, error_reply

JSON = "application/json"
SESSION_HEADER = "mcp-session-id"
"""The header in which MCP clients send their session id."""
Reply = Callable[[NegotiationEnvironment, dict[str, Any]], Awaitable[str | None]]


class OpenEnvSockets:
    """The WebSockets that speak OpenEnv's protocol or MCP; only a limited number may have a session."""

    def __init__(self, factory: GameFactory, sessions: McpSessions) -> None:
        self._factory, self._sessions = factory, sessions
        self._most = factory.settings.max_sessions
        self._open = 0

    async def serve(self, scope: Scope, receive: Receive, send: Send, reply_to: Reply) -> None:
        """Serve one WebSocket, unless the server is full; `reply_to` returns the reply to a message.

        It reads and writes the events of ASGI: Starlette's `WebSocket`, and what FastAPI wraps around it, would cost
        every message several calls. The `Failures` middleware drops what is sent to a client that has gone.
        """
        await receive()  # the request to connect
        await send({"type": "websocket.accept"})
        if self._open >= self._most:
            await send(_text(self._full()))
        elif (name := QueryParams(scope["query_string"]).get("session_id")) is None:
            await self._own_session(receive, send, reply_to)
        else:
            await self._session_of_client(scope.get(IS_USED), receive, send, name)
        await send({"type": "websocket.close"})

    async def _own_session(self, receive: Receive, send: Send, reply_to: Reply) -> None:
        """Serve a client in a session of its own until it leaves."""
        environment = NegotiationEnvironment(self._factory)
        self._open += 1
        try:
            while (event := await receive())["type"] == MESSAGE:
                reply = await reply_to(environment, event[CONTENT])
                if reply is None:
                    break
                if reply:
                    await send(_text(reply))
        finally:
            self._open -= 1
            environment.close()

    async def _session_of_client(self, is_used: Any, receive: Receive, send: Send, name: str) -> None:
        """Serve a client, until it leaves, in a session that it began over HTTP; the session goes on."""
        try:
            session = self._sessions.attach(name, is_used)
        except RequestError as error:
            await send(_text(error_reply(client_text(error), WSErrorCode.SESSION_ERROR)))
            return
        self._open += 1
        try:
            while (event := await receive())["type"] == MESSAGE:
                session = self._sessions.find(name)
                async with session.lock:
                    reply = await answer(session.environment, event[CONTENT])
                if reply is None:
                    break
                await send(_text(reply))
        except RequestError as error:  # the client has closed the session meanwhile
            await send(_text(error_reply(client_text(error), WSErrorCode.SESSION_ERROR)))
        finally:
            self._open -= 1
            self._sessions.detach(session)

    def _full(self) -> str:
        """Return the answer of a full server."""
        error = SessionCapacityError(active_sessions=self._open, max_sessions=self._most)
        counts = {"active_sessions": self._open, "max_sessions": self._most}
        return error_reply(str(error), WSErrorCode.CAPACITY_REACHED, **counts)


class Endpoint:
    """The ASGI app of one WebSocket path; `reply_for` returns, from the scope, what replies to a message."""

    def __init__(self, sockets: OpenEnvSockets, reply_for: Callable[[Scope], Reply]) -> None:
        self._sockets, self._reply_for = sockets, reply_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket, in a task of its own: each event would resume some forty coroutines of the app."""
        await asyncio.create_task(self._sockets.serve(scope, receive, send, self._reply_for(scope)))


def _text(text: str) -> Message:
    """Return the event that sends a text."""
    return {"type": "websocket.send", "text": text}


def _mcp_reply(scope: Scope) -> Reply:
    """Return what replies to the messages of an MCP client, with the options of its address."""
    return functools.partial(answer_mcp, options=dict(QueryParams(scope["query_string"])))


def openenv_router(factory: GameFactory) -> APIRouter:
    """Return the routes of the WebSockets and of MCP over HTTP, which are matched before OpenEnv's own."""
    router, sessions = APIRouter(), McpSessions(factory)
    sockets = OpenEnvSockets(factory, sessions)

    router.routes.append(WebSocketRoute("/ws", Endpoint(sockets, lambda scope: answer), name="openenv"))
    router.routes.append(WebSocketRoute(RPC_PATH, Endpoint(sockets, _mcp_reply), name="mcp_socket"))

    @router.post(RPC_PATH, tags=["MCP"])
    async def mcp(request: Request) -> Response:
        """Answer an MCP request in JSON-RPC: `initialize`, `tools/list`, `tools/call`, and OpenEnv's sessions."""
        if not await request.body():
            return Response(rpc_reply(NOT_JSON), media_type=JSON)
        given = await request.json()
        if given["method"] not in OPEN_METHODS and not request.scope[HAS_TOKEN]:
            factory.telemetry.refused(HTTP, NO_TOKEN.reason)
            return JSONResponse({"error": NO_TOKEN.text}, NO_TOKEN.status)
        made = functools.partial(NegotiationEnvironment, factory)
        options, header = dict(request.query_params), request.headers.get(SESSION_HEADER)
        reply, status, session = await answer_over_http(
            given, sessions, client_address(request.scope), made, options, header
        )
        headers = {} if session is None else {SESSION_HEADER: session}
        content = b"" if reply is None else to_json(reply, inf_nan_mode="null")
        return Response(content, status, headers, JSON)

    @router.delete(RPC_PATH, tags=["MCP"])
    async def end(request: Request) -> Response:
        """End the session of an MCP client."""
        try:
            sessions.close(sessions.find(request.headers.get(SESSION_HEADER)))
        except RequestError as error:
            return JSONResponse({"error": client_text(error)}, 404)
        return Response(status_code=204)

    return router
