"""Pages and proxies: by which name the server is asked, what pages may read, how they show a token, whom to believe."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from parlay_marl.server.middleware.asgi import App
from parlay_marl.server.middleware.token import SUBPROTOCOL, subprotocol_of
from tests.processes import LIMIT
from tests.server.table import served
from tests.server.test_middleware import guarded, refusals, talk

TOKEN = "correct-horse-battery-staple/+"
PAGE = "https://page.example"
Header = tuple[bytes, bytes]
LOOPBACK, NETWORK = ("127.0.0.1", 8001), ("10.1.2.3", 8001)


def answer_of(
    guard: App, method: str = "GET", path: str = "/state", headers: Iterable[Header] = (), **scope: Any
) -> tuple[int, dict[bytes, bytes]]:
    """Return the status and the headers of an answer."""
    coming = [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {"type": "http", "method": method, "path": path, "headers": list(headers), "query_string": b"", **scope}
    asyncio.run(guard(whole, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"])


@pytest.mark.parametrize(
    ("host", "server", "listed", "status"),
    [
        (b"127.0.0.1:8001", LOOPBACK, (), 200),
        (b"LocalHost", LOOPBACK, (), 200),
        (b"[::1]:8001", ("::1", 8001), (), 200),
        (b"192.168.0.7:8001", LOOPBACK, (), 200),
        (b"parlay.example:8001", LOOPBACK, ("parlay.example",), 200),
        (b"parlay.example", NETWORK, ("parlay.example",), 200),
        (b"any.example", NETWORK, (), 200),
        (b"any.example", ("/run/parlay.sock", None), (), 200),
        (b"any.example", None, (), 200),
        (b"any.example:8001", LOOPBACK, (), 403),  # a page's own name that leads here
        (b"localhost.any.example", LOOPBACK, (), 403),
        (b"127.0.0.1.any.example", LOOPBACK, (), 403),
        (b"any.example", LOOPBACK, ("parlay.example",), 403),
        (b"any.example", NETWORK, ("parlay.example",), 403),
        (b"", LOOPBACK, (), 403),
        (b"[", LOOPBACK, (), 403),
        (b"\xff", LOOPBACK, (), 403),
    ],
)
def test_the_server_answers_to_its_own_names(host: bytes, server: Any, listed: tuple[str, ...], status: int) -> None:
    guard, telemetry = guarded(allow_host=listed)
    assert answer_of(guard, headers=[(b"host", host)], server=server)[0] == status
    first = talk(guard, [], headers=[(b"host", host)], server=server)[0]
    assert (first["type"] == "websocket.accept") is (status == 200)
    assert set(refusals(telemetry)) == (set() if status == 200 else {("http", "host"), ("openenv", "host")})


def test_pages_of_listed_origins_may_read_answers_refusals_included() -> None:
    guard, _ = guarded(allow_origin=(PAGE,), token=TOKEN)
    origin = (b"origin", PAGE.encode())
    asked = [origin, (b"access-control-request-method", b"POST"), (b"access-control-request-headers", b"authorization")]
    status, headers = answer_of(guard, "OPTIONS", "/matches", asked)  # without a token: browsers send none with it
    assert (status, headers[b"access-control-allow-origin"]) == (200, PAGE.encode())
    assert b"authorization" in headers[b"access-control-allow-headers"].lower()
    for status_expected, more in ((401, []), (200, [(b"authorization", b"Bearer " + TOKEN.encode())])):
        status, headers = answer_of(guard, "GET", "/state", [origin, *more])
        assert (status, headers[b"access-control-allow-origin"]) == (status_expected, PAGE.encode())
        assert b"access-control-allow-credentials" not in headers
    status, headers = answer_of(guard, "GET", "/health", [(b"origin", b"https://other.example")])
    assert status == 403
    assert b"access-control-allow-origin" not in headers
    guard, _ = guarded()
    assert b"access-control-allow-origin" not in answer_of(guard, "GET", "/health", [])[1]


def test_a_page_shows_the_token_as_a_subprotocol_which_is_not_repeated() -> None:
    offered = subprotocol_of(TOKEN)
    encoded = offered.removeprefix("parlay.token.")
    assert base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode() == TOKEN
    with served(token=TOKEN, allow_origin=(PAGE,)) as address:
        options: dict[str, Any] = {"origin": PAGE, "open_timeout": LIMIT}
        with connect(f"ws://{address}/ws", subprotocols=[SUBPROTOCOL, offered], **options) as socket:
            assert socket.subprotocol == SUBPROTOCOL
            assert socket.response is not None
            assert encoded not in str(socket.response.headers)
            socket.send('{"type": "reset"}')
            assert '"observation"' in str(socket.recv(LIMIT))[:30]
        for wrong in ([SUBPROTOCOL], [SUBPROTOCOL, offered[:-1]], [SUBPROTOCOL, "parlay.token."], None):
            with (
                pytest.raises(InvalidStatus, match="401"),
                connect(f"ws://{address}/ws", subprotocols=wrong, **options),
            ):
                pass
        with pytest.raises(InvalidStatus, match="401"), connect(f"ws://{address}/ws?token={TOKEN}", **options):
            pass
    with served() as address, connect(f"ws://{address}/ws", subprotocols=[SUBPROTOCOL], open_timeout=LIMIT) as socket:
        assert socket.subprotocol == SUBPROTOCOL  # a browser insists on a choice


def test_subprotocols_of_any_bytes_are_only_wrong() -> None:
    guard, _ = guarded(token=TOKEN)
    for names in (["\udcff"], [""], ["x" * 10_000]):
        assert talk(guard, [], subprotocols=names)[0]["type"] == "websocket.close"


@pytest.mark.parametrize(
    ("proxies", "peer", "forwarded", "clients"),
    [
        ((), "127.0.0.1", b"1.1.1.1", 1),  # anybody may write the header
        (("10.0.0.0/8",), "127.0.0.1", b"1.1.1.1", 1),
        (("10.0.0.0/8",), "10.9.9.9", b"1.1.1.1", 2),
        (("10.0.0.0/8",), "10.9.9.9", b"\xff\x00, ,", 2),
    ],
)
def test_only_named_proxies_say_who_the_client_is(
    proxies: tuple[str, ...], peer: str, forwarded: bytes, clients: int
) -> None:
    """Each client has a rate of its own."""
    guard, _ = guarded(proxy=proxies, rate=1.0, burst=1)
    asked = [
        answer_of(guard, client=(peer, 1), headers=[(b"x-forwarded-for", name)])[0] for name in (forwarded, b"2.2.2.2")
    ]
    assert asked.count(200) == clients
