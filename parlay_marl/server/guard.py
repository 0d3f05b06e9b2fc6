"""What stands between the network and the app: who may connect, how much, how fast, and what a message may be.

A refused message gets one clear reply that repeats nothing of it, and the game and the connection live on. Nothing
that a client sends makes the guard raise, and what is sent to a client that has gone goes nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hmac
import ipaddress
import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

from parlay_marl.server import faults
from parlay_marl.server.faults import Fault
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OPEN_TO_ALL = {
    *(("GET", "/health"), ("GET", "/openapi.json"), ("GET", "/metadata"), ("GET", "/schema"), ("POST", "/mcp")),
}
"""What needs no token: `openenv validate --url` asks for them without one, and they say nothing of games."""
MOST_ADDRESSES = 10_000
"""Client addresses whose requests are counted; beyond, those that have been quiet for longest are forgotten."""
LONGEST_BODY = 30.0
"""Seconds that a client may take for the body of a request."""
AWAY, FORBIDDEN, FAILED = 1001, 1008, 1011
"""Codes of closed WebSockets: the client has been silent for too long, may not connect, and the server has failed."""
ERROR_MESSAGE = '{"type":"error"'
"""How OpenEnv's errors begin."""
LONGEST_ANSWER = 500
MOST_ERRORS = 10
NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
FURTHER_HEADERS = {
    401: ((b"www-authenticate", b"Bearer"),),
    408: ((b"connection", b"close"),),
    413: ((b"connection", b"close"),),
    429: ((b"retry-after", b"1"),),
}
"""By status of the answer."""

NO_SUCH_PATH: Final = Fault("no_such_path", "no WebSocket here; connect to /ws, /env/ws or /mcp", 404)
FULL: Final = Fault("capacity", "the server has as many connections as it takes; try again later", 503)
ORIGIN: Final = Fault(
    "origin", "pages of this origin may not connect; the server's --allow-origin lists those that may", 403
)
TOKEN: Final = Fault("token", "this server asks for a token; send the header `Authorization: Bearer TOKEN`", 401)
SESSION_QUERY: Final = Fault("session_query", "no session can be named here; connect without ?session_id=", 400)
TOO_FAST: Final = Fault("rate", "too many requests; wait a second", 429)
SLOW_BODY: Final = Fault("slow_body", "the body of the request did not come in time", 408)
BROKEN: Final = Fault("failed", "the server failed at this request; nothing was played", 500)


class Dialect(NamedTuple):
    """How a path speaks: what its messages may be, and what refusals look like."""

    protocol: str
    fault: Callable[[dict[str, Any]], Fault | None]
    reply: Callable[[Fault], str]


@functools.lru_cache(maxsize=256)
def openenv_reply(fault: Fault) -> str:
    """Return a refusal in OpenEnv's form."""
    return json.dumps({"type": "error", "data": {"message": fault.text, "code": fault.reason.upper()}})


@functools.lru_cache(maxsize=256)
def plain_reply(fault: Fault) -> str:
    """Return a refusal in the form of the first protocol and of HTTP."""
    return json.dumps({"error": fault.text})


@functools.lru_cache(maxsize=256)
def rpc_reply(fault: Fault) -> str:
    """Return a refusal in JSON-RPC's form."""
    return json.dumps({"jsonrpc": "2.0", "error": {"code": fault.rpc_code, "message": fault.text}, "id": None})


SOCKETS = {
    "/ws": Dialect("openenv", faults.openenv_fault, openenv_reply),
    "/env/ws": Dialect("first", faults.first_fault, plain_reply),
    "/mcp": Dialect("openenv", faults.rpc_fault, rpc_reply),
}
"""The dialects of the paths that have a WebSocket."""
RESETS = ("/reset",)
HTTP = "http"


