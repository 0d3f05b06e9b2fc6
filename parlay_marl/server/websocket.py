"""WebSockets at the level of frames: a limited rate, bounded memory, and connections that close in time.

The middleware sees whole messages. Pings, pongs, fragments and bytes that a client does not read never reach it, and
are limited here.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from parlay_marl.server.http_connection import LAST_SECONDS
from parlay_marl.server.middleware.rate import TokenBucket
from parlay_marl.server.middleware.size import largest_answered
from parlay_marl.server.settings import ServerSettings

BYTES_AT_ONCE = 4_096
"""Most bytes read at once."""
BYTES_OF_A_SLICE = 512
"""Most bytes parsed at once: the smallest frame has 6, and parsed frames can no longer be delayed."""
THROWN_AWAY = bytearray(262_144)
"""A shared buffer for bytes that are discarded, of all connections that are closing."""
CLOSE_SECONDS = 5.0
"""Seconds until a closing connection is aborted, whether its client has read everything or not."""


class LimitedWebSocket(WebSocketsSansIOProtocol, asyncio.BufferedProtocol):
    """A WebSocket whose client can neither fill the memory nor keep the server busy or waiting.

    - Control frames and pieces of messages count against the rate: beyond it, nothing is read for a while.
    - Nothing is read either while the client does not read what it was sent, or while its messages wait to be answered.
    - A text that is no UTF-8 comes to the middleware with surrogates in the place of wrong bytes, which refuses it.
    - A connection that ends is cut off after `CLOSE_SECONDS`; until then, what still comes is thrown away, so that the
      reason of the end arrives.
    """

    def __init__(self, *args: Any, settings: ServerSettings, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn.max_message_size = largest_answered(settings.max_message)
        self._bucket = TokenBucket(settings.rate, settings.burst) if settings.rate else None
        self._read = bytearray(BYTES_AT_ONCE)
        self._unparsed = b""
        self._held_until = 0.0
        """Time from which frames may be parsed again, on the clock of the event loop."""
        self._hold: TimerHandle | None = None
        self._is_unread = False
        """True while the client has left more unread than the send buffer may hold."""
        self._is_ending = False
        self._cut: TimerHandle | None = None

    # ------------------------------------------------------------------ reading

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return the buffer for the next bytes."""
        return THROWN_AWAY if self._is_ending else self._read

    def buffer_updated(self, nbytes: int) -> None:
        """Take the received bytes."""
        if self._is_ending:
            return
        self.data_received(bytes(memoryview(self._read)[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Parse the bytes that may be parsed now; keep the others, and read no more."""
        if self._is_ending:
            return
        self._unparsed += data
        self._parse()
        self._choose_reading()

    def _parse(self) -> None:
        """Parse the received bytes in slices, as far as allowed now."""
        start = 0
        while start < len(self._unparsed) and self._may_read:
            super().data_received(self._unparsed[start : start + BYTES_OF_A_SLICE])
            start += BYTES_OF_A_SLICE
        self._unparsed = self._unparsed[start:]

    @property
    def _may_read(self) -> bool:
        """Return whether frames may be parsed now."""
        return not (self.read_paused or self._is_unread or self._hold is not None or self._is_ending)

    def _choose_reading(self) -> None:
        """Read on, or pause while bytes wait to be parsed; a pause for every message would cost two system calls."""
        if self.transport.is_closing() or bool(self._unparsed) != self.transport.is_reading():
            return
        if self._unparsed:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _read_on(self) -> None:
        """Parse the remaining bytes, and read on."""
        self._parse()
        self._choose_reading()

    async def receive(self) -> Any:
        """Return the next event; after the last one, read on. Other tasks run before an event that waits."""
        if not self.queue.empty():
            await asyncio.sleep(0)
        event = await super().receive()
        if self._unparsed:
            self._read_on()
        return event

    async def send(self, message: Any) -> None:
        """Send a message; after the last one, read until the client has confirmed the close."""
        await super().send(message)
        if self.close_sent:
            self._read_on()

    # ------------------------------------------------------------------ the rate of frames

    def _charge(self) -> None:
        """Count a frame that is no message; above the rate, parsing pauses."""
        now = self.loop.time()
        wait = 0.0 if self._bucket is None else self._bucket.take(now)
        if wait > 0.0:
            self._held_until = now + wait
            if self._hold is None:
                self._hold = self.loop.call_at(self._held_until, self._end_hold)

    def _end_hold(self) -> None:
        """Resume parsing, unless later frames have extended the pause."""
        if self._held_until > self.loop.time():
            self._hold = self.loop.call_at(self._held_until, self._end_hold)
            return
        self._hold = None
        self._read_on()

    def handle_ping(self) -> None:
        """Answer a ping."""
        self._charge()
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Take a pong."""
        self._charge()
        super().handle_pong(event)

    # ------------------------------------------------------------------ messages

    def handle_text(self, event: Frame) -> None:
        """Take a text message or its first fragment."""
        self.curr_msg_data_type = "text"
        self._begin_message(event)

    def handle_bytes(self, event: Frame) -> None:
        """Take a binary message or its first fragment."""
        self.curr_msg_data_type = "bytes"
        self._begin_message(event)

    def _begin_message(self, event: Frame) -> None:
        """Take a message or its first fragment."""
        self.frames = [bytearray(event.data)]  # type: ignore[list-item]  # so that many small pieces need no more room
        self._end_piece(event)

    def handle_cont(self, event: Frame) -> None:
        """Take a further fragment of a message."""
        cast(bytearray, self.frames[0]).extend(event.data)
        self._end_piece(event)

    def _end_piece(self, event: Frame) -> None:
        """Pass the message on when it is complete."""
        if event.fin:
            self.send_receive_event_to_app()
        else:
            self._charge()

    def send_receive_event_to_app(self) -> None:
        """Pass a message on; invalid bytes of a text become surrogates."""
        data, self.frames = self.frames[0], []
        if self.close_sent:
            return
        is_text = self.curr_msg_data_type == "text"
        message = {"text": data.decode(errors="surrogateescape")} if is_text else {"bytes": bytes(data)}
        self.queue.put_nowait(cast(Any, {"type": "websocket.receive", **message}))
        self.read_paused = True

    # ------------------------------------------------------------------ clients that do not read

    def pause_writing(self) -> None:
        """Stop reading while the client does not read: each ping would add another answer."""
        super().pause_writing()
        self._is_unread = True
        self._choose_reading()

    def resume_writing(self) -> None:
        """Resume reading when the client reads again."""
        super().resume_writing()
        self._is_unread = False
        self._read_on()

    def keepalive_timeout(self) -> None:
        """Close the connection of a client that answers no ping, unless its answer may be among unread bytes."""
        if self._is_unread:
            self.transport.abort()
        elif not self._may_read or self._unparsed:
            self.pong_timer = self.loop.call_later(self.ping_timeout or 0.0, self.keepalive_timeout)
        else:
            super().keepalive_timeout()
            self._end_in_time()

    # ------------------------------------------------------------------ the end

    def handle_parser_exception(self) -> None:
        """Send the reason of the close, and keep reading so that it arrives."""
        close = self.conn.close_sent
        reason = {"code": 1006, "reason": ""} if close is None else {"code": close.code, "reason": close.reason}
        self.queue.put_nowait(cast(Any, {"type": "websocket.disconnect", **reason}))
        self.close_sent, self._is_ending, self._unparsed = True, True, b""
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._choose_reading()
        # While there is such a timer, the app's end does not close the connection: bytes that arrive after a close
        # reset it, and the client would not get the reason.
        self.close_timer = self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    async def run_asgi(self) -> None:
        """Run the app for this connection, and close the connection when the app returns."""
        await super().run_asgi()
        self._end_in_time()

    def shutdown(self) -> None:
        """Close the connection because the server ends, without waiting for a client that does not read."""
        if self._is_unread or (self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN):
            self.stop_keepalive()
            self.transport.abort()
            return
        super().shutdown()
        self._end_in_time(LAST_SECONDS)

    def _end_in_time(self, seconds: float = CLOSE_SECONDS) -> None:
        """Abort the connection after a time, unless it is closed by then."""
        if self._cut is None and not self.disconnected:
            self._cut = self.loop.call_later(seconds, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._is_ending, self._unparsed = True, b""
        for timer in (self._hold, self._cut):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
