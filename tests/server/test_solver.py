"""The solver of the fuzz harness finds the other's limit where the server leaks it, and nowhere else."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import numpy as np
import pytest

from parlay_marl.core import tracking
from parlay_marl.core.chance import subkey
from parlay_marl.core.moves import SEATS
from parlay_marl.game.config import BELIEFS, REWARDS
from parlay_marl.server.game_factory import GameFactory
from parlay_marl.server.game_request import OPEN_PRESETS, game_request
from parlay_marl.server.protocols.first_messages import FirstAction
from parlay_marl.server.protocols.first_session import FirstSession
from parlay_marl.server.protocols.openenv import NegotiationEnvironment
from parlay_marl.server.protocols.openenv_messages import NegotiationAction
from parlay_marl.server.session import GameSession
from tests.server.fuzz.solver import Told, keys_from_own_figures, limits_from_own_figures, solve
from tests.server.table import factory

FACTORY, FREE = factory(), factory(allow_rules=True)
HOT = {"erosion": {"hot_tension": 40.0, "rate": 0.005}}
"""Rules by which limits move early and often."""


def heated(seen: Any, draw: random.Random) -> NegotiationAction:
    """Return a turn that heats the talks: limits move, claims are made and challenged."""
    low, high = seen.price_range
    inner = 0.05 + 0.2 * draw.random()
    price = low + (high - low) * (inner if seen.role == "buyer" else 1.0 - inner)
    how = draw.choice(("CHALLENGE", "BATNA_REVEAL", "ANCHOR_HIGH", "SILENCE", "offer", "offer"))
    if how == "offer" or how not in seen.legal_moves:
        return NegotiationAction(offer_amount=round(price))
    amount = round(price) if how == "BATNA_REVEAL" else None
    return NegotiationAction(tactical_move=how, offer_amount=amount)  # type: ignore[arg-type]


def game_by_openenv(seed: int, shared: GameFactory = FACTORY, role: str = "buyer", **choices: Any) -> Told:
    """Play a game to its end, or nearly; return what the client was told before that."""
    env, draw = NegotiationEnvironment(shared), random.Random(seed)
    seen = env.reset(seed=seed, role=role, opponent="hardliner", text=False, **choices)
    assert env._session is not None
    told = Told("/ws", env._session.config, seed, SEATS.index(role), "hardliner")
    while not seen.done:
        told.observations.append(seen.model_dump(mode="json"))
        told.history = env._session.history()
        seen = env.step(heated(seen, draw))
    return told


def game_by_first_protocol(seed: int, shared: GameFactory = FACTORY, role: str = "seller") -> Told:
    """Play a game of the first protocol; return what the client was told before its end."""
    first = FirstSession(shared, "saas_enterprise", "hardliner", role, seed, shared=False)
    told = Told("/env/ws", first.game.config, seed, SEATS.index(role), "hardliner")
    draw, seen = random.Random(seed), first.observation(0.0, "")
    while not seen["episode_done"]:
        told.observations.append(seen)
        told.history = first.game.history()
        price = (170_000 if role == "seller" else 115_000) + draw.randrange(5_000)
        tactic = draw.choice((None, None, "anchor_high", "batna_reveal", "silence"))
        if tactic not in seen["available_moves"]:
            tactic = None
        message = {"utterance": "So?", "offer_amount": price, "tactical_move": tactic}
        seen = asyncio.run(first.step(FirstAction.read(message)))
    return told


CHOICES = [
    {"rules": rules, "reward": reward, "beliefs": beliefs, "role": role}
    for rules, reward, beliefs, role in itertools.product(OPEN_PRESETS, REWARDS, BELIEFS, SEATS)
]


@pytest.mark.parametrize("choices", CHOICES, ids=lambda each: "-".join(each.values()))
def test_nothing_that_a_client_may_choose_tells_the_others_limit(choices: dict[str, str]) -> None:
    scenarios, ticks = ("saas_enterprise", "hiring_package_terms", "uniform"), 0
    for seed, scenario in enumerate(scenarios):
        told = game_by_openenv(seed, scenario=scenario, **choices)
        solution = solve(told, FACTORY, 8)
        assert solution.replays
        assert solution.ruled_out == {}
        ticks += told.observations[-1]["erosion_ticks"]
        assert len(told.observations) > 5
    assert ticks, "limits moved in these games"


@pytest.mark.parametrize("role", SEATS)
def test_nothing_in_the_first_protocol_tells_the_others_limit(role: str) -> None:
    for seed in range(4):
        solution = solve(game_by_first_protocol(seed, role=role), FACTORY, 8)
        assert solution.replays
        assert solution.ruled_out == {}


@pytest.mark.parametrize("role", SEATS)
@pytest.mark.parametrize("rules", [{"preset": "seed", **HOT}, {"erosion": {"of_start_width": 1.0, "hot_tension": 0.0}}])
def test_it_finds_the_limit_in_an_erosion_by_a_share_of_the_true_zopa(rules: Any, role: str) -> None:
    for seed in range(3):
        solution = solve(game_by_openenv(seed, FREE, role, rules=rules), FREE)
        assert solution.replays
        assert solution.is_found
        assert "reservation_price" in solution.ruled_out or "counter_offer.worth" in solution.ruled_out


def test_it_finds_the_limit_in_rewards_that_pay_for_beliefs_turn_by_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    # as the shaped reward once did
    paid = GameSession.take_reward

    def by_the_turn(session: GameSession, seat: int) -> float:
        return paid(session, seat) + 5.0 * tracking.accuracy(session.game.row, session.config.params[0], seat)

    monkeypatch.setattr(GameSession, "take_reward", by_the_turn)
    for told in (game_by_openenv(3, reward="shaped"), game_by_first_protocol(3)):
        solution = solve(told, FACTORY)
        assert solution.replays
        assert solution.is_found
        assert set(solution.ruled_out) <= {"reward", "cumulative_reward"}


@pytest.mark.parametrize("figure", ["credibility", "belief"])
def test_it_finds_the_limit_in_other_figures(monkeypatch: pytest.MonkeyPatch, figure: str) -> None:
    begin = GameSession._refresh

    def leaky(session: GameSession) -> None:
        begin(session)
        row = session.game.row
        place = row[figure][0] if figure == "belief" else row[figure]
        place[0] = 60.0 + 10.0 * row["reservation"][1]

    monkeypatch.setattr(GameSession, "_refresh", leaky)
    solution = solve(game_by_openenv(4, rules="default"), FACTORY)
    assert solution.replays
    assert solution.is_found
    assert all(part.startswith(figure) for part in solution.ruled_out)


# ---------------------------------------------------------------------- the draws of chance


def found_from_own_figures(session: GameSession, seat: int) -> bool:
    """Whether a seat's own figures tell the other's limit."""
    view, scenario = session.view(seat), session.scenario
    other = scenario.to_currency(float(session.game.row["reservation"][1 - seat]))
    found = limits_from_own_figures(session.config, seat, view.urgency, view.reservation_price)
    return any(abs(limit - other) < 1e-3 for limit in found)


@pytest.mark.parametrize("seed", [None, 11])
@pytest.mark.parametrize("seat", [0, 1])
@pytest.mark.parametrize("scenario", ["saas_enterprise", "hiring_package_terms", "uniform"])
def test_a_seats_own_figures_tell_their_key_and_nothing_of_the_other(
    scenario: str, seat: int, seed: int | None
) -> None:
    config = game_request({"scenario": scenario, "opener": SEATS[seat]}).config(FACTORY.scenarios)
    for _ in range(3):
        session = GameSession(config)
        session.begin(seed)
        view, key = session.view(seat), np.uint64(session.game.row["key"])
        with np.errstate(over="ignore"):
            own = subkey(key, 1 + seat)
        assert own in keys_from_own_figures(config, seat, view.urgency, view.reservation_price), "or nothing is tried"
        assert not found_from_own_figures(session, seat)
