"""A client of the negotiation server, typed: `ParlayClient`, by OpenEnv's protocol over a WebSocket.

It needs `websockets` and `pydantic`, and imports neither the server nor OpenEnv.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.asyncio import client as awaited
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync import client as blocking

from parlay_marl.errors import ServerConnectionError, ServerRefusedError
from parlay_marl.server.protocols.openenv_messages import NegotiationAction, NegotiationObservation, NegotiationState

SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
"""The scheme of the WebSocket, by that of the address."""
PATH = "/ws"
LONGEST_REPLY = 100 * 2**20
"""Largest message from the server, in bytes."""
FAILURES = (OSError, WebSocketException)
"""Errors of a connection that is lost or cannot be made."""


@dataclass(frozen=True)
class StepResult:
    """The answer to a reset or a step."""

    observation: NegotiationObservation
    reward: float | None = None
    """The reward of the client's seat; None after a reset."""
    done: bool = False
    metadata: dict[str, Any] | None = None
    """The outcome, once the game has ended."""


class _Address:
    """The address of a server, and how to connect to it."""

    def __init__(self, base_url: str, token: str | None, headers: Mapping[str, str] | None, connect_s: float) -> None:
        parts = urlsplit(base_url if "://" in base_url else f"http://{base_url}")
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise ServerConnectionError(f"base_url: {base_url!r:.100} is no address; give one such as http://host:8001")
        self.url = f"{SCHEMES[parts.scheme]}://{parts.netloc}{parts.path.rstrip('/')}{PATH}"
        given = dict(headers or {}) | ({} if token is None else {"Authorization": f"Bearer {token}"})
        self.options: dict[str, Any] = {
            "additional_headers": given,
            "compression": None,
            "max_size": LONGEST_REPLY,
            "open_timeout": connect_s,
        }
        if _is_this_machine(parts.hostname):
            self.options["proxy"] = None

    def failed(self, error: Exception) -> ServerConnectionError:
        """Return the error of a connection that cannot be made."""
        what = str(error) or type(error).__name__
        return ServerConnectionError(f"cannot connect to {self.url}: {what}")


