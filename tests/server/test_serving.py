"""How the server is run: connections on which nothing comes, the socket, the limits of the process."""

from __future__ import annotations

import gc
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn.server import ServerState

from parlay_marl.errors import ConfigurationError
from parlay_marl.server import http_connection, serving
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import log_config
from parlay_marl.server.uvicorn_options import uvicorn_config
from tests.processes import LIMIT
from tests.server.live import HANDSHAKE, complete, live, masked
from tests.server.test_middleware import ANSWER, STATE, StubApp, guarded

HEAD = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(autouse=True)
def same_logging() -> Iterator[None]:
    """Leave the logging of this process as it was: a configuration of uvicorn changes it."""
    loggers = [logging.getLogger(name) for name in log_config()["loggers"]]
    before = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


HEAD_SECONDS = 1.5
"""Seconds for a request; a slow machine must be able to send a short one in time."""


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", HEAD_SECONDS)


def answered(connection: socket.socket) -> bytes:
    """Return the whole of the next answer, which may come in pieces."""
    answer = b""
    while not complete(answer):
        answer += connection.recv(4_096)
    return answer


def wait_for_end(connection: socket.socket) -> None:
    """Wait until the server closes a connection."""
    connection.settimeout(LIMIT)
    while connection.recv(4_096):
        pass


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("start", [b"", b"G", HEAD, HEAD + b"\r\n" + HEAD])
def test_connections_without_a_whole_request_are_closed(start: bytes) -> None:
    guard, _ = guarded(StubApp())
    protocol = http_connection.HttpConnection
    with live(guard, http=protocol) as port:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(start)
            wait_for_end(connection)
        assert time.monotonic() - began > 0.9 * HEAD_SECONDS


@pytest.mark.usefixtures("hasty")
def test_those_that_work_stay_open() -> None:
    guard, _ = guarded(StubApp(seconds=1.1 * HEAD_SECONDS))
    with live(guard, http=http_connection.HttpConnection) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            for _ in range(3):
                time.sleep(0.4 * HEAD_SECONDS)
                connection.sendall(HEAD + b"\r\n")
                assert b" 200 " in answered(connection)
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            connection.sendall(HANDSHAKE % b"/ws")
            assert b" 101 " in connection.recv(4_096)
            time.sleep(1.1 * HEAD_SECONDS)
            connection.sendall(masked(STATE))
            assert ANSWER.encode() in connection.recv(4_096)


def test_uvicorn_is_told_the_limits() -> None:
    config = uvicorn_config(StubApp(), ServerSettings(max_message=10_000, drain=2.5))
    config.load()
    protocol: Any = config.ws_protocol_class
    made = protocol(config=config, server_state=ServerState(), app_state={}, _loop=object())
    assert (made.conn.max_message_size, config.timeout_graceful_shutdown) == (40_000, 3)
    assert (config.access_log, config.server_header, config.ws_per_message_deflate) == (False, False, False)


def test_the_socket_is_the_one_that_is_asked_for() -> None:
    settings = ServerSettings(port=0)
    with serving.listening(settings) as listener:
        port = listener.getsockname()[1]
        assert serving.address_of(settings, listener) == f"http://127.0.0.1:{port}"
        taken = serving.listening(ServerSettings(port=port))
        with pytest.raises(ConfigurationError, match=f"at 127.0.0.1 port {port}: Address already in use"), taken:
            pass
    if socket.has_ipv6:
        settings = ServerSettings(host="::1", port=0)
        with serving.listening(settings) as listener:
            assert serving.address_of(settings, listener).startswith("http://[::1]:")


@pytest.mark.parametrize("upgrade", [False, True])
def test_answers_are_sent_at_once(monkeypatch: pytest.MonkeyPatch, upgrade: bool) -> None:
    """The second part of an answer waited 40 ms until the client had confirmed the first."""
    made: list[socket.socket] = []
    before = http_connection.HttpConnection.connection_made

    def remember(self: http_connection.HttpConnection, transport: Any) -> None:
        before(self, transport)
        made.append(transport.get_extra_info("socket"))

    monkeypatch.setattr(http_connection.HttpConnection, "connection_made", remember)
    guard, _ = guarded(StubApp())
    protocol = http_connection.HttpConnection
    with live(guard, http=protocol) as port, socket.create_connection(("127.0.0.1", port), LIMIT) as connection:
        connection.sendall(HANDSHAKE % b"/ws" if upgrade else HEAD + b"\r\n")
        assert connection.recv(4_096)
        assert made[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_garbage_is_collected_as_before_once_a_server_has_ended() -> None:
    before = gc.get_threshold()
    with serving.frozen_objects():
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() != before
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before
