"""Limits by the address of a client: how addresses are counted, and how many connections one may have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from parlay_marl.server.middleware.asgi import counted_address, is_loopback
from parlay_marl.server.middleware.capacity import Capacity
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry
from tests.processes import LIMIT, wait_until
from tests.server.table import http_get, served


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_client_is_counted_by_its_network_of_64_bits(address: str, counted: str) -> None:
    """A customer has a whole network of them, and could come from another address each time."""
    assert counted_address(address) == counted


def test_this_machines_own_addresses_are_known() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(is_loopback, ("203.0.113.7", "2001:db8::/64", "", "testclient")))


async def open_from(guard: Capacity, address: str) -> asyncio.Task[Any]:
    """Open a WebSocket from an address; the task ends when it is refused."""
    scope = {"type": "websocket", "path": "/ws", "client": (address, 5), "headers": []}

    async def send(message: Any) -> None:
        assert message["type"] == "websocket.close"

    task = asyncio.create_task(guard(scope, asyncio.Event().wait, send))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    return task


def test_an_address_has_a_limited_number_of_connections_and_others_have_room() -> None:
    async def wait_for_ever(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def scenario() -> None:
        settings = ServerSettings(max_sessions=6)
        guard = Capacity(wait_for_ever, settings, Telemetry(settings))
        same = [await open_from(guard, f"2001:db8::{number}") for number in range(5)]
        assert [task.done() for task in same] == [False] * 3 + [True] * 2
        other = await open_from(guard, "2001:db8:0:1::1")
        own = [await open_from(guard, "127.0.0.1") for _ in range(5)]
        assert not any(task.done() for task in (other, *own))
        same[0].cancel()
        await asyncio.gather(same[0], return_exceptions=True)
        assert not (await open_from(guard, "2001:db8::99")).done(), "the place of one that has left"
        assert (await open_from(guard, "2001:db8::98")).done()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(scenario())


def test_behind_a_named_proxy_clients_are_counted_by_their_own_addresses() -> None:
    with served(proxy=("127.0.0.1",), max_connections=1) as address:

        def client(name: str) -> Any:
            return connect(f"ws://{address}/ws", additional_headers={"X-Forwarded-For": name}, open_timeout=LIMIT)

        with client("203.0.113.7"):
            with pytest.raises(InvalidStatus) as refused, client("203.0.113.7"):
                pass
            assert refused.value.response.status_code == 429
            assert b"your address has as many connections as it may" in refused.value.response.body
            with client("203.0.113.8"):
                pass
        metrics = http_get(f"http://{address}/metrics").text
        assert 'parlay_refusals_total{protocol="openenv",reason="connections"} 1.0' in metrics
        gone = 'parlay_connections_open{protocol="openenv"} 0.0'
        wait_until(lambda: gone in http_get(f"http://{address}/metrics").text)
        with client("203.0.113.7"):
            pass
