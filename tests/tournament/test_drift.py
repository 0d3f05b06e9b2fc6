"""A persona that drifts, and the belief about it that follows: in figures over many games."""

from __future__ import annotations

from typing import Any

import numpy as np

from parlay_marl.catalogue import build_params, load_persona, load_rules
from parlay_marl.catalogue.personas import Drift, Persona
from parlay_marl.core.belief import HIGH, LOW, RESERVATION
from parlay_marl.core.params import PARAMS_DTYPE
from parlay_marl.envs.many import joined
from parlay_marl.players.persona import as_persona
from parlay_marl.studies.beliefs.tracking import TRACKERS
from parlay_marl.studies.recorded import recorded
from tests.core.games import scenario
from tests.helpers import BUYER, SELLER

GAMES, COMES = 1000, 8
NEWS = {"round": COMES, "headline": "A competitor.", "tags": ["competition"], "buyer": {"urgency": -0.1}}
"""What makes the shark drift, and moves no limit."""
STRANGERS = scenario(opener="buyer", reservation={"distribution": "uniform"}, events=[NEWS])
SHARK = load_persona("shark")


def about_the_seller(seller: Persona) -> tuple[Any, Any, Any]:
    """Return, for each round, what the seller gave up on average, and error and coverage of the belief about it."""
    records = [build_params(STRANGERS, load_rules("default"), reward="payoff", beliefs=name) for name in TRACKERS]
    turns, beliefs, lengths = recorded(
        as_persona("hardliner"),
        as_persona(seller),
        joined(records, PARAMS_DTYPE),
        opener=BUYER,
        seed=1,
        numbers=np.arange(GAMES),
    )
    gives, error, coverage = [], [], []
    for turn in range(3, 36, 2):
        on = lengths > turn
        truth, seen = turns["reservation"][on, turn, SELLER], beliefs[on, turn, 0, BUYER]
        gives.append((turns["price"][on, turn - 2] - turns["price"][on, turn]).mean())
        error.append(np.abs(seen[:, RESERVATION] - truth).mean())
        coverage.append(((seen[:, LOW] <= truth) & (truth <= seen[:, HIGH])).mean())
    return np.array(gives), np.array(error), np.array(coverage)


def test_a_shark_that_drifts_gives_and_is_read_at_once() -> None:
    """Rounds 1 to 17 against someone who never moves: it waits for ever, but for a competitor."""
    gives, error, coverage = about_the_seller(SHARK)
    still_gives, still_error, _ = about_the_seller(SHARK.model_copy(update={"drift": Drift()}))
    before, after = slice(0, COMES - 1), slice(COMES - 1, None)
    assert np.abs(gives[before]).max() < 1e-9
    assert np.abs(still_gives[: COMES + 3]).max() < 1e-9
    assert gives[after][0] > 0.05
    assert error[before].min() > 0.2, "nothing is known of a limit from offers that stand still"
    assert error[after][0] < 0.85 * error[before][-1], "in the very round of the drift"
    assert error[-4:].max() < 0.65 * error[before][-1]
    assert still_error[-4:].min() > 1.5 * error[-4:].max()
    assert coverage.min() > 0.85, "and what it says it knows, it knows"