class ParlayClient:
    """One seat at the table, over the network.

    Use it with `async with` and `await`, or `.sync()` with `with`: `reset(seed=..., scenario=..., role=...,
    opponent=...)`, `step(NegotiationAction(...))` and `state()`. For a game of two clients, `POST /matches` gives a
    join code for each seat: `reset(join_code=...)`.

    `base_url` is the address of the server, http(s) or ws(s); `token` its token, where it asks for one; `headers` are
    sent with the handshake. `connect_timeout_s` and `message_timeout_s` are the longest waits, in seconds, for a
    connection and for an answer.

    Raises `ServerRefusedError` with the server's sentence where it refuses a message, which changes nothing in the
    game; `ServerConnectionError` where there is no connection or it is lost, and TimeoutError where an answer does not
    come in time: both end the connection, and the next call makes another, whose first message must be a reset. The
    game goes on where it is `reset(resume_token=...)`, with the token that is in the `metadata` of the first reset.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        connect_timeout_s: float = 10.0,
        message_timeout_s: float = 60.0,
    ) -> None:
        self._address = _Address(base_url, token, headers, connect_timeout_s)
        self._seconds = message_timeout_s
        self._socket: awaited.ClientConnection | None = None

    def sync(self) -> SyncParlayClient:
        """Return a client of the same server whose calls are not awaited."""
        return SyncParlayClient(self._address, self._seconds)

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def connect(self) -> Self:
        """Connect, unless there is a connection."""
        if self._socket is None:
            try:
                self._socket = await awaited.connect(self._address.url, **self._address.options)
            except FAILURES as error:
                raise self._address.failed(error) from None
        return self

    async def close(self) -> None:
        """End the connection; a game against another client is forfeited."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()

    async def reset(self, **options: Any) -> StepResult:
        """Begin a game; `options` are the fields of a reset."""
        return _result(await self._ask({"type": "reset", "data": options}))

    async def step(self, action: NegotiationAction) -> StepResult:
        """Play a turn."""
        return _result(await self._ask(_step(action)))

    async def state(self) -> NegotiationState:
        """Return the state of the episode, with its history."""
        return NegotiationState.model_validate(await self._ask({"type": "state"}))

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return the content of the reply."""
        await self.connect()
        assert self._socket is not None
        try:
            async with asyncio.timeout(self._seconds):
                with contextlib.suppress(ConnectionClosed):  # a full server sends its refusal before it closes
                    await self._socket.send(json.dumps(message))
                reply = await self._socket.recv()
        except BaseException as error:
            self._socket.transport.abort()  # a late answer would be taken for the answer to the next message
            self._socket = None
            if isinstance(error, FAILURES):
                raise _lost(error) from None
            raise
        return _content(reply)


class SyncParlayClient:
    """A `ParlayClient` whose calls are not awaited; `ParlayClient.sync()` makes it."""

    def __init__(self, address: _Address, seconds: float) -> None:
        self._address, self._seconds = address, seconds
        self._socket: blocking.ClientConnection | None = None
        self._open = contextlib.ExitStack()
        """Contexts to leave at the end of the connection."""

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> Self:
        """Connect, unless there is a connection."""
        if self._socket is None:
            try:
                connection = blocking.connect(self._address.url, **self._address.options)
                self._socket = self._open.enter_context(connection)
            except FAILURES as error:
                raise self._address.failed(error) from None
        return self

    def close(self) -> None:
        """End the connection; a game against another client is forfeited."""
        self._socket = None
        self._open.close()

    def reset(self, **options: Any) -> StepResult:
        """Begin a game; `options` are the fields of a reset."""
        return _result(self._ask({"type": "reset", "data": options}))

    def step(self, action: NegotiationAction) -> StepResult:
        """Play a turn."""
        return _result(self._ask(_step(action)))

    def state(self) -> NegotiationState:
        """Return the state of the episode, with its history."""
        return NegotiationState.model_validate(self._ask({"type": "state"}))

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return the content of the reply."""
        self.connect()
        assert self._socket is not None
        try:
            with contextlib.suppress(ConnectionClosed):  # a full server sends its refusal before it closes
                self._socket.send(json.dumps(message))
            reply = self._socket.recv(self._seconds)
        except BaseException as error:
            self._socket.close_socket()  # a late answer would be taken for the answer to the next message
            self.close()
            if isinstance(error, FAILURES):
                raise _lost(error) from None
            raise
        return _content(reply)


def _step(action: NegotiationAction) -> dict[str, Any]:
    """Return the message of a turn."""
    return {"type": "step", "data": action.model_dump(mode="json", exclude_defaults=True)}


def _content(reply: str | bytes) -> dict[str, Any]:
    """Return the content of a reply, or raise the error that it reports."""
    message = json.loads(reply)
    content: dict[str, Any] = message.get("data") or {}
    if message.get("type") == "error":
        raise ServerRefusedError(content.get("message", "unknown error"), content.get("code", "UNKNOWN"))
    return content


def _result(content: dict[str, Any]) -> StepResult:
    """Return the answer to a reset or a step."""
    reward, done = content.get("reward"), bool(content.get("done", False))
    seen = NegotiationObservation.model_validate({**content["observation"], "reward": reward, "done": done})
    return StepResult(seen, reward, done, content.get("metadata"))


def _lost(error: Exception) -> Exception:
    """Return the error of a connection that is lost, or on which an answer does not come in time."""
    if isinstance(error, TimeoutError):
        return TimeoutError("the server did not answer in time; the connection is closed")
    return ServerConnectionError(f"the connection is lost: {error}")


def _is_this_machine(host: str) -> bool:
    """Return whether a host is this machine, which is reached without a proxy."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