class Guard:
    """ASGI middleware, to be the outermost: refuses what the settings do not let in, and counts what comes."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._settings, self._telemetry = app, settings, telemetry
        token = settings.token
        self._credentials = None if token is None else f"Bearer {token.get_secret_value()}".encode()
        self._paces = _Paces(settings)
        self._connections = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or life of the app."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._app(scope, receive, self._told_of_life(send))

    def _told_of_life(self, send: Send) -> Send:
        """Return a `send` that logs the app's start and end."""

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._telemetry.server_started()
            await send(message)
            if message["type"] == "lifespan.shutdown.complete":
                self._telemetry.server_stopped()

        return tell

    # ------------------------------------------------------------------ WebSockets

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        dialect = SOCKETS.get(_path(scope))
        fault = self._handshake_fault(scope, dialect)
        if dialect is None or fault is not None:
            await self._deny(scope, send, dialect, fault or NO_SUCH_PATH)
            return
        self._connections += 1
        self._telemetry.connected(dialect.protocol)
        socket = _Socket(dialect, self._settings, self._telemetry, receive, send)
        try:
            await self._app(scope, socket.receive, socket.send)
        except Exception as error:
            self._telemetry.failed(dialect.protocol, error)
            await socket.close(FAILED, "the server failed")
        finally:
            self._connections -= 1
            self._telemetry.disconnected(dialect.protocol)

    def _handshake_fault(self, scope: Scope, dialect: Dialect | None) -> Fault | None:
        if dialect is None:
            return NO_SUCH_PATH
        if self._connections >= 2 * self._settings.max_sessions:
            return FULL
        if dialect.protocol == "openenv" and "session_id" in parse_qs(
            scope["query_string"].decode("latin-1"), keep_blank_values=True
        ):
            return SESSION_QUERY
        return self._stranger_fault(scope)

    async def _deny(self, scope: Scope, send: Send, dialect: Dialect | None, fault: Fault) -> None:
        """Refuse a WebSocket before it is accepted, with an HTTP answer where the server can send one."""
        self._telemetry.refused(dialect.protocol if dialect else HTTP, fault.reason)
        if "websocket.http.response" in scope.get("extensions", {}):
            await _answer(send, fault, kind="websocket.http.response")
        else:
            with contextlib.suppress(OSError):
                await send({"type": "websocket.close", "code": FORBIDDEN, "reason": fault.reason})

    def _stranger_fault(self, scope: Scope) -> Fault | None:
        """Return why whoever asks may not: a page of another origin, or somebody without the token."""
        origins = list(_headers(scope, b"origin"))
        if origins and not all(self._is_welcome(origin, scope) for origin in origins):
            return ORIGIN
        if self._credentials is None or (scope.get("method"), _path(scope)) in OPEN_TO_ALL:
            return None
        return None if any(map(self._is_token, _headers(scope, b"authorization"))) else TOKEN

    def _is_token(self, header: bytes) -> bool:
        scheme, _, token = header.strip().partition(b" ")
        shown = scheme.capitalize() + b" " + token.strip()
        return self._credentials is not None and hmac.compare_digest(shown, self._credentials)

    def _is_welcome(self, header: bytes, scope: Scope) -> bool:
        """Whether pages of an origin may connect: those that are listed, and the server's own.

        The address that a browser has asked for proves nothing by itself: any name can be made to lead here. Only an
        IP address, `localhost` and the name that the server listens at cannot be somebody else's.
        """
        origin = header.decode("latin-1").strip().lower()
        if origin in self._settings.allow_origin:
            return True
        try:
            parts = urlsplit(origin)
            name = parts.hostname or ""
        except ValueError:
            return False
        asked = [host.decode("latin-1").strip().lower() for host in _headers(scope, b"host")]
        return asked == [parts.netloc] and (name in ("localhost", self._settings.host.lower()) or _is_address(name))

    # ------------------------------------------------------------------ HTTP

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._telemetry.received(HTTP)
        fault: Fault | None = self._request_fault(scope)
        body: bytes | None = None
        if fault is None:
            body, fault = await self._read_body(receive)
        if fault is None and body:
            fault = self._body_fault(scope, body)
        if fault is not None:
            await self._refuse(scope, send, fault)
        elif body is not None:
            await self._pass_on(scope, _again(body, receive), send)

    def _request_fault(self, scope: Scope) -> Fault | None:
        client = scope.get("client")
        if not self._paces.lets_pass(str(client[0]) if client else ""):
            return TOO_FAST
        for length in _headers(scope, b"content-length"):
            if length.isdigit() and (len(length) > 18 or int(length) > self._settings.max_message):
                return faults.too_large(self._settings.max_message)
        return self._stranger_fault(scope)

    async def _read_body(self, receive: Receive) -> tuple[bytes | None, Fault | None]:
        """Return the body of a request, None where the client has gone, and what is wrong with it."""
        limit, body = self._settings.max_message, bytearray()
        try:
            async with asyncio.timeout(LONGEST_BODY):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None, None
                    body += message.get("body", b"")
                    if len(body) > limit:
                        return None, faults.too_large(limit)
                    if not message.get("more_body", False):
                        return bytes(body), None
        except TimeoutError:
            return None, SLOW_BODY

    def _body_fault(self, scope: Scope, body: bytes) -> Fault | None:
        data = faults.read_bytes(body, self._settings.max_message)
        if isinstance(data, Fault):
            return data
        if _path(scope) == "/mcp":
            return faults.rpc_fault(data)
        return faults.stateless_reset_fault(data) if _path(scope) in RESETS else None

    async def _refuse(self, scope: Scope, send: Send, fault: Fault) -> None:
        self._telemetry.refused(HTTP, fault.reason)
        await _answer(send, fault, rpc=_path(scope) == "/mcp" and fault.status == faults.UNPROCESSABLE)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer; an error that it lets escape is logged here, and told without its text."""
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            self._telemetry.failed(HTTP, error)
            if not answer.begun:
                await _answer(send, BROKEN)


class _Answer:
    """The app's answer to a request: passed on as it is, unless it lists what is wrong, with the input repeated."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._held: Message | None = None
        self._body = bytearray()
        self.begun = False

    async def send(self, message: Message) -> None:
        """Pass a message on; hold an answer of status 422 back until it is whole."""
        self.begun = True
        if message["type"] == "http.response.start" and message["status"] == faults.UNPROCESSABLE:
            self._held = message
        elif self._held is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_held(self._held, details_without_input(bytes(self._body)))

    async def _send_held(self, start: Message, body: bytes) -> None:
        headers = [(key, value) for key, value in start["headers"] if key.lower() != b"content-length"]
        await self._send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


