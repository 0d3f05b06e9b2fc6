"""The games before the first client: they need all compiled code that any later game needs."""

from __future__ import annotations

import os
import sys

import pytest

from tests.processes import run

GAMES = """
import asyncio, json, sys

from parlay_marl.catalogue import persona_names
from parlay_marl.core.compiled import late
from parlay_marl.core.compiled.jit import ENTRY_POINTS
from parlay_marl.server.app import create_app
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_socket import answer
from parlay_marl.server.settings import ServerSettings
from parlay_marl.server.telemetry import Telemetry


def loaded():
    return {(name, kinds) for name, point in ENTRY_POINTS.items() for kinds in point.overloads}


async def start(app):
    began = asyncio.Event()

    async def receive():
        if not began.is_set():
            began.set()
            return {"type": "lifespan.startup"}
        return {"type": "lifespan.shutdown"}

    async def send(message):
        assert "failed" not in message["type"], message

    await app({"type": "lifespan"}, receive, send)


async def play(games):
    environment = NegotiationEnvironment(games)
    for scenario in games.scenarios:
        for persona in persona_names():
            reset = {"scenario": scenario, "opponent": persona, "seed": 3, "max_rounds": 5, "reward": "shaped"}
            reply = json.loads(await answer(environment, {"type": "reset", "data": reset}))
            while not reply["data"]["done"]:
                legal = reply["data"]["observation"]["legal_moves"]
                move = next((each for each in ("CHALLENGE", "BATNA_REVEAL", "SILENCE") if each in legal), "WALK_AWAY")
                amount = reply["data"]["observation"]["price_range"][0]
                action = {"tactical_move": move} | ({"offer_amount": amount} if move == "BATNA_REVEAL" else {})
                reply = json.loads(await answer(environment, {"type": "step", "data": action}))


settings = ServerSettings()
asyncio.run(start(create_app(settings)))
before = loaded()
assert late.empty_slots() == []
asyncio.run(play(GameFactory(settings, Telemetry(settings))))
print(len(before), sorted(name for name, _ in loaded() - before) + late.empty_slots())
"""


@pytest.mark.compiled_only
def test_no_client_waits_for_compiled_code() -> None:
    """A game with terms held all others up for 20 seconds where nothing was on the disk."""
    done = run([sys.executable, "-c", GAMES], env=os.environ, check=True)
    before, later = done.stdout.split(" ", 1)
    assert int(before) > 10
    assert later.strip() == "[]"
