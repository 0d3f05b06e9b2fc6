"""Rate: messages that come too fast on a connection are delayed, and requests of an address are refused."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Final

from parlay_marl.server.middleware.asgi import (
    HTTP,
    MESSAGE,
    WEBSOCKET,
    App,
    Message,
    Receive,
    Scope,
    Send,
    client_address,
)
from parlay_marl.server.middleware.refusals import Fault, protocol_of, refuse
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry

TOO_FAST: Final = Fault("rate", "too many requests; wait a second", 429)
MOST_ADDRESSES = 10_000
"""Most client addresses whose requests are counted; beyond that the least recent ones are dropped."""


class Rate:
    """ASGI middleware that limits messages and requests a second."""

    def __init__(self, app: App, settings: ServerSettings, telemetry: Telemetry) -> None:
        self._app, self._settings, self._telemetry = app, settings, telemetry
        self._addresses = AddressRates(settings.rate, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, request or lifespan of the app."""
        if scope["type"] == HTTP and not self._addresses.allow(client_address(scope)):
            await refuse(scope, send, TOO_FAST, self._telemetry)
        elif scope["type"] == WEBSOCKET and self._settings.rate:
            bucket = TokenBucket(self._settings.rate, self._settings.burst)
            await self._app(scope, self._slowed(protocol_of(scope), bucket, receive), send)
        else:
            await self._app(scope, receive, send)

    def _slowed(self, protocol: str, bucket: TokenBucket, receive: Receive) -> Receive:
        """Return a `receive` that delays messages above the rate."""

        async def slowed() -> Message:
            message = await receive()
            if message["type"] == MESSAGE and (wait := bucket.take(time.monotonic())) > 0.0:
                self._telemetry.delayed(protocol)
                await asyncio.sleep(wait)
            return message

        return slowed


class TokenBucket:
    """A token bucket: a burst of tokens at once, then a number of tokens per second."""

    __slots__ = ("_due", "_interval", "_slack")

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = 1.0 / per_second
        self._slack = (burst - 1) * self._interval
        self._due = 0.0

    def take(self, now: float) -> float:
        """Take a token, which may be a future one; return the seconds until it is available."""
        due = max(self._due, now - self._slack)
        self._due = due + self._interval
        return due - now

    def try_take(self, now: float) -> bool:
        """Take a token if there is one, and return whether there was."""
        return self._due <= now and self.take(now) <= 0.0


class AddressRates:
    """A token bucket for each of the client addresses that asked last."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def allow(self, address: str) -> bool:
        """Return whether a request of an address may pass."""
        if not self._per_second:
            return True
        bucket = self._buckets.pop(address, None) or TokenBucket(self._per_second, self._burst)
        self._buckets[address] = bucket
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket.try_take(time.monotonic())