class _Socket:
    """One open WebSocket: what comes in has been checked, and what goes out after its end goes nowhere."""

    def __init__(
        self, dialect: Dialect, settings: ServerSettings, telemetry: Telemetry, receive: Receive, send: Send
    ) -> None:
        self._dialect, self._settings, self._telemetry = dialect, settings, telemetry
        self._receive, self._send = receive, send
        self._idle, self._limit = settings.idle, settings.max_message
        self._pace = _pace(settings)
        self._accepted = self._gone = False

    async def receive(self) -> Message:
        """Return the next message that may be passed on; answer those that may not."""
        while True:
            message = await self._next()
            if message["type"] != "websocket.receive":
                return message
            self._telemetry.received(self._dialect.protocol)
            if self._pace is not None and (wait := self._pace.take(time.monotonic())) > 0.0:
                self._telemetry.delayed(self._dialect.protocol)
                await asyncio.sleep(wait)
            fault = self._fault(message)
            if fault is None:
                return message
            self._telemetry.refused(self._dialect.protocol, fault.reason)
            await self.send({"type": "websocket.send", "text": self._dialect.reply(fault)})

    async def _next(self) -> Message:
        """Return what comes next, or the end of a connection that has been silent for too long."""
        try:
            async with asyncio.timeout(self._idle):
                return await self._receive()
        except TimeoutError:
            self._telemetry.refused(self._dialect.protocol, "idle")
            reason = f"no message for {self._idle:g} seconds"
            await self.close(AWAY, reason)
            return {"type": "websocket.disconnect", "code": AWAY, "reason": reason}

    def _fault(self, message: Message) -> Fault | None:
        text = message.get("text")
        if text is None:
            return faults.BINARY
        data = faults.read(text, self._limit)
        return data if isinstance(data, Fault) else self._dialect.fault(data)

    async def send(self, message: Message) -> None:
        """Send a message of the app, unless the client has gone; the app learns of that where it receives."""
        if self._gone:
            return
        if message["type"] == "websocket.send" and (message.get("text") or "").startswith(ERROR_MESSAGE):
            message = {**message, "text": without_input(message["text"])}
        try:
            await self._send(message)
        except OSError:
            self._gone = True
        except RuntimeError:
            if not self._accepted:
                raise
            self._gone = True  # closed by the server in the meantime
        self._accepted = self._accepted or message["type"] == "websocket.accept"
        self._gone = self._gone or message["type"] == "websocket.close"

    async def close(self, code: int, reason: str) -> None:
        """Close the connection, if it is open."""
        await self.send({"type": "websocket.close", "code": code, "reason": reason})


