"""WebSockets at the level of frames: floods cost neither memory nor time, and ends arrive in time."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame
from websockets.sync.client import ClientConnection, connect

from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.websocket import LimitedWebSocket
from tests.processes import LIMIT, wait_until
from tests.server.live import HANDSHAKE, frame, live
from tests.server.table import served
from tests.server.test_middleware import ANSWER, STATE, StubApp, guarded, open_connections, refusals

TEXT, CONTINUATION, PING, PONG = 1, 0, 9, 10
SMALL = 4_096
"""Bytes that the client's side of a connection holds, so that what a client does not read soon waits on the server."""


class Observed(LimitedWebSocket):
    """A WebSocket that remembers the most that it has held."""

    made: list[Observed] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.unsent = self.unparsed = self.queued = 0
        self.made.append(self)

    def _choose_reading(self) -> None:
        super()._choose_reading()
        self.unsent = max(self.unsent, self.transport.get_write_buffer_size())
        self.unparsed = max(self.unparsed, len(self._unparsed))
        self.queued = max(self.queued, self.queue.qsize())

    def handle_cont(self, event: Frame) -> None:
        super().handle_cont(event)
        assert len(self.frames) <= 1


@contextlib.contextmanager
def observed(app: Any = None, uvicorn: Any = None, **settings: Any) -> Iterator[tuple[int, Any]]:
    """Serve a stub behind the middleware; yield the port and the telemetry."""
    guard, telemetry = guarded(app or StubApp(), **settings)
    made = ServerSettings(**({"rate": 0.0} | settings))
    Observed.made.clear()
    with live(guard, ws=functools.partial(Observed, settings=made), **(uvicorn or {})) as port:
        yield port, telemetry


