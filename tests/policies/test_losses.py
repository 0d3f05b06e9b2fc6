"""Policies that leave out losses: never an offer or an acceptance worth less than nothing, in any interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parlay_marl.core.moves import ACCEPT, BUYER, decode, makes_offer
from parlay_marl.core.observation import AT
from parlay_marl.envs.batch import Batch
from parlay_marl.errors import ConfigurationError
from parlay_marl.policies.losses import leave_out_losses
from tests.policies.networks import learned, network, rows

SCENARIOS = ["uniform", "acquisition_terms", "family:storms"]


def worth(seen: Any, action: int, packages: int) -> float:
    """Return what an action deals at, by the words of the rules."""
    seat = int(seen[AT.seat])
    move, price, package = decode(action, seat, packages)
    if move == ACCEPT:
        return float(seen[AT.other_offer_worth])
    gain = float(seen[AT.reservation]) - price
    own = (gain if seat == BUYER else -gain) + float(seen[AT.package_values + package])
    return own if makes_offer(move) else 0.0


@pytest.mark.parametrize("packages", [1, 4])
def test_only_losses_are_left_out(packages: int) -> None:
    observations, masks = rows(200, packages)
    observations[:, AT.seat] = np.arange(200) % 2
    changed = 0
    for seen, mask in zip(observations, masks, strict=True):
        left = mask.copy()
        leave_out_losses(seen, packages, left)
        expected = [int(legal and worth(seen, k, packages) >= -1e-6) for k, legal in enumerate(mask)]
        assert left.tolist() == (expected if any(expected) else mask.tolist())
        changed += int((left != mask).any())
    assert changed > 50


def test_what_is_the_only_thing_left_stays_legal() -> None:
    observations, _ = rows(1)
    observations[0, AT.other_offer_worth] = -1.0
    mask = np.zeros(network().actions, np.int8)
    mask[0] = 1
    leave_out_losses(observations[0], 1, mask)
    assert mask.tolist() == [1] + [0] * (len(mask) - 1)


def test_asked_directly_it_plays_no_losses() -> None:
    observations, masks = rows(500)
    observations[:, AT.seat] = np.arange(500) % 2
    masks[:, 1] = 1  # walking away is no loss
    rash, careful = network(), network(no_losses=True)
    losses = []
    for policy in (rash, careful):
        played = zip(observations, policy.act(observations, masks), strict=True)
        losses.append(sum(worth(seen, int(action), 1) < -1e-6 for seen, action in played))
    assert losses[0] > 50
    assert losses[1] == 0
    chances = careful.probabilities(observations, masks)
    for seen, row in zip(observations, chances, strict=True):
        assert all(worth(seen, int(action), 1) >= -1e-6 for action in np.flatnonzero(row))


@pytest.mark.parametrize("fields", [5, 200])
def test_observations_of_another_width_are_refused(fields: int) -> None:
    _, masks = rows(2)
    with pytest.raises(ConfigurationError, match="it plays from rows of"):
        network(no_losses=True).legal(np.zeros((2, fields), np.float32), masks)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("prices_only", [False, True])
def test_in_games_it_gains_from_its_own_moves_whatever_its_weights(scenario: str, prices_only: bool) -> None:
    packages = 1 if prices_only else 16
    paid = {}
    for no_losses in (False, True):
        player = learned(packages=packages, no_losses=no_losses, temperature=1.0)
        batch = Batch(
            256,
            scenario,
            reward="payoff",
            autoreset="disabled",
            events=False,
            rules={"erosion": {"rate": 0.0}},
            opponent=player,
            learner="mixed",
            illegal="terminate",
        )
        batch.reset(7)
        rng, done = np.random.default_rng(0), np.zeros(256, bool)
        for _ in range(60):
            legal = [int(rng.choice(np.flatnonzero(mask))) if mask.any() else 0 for mask in batch.masks]
            batch.step(np.array(legal))
            done |= batch.endings != 0
            if done.all():
                break
        payoffs = batch.outcomes["payoff"][np.arange(256), 1 - batch.learners]
        paid[no_losses] = payoffs
    assert (paid[False] < -1e-3).any()
    assert not (paid[True] < -1e-3).any()
