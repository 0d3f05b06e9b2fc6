"""Redaction: removes the input that errors of OpenEnv, FastAPI and pydantic repeat."""

from __future__ import annotations

import json
import re
from typing import Any

from parlay_marl.server.middleware.asgi import HTTP, WEBSOCKET, App, Message, Receive, Scope, Send
from parlay_marl.server.middleware.refusals import UNPROCESSABLE
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

ERROR_MESSAGE = '{"type":"error"'
"""First words of OpenEnv's errors."""
LONGEST_MESSAGE = 500
MOST_ERRORS = 10
NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
"""Pattern of a key that may be repeated."""


class Redaction:
    """ASGI middleware that removes the input from errors."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] == WEBSOCKET:
            send = _redacted(send)
        elif scope["type"] == HTTP:
            send = _AnswerSender(send).send
        await self._app(scope, receive, send)


def _redacted(send: Send) -> Send:
    """Return a `send` that removes the input from OpenEnv's errors."""

    async def redacted(message: Message) -> None:
        if message["type"] == "websocket.send" and (message.get("text") or "").startswith(ERROR_MESSAGE):
            message = {**message, "text": without_input(message["text"])}
        await send(message)

    return redacted


class _AnswerSender:
    """Sends an answer over HTTP; a list of validation errors is held back until it is complete."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        """Send a part of the answer."""
        if message["type"] == "http.response.start" and message["status"] == UNPROCESSABLE:
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_whole(self._start, details_without_input(bytes(self._body)))

    async def _send_whole(self, start: Message, body: bytes) -> None:
        """Send the held answer with another body."""
        headers = [(key, value) for key, value in start["headers"] if key.lower() != b"content-length"]
        await self._send({**start, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
        await self._send({"type": "http.response.body", "body": body})


def without_input(text: str) -> str:
    """Return an error of OpenEnv without the input that pydantic repeats in it.

    The reasons become part of its message.
    """
    try:
        reply = json.loads(text)
        reasons = _reasons(reply["data"]["errors"])
        message = f"{reply['data']['message']}: " + "; ".join(f"{_place(item)}: {item['msg']}" for item in reasons)
    except (ValueError, KeyError, TypeError):
        return text  # an error without a list of reasons
    reply["data"] |= {"errors": reasons, "message": message[:LONGEST_MESSAGE]}
    return json.dumps(reply)


def details_without_input(body: bytes) -> bytes:
    """Return FastAPI's answer to an invalid request without the input that it repeats."""
    try:
        return json.dumps({"detail": _reasons(json.loads(body)["detail"])}).encode()
    except (ValueError, KeyError, TypeError):
        return body  # an answer without details


def _reasons(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return pydantic's errors without the input; only keys that are plain names are repeated."""
    return [
        {"type": item["type"], "loc": [_name(part) for part in item["loc"]], "msg": item["msg"]}
        for item in errors[:MOST_ERRORS]
    ]


def _name(part: Any) -> Any:
    """Return one part of an input's path, or a question mark in its place."""
    return part if isinstance(part, int) or NAME.fullmatch(str(part)) else "?"


def _place(error: dict[str, Any]) -> str:
    """Return the path in the input that an error is about."""
    return ".".join(map(str, error["loc"]))