def shake_hands(port: int, path: bytes = b"/ws") -> socket.socket:
    """Return a connection on which frames may be sent; the client's side holds little."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    line.settimeout(LIMIT)
    line.connect(("127.0.0.1", port))
    line.sendall(HANDSHAKE % path)
    head = b""
    while b"\r\n\r\n" not in head:
        head += line.recv(1)
    assert b" 101 " in head
    return line


def read_exactly(line: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = line.recv(65_536)
        assert piece, "the connection has ended"
        data += piece
    assert len(data) == size
    return bytes(data)


def talking(address: str) -> ClientConnection:
    """Return a client that behaves."""
    return connect(f"ws://{address}/ws", compression=None, open_timeout=LIMIT)


def is_well(port: int) -> None:
    with talking(f"127.0.0.1:{port}") as line:
        line.send(STATE)
        assert line.recv(LIMIT) == ANSWER


@pytest.mark.parametrize("wrong", [b"\xff", b'{"type": "st\xc3"}', b"\xed\xa0\x80", b'{"a": "\xf0\x9f\x98"}'])
@pytest.mark.parametrize("path", [b"/ws", b"/env/ws"])
def test_a_message_of_wrong_bytes_is_answered_and_the_game_goes_on(wrong: bytes, path: bytes) -> None:
    with observed() as (port, telemetry), shake_hands(port, path) as line:
        line.sendall(frame(wrong) + frame(STATE.encode()))
        told = line.recv(4_096)
        while ANSWER.encode() not in told:
            told += line.recv(4_096)
        assert b"not UTF-8; send text as UTF-8" in told
        ((_, reason),) = refusals(telemetry)
        assert reason == "encoding"


def test_large_messages_are_answered_up_to_a_bound_beyond_which_the_connection_says_why_it_ends() -> None:
    with observed(max_message=1_024) as (port, _):
        for pieces in (1, 8):
            with talking(f"127.0.0.1:{port}") as line:
                text = "{" + " " * 4_094 + "}"
                size = len(text) // pieces
                line.send([text[start : start + size] for start in range(0, len(text), size)] if pieces > 1 else text)
                assert json.loads(line.recv(LIMIT))["data"]["code"] == "TOO_LARGE"
                line.send(STATE)
                assert line.recv(LIMIT) == ANSWER
                with contextlib.suppress(ConnectionClosed):
                    line.send(" " * 5_000_000)
                with pytest.raises(ConnectionClosed) as ended:
                    line.recv(LIMIT)
                assert ended.value.rcvd is not None
                assert ended.value.rcvd.code == 1009
                assert "4096" in ended.value.rcvd.reason.replace(",", "")


def test_who_still_sends_when_the_connection_ends_learns_the_reason() -> None:
    """The app has ended long before: bytes that came after that reset the connection, and its last words were lost."""
    with observed(max_message=1_024) as (port, _), shake_hands(port) as line:
        line.sendall(frame(b" " * 5_000_000)[:1_000_000])
        time.sleep(0.5)
        for _ in range(4):
            line.sendall(b" " * 1_000_000)
        told = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := line.recv(4_096):
                told += piece
        assert (1009).to_bytes(2, "big") in told


def test_pings_whose_answers_nobody_reads_are_not_read_and_none_is_lost() -> None:
    number, content = 60_000, b"x" * 125
    with observed() as (port, _), shake_hands(port) as line:
        sender = threading.Thread(target=line.sendall, args=(frame(content, PING) * number,))
        sender.start()
        wait_until(lambda: Observed.made[0]._is_unread)
        is_well(port)
        read_exactly(line, number * (2 + len(content)))
        sender.join(LIMIT)
        line.sendall(frame(STATE.encode()))
        assert ANSWER.encode() in line.recv(4_096)
        (flood,) = (each for each in Observed.made if each.unsent)
    assert flood.unsent < 200_000
    assert flood.unparsed <= 4_096


def test_messages_that_nobody_answers_yet_wait_outside() -> None:
    number = 20_000
    with observed() as (port, _), shake_hands(port) as line:
        sender = threading.Thread(target=line.sendall, args=(frame(b"[]") * number,))
        sender.start()
        is_well(port)
        refusal = json.dumps({"type": "error", "data": {"message": "not a JSON object; send one, in braces",
                                                        "code": "NOT_AN_OBJECT"}})  # fmt: skip
        told = read_exactly(line, number * (2 + len(refusal)))
        sender.join(LIMIT)
        assert told.count(refusal.encode()) == number
    assert max(each.unsent for each in Observed.made) < 200_000
    assert max(each.queued for each in Observed.made) < 100


@pytest.mark.parametrize(
    "flood",
    [frame(opcode=PING), frame(opcode=PONG), frame(b"\0" * 125, PONG), frame(fin=False, opcode=CONTINUATION)],
    ids=["pings", "pongs", "large pongs", "empty pieces"],
)
def test_frames_that_are_no_messages_count_against_the_rate(flood: bytes) -> None:
    with observed(rate=500.0, burst=10) as (port, _), shake_hands(port) as line:
        began = time.monotonic()
        first, last = frame(b"{", fin=False), frame(STATE.encode()[1:], CONTINUATION)
        sender = threading.Thread(target=line.sendall, args=(first + flood * 600 + last,))
        sender.start()
        is_well(port)
        told = line.recv(4_096)
        while ANSWER.encode() not in told:
            told += line.recv(4_096)
        assert time.monotonic() - began > 0.5
        sender.join(LIMIT)


def test_a_message_in_very_many_pieces_needs_the_room_of_one() -> None:
    text = '{"type": "state"}' + " " * 60_000
    first, *others = (character.encode() for character in text)
    pieces = b"".join(frame(piece, CONTINUATION, fin=False) for piece in others[:-1])
    with observed() as (port, _), shake_hands(port) as line:
        line.sendall(frame(first, fin=False) + pieces + frame(others[-1], CONTINUATION))
        assert ANSWER.encode() in line.recv(4_096)


# ---------------------------------------------------------------------- clients that do not read


class Talkative(StubApp):
    """Answers more than a connection holds."""

    async def talk(self, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        while (await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": "x" * 8_000_000})
        self.closed.append(0)


def test_who_does_not_read_for_the_idle_time_has_no_session_any_more() -> None:
    app = Talkative()
    with observed(app, idle=0.3) as (port, telemetry), shake_hands(port) as line:
        line.sendall(frame(STATE.encode()) * 3)
        wait_until(lambda: app.closed)
        wait_until(lambda: open_connections(telemetry) == 0)
        wait_until(lambda: refusals(telemetry).get(("openenv", "idle")) == 1.0)


@pytest.mark.parametrize("requests", [1, 5])
def test_who_does_not_read_and_so_answers_no_ping_has_none_either(requests: int) -> None:
    app = Talkative()
    options = {"ws_ping_interval": 0.2, "ws_ping_timeout": 0.2}
    with observed(app, uvicorn=options) as (port, telemetry), shake_hands(port) as line:
        line.sendall(frame(STATE.encode()) * requests)
        wait_until(lambda: Observed.made[0].disconnected)
        wait_until(lambda: open_connections(telemetry) == 0)


def test_a_ping_is_answered_in_time_by_whose_messages_wait() -> None:
    options = {"ws_ping_interval": 0.5, "ws_ping_timeout": 2.0}
    with observed(StubApp(seconds=3.0), uvicorn=options) as (port, _), talking(f"127.0.0.1:{port}") as line:
        for _ in range(3):
            line.send(STATE)
        assert [line.recv(LIMIT) for _ in range(3)] == [ANSWER] * 3


def test_a_full_server_has_room_again_when_its_clients_do_not_read() -> None:
    with served(max_sessions=2, idle=8.0, max_words=100_000) as address:
        lines = [shake_hands(int(address.rpartition(":")[2])) for _ in range(2)]
        for line in lines:
            line.sendall(frame(b'{"type": "reset"}') + frame(STATE.encode()) * 60_000)

        def has_room() -> bool:
            with talking(address) as another, contextlib.suppress(ConnectionClosed):
                another.send('{"type": "reset"}')
                return bool(json.loads(another.recv(LIMIT))["type"] == "observation")
            return False

        assert not has_room()
        wait_until(has_room)
        for line in lines:
            line.close()