class _Pace:
    """A token bucket: so many at once, then so many a second."""

    __slots__ = ("_due", "_interval", "_slack")

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1.0 / per_second
        self._slack = (burst - 1) * self._interval
        self._due = 0.0

    def take(self, now: float) -> float:
        """Take a token, a future one if there is none; return the seconds until it is there."""
        due = max(self._due, now - self._slack)
        self._due = due + self._interval
        return due - now

    def try_take(self, now: float) -> bool:
        """Take a token if there is one."""
        return self._due <= now and self.take(now) <= 0.0


def _pace(settings: ServerSettings) -> _Pace | None:
    """Return the pace that the settings ask for, if any."""
    rate = settings.rate
    return _Pace(rate, settings.burst) if rate else None


class _Paces:
    """The pace of each client address, for as many addresses as are remembered."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._of: OrderedDict[str, _Pace] = OrderedDict()

    def lets_pass(self, address: str) -> bool:
        """Whether a request of an address is not too fast."""
        pace = self._of.pop(address, None) or _pace(self._settings)
        if pace is None:
            return True
        self._of[address] = pace
        if len(self._of) > MOST_ADDRESSES:
            self._of.popitem(last=False)
        return pace.try_take(time.monotonic())


# ---------------------------------------------------------------------- small parts


def _path(scope: Scope) -> str:
    """Return the path as the app's router sees it."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))


def _headers(scope: Scope, name: bytes) -> Iterator[bytes]:
    """Return the values of a header, of which there may be none or several."""
    return (value for key, value in scope["headers"] if key.lower() == name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _again(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that begins with a body that was read already."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


async def _answer(send: Send, fault: Fault, kind: str = "http.response", rpc: bool = False) -> None:
    """Send a refusal over HTTP; JSON-RPC has its errors in answers that succeed."""
    content = (rpc_reply if rpc else plain_reply)(fault).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *FURTHER_HEADERS.get(fault.status, ()),
    ]
    with contextlib.suppress(OSError):  # the client may have gone
        await send({"type": f"{kind}.start", "status": 200 if rpc else fault.status, "headers": headers})
        await send({"type": f"{kind}.body", "body": content})


def without_input(text: str) -> str:
    """Return an error of OpenEnv without the input that pydantic repeats in it, and with the reasons in its message."""
    try:
        reply = json.loads(text)
        told = _reasons(reply["data"]["errors"])
        message = f"{reply['data']['message']}: " + "; ".join(f"{_place(item['loc'])}: {item['msg']}" for item in told)
    except (ValueError, KeyError, TypeError):
        return text  # one without a list of errors
    reply["data"] |= {"errors": told, "message": message[:LONGEST_ANSWER]}
    return json.dumps(reply)


def details_without_input(body: bytes) -> bytes:
    """Return FastAPI's answer to a request that does not fit, without the input that it repeats."""
    try:
        return json.dumps({"detail": _reasons(json.loads(body)["detail"])}).encode()
    except (ValueError, KeyError, TypeError):
        return body  # one without details


def _reasons(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what pydantic found, as far as it is not what was sent; a key that is no plain name is not repeated."""
    return [
        {"type": item["type"], "loc": [_name(part) for part in item["loc"]], "msg": item["msg"]}
        for item in found[:MOST_ERRORS]
    ]


def _name(part: Any) -> Any:
    return part if isinstance(part, int) or NAME.fullmatch(str(part)) else "?"


def _place(parts: list[Any]) -> str:
    return ".".join(map(str, parts))
