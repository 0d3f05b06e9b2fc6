"""The client: it imports no server, shows tokens, and says what goes wrong by errors of the package."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from openenv.core.env_server.types import Action, Observation, State
from websockets.sync.server import Server, ServerConnection, serve

from parlay_marl.errors import ServerConnectionError, ServerRefusedError
from parlay_marl.server import (
    NegotiationAction,
    NegotiationObservation,
    NegotiationState,
    ParlayClient,
    StepResult,
    SyncParlayClient,
)
from tests.processes import LIMIT, run
from tests.server.table import served

TOKEN = "correct-horse-battery-staple"
HEAVY = ("gradio", "fastapi", "starlette", "openenv", "uvicorn", "prometheus_client", "numba", "scipy", "pandas")


def test_its_import_brings_neither_the_server_nor_the_game() -> None:
    """OpenEnv's client brings its server and gradio along: 6 s of CPU."""
    program = (
        "import sys\n"
        "from parlay_marl.server import NegotiationAction, NegotiationObservation, NegotiationState, ParlayClient\n"
        "from parlay_marl.server import StepResult, SyncParlayClient\n"
        f"found = [name for name in {HEAVY} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("missing", [("websockets", "client"), ("openenv", "server"), ("fastapi", "server")])
def test_what_is_missing_is_named_with_its_extra(missing: tuple[str, str]) -> None:
    module, extra = missing
    name = "ParlayClient" if extra == "client" else "create_app"
    program = f"import sys; sys.modules[{module!r}] = None; from parlay_marl.server import {name}"
    done = run([sys.executable, "-c", program])
    assert f'the {extra} needs {module}; pip install "parlay-marl[{extra}]"' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(NegotiationAction, Action), (NegotiationObservation, Observation), (NegotiationState, State)],
)
def test_messages_have_the_fields_of_openenvs(ours: Any, theirs: Any) -> None:
    """They are no subclasses of OpenEnv's, whose import is that of its server."""
    schema, expected = ours.model_json_schema(), theirs.model_json_schema()
    for name, field in expected["properties"].items():
        assert schema["properties"][name] == field
    assert schema.get("additionalProperties") == expected.get("additionalProperties")


def test_fields_of_a_newer_server_are_ignored() -> None:
    """A client that refused them could not play on any server that tells more than it knows."""
    with served() as address, ParlayClient(f"http://{address}").sync() as table:
        plain = table.reset(seed=1, scenario="acquisition_terms").observation.model_dump()
    plain["packages"][0]["colour"] = plain["belief"]["colour"] = plain["colour"] = "red"
    assert NegotiationObservation.model_validate(plain).belief is not None
    assert "colour" not in NegotiationObservation.model_validate(plain).model_dump_json()


def calls(address: str, **options: Any) -> tuple[SyncParlayClient, list[StepResult]]:
    with ParlayClient(address, **options).sync() as table:
        begun = table.reset(seed=1, opener="buyer")
        result = table.step(NegotiationAction(offer_amount=120_000.0))
        return table, [begun, result]


def test_a_token_is_shown() -> None:
    with served(token=TOKEN) as address:
        _, results = calls(address, token=TOKEN)
        assert results[0].reward is None
        assert results[1].observation.offer is not None
        calls(f"ws://{address}/", headers={"Authorization": f"Bearer {TOKEN}"})
        with pytest.raises(ServerConnectionError, match=r"cannot connect to ws://.*401"):
            calls(address)
        with pytest.raises(ServerConnectionError, match="401"):
            asyncio.run(ParlayClient(address).reset())


def test_a_refusal_is_an_error_with_its_code_and_changes_nothing() -> None:
    with served() as address:
        with ParlayClient(address).sync() as table:
            with pytest.raises(ServerRefusedError, match="send a reset first"):
                table.step(NegotiationAction())
            table.reset(seed=1, opener="buyer")
            before = table.state()
            with pytest.raises(ServerRefusedError) as refused:
                table.reset(session_id="x")
            assert refused.value.code == "RESERVED_KEY"
            assert table.state() == before

        async def play() -> None:
            async with ParlayClient(address) as table:
                await table.reset(seed=1, opener="buyer")
                with pytest.raises(ServerRefusedError, match="unknown scenario"):
                    await table.reset(scenario="moon")
                assert (await table.state()).step_count == 0

        asyncio.run(play())


def test_a_full_server_says_so() -> None:
    with served(max_sessions=1) as address, ParlayClient(address).sync() as first:
        first.reset()
        with ParlayClient(address).sync() as second, pytest.raises(ServerRefusedError) as refused:
            second.reset()
        assert refused.value.code == "CAPACITY_REACHED"


@contextmanager
def answering(how: Any) -> Iterator[str]:
    """Serve WebSockets that a function deals with; yield the address."""
    with serve(how, "127.0.0.1", 0) as server:
        assert isinstance(server, Server)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join(LIMIT)


@pytest.mark.parametrize("awaited", [False, True])
def test_an_answer_that_comes_too_late_is_not_taken_for_another(awaited: bool) -> None:
    late = threading.Event()
    asked: list[str] = []

    def deal_with(connection: ServerConnection) -> None:
        for message in connection:
            asked.append(str(message))
            if len(asked) == 1:
                late.wait(LIMIT)
            connection.send(json.dumps({"type": "state", "data": {"step_count": len(asked)}}))

    async def play(client: ParlayClient) -> int:
        try:
            with pytest.raises(TimeoutError, match="did not answer in time"):
                await client.state()
            late.set()
            return (await client.state()).step_count
        finally:
            await client.close()

    with answering(deal_with) as address:
        client = ParlayClient(address, message_timeout_s=2.0)
        if awaited:
            assert asyncio.run(play(client)) == 2
        else:
            with client.sync() as table:
                with pytest.raises(TimeoutError, match="did not answer in time"):
                    table.state()
                late.set()
                assert table.state().step_count == 2


def test_a_connection_that_is_lost_or_cannot_be_made_is_an_error_of_the_package() -> None:
    with answering(lambda connection: connection.close(1012)) as address:
        with ParlayClient(address).sync() as table, pytest.raises(ServerConnectionError, match="is lost"):
            table.state()
        with pytest.raises(ServerConnectionError, match="is lost"):
            asyncio.run(ParlayClient(address).state())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ServerConnectionError, match=f"cannot connect to ws://127.0.0.1:{port}/ws: "):
        ParlayClient(f"http://127.0.0.1:{port}").sync().connect()
    with pytest.raises(ServerConnectionError, match="base_url: 'ftp://x' is no address"):
        ParlayClient("ftp://x")
