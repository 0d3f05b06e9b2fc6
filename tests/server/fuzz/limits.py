"""Attempts over the wire to get at the other's limit: by solving, by seeds that nobody chose, by rules that tell it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parlay_marl.catalogue.scenarios import load_scenario
from parlay_marl.core.moves import SEATS
from parlay_marl.game.config import BELIEFS, REWARDS
from parlay_marl.server.game_request import OPEN_PRESETS, OPEN_ROUNDS, GameRequest
from tests.server.fuzz.hidden import OPPONENT, secret
from tests.server.fuzz.replies import RESETS, is_refusal
from tests.server.fuzz.solver import Told, limits_from_own_figures, solve
from tests.server.fuzz.wire import Wire
from tests.server.table import factory

if TYPE_CHECKING:
    from tests.server.fuzz.fuzzer import Fuzzer

TELLING: tuple[dict[str, Any], ...] = (
    {"rules": "seed"},
    {"rules": {"preset": "seed"}},
    {"rules": {"erosion": {"of_start_width": 1.0, "hot_tension": 0.0}}},
    {"rules": {"credibility": {"tolerance": 0.001}}},
    {"rules": {"reward": {"belief_gain": 1e6}}},
    {"rules": {}},
    {"max_rounds": 7},
    {"max_rounds": 1_000},
)
"""Choices of rules and rounds that only a server that allows them takes: some tell a seat the other's limit."""
TACTICS = ("CHALLENGE", "BATNA_REVEAL", "ANCHOR_HIGH", "SILENCE", "", "")


def a_heated_move(draw: random.Random, seen: dict[str, Any]) -> dict[str, Any]:
    """Return a move that ends no game and heats the talks, so that limits move and claims are made and challenged."""
    low, high = seen["price_range"]
    inner = 0.02 + 0.1 * draw.random()
    price = round(low + (high - low) * (inner if seen["role"] == "buyer" else 1.0 - inner))
    tactic = draw.choice(TACTICS)
    if not tactic or tactic not in seen["legal_moves"]:
        return {"offer_amount": price}
    return {"tactical_move": tactic, **({"offer_amount": price} if tactic == "BATNA_REVEAL" else {})}


def begin(fuzzer: Fuzzer, wire: Wire, **options: Any) -> dict[str, Any]:
    """Begin a game over the planted scenario; return the reply."""
    asked = {"scenario": "planted", "opponent": OPPONENT, "text": False, **options}
    fuzzer.findings.sent["games for the solver"] += 1
    reply: dict[str, Any] = json.loads(wire.ask(json.dumps({"type": "reset", "data": asked})))
    return reply


def observation(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the observation of a reply, with what stands beside it."""
    data = reply["data"]
    return {**data["observation"], "reward": data["reward"], "done": data["done"]}


def watched_game(fuzzer: Fuzzer, number: int, draw: random.Random) -> None:
    """Play a game by what a client may choose, and try to work out the other's limit from all that was told."""
    choices = {
        "rules": draw.choice(OPEN_PRESETS), "reward": draw.choice(REWARDS), "role": draw.choice(SEATS),
        "beliefs": draw.choice(BELIEFS), "max_rounds": draw.choice((None, *OPEN_ROUNDS[3:])),
    }  # fmt: skip
    deal, role = load_scenario(Path(fuzzer.scenario)), str(choices["role"])
    asked = GameRequest.model_validate({name: value for name, value in choices.items() if name != "role"})
    config = asked.model_copy(update={"scenario": deal.name}).config({deal.name: deal})
    told = Told("/ws", config, number, SEATS.index(role), OPPONENT)
    hidden = secret(fuzzer.scenario, number, (1 - told.seat,))
    with Wire(fuzzer.port, "/ws") as wire:
        reply = begin(fuzzer, wire, seed=number, **choices)
        while not is_refusal(reply) and not reply["data"]["done"]:
            told.observations.append(observation(reply))
            told.history = json.loads(wire.ask('{"type": "state"}'))["data"]["history"]
            text = json.dumps({"type": "step", "data": a_heated_move(draw, told.observations[-1])})
            answer = wire.ask(text)
            reply = fuzzer.check("/ws", text, answer, None if '"outcome"' in answer else hidden)
    if is_refusal(reply):
        fuzzer.findings.add("/ws: a game for the solver is refused", choices, reply)
        return
    solution = solve(told, factory(scenario=(fuzzer.scenario,)), 6)
    if not solution.replays:
        fuzzer.findings.add("/ws: what a client was told is not what the rules come to", choices, solution)
    for part in solution.ruled_out:
        fuzzer.findings.add(f"/ws: {part} tells the other's limit", choices, solution)


def unchosen_games(fuzzer: Fuzzer, draw: random.Random) -> None:
    """Begin games without a seed: each must be another, and a seat's own figures must not tell the other's."""
    role, deal = draw.choice(SEATS), load_scenario(Path(fuzzer.scenario))
    seat, config = SEATS.index(role), GameRequest(scenario=deal.name).config({deal.name: deal})
    limits = []
    with Wire(fuzzer.port, "/ws") as wire:
        for _ in range(2):
            seen = observation(begin(fuzzer, wire, role=role))
            limits.append(seen["reservation_price"])
            found = limits_from_own_figures(config, seat, seen["urgency"], seen["reservation_price"])
            wire.ask(json.dumps({"type": "step", "data": a_heated_move(draw, seen)}))
            end = json.loads(wire.ask('{"type": "step", "data": {"walk_away": true}}'))
            other = end["data"]["observation"]["metadata"]["outcome"]["reservation"][1 - seat]
            if any(abs(limit - other) < 1.0 for limit in found):
                fuzzer.findings.add("/ws: a seat's own figures tell the other's limit", role, seen)
    with Wire(fuzzer.port, "/env/ws") as wire:
        for each in (role, role, SEATS[1 - seat]):
            asked = json.loads(RESETS["/env/ws"].replace("SEED", "0").replace("ROLE", each))
            del asked["seed"]
            seen = json.loads(wire.ask(json.dumps(asked)))["observation"]
            limits += [seen["zopa_lower"], seen["zopa_upper"]][:: 1 if each == "seller" else -1][:1]
    if len(set(limits)) < len(limits):
        fuzzer.findings.add("a game whose seed nobody chose comes again", role, limits)


def telling_choices(fuzzer: Fuzzer) -> None:
    """Ask for rules that are not for every client, in games of one client and of two."""
    with Wire(fuzzer.port, "/ws") as wire:
        for choice in TELLING:
            if not is_refusal(begin(fuzzer, wire, **choice)):
                fuzzer.findings.add("/ws: a client has changed the rules", choice)
            status, _ = fuzzer.request("POST", "/matches", json.dumps({"scenario": "planted", **choice}))
            if status != 422:
                fuzzer.findings.add(f"/matches: changed rules are answered with status {status}", choice)
