"""Sessions of OpenEnv's MCP client: begun over HTTP, played by requests at `/mcp` and by one WebSocket at `/ws`.

A session ends when its client closes it, or after the idle time without use. Its id is a secret.
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
    """One session: an environment that answers one message at a time."""

    def __init__(self, factory: GameFactory, address: str) -> None:
        self.id = secrets.token_urlsafe(24)
        self.address = address
        self.environment = NegotiationEnvironment(factory)
        self.lock = asyncio.Lock()
        """Held while a message is answered, because messages may come over several connections."""
        self.used = asyncio.get_running_loop().time()
        """Time of the last message."""
        self.is_attached = False
        """True while a WebSocket uses the session."""
        self.on_use: Callable[[], None] | None = None
        """Called when the session is used: its WebSocket is not idle then."""

    def is_used(self) -> None:
        """Note that the client uses the session now."""
        self.used = asyncio.get_running_loop().time()
        if self.on_use is not None:
            self.on_use()


class McpSessions:
    """The sessions of a server, limited for each client address and to half of the server's sessions in all."""

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
        """Return a session by its id, and mark it as used."""
        session = self._by_id.get(name) if isinstance(name, str) else None
        if session is None:
            raise RequestError("session_id: there is no such session, or nobody has used it for too long")
        session.is_used()
        return session

    def attach(self, name: object, on_use: Callable[[], None] | None = None) -> McpSession:
        """Attach a WebSocket to a session, which can have one at a time; `on_use` is called at each use."""
        session = self.find(name)
        if session.is_attached:
            raise RequestError("session_id: the session has a WebSocket already")
        session.is_attached, session.on_use = True, on_use
        return session

    def detach(self, session: McpSession) -> None:
        """Detach the WebSocket, which has ended, from its session; the session goes on."""
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
        """Schedule the next check of a session."""
        asyncio.get_running_loop().call_later(seconds, self._look, session)

    def _look(self, session: McpSession) -> None:
        """End a session that was idle for too long; otherwise schedule the next check."""
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
