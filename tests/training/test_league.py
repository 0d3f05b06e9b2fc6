"""Who a learner plays against: shares, prioritised fictitious self-play, and who makes room."""

from __future__ import annotations

import numpy as np
import pytest

from parlay_marl.catalogue import load_persona
from parlay_marl.core.moves import OFFER
from parlay_marl.envs.batch import Batch
from parlay_marl.players.persona import PersonaPlayer
from parlay_marl.training.league import EXPLORER, FIRST_PAST, LEAST_WEIGHT, SELVES, League, league_player
from tests.policies.networks import network


@pytest.fixture
def league() -> League:
    others = [PersonaPlayer(load_persona(name)) for name in ("shark", "linear")]
    return League(others, [3.0, 1.0], places=3)


def test_without_a_past_its_share_is_the_policys_own(league: League) -> None:
    shares = league.shares(0.2, 0.1, 0.2, 0.5)
    assert shares.sum() == pytest.approx(1.0)
    assert shares[:SELVES] == pytest.approx(0.4 / SELVES)
    assert shares[EXPLORER] == pytest.approx(0.1)
    assert shares[FIRST_PAST : FIRST_PAST + 3] == pytest.approx(0.0)
    assert shares[-2:] == pytest.approx([0.375, 0.125])


def test_a_past_policy_is_played_more_the_less_it_is_beaten(league: League) -> None:
    for frame in range(3):
        league.remember(network(), frame)
    league.beaten[:] = [0.9, 0.5, 1.0]
    chances = league.shares(0.0, 0.0, 1.0, 0.0)[FIRST_PAST : FIRST_PAST + 3]
    expected = np.array([max(0.1**2, LEAST_WEIGHT), 0.25, LEAST_WEIGHT])
    assert chances == pytest.approx(expected / expected.sum())


def test_duels_are_noted_by_who_is_paid_more(league: League) -> None:
    league.remember(network(), 0)
    league.remember(network(), 1)
    opponents = np.array([FIRST_PAST, FIRST_PAST, FIRST_PAST + 1, 0, FIRST_PAST + 3])
    for _ in range(2000):
        league.note(opponents, np.array([0.6, 0.6, 0.1, 9.0, 9.0]), np.array([0.2, 0.6, 0.3, 0.0, 0.0]))
    assert league.beaten[:2] == pytest.approx([0.75, 0.0], abs=0.01)


def test_who_is_beaten_most_makes_room_and_the_first_stays(league: League) -> None:
    policies = [network() for _ in range(4)]
    for frame, policy in enumerate(policies[:3]):
        league.remember(policy, frame)
    league.beaten[:] = [1.0, 0.4, 0.8]
    league.remember(policies[3], 7)
    assert league.born == [0, 1, 7]
    assert [a is b for a, b in zip(league.past, [policies[0], policies[1], policies[3]], strict=True)] == [True] * 3
    assert league.beaten[2] == 0.5


def test_the_line_up_is_selves_then_past_then_others(league: League) -> None:
    old, now = network(), network(seed=1)
    league.remember(old, 0)
    line_up = league.players(now, None)
    assert [player.policy for player in line_up[: FIRST_PAST + 1]] == [*[now] * FIRST_PAST, old]
    assert [player.policy for player in line_up[FIRST_PAST + 1 : FIRST_PAST + 3]] == [now, now]
    assert [i for i, player in enumerate(line_up) if player.record["network"]["explores"][0] > 0.0] == [EXPLORER]
    assert [player.name for player in line_up[-2:]] == ["shark", "linear"]


def begun(explores: bool, lanes: int = 600) -> Batch:
    """Return games of 5 rounds before the learner's first turn."""
    opponent = league_player("self", network(), explores=explores)
    batch = Batch(lanes, "uniform", reward="payoff", max_rounds=5, learner="buyer", opponent=opponent)
    batch.reset(0)
    return batch


def test_games_against_the_explorer_begin_anywhere() -> None:
    usual, exploring = begun(explores=False), begun(explores=True)
    assert set(usual.games["round"]) == {0}
    assert set(exploring.games["round"]) == {0, 1, 2, 3, 4}
    late = exploring.games["round"] >= 2
    assert set(exploring.games["last_move"][late, 0]) == {OFFER}
    own = exploring.games["offer_price"][late, 0]
    assert own.min() < 0.1
    assert own.max() > 0.9
    assert own.mean() == pytest.approx(0.5, abs=0.06)
    assert (exploring.lanes["reward"] == 0.0).all()
    same = exploring.lanes["number"] == usual.lanes["number"]
    for name in ("urgency", "opener"):  # nothing else is drawn in another way
        assert (usual.games[name][same] == exploring.games[name][same]).all()


def test_after_its_beginning_an_exploring_game_is_played_by_the_policy() -> None:
    first, second = begun(explores=True), begun(explores=True)
    actions = np.array([int(np.flatnonzero(mask)[-1]) for mask in first.masks])
    for batch in (first, second):
        batch.step(actions)
    assert first.games.tobytes() == second.games.tobytes()
