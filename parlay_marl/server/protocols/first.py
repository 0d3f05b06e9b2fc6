"""The protocol of the first Parlay server, at `/env/ws`: its commands, sessions and routes.

The client is the seller unless `reset` names a `role`, and opens each round. A session is bound to the connection that
began it unless `reset` says `"shared": true`. docs/server.md says what differs from the first server, and why.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, WebSocket
from fastapi.responses import JSONResponse
from starlette.websockets import WebSocketDisconnect

from parlay_marl.core.moves import SEATS
from parlay_marl.errors import ParlayError, RequestError
from parlay_marl.server.error_text import FAILED, client_text
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.middleware.asgi import CONTENT, MESSAGE, client_address
from parlay_marl.server.protocols.first_messages import (
    DEFAULT_PERSONA,
    DEFAULT_SCENARIO,
    FALLBACK,
    OPENING,
    FirstAction,
    echo,
    envelope,
    history_from,
    seed_of,
)
from parlay_marl.server.protocols.first_session import FirstSession

PROTOCOL = "first"
SESSIONS_OF_CONNECTION = 8
"""Most sessions of a connection; the least recently used one is dropped first."""

Sessions = OrderedDict[str, FirstSession]
"""Sessions of a connection by their ids, the most recently used one last."""


class FirstProtocol:
    """All sessions of the first protocol on a server, and its commands; `own` holds the sessions of one connection."""

    def __init__(self, factory: GameFactory) -> None:
        self._factory = factory
        self.sessions: dict[str, FirstSession] = {}

    async def answer(self, text: str, own: Sessions, content: Any = None) -> dict[str, Any]:
        """Return the reply to a message of a connection; errors become replies as well.

        `content` is the decoded text, where the middleware has read it already.
        """
        began = time.perf_counter()
        try:
            message = json.loads(text) if content is None else content
        except (ValueError, RecursionError):
            return {"error": "Invalid JSON"}
        try:
            command, params = envelope(message)
            reply = await self._carry_out(command, params, own)
        except ParlayError as error:
            self._factory.telemetry.refused(PROTOCOL, type(error).__name__)
            return {"error": client_text(error)}
        except Exception as error:
            self._factory.telemetry.failed(PROTOCOL, error)
            return {"observation": FALLBACK, "done": False, "_fallback": True, "reason": FAILED}
        if command == "step":
            self._factory.telemetry.stepped(PROTOCOL, time.perf_counter() - began)
        return reply

    async def _carry_out(self, command: str, params: Mapping[str, Any], own: Sessions) -> dict[str, Any]:
        """Return the reply to a command."""
        match command:
            case "reset":
                return self._reset(params, own)
            case "step":
                return await self._step(params, own)
            case "state":
                return {"state": self._session(params, own).state(start=history_from(params))}
        raise RequestError(f"Unknown command: {echo(command)}")

    def _reset(self, params: Mapping[str, Any], own: Sessions) -> dict[str, Any]:
        """Begin a session; arguments are checked in the order of the first server."""
        seed = seed_of(params)
        scenario, persona = params.get("scenario_id", DEFAULT_SCENARIO), params.get("persona", DEFAULT_PERSONA)
        if not isinstance(persona, str) or persona not in self._factory.opponents:
            raise RequestError(f"Unknown persona: {echo(persona)}")
        if not isinstance(scenario, str) or scenario not in self._factory.scenarios:
            raise RequestError(f"Unknown scenario: {echo(scenario)}")
        role = params.get("role", "seller")
        if role not in SEATS:
            raise RequestError(f"Unknown role: {echo(role)}")
        shared = params.get("shared", self._factory.settings.share_sessions) is True
        if shared and self._factory.settings.workers > 1:
            raise RequestError("shared: this server has several workers, which share no sessions; leave it out")
        session = FirstSession(self._factory, scenario, persona, role, seed, shared)
        self._make_room(own)
        self._admit(session, own)
        return {"session_id": session.id, "observation": session.observation(0.0, OPENING), "done": False}

    def _make_room(self, own: Sessions) -> None:
        """Make room for another session of a connection: drop one of its own, or idle shared ones."""
        self._forget_idle()
        while own and (len(own) >= SESSIONS_OF_CONNECTION or self._is_full()):
            over = [session for session in own.values() if session.game.is_over]
            self.drop(own.pop(over[0].id) if over else own.popitem(last=False)[1])
        if self._is_full():
            raise RequestError(f"Server at capacity: {len(self.sessions)} sessions are open; try again later")

    def _is_full(self) -> bool:
        """Return whether the server has its largest number of sessions."""
        return len(self.sessions) >= self._factory.settings.max_sessions

    def _forget_idle(self) -> None:
        """Drop shared sessions that are idle; other sessions end with their connections."""
        for session in [each for each in self.sessions.values() if self._is_idle(each)]:
            self.drop(session)

    def _is_idle(self, session: FirstSession) -> bool:
        """Return whether a shared session has been idle for too long."""
        return session.shared and session.used < time.monotonic() - self._factory.settings.idle

    def find(self, name: Any) -> FirstSession | None:
        """Return a session by its id, unless it has been idle for too long."""
        session = self.sessions.get(name) if isinstance(name, str) else None
        if session is None or not self._is_idle(session):
            return session
        self.drop(session)
        return None

    def _admit(self, session: FirstSession, own: Sessions) -> None:
        """Add a session."""
        own[session.id] = self.sessions[session.id] = session
        session.number = self._factory.telemetry.session_started(PROTOCOL)

    async def _step(self, params: Mapping[str, Any], own: Sessions) -> dict[str, Any]:
        """Play a client's turn."""
        session = self._session(params, own)
        if session.game.is_over:
            raise RequestError(f"Episode {session.id} is already done")
        observation = await session.step(FirstAction.read(params.get("action", params)))
        if observation["episode_done"] and not session.game.is_counted:
            session.game.is_counted = True
            self._factory.telemetry.game_ended(PROTOCOL, *session.game.ending(), session.number)
        return {"observation": observation, "done": observation["episode_done"]}

    def _session(self, params: Mapping[str, Any], own: Sessions) -> FirstSession:
        """Return a session of this connection, or a shared one."""
        name = params.get("session_id")
        session = self.find(name)
        if session is None or not (session.id in own or session.shared):
            raise RequestError(f"Session {echo(name)} not found")
        if session.id in own:
            own.move_to_end(session.id)
        session.used = time.monotonic()
        return session

    def drop(self, session: FirstSession) -> None:
        """Remove a session; a client that leaves a hosted player forfeits."""
        if self.sessions.pop(session.id, None) is not None:
            if session.game.has_hosted_player and not self._factory.is_stopping:
                session.game.leave(session.seat)
            self._factory.telemetry.session_ended(PROTOCOL, session.number)

    def leave(self, own: Sessions, address: str) -> None:
        """Remove the sessions of a closed connection, except shared ones, which become orphans."""
        for session in own.values():
            if session.shared:
                session.orphan_of = address
            else:
                self.drop(session)
        self._forget_idle()
        if any(session.shared for session in own.values()):
            self._forget_orphans(address)

    def _forget_orphans(self, address: str) -> None:
        """Remove the oldest orphans of an address that has too many, and those beyond half of all sessions.

        This leaves room for clients that are connected.
        """
        orphans = [each for each in self.sessions.values() if each.orphan_of is not None]
        orphans.sort(key=lambda session: session.used)
        same = [session for session in orphans if session.orphan_of == address]
        for session in same[: max(len(same) - self._factory.settings.max_orphans, 0)]:
            self.drop(session)
            orphans.remove(session)
        most = max(self._factory.settings.max_sessions // 2, 1)
        for session in orphans[: max(len(orphans) - most, 0)]:
            self.drop(session)


def first_router(factory: GameFactory) -> APIRouter:
    """Return the routes of the first protocol."""
    router, protocol = APIRouter(prefix="/env", tags=["first protocol"]), FirstProtocol(factory)

    @router.websocket("/ws")
    async def env_websocket(websocket: WebSocket) -> None:
        await websocket.accept()
        own: Sessions = OrderedDict()
        try:
            while (event := await websocket.receive())["type"] == MESSAGE:
                reply = await protocol.answer(event["text"], own, event.get(CONTENT))
                await websocket.send_text(json.dumps(reply, ensure_ascii=True, allow_nan=False))
        except WebSocketDisconnect:
            pass
        finally:
            protocol.leave(own, client_address(websocket.scope))

    @router.get("/sessions/{session_id}")
    async def get_session(session_id: str) -> JSONResponse:
        """Return the state of a session: all of it where the session is shared, otherwise its public part."""
        session = protocol.find(session_id)
        if session is None:
            return JSONResponse({"error": f"Session {echo(session_id)} not found"}, 404)
        return JSONResponse({"state": session.state(public=not session.shared)})

    return router
