"""Digests of what users of the server and of the command line get: every message, and every line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.digests import adapter
from tests.digests.adapter import CHAMPION, ROLES, SCENARIOS, SCRIPTED
from tests.digests.digest import Dice, Digest

Groups = Iterator[tuple[str, Digest]]

MADE_UP = ("session_id", "episode_id", "resume_token")
"""Names that a server makes up anew in each game."""
LATER = ("rules", "reward_mode", "information", "seed_chosen", "protocol", "prices")
"""Parts of an observation that have come since: without them, every message is what it was."""
COSTS = {"batna_reveal": 20, "silence": 5}
"""Credibility that moves of the first protocol cost."""
TACTICS = ("ANCHOR_HIGH", "BATNA_REVEAL", "SILENCE", "CHALLENGE")


def without_names(told: Any) -> Any:
    """Return a message without the names that are made up, and without its later parts."""
    if isinstance(told, dict):
        return {key: without_names(value) for key, value in told.items() if key not in MADE_UP + LATER}
    return [without_names(each) for each in told] if isinstance(told, list) else told


class Client:
    """A client of one web socket, which sends and receives JSON."""

    def __init__(self, socket: Any, digest: Digest) -> None:
        self.socket, self.digest = socket, digest

    def ask(self, **message: Any) -> Any:
        """Send a message; return the answer, which is taken in."""
        self.socket.send_text(json.dumps(message))
        told = json.loads(self.socket.receive_text())
        self.digest.add(without_names(told))
        return told


def turn(dice: Dice, seen: dict[str, Any], step: int) -> dict[str, Any]:
    """Return an action of OpenEnv's protocol: mostly offers that concede, now and then something else that is legal."""
    low, high = seen["price_range"]
    share = min(0.04 * step, 1.0)
    amount = low + (high - low) * (share if seen["role"] == "buyer" else 1.0 - share)
    legal = [tactic for tactic in TACTICS if tactic in seen["legal_moves"]]
    if seen["counter_offer"] and seen["counter_offer"]["worth"] > 0.0 and step > 12:
        return {"accept": True, "utterance": "Agreed."}
    if legal and dice.share() < 0.3:
        tactic = dice.one_of(legal)
        priced = {"offer_amount": amount} if tactic == "BATNA_REVEAL" else {}
        return {"tactical_move": tactic, "utterance": "Well.", **priced}
    terms = {"terms": dice.one_of(seen["packages"])["terms"]} if seen["packages"] else {}
    return {"offer_amount": amount, "utterance": f"I can do {amount:,.0f}.", **terms}


def play_openenv(client: Client, dice: Dice, **asked: Any) -> None:
    """Play a game by OpenEnv's protocol to its end."""
    told, step = client.ask(type="reset", data=asked), 0
    while not told["data"]["done"]:
        told = client.ask(type="step", data=turn(dice, told["data"]["observation"], step))
        assert told["type"] == "observation", told
        step += 1
    client.ask(type="state")
    client.digest.games += 1


def openenv() -> Groups:
    """Play a client in both roles over each scenario by OpenEnv's protocol."""
    with adapter.server() as web:
        for scenario in SCENARIOS:
            digest, dice = Digest(), Dice("openenv", scenario)
            with web.websocket_connect("/ws") as socket:
                for role, reward in zip(ROLES, adapter.REWARD_MODES, strict=True):
                    asked = {"scenario": scenario, "role": role, "opponent": dice.one_of(SCRIPTED), "reward": reward}
                    play_openenv(Client(socket, digest), dice, seed=dice.below(1000), **asked)
            yield scenario, digest


def play_first_protocol(client: Client, dice: Dice, **asked: Any) -> None:
    """Play a game by the protocol of the first server to its end: the client is the seller, and concedes."""
    begun = client.ask(cmd="reset", **asked)
    seen, session, done = begun["observation"], begun["session_id"], False
    price, floor = 1.2 * seen["zopa_upper"], 0.8 * seen["zopa_lower"]
    while not done:
        move = dice.one_of((None, None, None, "anchor_high", "batna_reveal", "silence"))
        can_pay = seen["credibility_points"] >= COSTS.get(move, 0)
        action = {"utterance": "So?", "offer_amount": price, "tactical_move": move if can_pay else None}
        reply = client.ask(cmd="step", session_id=session, **action)
        assert "observation" in reply, reply
        seen, done, price = reply["observation"], reply["done"], max(0.97 * price, floor)
    client.ask(cmd="state", session_id=session)
    client.digest.games += 1


def first_protocol() -> Groups:
    """Play a client against each persona by the protocol of the first server."""
    with adapter.server() as web:
        for persona in SCRIPTED:
            digest = Digest()
            with web.websocket_connect("/env/ws") as socket:
                for seed, scenario in enumerate(("saas_enterprise", "hiring_package", "acquisition_term_sheet")):
                    dice = Dice("first protocol", persona, scenario)
                    play_first_protocol(Client(socket, digest), dice, scenario_id=scenario, persona=persona, seed=seed)
            yield persona, digest


def watch() -> Groups:
    """Watch games between personas over each scenario from the command line."""
    for scenario in SCENARIOS:
        digest, dice = Digest(), Dice("watch", scenario)
        for seed in range(4):
            pair = dice.one_of(SCRIPTED), dice.one_of(SCRIPTED)
            options = ["-s", scenario, "--seed", str(seed), "--game", str(dice.below(3))]
            options += ["--rules", dice.one_of(("default", "seed")), "--opener", dice.one_of(ROLES)]
            digest.add(adapter.parlay("watch", *pair, *options))
            digest.games += 1
        yield scenario, digest


def champion_on_a_server() -> Digest:
    """Return a digest of a client that plays the champion by both protocols."""
    digest = Digest()
    with adapter.server() as web:
        for scenario in SCENARIOS:
            with web.websocket_connect("/ws") as socket:
                asked = {"scenario": scenario, "role": ROLES[digest.games % 2], "opponent": CHAMPION, "seed": 3}
                play_openenv(Client(socket, digest), Dice("openenv", CHAMPION, scenario), **asked)
        with web.websocket_connect("/env/ws") as socket:
            dice = Dice("first protocol", CHAMPION)
            play_first_protocol(Client(socket, digest), dice, scenario_id="saas_enterprise", persona=CHAMPION, seed=3)
    return digest


def champion_watched() -> Digest:
    """Return a digest of games of the champion, watched from the command line."""
    digest = Digest()
    for scenario in SCENARIOS:
        digest.add(adapter.parlay("watch", CHAMPION, "shark", "-s", scenario, "--seed", "1"))
        digest.games += 1
    return digest
