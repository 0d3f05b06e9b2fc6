"""Sessions of OpenEnv's MCP client: begun over HTTP, played by requests at `/mcp` and by one WebSocket at `/ws`.

A session ends when its client closes it, or when nobody has used it for the idle time. Its id is a secret.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable

from parlay_marl.errors import RequestError
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.protocols.openenv import NegotiationEnvironment


class McpSession:
    """One session: an environment, whose messages are answered one after the other."""

    def __init__(self, factory: GameFactory, address: str) -> None:
        self.id = secrets.token_urlsafe(24)
        self.address = address
        self.environment = NegotiationEnvironment(factory)
        self.lock = asyncio.Lock()
        """Held while a message is answered: messages come by several connections."""
        self.used = asyncio.get_running_loop().time()
        """The time of the last message."""
        self.is_attached = False
        """Has a WebSocket the session?"""
        self.on_use: Callable[[], None] | None = None
        """Called when the session is used: its WebSocket is not idle then."""

    def is_used(self) -> None:
        """Note that the client uses the session now."""
        self.used = asyncio.get_running_loop().time()
        if self.on_use is not None:
            self.on_use()


class McpSessions:
    """The sessions of a server: a limited number for each address, and half of its sessions at most."""

    def __init__(self, factory: GameFactory) -> None:
        self._factory = factory
        self._by_id: dict[str, McpSession] = {}
        self._of_address: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_id)

    def create(self, address: str) -> McpSession:
        """Begin a session for a client address."""
        settings = self._factory.settings
        if settings.workers > 1:
            raise RequestError("this server has several workers, which share no sessions; connect to /ws")
        if self._of_address[address] >= settings.max_orphans:
            raise RequestError("your address has as many sessions as it may; close one, or try again later")
        if len(self) >= max(settings.max_sessions // 2, 1):
            raise RequestError("the server has as many sessions as it takes; try again later")
        session = McpSession(self._factory, address)
        self._by_id[session.id] = session
        self._of_address[address] += 1
        self._watch(session, settings.idle)
        return session

    def find(self, name: object) -> McpSession:
        """Return a session by its id, which counts as a use of it."""
        session = self._by_id.get(name) if isinstance(name, str) else None
        if session is None:
            raise RequestError("session_id: there is no such session, or nobody has used it for too long")
        session.is_used()
        return session

    def attach(self, name: object, on_use: Callable[[], None] | None = None) -> McpSession:
        """Give a session to a WebSocket; it can have one. `on_use` is called whenever the session is used."""
        session = self.find(name)
        if session.is_attached:
            raise RequestError("session_id: the session has a WebSocket already")
        session.is_attached, session.on_use = True, on_use
        return session

    def detach(self, session: McpSession) -> None:
        """Take a session from its WebSocket, which has ended; the session goes on."""
        session.is_attached, session.on_use = False, None
        session.used = asyncio.get_running_loop().time()
        session.environment.disconnect()

    def close(self, session: McpSession) -> None:
        """End a session; a game against another client or a hosted player is forfeited."""
        if self._by_id.pop(session.id, None) is None:
            return
        self._of_address[session.address] -= 1
        if not self._of_address[session.address]:
            del self._of_address[session.address]
        session.environment.disconnect()
        session.environment.close()

    def _watch(self, session: McpSession, seconds: float) -> None:
        """Look at a session after a time."""
        asyncio.get_running_loop().call_later(seconds, self._look, session)

    def _look(self, session: McpSession) -> None:
        """End a session that nobody has used for too long; else look again when that would be so."""
        if session.id not in self._by_id:
            return
        idle = self._factory.settings.idle
        left = session.used + idle - asyncio.get_running_loop().time()
        if session.is_attached or session.lock.locked():
            self._watch(session, idle)
        elif left > 0.0:
            self._watch(session, left)
        else:
            self.close(session)
