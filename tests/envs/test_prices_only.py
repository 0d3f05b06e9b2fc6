"""A learner that knows of the price only, in deals with terms: it plays as its policy plays in the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.catalogue.personas import load_persona
from parlay_marl.core.moves import Move, decode, makes_offer
from parlay_marl.core.observation import width
from parlay_marl.core.style import CHOICE_DTYPE
from parlay_marl.envs.batch import Batch
from parlay_marl.players.packages import best_for_both
from parlay_marl.players.persona import PersonaPlayer, persona_tables
from parlay_marl.players.scripted import choose_move
from parlay_marl.training.imitation import actions_of
from parlay_marl.training.league import league_player
from tests.policies.networks import network

LANES, STEPS = 32, 40
SCENARIOS = ("hiring_package_terms", "acquisition_terms", "family:terms", "family:unseen", "uniform")


def choice_of(batch: Batch, lane: int, player: PersonaPlayer) -> Any:
    """Return what a persona would choose in a lane's game."""
    tables, choice = persona_tables([player]), np.zeros(1, CHOICE_DTYPE)
    choose_move(batch.games, batch._params, lane, tables.records, tables.weights, 0, choice)
    return choice[0]


def topic_of(batch: Batch, lane: int) -> int:
    """Return the package that the seat on turn bargains over."""
    row = batch.games[lane]
    return int(best_for_both(row, batch._params[row["scenario"]], int(row["seat"]))[0])


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_learner_sees_and_does_what_its_policy_would_see_and_do(scenario: str) -> None:
    policy = network((16, 8), temperature=0.0)
    player = league_player("pupil", policy)
    batch = Batch(
        LANES, scenario, learner="mixed", opponent=["linear", "diplomat"], prices_only=True, illegal="raise",
        autoreset="same_step",
    )  # fmt: skip
    batch.reset(3)
    assert batch.observations.shape == (LANES, width(1))
    moves, packages = set(), set()
    for _ in range(STEPS):
        wanted = [choice_of(batch, lane, player).copy() for lane in range(LANES)]
        actions, seats = policy.act(batch.observations, batch.masks), batch.learners.copy()
        batch.step(actions)
        for lane, choice in enumerate(wanted):
            move = decode(int(actions[lane]), int(seats[lane]), 1)[0]
            assert move == choice["move"]
            moves.add(move)
            if batch.endings[lane] == 0 and makes_offer(move):
                row, sc = batch.games[lane], batch.config_of(lane).params[0]["scenario"]
                assert row["offer_package"][seats[lane]] == choice["package"]
                unit = sc["unit"] / (sc["high"] - sc["low"])
                assert row["offer_price"][seats[lane]] == pytest.approx(choice["price"], abs=2 * unit)
                packages.add(int(choice["package"]))
    assert moves >= {Move.OFFER}
    assert len(packages) > (1 if scenario != "uniform" else 0)


@pytest.mark.parametrize("scenario", ["hiring_package_terms", "family:terms"])
@pytest.mark.parametrize("persona", ["shark", "diplomat"])
def test_what_a_persona_would_do_is_told_in_prices_of_that_package(scenario: str, persona: str) -> None:
    """Played as an action, it is the persona's own move: its offer, and its claim about the reference."""
    chosen = load_persona(persona)
    player = PersonaPlayer(chosen.model_copy(update={"tactics": dict(chosen.tactics) | {"joint_surplus": 1.0}}))
    batch = Batch(
        LANES, scenario, learner="mixed", opponent=["linear"], prices_only=True, illegal="raise", autoreset="same_step"
    )
    batch.reset(5)
    kinds = set()
    for _ in range(STEPS):
        own, told = [choice_of(batch, lane, player).copy() for lane in range(LANES)], batch.choices(player)
        topics = [topic_of(batch, lane) for lane in range(LANES)]
        actions, seats = actions_of(batch, player, batch.masks), batch.learners.copy()
        batch.step(actions)
        for lane in np.flatnonzero(batch.endings == 0):
            row, move = batch.games[lane], own[lane]["move"]
            assert told[lane]["move"] == move
            assert told[lane]["package"] == 0
            if move == Move.BATNA_REVEAL and 0.05 < told[lane]["price"] < 0.95:
                assert row["claim_price"][seats[lane]] == pytest.approx(own[lane]["price"], abs=0.03)
                kinds.add(move)
            if move == Move.OFFER and own[lane]["package"] == topics[lane] and row["last_move"][seats[lane]] == move:
                assert row["offer_package"][seats[lane]] == topics[lane]
                assert row["offer_price"][seats[lane]] == pytest.approx(own[lane]["price"], abs=0.03)
                kinds.add(move)
    assert kinds == {Move.OFFER, Move.BATNA_REVEAL}
